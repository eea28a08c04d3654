DROP TABLE schedulers;
DROP TABLE executors;

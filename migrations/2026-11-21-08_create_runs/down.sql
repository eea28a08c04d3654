DROP TABLE attempts;
DROP TABLE task_runs;
DROP TABLE runs;

DROP TABLE bulk_refusals;
DROP TABLE bulk_jobs;

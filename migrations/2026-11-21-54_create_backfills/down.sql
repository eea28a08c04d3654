DROP TABLE backfill_steps;
DROP TABLE backfills;

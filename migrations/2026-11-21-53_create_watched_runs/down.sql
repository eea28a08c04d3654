DROP TABLE workflow_watchers;
DROP TABLE watched_runs;

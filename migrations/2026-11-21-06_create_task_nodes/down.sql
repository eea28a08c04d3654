DROP TABLE task_nodes;

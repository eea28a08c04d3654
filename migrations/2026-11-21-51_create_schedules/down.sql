DROP TABLE schedule_states;
DROP TABLE schedules;

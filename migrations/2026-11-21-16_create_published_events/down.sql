DROP TABLE awaited_events;
DROP TABLE published_events;

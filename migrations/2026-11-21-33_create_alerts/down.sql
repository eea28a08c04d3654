DROP TABLE alert_progress, alert_causes, alerts;

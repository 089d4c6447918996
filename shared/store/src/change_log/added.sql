-- The same of rows that come and go: for the connections that add or remove any.
CREATE TEMP TRIGGER log_task_added AFTER INSERT ON main.tasks BEGIN
  INSERT INTO change_log (kind, row_id, plan_id, change, after) VALUES ('task', NEW.id, NEW.plan_id, 'added', NEW.task_id); END;
CREATE TEMP TRIGGER log_task_removed AFTER DELETE ON main.tasks BEGIN
  INSERT INTO change_log (kind, row_id, plan_id, change, before) VALUES ('task', OLD.id, OLD.plan_id, 'removed', OLD.task_id); END;
CREATE TEMP TRIGGER log_wave_added AFTER INSERT ON main.waves BEGIN
  INSERT INTO change_log (kind, row_id, plan_id, change, after) VALUES ('wave', NEW.id, NEW.plan_id, 'added', NEW.wave_id); END;
CREATE TEMP TRIGGER log_wave_removed AFTER DELETE ON main.waves BEGIN
  INSERT INTO change_log (kind, row_id, plan_id, change, before) VALUES ('wave', OLD.id, OLD.plan_id, 'removed', OLD.wave_id); END;
CREATE TEMP TRIGGER log_plan_added AFTER INSERT ON main.plans BEGIN
  INSERT INTO change_log (kind, row_id, plan_id, change, after) VALUES ('plan', NEW.id, NEW.id, 'added', NEW.name); END;
CREATE TEMP TRIGGER log_plan_removed AFTER DELETE ON main.plans BEGIN
  INSERT INTO change_log (kind, row_id, plan_id, change, before) VALUES ('plan', OLD.id, OLD.id, 'removed', OLD.name); END;

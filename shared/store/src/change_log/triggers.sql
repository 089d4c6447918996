-- What writes the log of changes: triggers of a connection of ours, made before its first write to plans, waves or tasks. They
-- are not part of the database, whose every opening they would make slower. The fields are those of FIELDS in change_log.rs.
CREATE TEMP TRIGGER log_task_added AFTER INSERT ON main.tasks BEGIN
  INSERT INTO change_log (kind, row_id, plan_id, change, after) VALUES ('task', NEW.id, NEW.plan_id, 'added', NEW.task_id); END;
CREATE TEMP TRIGGER log_task_removed AFTER DELETE ON main.tasks BEGIN
  INSERT INTO change_log (kind, row_id, plan_id, change, before) VALUES ('task', OLD.id, OLD.plan_id, 'removed', OLD.task_id); END;
CREATE TEMP TRIGGER log_task_changed AFTER UPDATE OF status, title, task_id, description, notes, assignee, priority, model, output_data, test_criteria, executor_agent, executor_host, validated_at, wave_id ON main.tasks BEGIN
  INSERT INTO change_log (kind, row_id, plan_id, change, field, before, after)
  SELECT 'task', NEW.id, NEW.plan_id, 'changed', field, was, got FROM (
    SELECT 'status' AS field, OLD.status AS was, NEW.status AS got UNION ALL SELECT 'title', OLD.title, NEW.title
    UNION ALL SELECT 'task_id', OLD.task_id, NEW.task_id
    UNION ALL SELECT 'description', OLD.description, NEW.description UNION ALL SELECT 'notes', OLD.notes, NEW.notes
    UNION ALL SELECT 'assignee', OLD.assignee, NEW.assignee UNION ALL SELECT 'priority', OLD.priority, NEW.priority
    UNION ALL SELECT 'model', OLD.model, NEW.model UNION ALL SELECT 'output_data', OLD.output_data, NEW.output_data
    UNION ALL SELECT 'test_criteria', OLD.test_criteria, NEW.test_criteria
    UNION ALL SELECT 'executor_agent', OLD.executor_agent, NEW.executor_agent
    UNION ALL SELECT 'executor_host', OLD.executor_host, NEW.executor_host
    UNION ALL SELECT 'validated_at', OLD.validated_at, NEW.validated_at
    UNION ALL SELECT 'wave_id', OLD.wave_id, NEW.wave_id) WHERE was IS NOT got; END;
CREATE TEMP TRIGGER log_wave_added AFTER INSERT ON main.waves BEGIN
  INSERT INTO change_log (kind, row_id, plan_id, change, after) VALUES ('wave', NEW.id, NEW.plan_id, 'added', NEW.wave_id); END;
CREATE TEMP TRIGGER log_wave_removed AFTER DELETE ON main.waves BEGIN
  INSERT INTO change_log (kind, row_id, plan_id, change, before) VALUES ('wave', OLD.id, OLD.plan_id, 'removed', OLD.wave_id); END;
CREATE TEMP TRIGGER log_wave_changed AFTER UPDATE OF status, name, wave_id, depends_on, precondition, assignee, worktree_path, branch_name, pr_number ON main.waves BEGIN
  INSERT INTO change_log (kind, row_id, plan_id, change, field, before, after)
  SELECT 'wave', NEW.id, NEW.plan_id, 'changed', field, was, got FROM (
    SELECT 'status' AS field, OLD.status AS was, NEW.status AS got UNION ALL SELECT 'name', OLD.name, NEW.name
    UNION ALL SELECT 'wave_id', OLD.wave_id, NEW.wave_id UNION ALL SELECT 'depends_on', OLD.depends_on, NEW.depends_on
    UNION ALL SELECT 'precondition', OLD.precondition, NEW.precondition
    UNION ALL SELECT 'assignee', OLD.assignee, NEW.assignee
    UNION ALL SELECT 'worktree_path', OLD.worktree_path, NEW.worktree_path
    UNION ALL SELECT 'branch_name', OLD.branch_name, NEW.branch_name
    UNION ALL SELECT 'pr_number', OLD.pr_number, NEW.pr_number) WHERE was IS NOT got; END;
CREATE TEMP TRIGGER log_plan_added AFTER INSERT ON main.plans BEGIN
  INSERT INTO change_log (kind, row_id, plan_id, change, after) VALUES ('plan', NEW.id, NEW.id, 'added', NEW.name); END;
CREATE TEMP TRIGGER log_plan_removed AFTER DELETE ON main.plans BEGIN
  INSERT INTO change_log (kind, row_id, plan_id, change, before) VALUES ('plan', OLD.id, OLD.id, 'removed', OLD.name); END;
CREATE TEMP TRIGGER log_plan_changed AFTER UPDATE OF status, name, description, human_summary, execution_host, worktree_path, validated_at ON main.plans BEGIN
  INSERT INTO change_log (kind, row_id, plan_id, change, field, before, after)
  SELECT 'plan', NEW.id, NEW.id, 'changed', field, was, got FROM (
    SELECT 'status' AS field, OLD.status AS was, NEW.status AS got UNION ALL SELECT 'name', OLD.name, NEW.name
    UNION ALL SELECT 'description', OLD.description, NEW.description
    UNION ALL SELECT 'human_summary', OLD.human_summary, NEW.human_summary
    UNION ALL SELECT 'execution_host', OLD.execution_host, NEW.execution_host
    UNION ALL SELECT 'worktree_path', OLD.worktree_path, NEW.worktree_path
    UNION ALL SELECT 'validated_at', OLD.validated_at, NEW.validated_at) WHERE was IS NOT got; END;

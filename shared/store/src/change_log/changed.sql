-- What writes the log of changes of rows that are there: triggers of a connection of ours, made before its first write to
-- plans, waves or tasks. They are not part of the database, whose every opening they would make slower. The fields are those
-- that a tool changes.
CREATE TEMP TRIGGER log_task_changed AFTER UPDATE OF status, title, description, notes, assignee, output_data, executor_host, validated_at ON main.tasks BEGIN
  INSERT INTO change_log (kind, row_id, plan_id, change, field, before, after)
  SELECT 'task', NEW.id, NEW.plan_id, 'changed', field, was, got FROM (
    SELECT 'status' AS field, OLD.status AS was, NEW.status AS got UNION ALL SELECT 'title', OLD.title, NEW.title
    UNION ALL SELECT 'description', OLD.description, NEW.description UNION ALL SELECT 'notes', OLD.notes, NEW.notes
    UNION ALL SELECT 'assignee', OLD.assignee, NEW.assignee
    UNION ALL SELECT 'output_data', OLD.output_data, NEW.output_data
    UNION ALL SELECT 'executor_host', OLD.executor_host, NEW.executor_host
    UNION ALL SELECT 'validated_at', OLD.validated_at, NEW.validated_at) WHERE was IS NOT got; END;
CREATE TEMP TRIGGER log_wave_changed AFTER UPDATE OF status, worktree_path, branch_name, pr_number ON main.waves BEGIN
  INSERT INTO change_log (kind, row_id, plan_id, change, field, before, after)
  SELECT 'wave', NEW.id, NEW.plan_id, 'changed', field, was, got FROM (
    SELECT 'status' AS field, OLD.status AS was, NEW.status AS got
    UNION ALL SELECT 'worktree_path', OLD.worktree_path, NEW.worktree_path
    UNION ALL SELECT 'branch_name', OLD.branch_name, NEW.branch_name
    UNION ALL SELECT 'pr_number', OLD.pr_number, NEW.pr_number) WHERE was IS NOT got; END;
CREATE TEMP TRIGGER log_plan_changed AFTER UPDATE OF status, description, human_summary, execution_host, worktree_path, validated_at ON main.plans BEGIN
  INSERT INTO change_log (kind, row_id, plan_id, change, field, before, after)
  SELECT 'plan', NEW.id, NEW.id, 'changed', field, was, got FROM (
    SELECT 'status' AS field, OLD.status AS was, NEW.status AS got
    UNION ALL SELECT 'description', OLD.description, NEW.description
    UNION ALL SELECT 'human_summary', OLD.human_summary, NEW.human_summary
    UNION ALL SELECT 'execution_host', OLD.execution_host, NEW.execution_host
    UNION ALL SELECT 'worktree_path', OLD.worktree_path, NEW.worktree_path
    UNION ALL SELECT 'validated_at', OLD.validated_at, NEW.validated_at) WHERE was IS NOT got; END;

-- The current schema of the shared database: schema version 9. Made in one transaction; migrations end here too.
-- Version 9 is the scripts' version 8 with: plans.project, updated_at on waves and tasks, lock identity across
-- worktrees in file_locks, repository and steps in merge_queue (where a branch may wait once in each repository), the
-- steps of a landing in waves, cache tokens and branch in token_usage, the tables task_requirements, task_failures,
-- task_rejections, counted_answers and read_transcripts, and the view tokens.
CREATE TABLE projects (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, path TEXT NOT NULL, branch TEXT DEFAULT 'main', github_url TEXT, icon_path TEXT,
  created_at DATETIME DEFAULT CURRENT_TIMESTAMP, updated_at DATETIME DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE plans (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE, name TEXT NOT NULL,
  source_file TEXT, markdown_path TEXT, markdown_dir TEXT, is_master BOOLEAN DEFAULT 0,
  parent_plan_id INTEGER REFERENCES plans(id) ON DELETE SET NULL,
  status TEXT NOT NULL DEFAULT 'todo' CHECK (status IN ('todo','doing','done','archived')),
  tasks_total INTEGER DEFAULT 0, tasks_done INTEGER DEFAULT 0, lines_added INTEGER, lines_removed INTEGER,
  created_at DATETIME DEFAULT CURRENT_TIMESTAMP, updated_at DATETIME DEFAULT CURRENT_TIMESTAMP, started_at DATETIME, completed_at DATETIME,
  validated_at DATETIME, validated_by TEXT, worktree_path TEXT, execution_host TEXT, description TEXT, human_summary TEXT,
  archived_at DATETIME, archived_path TEXT, git_clean_at_closure INTEGER, parallel_mode TEXT DEFAULT 'standard',
  project TEXT GENERATED ALWAYS AS (project_id) VIRTUAL,
  UNIQUE (project_id, name));
CREATE TABLE waves (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, plan_id INTEGER REFERENCES plans(id) ON DELETE CASCADE, wave_id TEXT NOT NULL,
  name TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ('pending','in_progress','done','blocked','merging')), assignee TEXT,
  tasks_done INTEGER DEFAULT 0, tasks_total INTEGER DEFAULT 0, position INTEGER DEFAULT 0, started_at DATETIME, completed_at DATETIME,
  planned_start DATETIME, planned_end DATETIME, depends_on TEXT, estimated_hours INTEGER DEFAULT 8, markdown_path TEXT,
  precondition TEXT, worktree_path TEXT, branch_name TEXT, pr_number INTEGER, pr_url TEXT, updated_at DATETIME,
  landing_step TEXT, landing_head TEXT);
CREATE TABLE tasks (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, wave_id TEXT NOT NULL, wave_id_fk INTEGER REFERENCES waves(id) ON DELETE CASCADE,
  plan_id INTEGER REFERENCES plans(id) ON DELETE CASCADE, task_id TEXT NOT NULL, title TEXT NOT NULL, description TEXT,
  status TEXT NOT NULL CHECK (status IN ('pending','in_progress','done','blocked','skipped')), assignee TEXT,
  priority TEXT DEFAULT 'P1' CHECK (priority IN ('P0','P1','P2','P3')), type TEXT DEFAULT 'feature', files TEXT, notes TEXT, position INTEGER DEFAULT 0,
  test_criteria TEXT, model TEXT, effort_level INTEGER DEFAULT 1 CHECK (effort_level IN (1,2,3)), tokens INTEGER DEFAULT 0,
  output_data TEXT, executor_agent TEXT, executor_host TEXT, executor_session_id TEXT, executor_started_at DATETIME, executor_last_activity DATETIME,
  executor_status TEXT, duration_minutes INTEGER, markdown_path TEXT, started_at DATETIME, completed_at DATETIME, validated_at DATETIME, validated_by TEXT,
  validation_report TEXT, updated_at DATETIME);
CREATE TABLE plan_versions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, plan_id INTEGER, project_id TEXT, plan_name TEXT, version INTEGER NOT NULL, change_type TEXT NOT NULL,
  change_reason TEXT, tasks_before INTEGER, tasks_after INTEGER, diff_summary TEXT, git_commit_hash TEXT, changed_by TEXT, changed_host TEXT,
  created_at DATETIME DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE token_usage (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, plan_id INTEGER, wave_id TEXT, task_id TEXT, session_id TEXT, agent TEXT, model TEXT NOT NULL,
  input_tokens INTEGER DEFAULT 0, output_tokens INTEGER DEFAULT 0, cost_usd REAL, execution_host TEXT, created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
  total_tokens INTEGER GENERATED ALWAYS AS (COALESCE(input_tokens, 0) + COALESCE(output_tokens, 0)) VIRTUAL,
  cache_write_5m_tokens INTEGER DEFAULT 0, cache_write_1h_tokens INTEGER DEFAULT 0, cache_read_tokens INTEGER DEFAULT 0, branch TEXT);
CREATE TABLE counted_answers (
  key INTEGER PRIMARY KEY, day INTEGER, input INTEGER, output INTEGER, cache_write_5m INTEGER, cache_write_1h INTEGER, cache_read INTEGER);
CREATE TABLE read_transcripts (path TEXT PRIMARY KEY, read_to INTEGER NOT NULL, ending INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE file_locks (
  id INTEGER PRIMARY KEY, file_path TEXT NOT NULL UNIQUE, task_id TEXT, plan_id INTEGER, agent_name TEXT DEFAULT 'unknown', pid INTEGER NOT NULL,
  host TEXT NOT NULL, acquired_at DATETIME DEFAULT (datetime('now')), heartbeat_at DATETIME DEFAULT (datetime('now')), session_id TEXT,
  repository TEXT, repository_path TEXT, fence INTEGER, is_glob INTEGER DEFAULT 0);
CREATE TABLE file_snapshots (
  id INTEGER PRIMARY KEY, task_id TEXT NOT NULL, file_path TEXT NOT NULL, file_hash TEXT NOT NULL, branch TEXT,
  snapshot_at DATETIME DEFAULT (datetime('now')), UNIQUE (task_id, file_path));
CREATE TABLE merge_queue (
  id INTEGER PRIMARY KEY, branch TEXT NOT NULL, worktree_path TEXT, plan_id INTEGER, priority INTEGER DEFAULT 0,
  status TEXT DEFAULT 'queued' CHECK (status IN ('queued','processing','done','failed','cancelled')),
  queued_at DATETIME DEFAULT (datetime('now')), started_at DATETIME, completed_at DATETIME, result TEXT, error TEXT,
  repository TEXT, step TEXT, head TEXT, base TEXT, candidate TEXT);
CREATE TABLE host_heartbeats (host TEXT PRIMARY KEY, last_seen DATETIME DEFAULT CURRENT_TIMESTAMP, plan_count INTEGER DEFAULT 0, os TEXT);
CREATE TABLE metrics_history (id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT, plan_id INTEGER, metric_name TEXT NOT NULL, metric_value REAL NOT NULL, recorded_at DATETIME DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE snapshots (id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, plan_json TEXT NOT NULL, captured_at DATETIME DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE debt_items (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, type TEXT NOT NULL, file_path TEXT NOT NULL, line_number INTEGER NOT NULL, text TEXT NOT NULL,
  author TEXT, found_at DATETIME DEFAULT CURRENT_TIMESTAMP, resolved_at DATETIME);
CREATE TABLE collector_runs (id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, collector TEXT NOT NULL, status TEXT NOT NULL, output TEXT, error_message TEXT, duration_ms INTEGER, run_at DATETIME DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE notifications (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT, type TEXT NOT NULL, title TEXT NOT NULL, message TEXT NOT NULL, source TEXT, is_read INTEGER DEFAULT 0,
  created_at DATETIME DEFAULT CURRENT_TIMESTAMP, read_at DATETIME);
CREATE TABLE conversation_logs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, session_id TEXT NOT NULL, role TEXT NOT NULL, content TEXT NOT NULL, tool_name TEXT, tool_input TEXT,
  tool_output TEXT, tokens_in INTEGER DEFAULT 0, tokens_out INTEGER DEFAULT 0, created_at DATETIME DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE delegation_log (
  id INTEGER PRIMARY KEY AUTOINCREMENT, task_db_id INTEGER, plan_id INTEGER, project_id TEXT, provider TEXT, model TEXT, prompt_tokens INTEGER, response_tokens INTEGER,
  duration_ms INTEGER, exit_code INTEGER, thor_result TEXT, cost_estimate REAL, privacy_level TEXT, created_at DATETIME DEFAULT (datetime('now')));
CREATE TABLE env_vault_log (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT, action TEXT, target TEXT, vars_count INTEGER, env_file TEXT, status TEXT, error_message TEXT,
  created_at DATETIME DEFAULT (datetime('now')));
CREATE TABLE schema_metadata (key TEXT PRIMARY KEY, value TEXT, updated_at DATETIME);
CREATE TABLE task_requirements (
  task_id INTEGER NOT NULL REFERENCES tasks(id) ON DELETE CASCADE, requirement_id TEXT NOT NULL, PRIMARY KEY (task_id, requirement_id)) WITHOUT ROWID;
CREATE TABLE task_failures (
  id INTEGER PRIMARY KEY AUTOINCREMENT, plan_id INTEGER NOT NULL, project_id TEXT NOT NULL, task_id TEXT NOT NULL, approach TEXT NOT NULL, reason TEXT NOT NULL,
  host TEXT, created_at DATETIME DEFAULT (datetime('now')));
CREATE TABLE task_rejections (
  task_id INTEGER NOT NULL, round INTEGER NOT NULL, rejected_at DATETIME NOT NULL, report TEXT, PRIMARY KEY (task_id, round)) WITHOUT ROWID;
CREATE INDEX idx_plans_project ON plans(project_id, status);
CREATE INDEX idx_waves_plan ON waves(plan_id, position);
CREATE INDEX idx_tasks_plan_status ON tasks(plan_id, status, wave_id_fk);
CREATE INDEX idx_waves_worktree ON waves(worktree_path) WHERE worktree_path IS NOT NULL;
CREATE INDEX idx_tasks_wave_fk ON tasks(wave_id_fk);
CREATE INDEX idx_file_locks_task ON file_locks(task_id);
CREATE INDEX idx_file_locks_plan ON file_locks(plan_id);
CREATE INDEX idx_snapshots_task ON file_snapshots(task_id);
CREATE INDEX idx_file_locks_session ON file_locks(session_id);
CREATE INDEX idx_file_locks_repository ON file_locks(repository, repository_path) WHERE repository IS NOT NULL;
CREATE INDEX idx_merge_queue_status ON merge_queue(status, priority DESC);
CREATE UNIQUE INDEX idx_merge_queue_live ON merge_queue(repository, branch) WHERE status IN ('queued','processing');
CREATE VIEW plan_tasks AS SELECT * FROM tasks;
CREATE INDEX idx_delegation_log_task_db_id ON delegation_log(task_db_id);
CREATE INDEX idx_delegation_log_plan_id ON delegation_log(plan_id);
CREATE INDEX idx_delegation_log_created_at ON delegation_log(created_at);
CREATE INDEX idx_env_vault_log_project_id ON env_vault_log(project_id);
CREATE INDEX idx_env_vault_log_created_at ON env_vault_log(created_at);
CREATE VIEW v_model_effectiveness AS
  SELECT provider, model, COUNT(*) AS total_delegations, AVG(duration_ms) AS avg_duration_ms, SUM(prompt_tokens + response_tokens) AS total_tokens,
    SUM(cost_estimate) AS total_cost, AVG(cost_estimate) AS avg_cost, COUNT(*) FILTER (WHERE exit_code = 0) AS success_count, COUNT(*) FILTER (WHERE thor_result = 'PASS') AS thor_pass_count,
    ROUND(100.0 * COUNT(*) FILTER (WHERE exit_code = 0) / COUNT(*), 1) AS success_rate_pct FROM delegation_log GROUP BY provider, model;
CREATE VIEW v_daily_cost AS
  SELECT date(created_at) AS day, provider, model, COUNT(*) AS delegations, SUM(prompt_tokens) AS total_prompt_tokens, SUM(response_tokens) AS total_response_tokens,
    ROUND(SUM(cost_estimate), 6) AS total_cost FROM delegation_log GROUP BY date(created_at), provider, model ORDER BY day DESC, total_cost DESC;
CREATE VIEW v_delegation_summary AS
  SELECT project_id, plan_id, COUNT(*) AS total_delegations, COUNT(*) FILTER (WHERE exit_code = 0) AS successes, COUNT(*) FILTER (WHERE exit_code != 0) AS failures, COUNT(*) FILTER (WHERE thor_result = 'PASS') AS thor_passes,
    ROUND(SUM(cost_estimate), 6) AS total_cost, MIN(created_at) AS first_delegation, MAX(created_at) AS last_delegation FROM delegation_log GROUP BY project_id, plan_id;
CREATE VIEW v_env_vault_status AS
  SELECT project_id, action, target, COUNT(*) AS total_ops, COUNT(*) FILTER (WHERE status = 'success') AS success_count, COUNT(*) FILTER (WHERE status = 'error') AS error_count,
    MAX(created_at) AS last_run, SUM(vars_count) AS total_vars_processed FROM env_vault_log GROUP BY project_id, action, target;
CREATE VIEW v_kanban AS
  SELECT p.id AS plan_id, p.name AS plan_name, p.status, p.is_master, p.tasks_done, p.tasks_total,
    CASE WHEN p.tasks_total > 0 THEN ROUND(100.0 * p.tasks_done / p.tasks_total) ELSE 0 END AS progress,
    p.created_at, p.started_at, p.completed_at, p.project_id, COALESCE(pr.name, p.project_id) AS project_name, COALESCE(pr.path, '') AS project_path
  FROM plans p LEFT JOIN projects pr ON p.project_id = pr.id
  ORDER BY CASE p.status WHEN 'doing' THEN 1 WHEN 'todo' THEN 2 WHEN 'done' THEN 3 ELSE 4 END, p.updated_at DESC;
CREATE VIEW tokens AS
  SELECT id, plan_id, wave_id, task_id, agent, model, cost_usd, input_tokens, output_tokens, session_id, project_id, execution_host, created_at FROM token_usage;
CREATE TRIGGER tokens_insert INSTEAD OF INSERT ON tokens BEGIN
  INSERT INTO token_usage (project_id, plan_id, wave_id, task_id, session_id, agent, model, input_tokens, output_tokens, cost_usd, execution_host, created_at)
  VALUES (COALESCE(NEW.project_id, (SELECT project_id FROM plans WHERE id = NEW.plan_id), 'unknown'), NEW.plan_id, NEW.wave_id, NEW.task_id, NEW.session_id, NEW.agent,
    COALESCE(NEW.model, 'unknown'), COALESCE(NEW.input_tokens, 0), COALESCE(NEW.output_tokens, 0), NEW.cost_usd, NEW.execution_host, COALESCE(NEW.created_at, datetime('now'))); END;
CREATE TRIGGER task_done_counter AFTER UPDATE OF status ON tasks WHEN NEW.status = 'done' AND OLD.status != 'done' BEGIN
  UPDATE waves SET tasks_done = tasks_done + 1 WHERE id = NEW.wave_id_fk;
  UPDATE plans SET tasks_done = tasks_done + 1 WHERE id = NEW.plan_id; END;
CREATE TRIGGER task_undone_counter AFTER UPDATE OF status ON tasks WHEN OLD.status = 'done' AND NEW.status != 'done' BEGIN
  UPDATE waves SET tasks_done = tasks_done - 1 WHERE id = NEW.wave_id_fk;
  UPDATE plans SET tasks_done = tasks_done - 1 WHERE id = NEW.plan_id; END;
INSERT INTO schema_metadata (key, value, updated_at) VALUES ('version', '8', datetime('now'));

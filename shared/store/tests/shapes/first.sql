-- The first generation: plans by file, waves and tasks by project and code.
CREATE TABLE projects (id TEXT PRIMARY KEY, name TEXT NOT NULL, path TEXT NOT NULL, branch TEXT DEFAULT 'main', created_at DATETIME DEFAULT CURRENT_TIMESTAMP, updated_at DATETIME DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE snapshots (id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, plan_json TEXT NOT NULL, captured_at DATETIME DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE metrics_history (id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, metric_name TEXT NOT NULL, metric_value REAL NOT NULL, recorded_at DATETIME DEFAULT CURRENT_TIMESTAMP,
  FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE);
CREATE TABLE waves (id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, wave_id TEXT NOT NULL, name TEXT NOT NULL,
  status TEXT NOT NULL CHECK(status IN ('pending', 'in_progress', 'done', 'blocked')), assignee TEXT, tasks_done INTEGER DEFAULT 0, tasks_total INTEGER DEFAULT 0, started_at DATETIME, completed_at DATETIME,
  FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE);
CREATE TABLE tasks (id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, wave_id TEXT NOT NULL, task_id TEXT NOT NULL, title TEXT NOT NULL,
  status TEXT NOT NULL CHECK(status IN ('pending', 'in_progress', 'done', 'blocked', 'skipped')), assignee TEXT, priority TEXT CHECK(priority IN ('P0', 'P1', 'P2', 'P3')),
  type TEXT CHECK(type IN ('bug', 'feature', 'chore', 'doc', 'test')), duration_minutes INTEGER, started_at DATETIME, completed_at DATETIME,
  FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE);
CREATE TABLE plans (id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, plan_name TEXT NOT NULL, plan_file TEXT NOT NULL,
  status TEXT NOT NULL CHECK(status IN ('draft', 'active', 'completed', 'abandoned')), tasks_total INTEGER DEFAULT 0, tasks_done INTEGER DEFAULT 0, created_at DATETIME DEFAULT CURRENT_TIMESTAMP, completed_at DATETIME,
  UNIQUE(project_id, plan_name));
CREATE TABLE plan_versions (id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, plan_name TEXT NOT NULL, version INTEGER NOT NULL,
  change_type TEXT NOT NULL CHECK(change_type IN ('created', 'user_edit', 'completed')), change_reason TEXT, tasks_before INTEGER, tasks_after INTEGER, diff_summary TEXT, git_commit_hash TEXT, created_at DATETIME DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE token_usage (id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, session_id TEXT, task_id TEXT, model TEXT NOT NULL, tokens_input INTEGER NOT NULL DEFAULT 0, tokens_output INTEGER NOT NULL DEFAULT 0,
  cost_usd REAL, recorded_at DATETIME DEFAULT CURRENT_TIMESTAMP);
CREATE INDEX idx_tasks_project ON tasks(project_id, wave_id, task_id);
CREATE INDEX idx_token_usage_project ON token_usage(project_id, recorded_at DESC);
CREATE VIEW v_learning AS SELECT project_id, plan_name, count(*) AS versions FROM plan_versions GROUP BY project_id, plan_name;
INSERT INTO projects VALUES ('bakery', 'Bakery', '/srv/bakery', 'main', '2026-01-01 00:00:00', '2026-01-01 00:00:00'), ('mill', 'Mill', '/srv/mill', 'main', '2026-01-01 00:00:00', '2026-01-01 00:00:00'), ('barn', 'Barn', '/srv/barn', 'main', '2026-01-01 00:00:00', '2026-01-01 00:00:00');
INSERT INTO plans VALUES (1, 'bakery', 'Bread', '/p/bread.md', 'draft', 3, 1, '2026-01-01 10:00:00', NULL), (2, 'mill', 'Stones', '/p/stones.md', 'abandoned', 0, 0, '2026-01-01 10:00:00', NULL),
  (3, 'mill', 'Sails', '/p/sails.md', 'completed', 1, 1, '2026-01-01 10:00:00', '2026-01-02 10:00:00'), (5, 'barn', 'Roof', '/p/roof.md', 'active', 0, 0, '2026-01-01 10:00:00', NULL), (6, 'barn', 'Door', '/p/door.md', 'active', 0, 0, '2026-01-01 10:00:00', NULL);
INSERT INTO waves VALUES (1, 'bakery', 'W1', 'Mix', 'in_progress', 'eva', 1, 2, '2026-01-01 11:00:00', NULL), (2, 'bakery', 'W2', 'Bake', 'pending', '', 0, 1, NULL, NULL), (3, 'mill', 'W1', 'Sew', 'done', '', 1, 1, NULL, '2026-01-02 09:00:00'), (9, 'barn', 'W1', 'Beams', 'pending', '', 0, 0, NULL, NULL);
INSERT INTO tasks VALUES (1, 'bakery', 'W1', 'T1-01', 'Flour', 'done', NULL, 'P0', 'chore', 5, '2026-01-01 11:00:00', '2026-01-01 11:05:00'), (2, 'bakery', 'W1', 'T1-02', 'It''s water', 'in_progress', NULL, NULL, 'feature', NULL, NULL, NULL),
  (3, 'bakery', 'W2', 'T2-01', 'Heat', 'pending', NULL, 'P2', 'test', NULL, NULL, NULL), (4, 'mill', 'W1', 'T1-01', 'Cloth', 'done', NULL, 'P1', 'bug', 30, NULL, NULL), (7, 'mill', 'W7', 'T7-01', 'Of no wave', 'pending', NULL, 'P1', 'bug', NULL, NULL, NULL);
INSERT INTO plan_versions (project_id, plan_name, version, change_type, change_reason, git_commit_hash) VALUES ('bakery', 'Bread', 1, 'created', 'first', 'abc1234'), ('bakery', 'Gone', 1, 'created', 'plan is gone', NULL);
INSERT INTO token_usage (project_id, session_id, task_id, model, tokens_input, tokens_output, cost_usd, recorded_at) VALUES ('bakery', 's-1', 'T1-01', 'm', 1200, 300, 0.5, '2026-01-01 12:00:00');
INSERT INTO snapshots (project_id, plan_json) VALUES ('bakery', '{}');
INSERT INTO metrics_history (project_id, metric_name, metric_value) VALUES ('bakery', 'coverage', 71.5);
UPDATE sqlite_sequence SET seq = 40 WHERE name = 'tasks';

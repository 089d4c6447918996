-- The first generation grown by hand: projects and plans everywhere, links by row id, the narrower checks of old.
CREATE TABLE projects (id TEXT PRIMARY KEY, name TEXT NOT NULL, path TEXT NOT NULL, branch TEXT DEFAULT 'main', created_at DATETIME DEFAULT CURRENT_TIMESTAMP, updated_at DATETIME DEFAULT CURRENT_TIMESTAMP, github_url TEXT);
CREATE TABLE plans (id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, name TEXT NOT NULL, source_file TEXT, is_master BOOLEAN DEFAULT 0, parent_plan_id INTEGER,
  status TEXT NOT NULL DEFAULT 'todo' CHECK(status IN ('todo', 'doing', 'done')), tasks_total INTEGER DEFAULT 0, tasks_done INTEGER DEFAULT 0, created_at DATETIME DEFAULT CURRENT_TIMESTAMP, started_at DATETIME, completed_at DATETIME,
  validated_at DATETIME, validated_by TEXT, markdown_dir TEXT, updated_at DATETIME, parallel_mode TEXT DEFAULT 'standard', markdown_path TEXT, worktree_path TEXT, execution_host TEXT, description TEXT, human_summary TEXT, lines_added INTEGER, lines_removed INTEGER,
  FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE, UNIQUE(project_id, name));
CREATE TABLE waves (id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, wave_id TEXT NOT NULL, name TEXT NOT NULL, -- the code, the name
  status TEXT NOT NULL CHECK(status IN ('pending', 'in_progress', 'done', 'blocked')), assignee TEXT, tasks_done INTEGER DEFAULT 0, tasks_total INTEGER DEFAULT 0, started_at DATETIME, completed_at DATETIME,
  plan_id INTEGER REFERENCES plans(id), position INTEGER DEFAULT 0, planned_start DATETIME, planned_end DATETIME, depends_on TEXT, estimated_hours INTEGER DEFAULT 8, markdown_path TEXT, precondition TEXT DEFAULT NULL,
  FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE);
CREATE TABLE tasks (id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, wave_id TEXT NOT NULL, task_id TEXT NOT NULL, title TEXT NOT NULL,
  status TEXT NOT NULL CHECK(status IN ('pending', 'in_progress', 'done', 'blocked', 'skipped')), assignee TEXT, priority TEXT CHECK(priority IN ('P0', 'P1', 'P2', 'P3')), type TEXT CHECK(type IN ('bug', 'feature', 'chore', 'doc', 'test')),
  tokens INTEGER DEFAULT 0, started_at DATETIME, completed_at DATETIME, validated_at DATETIME, validated_by TEXT, notes TEXT, wave_id_fk INTEGER, plan_id INTEGER REFERENCES plans(id), test_criteria TEXT, model TEXT DEFAULT 'haiku',
  description TEXT, output_data TEXT, executor_agent TEXT, executor_host TEXT, effort_level INTEGER DEFAULT 1 CHECK(effort_level IN (1, 2, 3)), FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE);
CREATE TABLE plan_versions (id INTEGER PRIMARY KEY AUTOINCREMENT, plan_id INTEGER NOT NULL, version INTEGER NOT NULL, change_type TEXT NOT NULL, change_reason TEXT, changed_by TEXT, created_at DATETIME DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE token_usage (id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT, plan_id INTEGER, wave_id TEXT, task_id TEXT, session_id TEXT, agent TEXT, model TEXT, input_tokens INTEGER DEFAULT 0, output_tokens INTEGER DEFAULT 0,
  total_tokens INTEGER GENERATED ALWAYS AS (input_tokens + output_tokens) STORED, cost_usd REAL, created_at DATETIME DEFAULT CURRENT_TIMESTAMP, execution_host TEXT);
CREATE TABLE schema_metadata (key TEXT PRIMARY KEY, value TEXT NOT NULL, updated_at TEXT DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE conversation_logs (id INTEGER PRIMARY KEY AUTOINCREMENT, task_id INTEGER, session_id TEXT NOT NULL, role TEXT NOT NULL, content TEXT NOT NULL, tool_name TEXT, tool_input TEXT, tool_output TEXT, timestamp DATETIME DEFAULT CURRENT_TIMESTAMP, metadata TEXT);
CREATE VIEW v_task_conversations AS SELECT task_id, session_id, count(*) AS messages, max(timestamp) AS latest FROM conversation_logs GROUP BY task_id, session_id;
CREATE VIEW plan_tasks AS SELECT * FROM tasks;
CREATE TRIGGER wave_auto_complete AFTER UPDATE OF tasks_done ON waves WHEN NEW.tasks_done = NEW.tasks_total AND NEW.tasks_total > 0 AND NEW.status != 'done' BEGIN
  UPDATE waves SET status = 'done', completed_at = COALESCE(completed_at, datetime('now')) WHERE id = NEW.id; END;
INSERT INTO projects (id, name, path) VALUES ('bakery', 'Bakery', '/srv/bakery');
INSERT INTO plans (id, project_id, name, status) VALUES (1, 'bakery', 'Bread', 'doing'), (2, 'bakery', 'Cake', 'todo'), (3, 'unlisted', 'Loose', 'todo');
INSERT INTO waves (id, project_id, wave_id, name, status, plan_id, position, depends_on) VALUES (1, 'bakery', 'W1', 'Mix', 'in_progress', 1, 1, NULL), (2, 'bakery', 'W2', 'Bake', 'pending', 1, 2, 'W1'), (3, 'bakery', 'W1', 'Stir', 'pending', 2, 1, NULL);
INSERT INTO tasks (id, project_id, wave_id, task_id, title, status, type, wave_id_fk, plan_id, test_criteria, description, tokens) VALUES
  (1, 'bakery', 'W1', 'T1-01', 'Flour', 'done', 'chore', 1, 1, '{"verify":["it is white"]}', 'Flour | Files: a.md | Ref: F-01', 450), (2, 'bakery', 'W1', 'T1-02', 'Water', 'pending', NULL, 1, 1, NULL, 'Water | Ref: F-01, F-02', 0),
  (3, 'bakery', 'W1', 'T1-01', 'Eggs', 'pending', 'bug', 3, 2, NULL, NULL, 0), (4, 'unlisted', 'W9', 'T9-01', 'Of no wave', 'pending', 'bug', NULL, 3, NULL, NULL, 0);
INSERT INTO plan_versions (plan_id, version, change_type) VALUES (1, 1, 'anything');
INSERT INTO token_usage (project_id, plan_id, model, input_tokens, output_tokens) VALUES ('bakery', 1, 'm', 10, 5);
INSERT INTO schema_metadata (key, value) VALUES ('version', '4');
INSERT INTO conversation_logs (task_id, session_id, role, content, timestamp, metadata) VALUES (1, 's-1', 'user', 'go on', '2026-01-01 12:00:00', '{"a":1}');

-- The third generation, with the hosts and counters of the fourth: waves and tasks without a project, tasks by their wave's row id.
CREATE TABLE projects (id TEXT PRIMARY KEY, name TEXT NOT NULL, path TEXT NOT NULL, branch TEXT DEFAULT 'main', github_url TEXT, created_at DATETIME DEFAULT CURRENT_TIMESTAMP, updated_at DATETIME DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE plans (id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, name TEXT NOT NULL, source_file TEXT, is_master BOOLEAN DEFAULT 0, parent_plan_id INTEGER,
  status TEXT NOT NULL DEFAULT 'todo' CHECK(status IN ('todo', 'doing', 'done')), tasks_total INTEGER DEFAULT 0, tasks_done INTEGER DEFAULT 0, created_at DATETIME DEFAULT CURRENT_TIMESTAMP, started_at DATETIME, completed_at DATETIME,
  validated_at DATETIME, validated_by TEXT, worktree_path TEXT, execution_host TEXT, description TEXT,
  FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE, FOREIGN KEY (parent_plan_id) REFERENCES plans(id) ON DELETE SET NULL, UNIQUE(project_id, name));
CREATE TABLE waves (id INTEGER PRIMARY KEY AUTOINCREMENT, plan_id INTEGER NOT NULL, wave_id TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'pending' CHECK(status IN ('pending', 'in_progress', 'done', 'blocked')),
  assignee TEXT, tasks_done INTEGER DEFAULT 0, tasks_total INTEGER DEFAULT 0, position INTEGER DEFAULT 0, precondition TEXT DEFAULT NULL, started_at DATETIME, completed_at DATETIME,
  FOREIGN KEY (plan_id) REFERENCES plans(id) ON DELETE CASCADE);
CREATE TABLE tasks (id INTEGER PRIMARY KEY AUTOINCREMENT, wave_id INTEGER NOT NULL, task_id TEXT NOT NULL, title TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'pending' CHECK(status IN ('pending', 'in_progress', 'done', 'blocked', 'skipped')), assignee TEXT, priority TEXT DEFAULT 'P1' CHECK(priority IN ('P0', 'P1', 'P2', 'P3')),
  type TEXT DEFAULT 'feature' CHECK(type IN ('bug', 'feature', 'chore', 'doc', 'test', 'qa')), files TEXT, notes TEXT, position INTEGER DEFAULT 0, duration_minutes INTEGER, tokens INTEGER DEFAULT 0, output_data TEXT DEFAULT NULL,
  executor_agent TEXT DEFAULT NULL, started_at DATETIME, completed_at DATETIME, validated_at DATETIME, validated_by TEXT, executor_host TEXT, FOREIGN KEY (wave_id) REFERENCES waves(id) ON DELETE CASCADE);
CREATE TABLE plan_versions (id INTEGER PRIMARY KEY AUTOINCREMENT, plan_id INTEGER NOT NULL, version INTEGER NOT NULL, change_type TEXT NOT NULL CHECK(change_type IN ('created', 'started')), change_reason TEXT,
  changed_by TEXT, changed_host TEXT, created_at DATETIME DEFAULT CURRENT_TIMESTAMP, FOREIGN KEY (plan_id) REFERENCES plans(id) ON DELETE CASCADE);
CREATE TABLE host_heartbeats (host TEXT PRIMARY KEY, last_seen DATETIME DEFAULT CURRENT_TIMESTAMP, plan_count INTEGER DEFAULT 0, os TEXT);
CREATE INDEX idx_tasks_wave ON tasks(wave_id, position);
CREATE VIEW v_kanban AS SELECT p.id AS plan_id, p.name AS plan_name FROM plans p JOIN projects pr ON p.project_id = pr.id ORDER BY p.updated_at DESC;
CREATE VIEW v_plan_details AS SELECT p.id AS plan_id, w.wave_id AS wave_code, t.id AS task_db_id FROM plans p LEFT JOIN waves w ON w.plan_id = p.id LEFT JOIN tasks t ON t.wave_id = w.id ORDER BY t.id;
CREATE TRIGGER task_done_counter AFTER UPDATE OF status ON tasks WHEN NEW.status = 'done' AND OLD.status != 'done' BEGIN
  UPDATE waves SET tasks_done = tasks_done + 1 WHERE id = NEW.wave_id_fk; UPDATE plans SET tasks_done = tasks_done + 1 WHERE id = NEW.plan_id; END;
CREATE TRIGGER wave_auto_complete AFTER UPDATE OF tasks_done ON waves WHEN NEW.tasks_done = NEW.tasks_total AND NEW.tasks_total > 0 AND NEW.status != 'done' BEGIN
  UPDATE waves SET status = 'done', completed_at = COALESCE(completed_at, datetime('now')) WHERE id = NEW.id; END;
INSERT INTO projects (id, name, path) VALUES ('bakery', 'Bakery', '/srv/bakery');
INSERT INTO plans (id, project_id, name, status, created_at, started_at, parent_plan_id) VALUES (2, 'bakery', 'Bread', 'doing', '2026-01-01 10:00:00', '2026-01-01 10:30:00', 1), (3, 'bakery', 'Cake', 'todo', '2026-01-02 10:00:00', NULL, NULL);
INSERT INTO waves (id, plan_id, wave_id, name, status, assignee, tasks_done, tasks_total, position) VALUES (4, 2, 'W1', 'Mix', 'in_progress', 'eva', 1, 2, 1), (5, 2, 'W2', 'Bake', 'pending', NULL, 0, 1, 2), (6, 3, 'W1', 'Stir', 'pending', NULL, 0, 1, 1);
INSERT INTO tasks (id, wave_id, task_id, title, status, type, notes, tokens, executor_host) VALUES (1, 4, 'T1-01', 'Flour', 'done', 'chore', 'fine' || char(10) || 'and dry', 450, 'oldbox'), (2, 4, 'T1-02', 'Water', 'in_progress', 'feature', NULL, 0, NULL),
  (3, 5, 'T2-01', 'Heat', 'pending', 'qa', NULL, 0, NULL), (4, 6, 'T1-01', 'Eggs', 'pending', 'bug', NULL, 0, NULL);
INSERT INTO plan_versions (plan_id, version, change_type, changed_by) VALUES (2, 1, 'created', 'planner');
INSERT INTO host_heartbeats VALUES ('oldbox', '2026-01-05 12:00:00', 1, 'Linux');

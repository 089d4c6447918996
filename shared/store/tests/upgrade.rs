//! Databases of every age, brought to the current schema.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use crewkit_store::migrate::{self, HalfWay, Kind, Report};
use crewkit_store::{Error, SCHEMA_VERSION, Settings, Store};
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;

const FIRST: &str = include_str!("shapes/first.sql");
const THIRD: &str = include_str!("shapes/third.sql");
const GROWN: &str = include_str!("shapes/grown.sql");

/// What the last migration of old did to waves before it failed.
const WAVES_NEW: &str = "CREATE TABLE waves_new (id INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, wave_id TEXT NOT NULL, name TEXT NOT NULL,
  status TEXT NOT NULL CHECK(status IN ('pending', 'in_progress', 'done', 'blocked', 'merging')), assignee TEXT, tasks_done INTEGER DEFAULT 0, tasks_total INTEGER DEFAULT 0, started_at DATETIME, completed_at DATETIME,
  plan_id INTEGER, position INTEGER DEFAULT 0, depends_on TEXT, worktree_path TEXT, branch_name TEXT, pr_number INTEGER, pr_url TEXT);";

/// A database in a folder of its own.
struct Old {
    folder: tempfile::TempDir,
}

impl Old {
    fn new(sql: &str) -> Self {
        let old = Self { folder: tempfile::tempdir().unwrap() };
        old.sql("PRAGMA journal_mode = WAL");
        old.sql(sql);
        old
    }

    /// The schema of version 8 as far as this crewkit adds to it.
    fn eighth() -> Self {
        let old = Self { folder: tempfile::tempdir().unwrap() };
        drop(Store::open_or_create(&old.settings()).unwrap());
        old.sql(
            "DROP TABLE task_requirements; DROP TABLE task_failures; DROP VIEW tokens; DROP VIEW plan_tasks; DROP INDEX idx_file_locks_repository; \
             ALTER TABLE file_locks DROP COLUMN repository; ALTER TABLE file_locks DROP COLUMN repository_path; ALTER TABLE file_locks DROP COLUMN fence; ALTER TABLE plans DROP COLUMN project; \
             ALTER TABLE waves DROP COLUMN updated_at; ALTER TABLE tasks DROP COLUMN updated_at; CREATE VIEW plan_tasks AS SELECT * FROM tasks; \
             CREATE TRIGGER wave_auto_complete AFTER UPDATE OF tasks_done ON waves WHEN NEW.tasks_done = NEW.tasks_total AND NEW.tasks_total > 0 AND NEW.status NOT IN ('done','merging') BEGIN \
             UPDATE waves SET status = 'merging', completed_at = COALESCE(completed_at, datetime('now')) WHERE id = NEW.id; END; \
             PRAGMA user_version = 0",
        );
        old
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("d.db")
    }

    fn settings(&self) -> Settings {
        Settings { path: self.path(), host: "desk".to_owned(), now: "2026-01-02 03:04:05".to_owned() }
    }

    #[track_caller]
    fn sql(&self, sql: &str) {
        let connection = open(&self.path());
        connection.execute_batch(sql).unwrap_or_else(|fault| panic!("{sql}: {fault}"));
    }

    fn rows(&self, sql: &str) -> Vec<String> {
        rows(&self.path(), sql)
    }

    #[track_caller]
    fn upgrade(&self) -> Report {
        let report = migrate::upgrade(&self.settings()).unwrap().expect("there is something to do");
        whole(&self.path());
        report
    }

    fn copies(&self) -> Vec<PathBuf> {
        let names = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        names.filter(|path| path.to_string_lossy().contains(".backup.")).collect()
    }
}

/// A connection as other programs have it: no foreign keys, texts in double quotes.
fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    for (config, on) in [
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, true),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, true),
    ] {
        connection.set_db_config(config, on).unwrap();
    }
    connection
}

fn rows(path: &Path, sql: &str) -> Vec<String> {
    let connection = open(path);
    let mut statement = connection.prepare(sql).unwrap_or_else(|fault| panic!("{sql}: {fault}"));
    let width = statement.column_count();
    let text = |value: ValueRef<'_>| match value {
        ValueRef::Null => "-".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(blob) => format!("{blob:?}"),
    };
    let found = statement
        .query_map([], |row| Ok((0..width).map(|at| text(row.get_ref(at).unwrap())).collect::<Vec<_>>().join("|")))
        .unwrap();
    found.map(Result::unwrap).collect()
}

/// The database has all that a new one has, every view works, and nothing is left to do.
#[track_caller]
fn whole(path: &Path) {
    let fresh = tempfile::tempdir().unwrap();
    let new = fresh.path().join("new.db");
    let settings = Settings { path: new.clone(), host: "desk".to_owned(), now: "2026-01-02 03:04:05".to_owned() };
    drop(Store::open_or_create(&settings).unwrap());
    let parts = "SELECT m.type || ' ' || m.name || ' ' || COALESCE(x.name, '') FROM sqlite_master m LEFT JOIN pragma_table_xinfo(m.name) x \
        ON m.type IN ('table', 'view') WHERE m.name NOT LIKE 'sqlite_%' ORDER BY 1";
    let have = rows(path, parts);
    let lacking: Vec<_> = rows(&new, parts).into_iter().filter(|part| !have.contains(part)).collect();
    assert!(lacking.is_empty(), "{lacking:?}");
    for view in rows(path, "SELECT name FROM sqlite_master WHERE type = 'view'") {
        rows(path, &format!("SELECT * FROM \"{view}\""));
    }
    let strays = "SELECT name FROM sqlite_master WHERE name LIKE 'crewkit%' OR name LIKE '%\\_new' ESCAPE '\\' OR name = 'wave_auto_complete'";
    assert_eq!(rows(path, strays), Vec::<String>::new());
    assert_eq!(rows(path, "PRAGMA user_version"), [SCHEMA_VERSION.to_string()]);
    assert_eq!(rows(path, "PRAGMA journal_mode"), ["wal"]);
    assert_eq!(
        rows(path, "SELECT value FROM schema_metadata WHERE key = 'version' AND CAST(value AS INTEGER) >= 8").len(),
        1
    );
    assert!(migrate::upgrade(&Settings { path: path.to_owned(), ..settings }).unwrap().is_none());
}

#[test]
fn the_first_generation_gets_names_states_and_links() {
    let old = Old::new(FIRST);
    assert_eq!(migrate::inspect(&old.path()).unwrap().kind, Kind::V1);
    let report = old.upgrade();
    assert_eq!(
        old.rows("SELECT id, name, status, source_file, updated_at, project FROM plans"),
        [
            "1|Bread|todo|/p/bread.md|2026-01-01 10:00:00|bakery",
            "2|Stones|archived|/p/stones.md|2026-01-01 10:00:00|mill",
            "3|Sails|done|/p/sails.md|2026-01-02 10:00:00|mill",
            "5|Roof|doing|/p/roof.md|2026-01-01 10:00:00|barn",
            "6|Door|doing|/p/door.md|2026-01-01 10:00:00|barn",
        ]
    );
    // One plan; one that is not abandoned; two under way, so none.
    assert_eq!(
        old.rows("SELECT id, plan_id, wave_id, name, status, assignee, position FROM waves"),
        ["1|1|W1|Mix|in_progress|eva|1", "2|1|W2|Bake|pending||2", "3|3|W1|Sew|done||1", "9|-|W1|Beams|pending||1"]
    );
    assert_eq!(
        old.rows("SELECT id, plan_id, wave_id, wave_id_fk, title, priority, type FROM tasks"),
        [
            "1|1|W1|1|Flour|P0|chore",
            "2|1|W1|1|It's water|-|feature",
            "3|1|W2|2|Heat|P2|test",
            "4|3|W1|3|Cloth|P1|bug",
            "7|-|W7|-|Of no wave|P1|bug",
        ]
    );
    assert_eq!(
        old.rows("SELECT plan_id, plan_name, git_commit_hash FROM plan_versions"),
        ["1|Bread|abc1234", "-|Gone|-"]
    );
    assert_eq!(
        old.rows(
            "SELECT input_tokens, output_tokens, total_tokens, cost_usd, created_at, execution_host FROM token_usage"
        ),
        ["1200|300|1500|0.5|2026-01-01 12:00:00|desk"]
    );
    assert_eq!(old.rows("SELECT count(*) FROM snapshots UNION ALL SELECT count(*) FROM metrics_history"), ["1", "1"]);
    assert_eq!(old.rows("SELECT versions FROM v_learning"), ["1", "1"]);
    let waves = report.warnings.iter().any(|line| line.contains("barn W1"));
    let tasks = report.warnings.iter().any(|line| line.contains("mill T7-01"));
    assert!(waves && tasks && report.warnings.len() == 2, "{:?}", report.warnings);
    // Row ids that were given out once are not given out again.
    old.sql("INSERT INTO tasks (project_id, wave_id, task_id, title, status, type) VALUES ('bakery', 'W1', 'T1-03', 'New', 'pending', 'refactor')");
    assert_eq!(old.rows("SELECT max(id) FROM tasks"), ["41"]);
    old.sql("INSERT INTO plan_versions (plan_id, version, change_type) VALUES (1, 2, 'claimed'); UPDATE waves SET status = 'merging' WHERE id = 1");
}

#[test]
fn the_third_generation_gets_projects_and_codes() {
    let old = Old::new(THIRD);
    let found = migrate::inspect(&old.path()).unwrap();
    assert_eq!((found.kind, found.half_way), (Kind::V4, vec![HalfWay::NoTokens]));
    old.sql("CREATE VIEW mine AS SELECT t.id FROM tasks t JOIN waves w ON t.wave_id = w.id");
    let report = old.upgrade();
    assert_eq!(
        old.rows("SELECT id, project_id, plan_id, wave_id, status, assignee, position FROM waves"),
        ["4|bakery|2|W1|in_progress|eva|1", "5|bakery|2|W2|pending|-|2", "6|bakery|3|W1|pending|-|1"]
    );
    assert_eq!(
        old.rows("SELECT id, project_id, plan_id, wave_id, wave_id_fk, task_id, type, notes, tokens, executor_host FROM tasks"),
        [
            "1|bakery|2|W1|4|T1-01|chore|fine\nand dry|450|oldbox",
            "2|bakery|2|W1|4|T1-02|feature|-|0|-",
            "3|bakery|2|W2|5|T2-01|qa|-|0|-",
            "4|bakery|3|W1|6|T1-01|bug|-|0|-",
        ]
    );
    assert_eq!(
        old.rows("SELECT plan_id, updated_at FROM plans p JOIN v_kanban k ON k.plan_id = p.id ORDER BY 1"),
        ["2|2026-01-01 10:30:00", "3|2026-01-02 10:00:00"]
    );
    assert_eq!(old.rows("SELECT wave_code, task_db_id FROM v_plan_details"), ["W1|1", "W1|2", "W2|3", "W1|4"]);
    assert_eq!(report.warnings.len(), 1, "{:?}", report.warnings);
    assert!(report.warnings[0].contains("view mine"));
    old.sql("UPDATE tasks SET status = 'done' WHERE id = 3");
    assert_eq!(old.rows("SELECT tasks_done, status FROM waves WHERE id = 5"), ["1|pending"]);
    assert_eq!(old.rows("SELECT host, last_seen FROM host_heartbeats"), ["oldbox|2026-01-05 12:00:00"]);
}

#[test]
fn what_grew_by_hand_keeps_its_links_and_gets_the_rest() {
    let old = Old::new(GROWN);
    assert_eq!(migrate::inspect(&old.path()).unwrap().kind, Kind::Documented);
    let report = old.upgrade();
    assert_eq!(report.rebuilt, ["plans", "waves", "tasks", "plan_versions", "conversation_logs"]);
    assert_eq!(
        old.rows("SELECT id, plan_id, wave_id_fk, test_criteria, description FROM tasks"),
        [
            "1|1|1|{\"verify\":[\"it is white\"]}|Flour | Files: a.md | Ref: F-01",
            "2|1|1|-|Water | Ref: F-01, F-02",
            "3|2|3|-|-",
            "4|3|-|-|-"
        ]
    );
    assert_eq!(old.rows("SELECT task_id, requirement_id FROM task_requirements"), ["1|F-01", "2|F-01", "2|F-02"]);
    assert_eq!(
        old.rows("SELECT project_id, created_at, metadata FROM conversation_logs"),
        ["bakery|2026-01-01 12:00:00|{\"a\":1}"]
    );
    assert_eq!(old.rows("SELECT messages, latest FROM v_task_conversations"), ["1|2026-01-01 12:00:00"]);
    assert_eq!(old.rows("SELECT execution_host, total_tokens FROM token_usage"), ["-|15"]);
    assert_eq!(
        old.rows("SELECT plan_name, project_id, project_name, project_path FROM v_kanban WHERE plan_id = 3"),
        ["Loose|unlisted|unlisted|"]
    );
    // Foreign keys and remarks of the old table are kept.
    let sql = old.rows("SELECT sql FROM sqlite_master WHERE name = 'waves'").remove(0);
    assert!(
        sql.contains("FOREIGN KEY (project_id) REFERENCES projects(id)") && sql.contains("-- the code, the name"),
        "{sql}"
    );
    old.sql("INSERT INTO tokens (plan_id, model) VALUES (1, 'm'); UPDATE tasks SET type = 'refactor', status = 'done' WHERE id = 2");
    assert_eq!(old.rows("SELECT project_id, total_tokens FROM token_usage WHERE id = 2"), ["bakery|0"]);
}

#[test]
fn version_8_gets_columns_without_a_table_made_anew() {
    let old = Old::eighth();
    assert_eq!(migrate::inspect(&old.path()).unwrap().kind, Kind::V8);
    let report = old.upgrade();
    assert_eq!((report.rebuilt.len(), report.made.len(), report.added.len()), (0, 2, 6), "{report:?}");
    let copy = report.copy.unwrap();
    assert_eq!(copy, old.folder.path().join("d.db.backup.1767323045"));
}

#[test]
fn what_users_added_stays() {
    for shape in [FIRST, THIRD, GROWN] {
        let old = Old::new(shape);
        old.sql(
            "ALTER TABLE tasks ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm' CHECK (mood <> ''); ALTER TABLE plans ADD COLUMN \"odd name\" REAL; \
             UPDATE tasks SET mood = 'glad' WHERE id = 1; UPDATE plans SET \"odd name\" = 1.5; CREATE TABLE mine (a, b BLOB, PRIMARY KEY (a)) WITHOUT ROWID; \
             INSERT INTO mine VALUES ('x', x'00ff'); CREATE INDEX my_index ON tasks(mood) WHERE mood <> \"calm\"; CREATE VIEW my_view AS SELECT id FROM tasks WHERE status = \"done\"; \
             CREATE TRIGGER my_trigger AFTER UPDATE OF title ON tasks BEGIN INSERT INTO mine VALUES (NEW.title, \"text\"); END; \
             CREATE TRIGGER my_broken_trigger AFTER UPDATE ON tasks BEGIN INSERT INTO nowhere VALUES (NEW.id); END",
        );
        let report = old.upgrade();
        assert!(report.warnings.iter().any(|line| line.contains("my_broken_trigger")), "{:?}", report.warnings);
        old.sql("UPDATE tasks SET title = 'new' WHERE id = 1");
        assert_eq!(old.rows("SELECT mood FROM tasks WHERE id < 3"), ["glad", "calm"]);
        assert_eq!(old.rows("SELECT DISTINCT \"odd name\" FROM plans"), ["1.5"]);
        assert_eq!(old.rows("SELECT a, b FROM mine ORDER BY a"), ["new|text", "x|[0, 255]"]);
        assert_eq!(old.rows("SELECT id FROM my_view"), rows(&report.copy.unwrap(), "SELECT id FROM my_view"));
        assert_eq!(
            old.rows("SELECT name FROM sqlite_master WHERE name LIKE 'my_%' ORDER BY 1"),
            ["my_index", "my_trigger", "my_view"]
        );
    }
}

#[test]
fn waves_left_in_their_copy_are_the_waves() {
    let old = Old::new(GROWN);
    old.sql(&format!(
        "DROP TRIGGER wave_auto_complete; {WAVES_NEW} INSERT INTO waves_new (id, project_id, wave_id, name, status, plan_id, position, branch_name) \
         SELECT id, project_id, wave_id, name, status, plan_id, position, 'b' FROM waves; DROP TABLE waves"
    ));
    assert!(migrate::inspect(&old.path()).unwrap().half_way.contains(&HalfWay::WavesInCopy));
    let report = old.upgrade();
    assert_eq!(old.rows("SELECT id, plan_id, name, branch_name FROM waves"), ["1|1|Mix|b", "2|1|Bake|b", "3|2|Stir|b"]);
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
}

#[test]
fn lost_waves_come_back_from_the_newest_copy_that_has_them() {
    let old = Old::new(THIRD);
    let copy = |name: &str, sql: &str| {
        let path = old.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        open(&path).execute_batch(sql).unwrap();
    };
    copy(
        "backups/dashboard_local_20260101_000000.db",
        &format!("{THIRD}; UPDATE waves SET name = 'older'; CREATE INDEX my_waves ON waves(assignee)"),
    );
    copy(
        "d.db.bak-v8-1767312000",
        &format!("{THIRD}; UPDATE waves SET name = 'newer'; CREATE INDEX my_waves ON waves(assignee)"),
    );
    copy(
        "d.db.backup.1767400000",
        "CREATE TABLE waves (id INTEGER, name TEXT); INSERT INTO waves VALUES (77, 'of something else')",
    );
    copy("d.db.backup.1767500000", "CREATE TABLE x (y)");
    fs::write(old.folder.path().join("d.db.backup.1767600000"), "no database").unwrap();
    old.sql(&format!("DROP TRIGGER task_done_counter; {WAVES_NEW} DROP TABLE waves"));
    let found = migrate::inspect(&old.path()).unwrap().half_way;
    assert!(found.contains(&HalfWay::WavesLost) && found.contains(&HalfWay::CopyLeftBehind), "{found:?}");
    let report = old.upgrade();
    assert!(report.restored_from.unwrap().ends_with("d.db.bak-v8-1767312000"));
    assert!(report.warnings.iter().any(|line| line.contains("d.db.bak-v8-1767312000")), "{:?}", report.warnings);
    assert_eq!(
        old.rows("SELECT id, project_id, plan_id, wave_id, name FROM waves"),
        ["4|bakery|2|W1|newer", "5|bakery|2|W2|newer", "6|bakery|3|W1|newer"]
    );
    assert_eq!(old.rows("SELECT wave_id, wave_id_fk FROM tasks"), ["W1|4", "W1|4", "W2|5", "W1|6"]);
    assert_eq!(old.rows("SELECT tbl_name FROM sqlite_master WHERE name = 'my_waves'"), ["waves"]);
}

#[test]
fn waves_that_nothing_has_are_made_again_from_their_tasks() {
    let old = Old::new(FIRST);
    old.sql(&format!("{WAVES_NEW} DROP TABLE waves; ALTER TABLE waves_new RENAME TO waves; CREATE INDEX my_waves ON waves(project_id, wave_id)"));
    old.sql("UPDATE tasks SET title = CAST(x'ff41' AS TEXT) WHERE id = 1");
    let report = old.upgrade();
    assert_eq!(
        old.rows("SELECT project_id, plan_id, wave_id, name, status, tasks_done, tasks_total FROM waves"),
        [
            "bakery|1|W1|W1|in_progress|1|2",
            "bakery|1|W2|W2|pending|0|1",
            "mill|3|W1|W1|done|1|1",
            "mill|3|W7|W7|pending|0|1"
        ]
    );
    assert_eq!(old.rows("SELECT id FROM tasks WHERE wave_id_fk IS NULL OR plan_id IS NULL"), Vec::<String>::new());
    assert!(report.warnings.iter().any(|line| line.contains("made again")), "{:?}", report.warnings);
    assert_eq!(old.rows("SELECT tbl_name FROM sqlite_master WHERE name = 'my_waves'"), ["waves"]);
    assert_eq!(old.rows("SELECT hex(title) FROM tasks WHERE id = 1"), ["FF41"]);

    let old = Old::new(THIRD);
    old.sql("DROP TRIGGER task_done_counter; DROP TABLE waves; DELETE FROM plans WHERE id = 3");
    old.upgrade();
    assert_eq!(
        old.rows("SELECT id, project_id, plan_id, wave_id, status, position FROM waves"),
        ["4|bakery|2|W1|in_progress|1", "5|bakery|2|W2|pending|2", "6|bakery|2|W1|pending|3"]
    );
    assert_eq!(old.rows("SELECT wave_id, wave_id_fk, plan_id FROM tasks"), ["W1|4|2", "W1|4|2", "W2|5|2", "W1|6|2"]);

    let old = Old::new(GROWN);
    old.sql("DELETE FROM waves");
    old.upgrade();
    assert_eq!(
        old.rows("SELECT id, project_id, plan_id, wave_id FROM waves"),
        ["1|bakery|1|W1", "3|bakery|2|W1", "4|unlisted|3|W9"]
    );
}

#[test]
fn tasks_that_never_had_a_wave_get_none() {
    let old = Old::eighth();
    old.sql("INSERT INTO tasks (project_id, wave_id, task_id, title, status) VALUES ('p', 'W1', 'T1-01', 'Alone', 'pending')");
    let report = old.upgrade();
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    assert_eq!(old.rows("SELECT (SELECT count(*) FROM waves), wave_id_fk FROM tasks"), ["0|-"]);
}

#[test]
fn half_made_links_are_finished_and_wrong_ones_righted() {
    let old = Old::new(FIRST);
    old.sql(
        "ALTER TABLE tasks ADD COLUMN wave_id_fk INTEGER; ALTER TABLE tasks ADD COLUMN plan_id INTEGER REFERENCES plans(id); \
         UPDATE tasks SET wave_id_fk = 1 WHERE id IN (1, 2); CREATE TABLE tasks_new (id INTEGER PRIMARY KEY, title TEXT)",
    );
    let found = migrate::inspect(&old.path()).unwrap().half_way;
    assert_eq!(found, [HalfWay::CopyLeftBehind, HalfWay::LinksHalfMade]);
    old.upgrade();
    assert_eq!(old.rows("SELECT wave_id_fk, plan_id FROM tasks ORDER BY id"), ["1|1", "1|1", "2|1", "3|3", "-|-"]);

    let old = Old::new(THIRD);
    old.sql("ALTER TABLE tasks ADD COLUMN wave_id_fk INTEGER; ALTER TABLE tasks ADD COLUMN plan_id INTEGER; UPDATE tasks SET wave_id_fk = 5, plan_id = 9 WHERE id = 1");
    old.upgrade();
    assert_eq!(old.rows("SELECT wave_id_fk, plan_id FROM tasks ORDER BY id"), ["4|2", "4|2", "5|2", "6|3"]);

    let old = Old::new(GROWN);
    old.sql("UPDATE tasks SET wave_id_fk = 1 WHERE id = 3; UPDATE tasks SET wave_id_fk = 2, wave_id = 'W2', plan_id = 2 WHERE id = 2");
    assert!(migrate::inspect(&old.path()).unwrap().half_way.contains(&HalfWay::WrongLinks));
    let report = old.upgrade();
    assert_eq!(old.rows("SELECT wave_id_fk, plan_id FROM tasks ORDER BY id"), ["1|1", "2|2", "3|2", "-|3"]);
    assert_eq!(report.warnings.len(), 2, "{:?}", report.warnings);
}

#[test]
fn two_generations_in_one_database_become_one() {
    let old = Old::new(THIRD);
    let tokens: String =
        FIRST.lines().skip_while(|line| !line.starts_with("CREATE TABLE token_usage")).take(2).collect();
    old.sql(&format!(
        "{tokens} INSERT INTO token_usage (project_id, model, tokens_input, tokens_output) VALUES ('bakery', 'm', 7, 3); \
         CREATE TABLE schema_metadata (key TEXT PRIMARY KEY, value TEXT NOT NULL, updated_at TEXT); INSERT INTO schema_metadata VALUES ('version', 'four', '')"
    ));
    assert!(migrate::inspect(&old.path()).unwrap().half_way.contains(&HalfWay::SeveralKinds));
    old.upgrade();
    assert_eq!(old.rows("SELECT total_tokens, execution_host FROM token_usage"), ["10|desk"]);
    assert_eq!(old.rows("SELECT value FROM schema_metadata"), ["8"]);
}

#[test]
fn parts_of_a_database_are_made_whole() {
    for (sql, kind) in [
        (
            "CREATE TABLE delegation_log (id INTEGER PRIMARY KEY, model TEXT); CREATE TABLE env_vault_log (id INTEGER PRIMARY KEY)",
            Kind::DelegationOnly,
        ),
        (
            "CREATE TABLE file_locks (id INTEGER PRIMARY KEY, file_path TEXT NOT NULL UNIQUE, pid INTEGER NOT NULL, host TEXT NOT NULL)",
            Kind::Partial,
        ),
        (
            "CREATE TABLE plans (id INTEGER PRIMARY KEY, project_id TEXT NOT NULL, plan_name TEXT NOT NULL, plan_file TEXT NOT NULL, status TEXT NOT NULL)",
            Kind::FiveTables,
        ),
    ] {
        let old = Old::new(sql);
        assert_eq!(migrate::inspect(&old.path()).unwrap().kind, kind);
        old.upgrade();
    }
}

#[test]
fn later_public_versions_keep_what_is_theirs() {
    let old = Old::eighth();
    let plans = old.rows("SELECT sql FROM sqlite_master WHERE name = 'plans'").remove(0);
    let wider = plans
        .replace("'archived')", "'archived','cancelled')")
        .replace("CREATE TABLE plans", "CREATE TABLE plans_wide");
    assert_ne!(plans, wider);
    old.sql(&format!(
        "PRAGMA legacy_alter_table = ON; DROP VIEW v_kanban; {wider}; DROP TABLE plans; ALTER TABLE plans_wide RENAME TO plans; ALTER TABLE plans ADD COLUMN cancelled_at DATETIME; \
         INSERT INTO plans (id, project_id, name, status) VALUES (1, 'p', 'Off', 'cancelled'); UPDATE schema_metadata SET value = '11'; \
         CREATE TABLE mesh_events (id INTEGER PRIMARY KEY, payload TEXT); INSERT INTO mesh_events VALUES (1, 'kept'); \
         CREATE VIEW v_kanban AS SELECT p.id AS plan_id, p.name AS plan_name, p.status, p.is_master, p.tasks_done, p.tasks_total, 0.0 AS progress, p.created_at, p.started_at, \
         p.completed_at, p.project_id, p.project_id AS project_name, '' AS project_path, p.cancelled_at FROM plans p; \
         CREATE TRIGGER enforce BEFORE UPDATE OF status ON tasks WHEN NEW.status = 'done' AND OLD.status <> 'submitted' BEGIN SELECT RAISE(ABORT, 'submit first'); END"
    ));
    assert_eq!(migrate::inspect(&old.path()).unwrap().kind, Kind::Newer);
    let report = old.upgrade();
    assert!(report.rebuilt.is_empty() && report.warnings.is_empty(), "{report:?}");
    assert_eq!(old.rows("SELECT value FROM schema_metadata"), ["11"]);
    assert_eq!(old.rows("SELECT status, cancelled_at FROM v_kanban"), ["cancelled|-"]);
    assert_eq!(old.rows("SELECT payload FROM mesh_events"), ["kept"]);
    assert_eq!(old.rows("SELECT count(*) FROM sqlite_master WHERE name = 'enforce'"), ["1"]);
}

#[test]
fn a_check_that_lacks_some_states_keeps_those_it_has() {
    let old = Old::new(&GROWN.replace("'done', 'blocked'))", "'done', 'blocked', 'parked'))"));
    old.sql("UPDATE waves SET status = 'parked' WHERE id = 2");
    old.upgrade();
    old.sql("UPDATE waves SET status = 'merging' WHERE id = 1; UPDATE waves SET status = 'parked' WHERE id = 3");
    assert_eq!(old.rows("SELECT status FROM waves"), ["merging", "parked", "parked"]);
}

#[test]
fn what_cannot_be_upgraded_is_left_as_it_was_without_a_copy() {
    let old = Old::new(GROWN);
    old.sql("CREATE TABLE crewkit_new_plans (x)");
    let before = old.rows("SELECT type, name, sql FROM sqlite_master");
    let fault = migrate::upgrade(&old.settings()).unwrap_err();
    assert!(matches!(fault, Error::Upgrade { .. }) && fault.to_string().contains("crewkit_new_plans"), "{fault}");
    assert_eq!(old.rows("SELECT type, name, sql FROM sqlite_master"), before);
    assert_eq!(old.rows("PRAGMA user_version"), ["0"]);
    assert_eq!(old.copies(), Vec::<PathBuf>::new());
}

#[test]
fn the_copy_is_the_old_database_with_its_log_in_one_file() {
    let old = Old::new(GROWN);
    let held = Connection::open(old.path()).unwrap();
    held.execute_batch("INSERT INTO projects (id, name, path) VALUES ('late', 'In the log', '/x')").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(old.path(), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let copy = old.upgrade().copy.unwrap();
    let bytes = fs::read(&copy).unwrap();
    assert_eq!(bytes[18..20], [1, 1], "a copy needs no log");
    assert_eq!(rows(&copy, "SELECT name FROM projects WHERE id = 'late'"), ["In the log"]);
    assert_eq!(rows(&copy, "PRAGMA user_version"), ["0"]);
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&copy).unwrap().permissions()) & 0o777, 0o600);
    drop(held);
    // A second upgrade in the same second makes a copy of its own.
    old.sql("PRAGMA user_version = 0; DROP TABLE task_failures");
    let second = old.upgrade().copy.unwrap();
    assert!(copy.exists() && second.ends_with("d.db.backup.1767323045-2"), "{second:?}");
}

#[test]
fn a_database_without_a_log_gets_one() {
    let old = Old::new(GROWN);
    old.sql("PRAGMA journal_mode = DELETE");
    old.upgrade();
    old.sql("PRAGMA journal_mode = DELETE");
    let store = Store::open_existing(&old.settings()).unwrap().unwrap();
    store.state().enter_project("late", "Late", "/x", "2026-01-02 03:04:05").unwrap();
    assert_eq!(old.rows("PRAGMA journal_mode"), ["wal"]);
}

#[test]
fn what_counts_as_missing_and_what_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let settings = |name: &str| Settings {
        path: folder.path().join(name),
        host: "desk".to_owned(),
        now: "2026-01-02 03:04:05".to_owned(),
    };
    for (name, make) in [("none.db", None), ("empty.db", Some(Vec::new()))] {
        let settings = settings(name);
        if let Some(bytes) = make {
            fs::write(&settings.path, bytes).unwrap();
        }
        assert!(Store::open_existing(&settings).unwrap().is_none());
        assert_eq!(migrate::inspect(&settings.path).unwrap().kind, Kind::Missing);
        drop(Store::open_or_create(&settings).unwrap());
        whole(&settings.path);
    }
    let tableless = settings("tableless.db");
    Connection::open(&tableless.path).unwrap().execute_batch("CREATE TABLE t (x); DROP TABLE t").unwrap();
    assert!(Store::open_existing(&tableless).unwrap().is_none());
    drop(Store::open_or_create(&tableless).unwrap());
    whole(&tableless.path);

    let text = settings("text.db");
    fs::write(&text.path, "these are words, and many of them, but no database at all").unwrap();
    assert!(matches!(Store::open_or_create(&text), Err(Error::NotADatabase(_))));
    assert_eq!(fs::read(&text.path).unwrap().len(), 57);

    let other = settings("other.db");
    Connection::open(&other.path).unwrap().execute_batch("CREATE TABLE tasks (id, what)").unwrap();
    assert!(matches!(Store::open_or_create(&other), Err(Error::Foreign(_))));
    assert!(matches!(Store::start_over(&other), Err(Error::Foreign(_))));
    assert_eq!(rows(&other.path, "SELECT name FROM sqlite_master"), ["tasks"]);

    let later = settings("later.db");
    drop(Store::open_or_create(&later).unwrap());
    Connection::open(&later.path).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let store = Store::open_or_create(&later).unwrap();
    assert_eq!(store.state().counts().unwrap().projects, 0);
    assert!(matches!(store.state().enter_project("a", "A", "/a", ""), Err(Error::Newer { found: 99, .. })));
}

#[test]
fn starting_over_and_restoring_work_under_an_open_reader() {
    let old = Old::new(GROWN);
    old.upgrade();
    let reader = Connection::open(old.path()).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM projects").unwrap();
    let copy = Store::start_over(&old.settings()).unwrap();
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!(reader.query_row("SELECT count(*) FROM projects", [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    whole(&old.path());
    old.sql("INSERT INTO plans (project_id, name) VALUES ('p', 'New')");
    assert_eq!(old.rows("SELECT id FROM plans"), ["1"]);
    let kept = Store::restore(&old.settings(), &copy).unwrap().unwrap();
    assert_eq!(rows(&kept, "SELECT name FROM plans"), ["New"]);
    assert_eq!(reader.query_row("SELECT count(*) FROM plans", [], |row| row.get::<_, i64>(0)).unwrap(), 3);
    whole(&old.path());
    // A copy of an older shape arrives upgraded; a missing database is made of it.
    let older = Old::new(FIRST);
    assert!(Store::restore(&old.settings(), &older.path()).unwrap().is_some());
    assert_eq!(old.rows("SELECT count(*) FROM plans"), ["5"]);
    whole(&old.path());
    let empty = Settings { path: old.folder.path().join("made.db"), ..old.settings() };
    assert!(Store::restore(&empty, &older.path()).unwrap().is_none());
    whole(&empty.path);
    assert_eq!(older.rows("PRAGMA user_version"), ["0"]);
}

//! Single reads and writes of plan-db in a large database: 200 plans, 2,000 waves, 40,000 tasks, the second plan with 400.

use std::fs;
use std::io;
use std::path::Path;

use crate::measure::{Call, Lab, Row, compare};

const FILL: &str = "BEGIN;
WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
INSERT INTO plans (id, project_id, name, status, tasks_total, tasks_done)
  SELECT i, 'p' || (i % 10), 'Plan ' || i, CASE i % 4 WHEN 0 THEN 'todo' WHEN 1 THEN 'doing' ELSE 'done' END, 200, 100 FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10)
INSERT INTO waves (project_id, plan_id, wave_id, name, status, position, tasks_total, tasks_done)
  SELECT p.project_id, p.id, 'W' || n.i, 'Wave', 'in_progress', n.i, 20, 10 FROM plans p, n WHERE p.id > 1 ORDER BY p.id, n.i;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
INSERT INTO tasks (project_id, plan_id, wave_id_fk, wave_id, task_id, title, description, status, test_criteria, output_data)
  SELECT w.project_id, w.plan_id, w.id, w.wave_id, 'T' || w.position || '-' || printf('%02d', n.i), 'Title of a task of some length',
    'Do the thing as it is described, with care and with tests | Files: src/p' || w.plan_id || '/f' || w.position || '-' || n.i || '.rs | Ref: F-01',
    CASE n.i % 4 WHEN 0 THEN 'pending' WHEN 1 THEN 'in_progress' ELSE 'done' END, '{\"verify\":[\"cargo test\"]}',
    CASE WHEN n.i % 4 > 1 THEN '{\"made\":1}' END
  FROM waves w, n WHERE n.i <= 20 OR w.plan_id = 2 ORDER BY w.id, n.i;
UPDATE plans SET worktree_path = (SELECT path FROM projects WHERE id = 'bench'), project_id = 'bench' WHERE id = 199;
UPDATE tasks SET project_id = 'bench', description = 'Look at it' WHERE plan_id = 199;
COMMIT;";

pub(crate) fn all(lab: &Lab, runs: usize, sqlite: &Call) -> io::Result<Vec<Row>> {
    let runs = runs.min(100);
    let file = lab.root().join("large.db");
    let database = file.to_string_lossy().into_owned();
    let repo = repository(lab)?;
    let plan_db = lab.tool("scripts/plan-db.sh");
    let call = |arguments: &[&str]| lab.call(&plan_db, arguments).with("PLAN_DB_FILE", &database);
    call(&["create", "bench", "First"]).once()?;
    let project = format!("INSERT INTO projects (id, name, path) VALUES ('bench', 'bench', '{}');", repo.display());
    lab.call("sqlite3", &[&database]).fed(&format!("{project}\n{FILL}")).once()?;

    let statement = |sql: &str| lab.call("sqlite3", &[&database, sql]);
    let json = "SELECT p.id, p.name, p.status, p.tasks_done, p.tasks_total, p.created_at, COALESCE(pr.name, p.project_id) \
         FROM plans p LEFT JOIN projects pr ON pr.id = p.project_id WHERE p.id = 2";
    let open = "SELECT t.id, t.task_id, t.title, t.description, t.status, t.priority, t.test_criteria, t.model, t.output_data, w.id, w.name \
         FROM tasks t LEFT JOIN waves w ON w.id = t.wave_id_fk WHERE t.plan_id = 2 AND t.status IN ('pending', 'in_progress') \
         ORDER BY w.position, t.task_id; \
         SELECT task_id, wave_id, output_data FROM tasks WHERE plan_id = 2 AND status = 'done' AND output_data <> ''";
    let tasks = "SELECT t.id, t.task_id, w.wave_id, t.status, t.priority, t.model, t.title FROM tasks t \
         LEFT JOIN waves w ON w.id = t.wave_id_fk WHERE t.plan_id = 2 ORDER BY w.position, t.task_id";
    let update = "PRAGMA synchronous = FULL; BEGIN IMMEDIATE; UPDATE tasks SET status = 'blocked', notes = 'a note', updated_at = datetime('now') \
         WHERE id = 500; UPDATE plans SET updated_at = datetime('now') WHERE id = 3; COMMIT";
    let names = "SELECT t.id, t.description, t.files, t.test_criteria FROM plans p JOIN tasks t ON t.plan_id = p.id \
         WHERE p.project_id = 'p2' AND p.status IN ('todo', 'doing')";
    let state = |run: usize| if run.is_multiple_of(2) { "in_progress" } else { "blocked" };
    let same = "the same statement by `sqlite3`";
    Ok(vec![
        compare(("`plan-db json`, 40,000 tasks", same, "2"), runs, &statement(json), |_| Ok(call(&["json", "2"])))?,
        compare(("`plan-db get-context` of 400 of 40,000 tasks", same, "2 and 10 ms"), runs, &statement(open), |_| {
            Ok(call(&["get-context", "2"]))
        })?,
        compare(("`plan-db list-tasks` of 400 of 40,000 tasks", same, "2"), runs, &statement(tasks), |_| {
            Ok(call(&["list-tasks", "2"]))
        })?,
        compare(
            ("`plan-db update-task`, 40,000 tasks (fsync included)", same, "2"),
            runs,
            &statement(update),
            |run| Ok(call(&["update-task", "500", state(run), "a note"])),
        )?,
        compare(("`plan-db conflict-check` with 10 plans of 200 tasks", same, "-"), runs, &statement(names), |_| {
            Ok(call(&["conflict-check", "2"]))
        })?,
        compare(
            ("`plan-db drift-check`, 300 commits", "`git rev-list --count main`", "-"),
            runs,
            &lab.call("git", &["rev-list", "--count", "main"]).at(&repo),
            |_| Ok(call(&["drift-check", "199"]).at(&repo)),
        )?,
        compare(
            ("`fix-counters` of 40,000 tasks", "`sqlite3 :memory: 'select 1'`", "-"),
            runs.min(20),
            sqlite,
            |_| Ok(lab.call(lab.tool("scripts/fix-counters.sh"), &[]).with("PLAN_DB_FILE", &database)),
        )?,
    ])
}

/// A repository of 300 commits.
fn repository(lab: &Lab) -> io::Result<std::path::PathBuf> {
    let repo = lab.root().join("planned");
    fs::create_dir_all(&repo)?;
    let git = |arguments: &[&str], at: &Path| lab.call("git", arguments).at(at).once();
    git(&["init", "-q", "-b", "main"], &repo)?;
    let mut stream = String::new();
    for number in 1..=300 {
        let from = if number > 1 { format!("from :{}\n", number - 1) } else { String::new() };
        let name = format!("f{}.rs", number % 40);
        let text = format!("fn f{number}() {{}}\n");
        stream.push_str(&format!(
            "commit refs/heads/main\nmark :{number}\ncommitter B <b@example.com> {} +0000\ndata 3\nwip\n{from}M 100644 inline {name}\ndata {}\n{text}\n",
            1_700_000_000 + number,
            text.len()
        ));
    }
    lab.call("git", &["fast-import", "--quiet"]).at(&repo).fed(&stream).once()?;
    git(&["reset", "-q", "--hard"], &repo)?;
    Ok(repo)
}

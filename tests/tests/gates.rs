//! plan-db-safe, validate-*, thor-*: what makes work done, with real repositories, kills and many callers at once.

mod cascade;
mod code;
mod kills;
mod sequences;
mod thor;
mod validate;

use std::path::{Path, PathBuf};

use crewkit_tests::{Crew, Ended, Value, json};

fn plan_db(crew: &Crew, arguments: &[&str]) -> Ended {
    crew.run("plan-db", arguments)
}

fn safe(crew: &Crew, arguments: &[&str]) -> Ended {
    crew.run("plan-db-safe", arguments)
}

fn change(crew: &Crew, sql: &str) {
    let connection = rusqlite::Connection::open(crew.database()).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
}

/// A plan (1) that is doing, with a wave (1) of the given tasks, all in progress.
fn plan(tasks: &[&str]) -> Crew {
    let crew = Crew::new();
    plan_db(&crew, &["create", "demo", "Alpha"]).code(0);
    plan_db(&crew, &["start", "1"]).code(0);
    plan_db(&crew, &["add-wave", "1", "W1", "One"]).code(0);
    for (number, code) in (1..).zip(tasks) {
        plan_db(&crew, &["add-task", "1", code, "work", "--executor-agent", "claude"]).code(0);
        plan_db(&crew, &["update-task", &number.to_string(), "in_progress"]).code(0);
    }
    crew
}

/// A plan with a worktree on a branch and one task (1) in progress that declares `files`; a second one keeps the wave open.
fn with_code(files: &str) -> (Crew, PathBuf) {
    let crew = plan(&[]);
    let top = crew.repository("shop");
    crew.git(&top, &["checkout", "-q", "-b", "feature"]);
    plan_db(&crew, &["set-worktree", "1", top.to_str().unwrap()]).code(0);
    let description = format!("work | Files: {files}");
    plan_db(&crew, &["add-task", "1", "T1-01", "First", "--description", &description]).code(0);
    plan_db(&crew, &["add-task", "1", "T1-02", "Second"]).code(0);
    plan_db(&crew, &["update-task", "1", "in_progress"]).code(0);
    (crew, top)
}

/// The gate `number` of a verdict.
fn gate<'a>(verdict: &'a Value, number: &str) -> &'a Value {
    let gates = verdict["gates"].as_array().unwrap();
    gates.iter().find(|gate| gate["gate"] == number).unwrap_or_else(|| panic!("no gate {number}: {verdict}"))
}

/// The counters, and that no state contradicts another.
#[track_caller]
fn sound(crew: &Crew) {
    assert_eq!(crew.value("PRAGMA integrity_check"), json!("ok"));
    let wrong = crew.sql(
        "SELECT 'wave', id FROM waves w WHERE tasks_total <> (SELECT COUNT(*) FROM tasks WHERE wave_id_fk = w.id) \
           OR tasks_done <> (SELECT COUNT(*) FROM tasks WHERE wave_id_fk = w.id AND status = 'done') \
         UNION ALL SELECT 'plan', id FROM plans p WHERE tasks_total <> (SELECT COUNT(*) FROM tasks WHERE plan_id = p.id) \
           OR tasks_done <> (SELECT COUNT(*) FROM tasks WHERE plan_id = p.id AND status = 'done') \
         UNION ALL SELECT 'validated', id FROM tasks WHERE validated_at IS NOT NULL AND status <> 'done' \
         UNION ALL SELECT 'closed', p.id FROM plans p JOIN tasks t ON t.plan_id = p.id WHERE p.status = 'done' AND t.status NOT IN ('done', 'skipped') \
         UNION ALL SELECT 'open wave', w.id FROM waves w JOIN tasks t ON t.wave_id_fk = w.id WHERE w.status = 'done' AND t.status NOT IN ('done', 'skipped')",
    );
    assert_eq!(wrong, Vec::<Vec<Value>>::new());
}

/// The lines of the audit log.
fn audit(crew: &Crew) -> Vec<Value> {
    let text = std::fs::read_to_string(crew.claude().join("data/thor-audit.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|fault| panic!("{line}: {fault}"))).collect()
}

fn write(crew: &Crew, top: &Path, name: &str, text: &str) {
    crew.write(&top.join(name), text);
}

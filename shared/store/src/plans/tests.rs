//! The rules of states, stamps and counters, on a database that also has the triggers of older ones.

use rusqlite::types::Value;

use super::*;
use crate::Settings;

const MONDAY: &str = "2026-01-05 08:00:00";
const TUESDAY: &str = "2026-01-06 08:00:00";
const WEDNESDAY: &str = "2026-01-07 08:00:00";

/// A database with one plan (1) and two waves (1: W1, 2: W2), made on Monday.
struct Scratch {
    _folder: tempfile::TempDir,
    store: Store,
}

impl Scratch {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dashboard.db");
        let store = Store::open_or_create(&Settings { path, host: "here".into(), now: MONDAY.into() }).unwrap();
        // A trigger that users' databases had, and may have again.
        let trigger = "CREATE TRIGGER wave_auto_complete AFTER UPDATE OF tasks_done ON waves \
            WHEN NEW.tasks_done = NEW.tasks_total AND NEW.tasks_total > 0 AND NEW.status NOT IN ('done', 'merging') BEGIN \
            UPDATE waves SET status = 'merging', completed_at = COALESCE(completed_at, datetime('now')) WHERE id = NEW.id; END";
        store.connection.execute_batch(trigger).unwrap();
        let scratch = Self { _folder: folder, store };
        let new = NewPlan { project: "demo", name: "Alpha", ..NewPlan::default() };
        assert_eq!(scratch.plans().create(&new, MONDAY).unwrap(), 1);
        for code in ["W1", "W2"] {
            let wave = NewWave { code: code.into(), name: code.into(), ..NewWave::default() };
            scratch.plans().add_wave(1, &wave, MONDAY).unwrap();
        }
        scratch
    }

    fn plans(&self) -> Plans<'_> {
        self.store.plans()
    }

    fn add(&self, wave: i64, codes: &[&str]) -> Vec<i64> {
        let add = |code: &&str| self.plans().add_task(wave, &task(code), MONDAY).unwrap();
        codes.iter().map(add).collect()
    }

    fn set(&self, task: i64, to: TaskStatus, now: &str) -> Result<TaskChanged> {
        let change = TaskChange { task, to, notes: None, tokens: None, output_data: None, host: "here" };
        self.plans().change_task(&change, now)
    }

    fn finish(&self, task: i64, now: &str) {
        self.set(task, TaskStatus::InProgress, now).unwrap();
        self.set(task, TaskStatus::Done, now).unwrap();
    }

    fn run(&self, sql: &str) {
        self.store.connection.execute_batch(sql).unwrap();
    }

    /// The first row, its values as text separated by bars.
    fn row(&self, sql: &str) -> String {
        let mut statement = self.store.connection.prepare(sql).unwrap();
        let width = statement.column_count();
        statement
            .query_row([], |row| {
                let values = (0..width).map(|at| match row.get(at)? {
                    Value::Null => Ok("-".to_owned()),
                    Value::Integer(number) => Ok(number.to_string()),
                    Value::Real(number) => Ok(number.to_string()),
                    Value::Text(text) => Ok(text),
                    Value::Blob(_) => panic!("{sql}: a blob"),
                });
                Ok(values.collect::<rusqlite::Result<Vec<_>>>()?.join("|"))
            })
            .unwrap()
    }

    fn wave(&self, id: i64) -> String {
        self.row(&format!(
            "SELECT status, tasks_done, tasks_total, started_at, completed_at FROM waves WHERE id = {id}"
        ))
    }

    fn plan(&self) -> String {
        self.row("SELECT tasks_done, tasks_total, validated_at FROM plans WHERE id = 1")
    }
}

fn task(code: &str) -> NewTask {
    NewTask {
        code: code.into(),
        title: code.into(),
        priority: "P1".into(),
        kind: "feature".into(),
        model: "sonnet".into(),
        effort: 1,
        ..NewTask::default()
    }
}

#[test]
fn a_wave_is_done_with_its_last_task_and_never_merging_by_itself() {
    let crew = Scratch::new();
    let ids = crew.add(1, &["T1", "T2"]);
    crew.finish(ids[0], TUESDAY);
    assert_eq!(crew.wave(1), "pending|1|2|-|-");
    crew.set(ids[1], TaskStatus::InProgress, TUESDAY).unwrap();
    let changed = crew.set(ids[1], TaskStatus::Done, WEDNESDAY).unwrap();
    assert_eq!((changed.from.as_str(), changed.wave_completed.as_deref()), ("in_progress", Some("W1")));
    assert_eq!(crew.wave(1), format!("done|2|2|{WEDNESDAY}|{WEDNESDAY}"));
    assert_eq!(crew.plan(), "2|2|-");
    assert_eq!(crew.row("SELECT started_at, completed_at FROM tasks WHERE id = 2"), format!("{TUESDAY}|{WEDNESDAY}"));
    // Once more: its stamps are repeated, nothing is counted twice, the wave keeps its own.
    crew.set(ids[0], TaskStatus::Done, WEDNESDAY).unwrap();
    assert_eq!(crew.row("SELECT completed_at FROM tasks WHERE id = 1"), WEDNESDAY);
    assert_eq!(crew.wave(1), format!("done|2|2|{WEDNESDAY}|{WEDNESDAY}"));
}

#[test]
fn what_merges_or_waits_is_left_to_who_set_it() {
    let crew = Scratch::new();
    let ids = crew.add(1, &["T1"]);
    crew.plans().change_wave(1, WaveStatus::Merging, TUESDAY).unwrap();
    crew.finish(ids[0], TUESDAY);
    assert_eq!(crew.wave(1), "merging|1|1|-|-");
    let ids = crew.add(2, &["T1"]);
    crew.plans().change_wave(2, WaveStatus::Blocked, TUESDAY).unwrap();
    crew.run("UPDATE tasks SET status = 'done'; UPDATE waves SET tasks_done = 7; UPDATE waves SET status = 'blocked' WHERE id = 2");
    let waves = crew.plans().sync(1, WEDNESDAY).unwrap();
    assert_eq!(waves.iter().map(|wave| wave.status.as_str()).collect::<Vec<_>>(), ["merging", "blocked"]);
    crew.run("UPDATE tasks SET status = 'in_progress' WHERE wave_id_fk = 2");
    crew.set(ids[0], TaskStatus::Done, WEDNESDAY).unwrap();
    assert_eq!(crew.wave(2), format!("done|1|1|{WEDNESDAY}|{WEDNESDAY}"));
}

#[test]
fn a_reopened_task_takes_back_what_followed_from_it() {
    for to in [TaskStatus::Pending, TaskStatus::InProgress, TaskStatus::Blocked] {
        let crew = Scratch::new();
        let ids = crew.add(1, &["T1", "T2"]);
        crew.set(ids[1], TaskStatus::Skipped, MONDAY).unwrap();
        crew.finish(ids[0], MONDAY);
        crew.run("UPDATE tasks SET validated_at = 'x', validated_by = 'y'; UPDATE plans SET validated_at = 'x', validated_by = 'y'");
        let changed = crew.set(ids[0], to, TUESDAY).unwrap();
        assert_eq!(changed.wave_reopened.as_deref(), Some("W1"));
        assert_eq!(crew.wave(1), format!("in_progress|0|2|{MONDAY}|-"));
        assert_eq!(crew.plan(), "0|2|-");
        let task = crew.row("SELECT started_at, completed_at, validated_at, validated_by FROM tasks WHERE id = 1");
        assert_eq!(task, format!("{MONDAY}|-|-|-"));
    }
}

#[test]
fn done_work_that_is_skipped_keeps_the_wave_closed() {
    let crew = Scratch::new();
    let ids = crew.add(1, &["T1"]);
    crew.finish(ids[0], MONDAY);
    crew.run("UPDATE plans SET validated_at = 'x'");
    crew.set(ids[0], TaskStatus::Skipped, TUESDAY).unwrap();
    assert_eq!(crew.wave(1), format!("done|0|1|{MONDAY}|{MONDAY}"));
    assert_eq!(crew.plan(), "0|1|-");
    crew.set(ids[0], TaskStatus::Pending, WEDNESDAY).unwrap();
    assert_eq!(crew.wave(1), format!("in_progress|0|1|{MONDAY}|-"));
}

#[test]
fn skipped_tasks_finish_a_wave() {
    let crew = Scratch::new();
    let ids = crew.add(1, &["T1", "T2"]);
    crew.set(ids[0], TaskStatus::Skipped, MONDAY).unwrap();
    assert_eq!(crew.wave(1), "pending|0|2|-|-");
    assert!(crew.set(ids[0], TaskStatus::Done, MONDAY).unwrap_err().to_string().contains("skipped"));
    assert!(crew.set(ids[1], TaskStatus::Done, MONDAY).unwrap_err().to_string().contains("pending"));
    let changed = crew.set(ids[1], TaskStatus::Skipped, TUESDAY).unwrap();
    assert_eq!(changed.wave_completed.as_deref(), Some("W1"));
    assert_eq!(crew.wave(1), format!("done|0|2|{TUESDAY}|{TUESDAY}"));
}

#[test]
fn new_work_opens_a_finished_wave() {
    let crew = Scratch::new();
    let ids = crew.add(1, &["T1"]);
    crew.finish(ids[0], MONDAY);
    crew.run("UPDATE plans SET validated_at = 'x'");
    crew.plans().add_task(1, &task("T2"), TUESDAY).unwrap();
    assert_eq!(crew.wave(1), format!("in_progress|1|2|{MONDAY}|-"));
    assert_eq!(crew.plan(), "1|2|-");
}

#[test]
fn notes_stay_until_others_are_given() {
    let crew = Scratch::new();
    let ids = crew.add(1, &["T1"]);
    let change = TaskChange {
        task: ids[0],
        to: TaskStatus::Blocked,
        notes: Some("why\nnot"),
        tokens: Some(5),
        output_data: Some("{}"),
        host: "h",
    };
    crew.plans().change_task(&change, TUESDAY).unwrap();
    crew.set(ids[0], TaskStatus::InProgress, TUESDAY).unwrap();
    crew.set(ids[0], TaskStatus::InProgress, WEDNESDAY).unwrap();
    let sql = "SELECT notes, tokens, output_data, executor_host, started_at, updated_at FROM tasks WHERE id = 1";
    assert_eq!(crew.row(sql), format!("why\nnot|5|{{}}|here|{TUESDAY}|{WEDNESDAY}"));
    assert_eq!(crew.row("SELECT execution_host, updated_at FROM plans"), format!("here|{WEDNESDAY}"));
    crew.plans().change_task(&TaskChange { notes: Some(""), ..change }, TUESDAY).unwrap();
    assert_eq!(crew.row("SELECT notes FROM tasks WHERE id = 1"), "");
}

#[test]
fn tasks_without_wave_or_plan_are_no_hindrance() {
    let crew = Scratch::new();
    crew.run("INSERT INTO tasks (project_id, wave_id, wave_id_fk, plan_id, task_id, title, status) VALUES ('demo', 'W9', 99, NULL, 'T9', 't', 'in_progress')");
    assert_eq!(crew.set(1, TaskStatus::Done, MONDAY).unwrap().from, "in_progress");
    assert_eq!(crew.set(1, TaskStatus::Pending, MONDAY).unwrap().plan_closed, None);
    assert!(matches!(crew.set(2, TaskStatus::Pending, MONDAY), Err(Error::NotFound { .. })));
}

#[test]
fn a_wave_that_goes_on_has_no_end() {
    let crew = Scratch::new();
    for (to, wanted) in [
        (WaveStatus::InProgress, format!("in_progress|0|0|{TUESDAY}|-")),
        (WaveStatus::Done, format!("done|0|0|{TUESDAY}|{TUESDAY}")),
        (WaveStatus::Merging, format!("merging|0|0|{TUESDAY}|-")),
        (WaveStatus::Blocked, format!("blocked|0|0|{TUESDAY}|-")),
        (WaveStatus::Pending, format!("pending|0|0|{TUESDAY}|-")),
    ] {
        crew.plans().change_wave(1, to, TUESDAY).unwrap();
        assert_eq!(crew.wave(1), wanted);
    }
    assert_eq!(crew.row("SELECT updated_at FROM plans"), TUESDAY);
}

#[test]
fn sync_counts_again_and_leaves_alone_what_is_right() {
    let crew = Scratch::new();
    crew.add(1, &["T1", "T2"]);
    crew.run("UPDATE tasks SET status = 'done'; UPDATE waves SET tasks_done = 9, tasks_total = 1, status = 'in_progress'; UPDATE plans SET tasks_done = 9");
    let waves = crew.plans().sync(1, TUESDAY).unwrap();
    assert_eq!((waves[0].status.as_str(), waves[0].counts.done, waves[1].status.as_str()), ("done", 2, "in_progress"));
    assert_eq!(crew.wave(1), format!("done|2|2|{TUESDAY}|{TUESDAY}"));
    assert_eq!(crew.wave(2), "in_progress|0|0|-|-");
    assert_eq!(crew.plan(), "2|2|-");
    crew.plans().sync(1, WEDNESDAY).unwrap();
    assert_eq!(crew.row("SELECT updated_at FROM plans"), TUESDAY);
    assert_eq!(crew.row("SELECT updated_at FROM waves WHERE id = 1"), TUESDAY);
    assert!(matches!(crew.plans().sync(9, TUESDAY), Err(Error::NotFound { .. })));
}

#[test]
fn a_plan_finds_its_master() {
    let crew = Scratch::new();
    let create = |project, name| {
        crew.plans().create(&NewPlan { project, name, ..NewPlan::default() }, MONDAY).unwrap();
        crew.row("SELECT is_master, parent_plan_id FROM plans ORDER BY id DESC LIMIT 1")
    };
    assert_eq!(create("demo", "Year_%-Main"), "1|-");
    assert_eq!(create("demo", "YearXY-Phase1"), "0|-");
    assert_eq!(create("demo", "Year_%-Phase1"), "0|2");
    assert_eq!(create("demo", "Year_%-2-Phase1"), "0|2");
    assert_eq!(create("other", "Year_%-Phase1"), "0|-");
    assert_eq!(create("demo", "-Phase1"), "0|-");
    let again = crew.plans().create(&NewPlan { project: "demo", name: "Alpha", ..NewPlan::default() }, MONDAY);
    assert!(again.unwrap_err().to_string().contains("plan 1"));
}

#[test]
fn versions_are_one_series() {
    let crew = Scratch::new();
    crew.run(
        "INSERT INTO plan_versions (project_id, plan_name, version, change_type) VALUES ('demo', 'Alpha', 6, 'replan')",
    );
    crew.plans().claim(1, "here", false, true, TUESDAY).unwrap();
    let sql = "SELECT version, change_type, changed_by, changed_host, created_at FROM plan_versions ORDER BY id DESC";
    assert_eq!(crew.row(sql), format!("7|started|planner|here|{TUESDAY}"));
}

#[test]
fn a_claim_holds_against_others() {
    let crew = Scratch::new();
    let claim = |host, force, start| crew.plans().claim(1, host, force, start, TUESDAY);
    let history = || crew.row("SELECT group_concat(change_type) FROM plan_versions");
    assert!(!claim("here", false, false).unwrap().held_already);
    assert!(claim("here", false, false).unwrap().held_already);
    assert_eq!(history(), "created,claimed");
    claim("here", false, true).unwrap();
    claim("here", false, true).unwrap();
    assert_eq!(history(), "created,claimed,started");
    let refused = claim("there", false, false).unwrap_err().to_string();
    assert!(refused.contains("here") && refused.contains("--force"), "{refused}");
    assert_eq!(claim("there", true, true).unwrap().taken_from.as_deref(), Some("here"));
    assert_eq!(history(), "created,claimed,started,started");
    crew.run("UPDATE plans SET status = 'done', completed_at = 'x', validated_at = 'x'");
    assert!(claim("there", false, true).unwrap_err().to_string().contains("done"));
    assert!(claim("there", true, true).unwrap().reopened);
    assert_eq!(
        crew.row("SELECT status, completed_at, validated_at, started_at FROM plans"),
        format!("doing|-|-|{TUESDAY}")
    );
    assert!(crew.plans().release(1, "here", TUESDAY).unwrap_err().to_string().contains("there"));
    assert!(crew.plans().release(1, "there", TUESDAY).unwrap());
    assert!(!crew.plans().release(1, "there", TUESDAY).unwrap());
    assert!(history().ends_with("released"));
}

#[test]
fn completion_needs_everything() {
    let crew = Scratch::new();
    let why = || crew.plans().complete(1, "executor", Some((3, 1)), "here", WEDNESDAY).unwrap_err().to_string();
    assert!(why().contains("no tasks"));
    let ids = crew.add(1, &["T1", "T2"]);
    crew.finish(ids[0], MONDAY);
    assert!(why().contains("1/2"));
    crew.set(ids[1], TaskStatus::Skipped, MONDAY).unwrap();
    crew.plans().change_wave(2, WaveStatus::Merging, MONDAY).unwrap();
    assert!(why().contains("W2 (W2)") && why().contains("wave-worktree merge 1 2"));
    crew.plans().change_wave(2, WaveStatus::Done, MONDAY).unwrap();
    assert!(why().contains("validation"));
    crew.run("UPDATE plans SET validated_at = 'x'");
    assert_eq!(crew.plans().complete(1, "executor", Some((3, 1)), "here", WEDNESDAY).unwrap(), Completed::Now);
    assert_eq!(crew.plans().complete(1, "executor", None, "here", "later").unwrap(), Completed::Before);
    let sql = "SELECT status, completed_at, execution_host, lines_added, lines_removed FROM plans";
    assert_eq!(crew.row(sql), format!("done|{WEDNESDAY}|here|3|1"));
    assert_eq!(crew.row("SELECT COUNT(*) FROM plan_versions WHERE change_type = 'completed'"), "1");
    assert_eq!(crew.set(ids[0], TaskStatus::InProgress, WEDNESDAY).unwrap().plan_closed, Some(1));
}

#[test]
fn an_import_is_whole_or_nothing() {
    let crew = Scratch::new();
    let spec = |code: &str, tasks: &[&str]| SpecWave {
        wave: NewWave { code: code.into(), name: code.into(), ..NewWave::default() },
        tasks: tasks.iter().map(|code| NewTask { requirements: vec!["F-01".into()], ..task(code) }).collect(),
    };
    let import = |waves: &[SpecWave]| crew.plans().import(1, waves, Some("about"), Some("s.json"), TUESDAY);
    let rows = || {
        crew.row("SELECT (SELECT COUNT(*) FROM waves), (SELECT COUNT(*) FROM tasks), (SELECT COUNT(*) FROM task_requirements), description FROM plans")
    };
    import(&[spec("W3", &["T1", "T2"]), spec("W1", &["T3"])]).unwrap_err();
    import(&[spec("W3", &["T1", "T1"])]).unwrap_err();
    assert_eq!(rows(), "2|0|0|-");
    let done = import(&[spec("W3", &["T1", "T2"]), spec("W4", &[])]).unwrap();
    assert_eq!((done.tasks.len(), done.described), (2, true));
    assert_eq!(rows(), "4|2|2|about");
    assert_eq!(crew.row("SELECT group_concat(position || ':' || tasks_total) FROM waves"), "1:0,2:0,3:2,4:0");
    assert!(!import(&[spec("W5", &[])]).unwrap().described);
}

#[test]
fn a_database_that_knows_five_kinds_takes_the_nearest() {
    let crew = Scratch::new();
    crew.run(
        "CREATE TRIGGER narrow BEFORE INSERT ON tasks WHEN NEW.type NOT IN ('bug', 'feature', 'chore', 'doc', 'test') \
         BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: type IN (bug, feature)'); END",
    );
    for (kind, kept) in [("fix", "bug"), ("documentation", "doc"), ("refactor", "chore"), ("test", "test")] {
        crew.plans().add_task(1, &NewTask { kind: kind.into(), ..task(kind) }, MONDAY).unwrap();
        assert_eq!(crew.row("SELECT type FROM tasks ORDER BY id DESC LIMIT 1"), kept);
    }
}

#[test]
fn only_a_fresh_plan_is_taken_back() {
    let crew = Scratch::new();
    let id = crew.plans().create(&NewPlan { project: "demo", name: "Beta", ..NewPlan::default() }, MONDAY).unwrap();
    crew.plans().take_back(id).unwrap();
    crew.plans().take_back(1).unwrap();
    assert_eq!(
        crew.row("SELECT group_concat(id), (SELECT group_concat(plan_id) FROM plan_versions) FROM plans"),
        "1|1"
    );
}

#[test]
fn a_code_is_looked_for_in_open_plans() {
    let crew = Scratch::new();
    crew.add(1, &["T1"]);
    crew.plans().create(&NewPlan { project: "demo", name: "Beta", ..NewPlan::default() }, MONDAY).unwrap();
    let wave = NewWave { code: "W1".into(), name: "W1".into(), ..NewWave::default() };
    let wave = crew.plans().add_wave(2, &wave, MONDAY).unwrap();
    crew.add(wave, &["T1"]);
    let found = |plan| crew.plans().tasks_by_code("T1", plan).unwrap().iter().map(|task| task.id).collect::<Vec<_>>();
    assert_eq!((found(None), found(Some(2))), (vec![1, 2], vec![2]));
    assert!(crew.plans().archive(2, false, "here", TUESDAY).unwrap());
    assert!(!crew.plans().archive(2, false, "here", TUESDAY).unwrap());
    assert_eq!((found(None), found(Some(2))), (vec![1], vec![2]));
    crew.plans().claim(1, "here", false, true, TUESDAY).unwrap();
    assert!(crew.plans().archive(1, false, "here", TUESDAY).is_err());
    assert!(crew.plans().archive(1, true, "here", TUESDAY).unwrap());
    assert!(crew.plans().claim(1, "here", true, true, WEDNESDAY).unwrap().reopened);
    assert_eq!(crew.row("SELECT status, archived_at FROM plans"), "doing|-");
}

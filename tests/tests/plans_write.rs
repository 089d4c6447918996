//! plan-db's writing subcommands: whole lives of plans, many writers at once, writers that are killed.

use std::collections::HashSet;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crewkit_tests::{Crew, Ended, Value, json};

fn plan_db(crew: &Crew, arguments: &[&str]) -> Ended {
    crew.run("plan-db", arguments)
}

/// The same, by a caller that validates.
fn safe(crew: &Crew, arguments: &[&str]) -> Ended {
    crewkit_tests::finish(crew.tool("plan-db").args(arguments).env("PLAN_DB_SAFE_CALLER", "1"), None)
}

/// A plan (1) with a wave (1).
fn with_wave() -> Crew {
    let crew = Crew::new();
    assert_eq!(plan_db(&crew, &["create", "demo", "Alpha"]).code(0).stdout, "1\n");
    assert_eq!(plan_db(&crew, &["add-wave", "1", "W1", "One"]).code(0).stdout, "1\n");
    crew
}

/// A plan (1) with one task that is done and validated.
fn finished() -> Crew {
    let crew = with_wave();
    plan_db(&crew, &["add-task", "1", "T1-01", "First"]).code(0);
    plan_db(&crew, &["start", "1"]).code(0);
    plan_db(&crew, &["update-task", "1", "in_progress"]).code(0);
    safe(&crew, &["update-task", "1", "done"]).code(0);
    change(&crew, "UPDATE plans SET validated_at = datetime('now'), validated_by = 'thor'");
    crew
}

fn change(crew: &Crew, sql: &str) {
    let connection = rusqlite::Connection::open(crew.database()).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection.execute_batch(sql).unwrap();
}

#[track_caller]
fn sound(crew: &Crew) {
    assert_eq!(crew.value("PRAGMA integrity_check"), json!("ok"));
    let wrong = crew.sql(
        "SELECT 'wave', id FROM waves w WHERE tasks_total <> (SELECT COUNT(*) FROM tasks WHERE wave_id_fk = w.id) \
           OR tasks_done <> (SELECT COUNT(*) FROM tasks WHERE wave_id_fk = w.id AND status = 'done') \
         UNION ALL SELECT 'plan', id FROM plans p WHERE tasks_total <> (SELECT COUNT(*) FROM tasks WHERE plan_id = p.id) \
           OR tasks_done <> (SELECT COUNT(*) FROM tasks WHERE plan_id = p.id AND status = 'done')",
    );
    assert_eq!(wrong, Vec::<Vec<Value>>::new());
}

#[test]
fn fifty_writers_lose_nothing() {
    let crew = with_wave();
    let ids: Vec<i64> = thread::scope(|scope| {
        let writers: Vec<_> = (0..50)
            .map(|writer| {
                let crew = &crew;
                scope.spawn(move || {
                    let add = |task| {
                        let code = format!("T{writer}-{task}");
                        let ended = plan_db(crew, &["add-task", "1", &code, "work"]).code(0);
                        ended.stdout.trim().parse::<i64>().unwrap()
                    };
                    (0..20).map(add).collect::<Vec<_>>()
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 1000);
    assert_eq!(crew.value("SELECT COUNT(DISTINCT task_id) FROM tasks"), json!(1000));
    assert_eq!(crew.value("SELECT tasks_total FROM waves"), json!(1000));
    sound(&crew);
}

#[test]
fn writers_of_every_kind_at_once_leave_the_counters_right() {
    let crew = with_wave();
    for task in 0..12 {
        plan_db(&crew, &["add-task", "1", &format!("T1-{task:02}"), "work"]).code(0);
    }
    thread::scope(|scope| {
        for task in 1..=12 {
            let crew = &crew;
            scope.spawn(move || {
                let id = task.to_string();
                plan_db(crew, &["update-task", &id, "in_progress"]).code(0);
                safe(crew, &["update-task", &id, "done", "it's done"]).code(0);
                plan_db(crew, &["add-wave", "1", &format!("W9{id}"), "more"]).code(0);
                plan_db(crew, &["sync", "1"]).code(0);
            });
        }
    });
    assert_eq!(
        crew.sql("SELECT status, tasks_done, tasks_total FROM waves WHERE id = 1"),
        [[json!("done"), json!(12), json!(12)]]
    );
    let positions = crew.sql("SELECT COUNT(DISTINCT position), MAX(position) FROM waves");
    assert_eq!(positions, [[json!(13), json!(13)]]);
    sound(&crew);
}

#[test]
fn a_killed_writer_leaves_nothing_half_done() {
    let crew = with_wave();
    let until = Instant::now() + Duration::from_secs(3);
    let acknowledged: Vec<String> = thread::scope(|scope| {
        let writers: Vec<_> = (0..4_u64)
            .map(|writer| {
                let crew = &crew;
                scope.spawn(move || {
                    let mut acknowledged = Vec::new();
                    for task in 0_u64.. {
                        if Instant::now() > until {
                            break;
                        }
                        let code = format!("T{writer}-{task}");
                        let mut child = crew.start("plan-db", ["add-task", "1", &code, "work"]);
                        // A spread of moments over the whole life of the process, in no order.
                        thread::sleep(Duration::from_micros((writer * 7919 + task * 2749) % 40_000));
                        let _ = child.kill();
                        let output = child.wait_with_output().unwrap();
                        if !output.stdout.is_empty() {
                            acknowledged.push(code);
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    assert!(!acknowledged.is_empty());
    let kept: HashSet<String> =
        crew.sql("SELECT task_id FROM tasks").into_iter().map(|row| row[0].as_str().unwrap().to_owned()).collect();
    let lost: Vec<_> = acknowledged.iter().filter(|code| !kept.contains(*code)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    sound(&crew);
    plan_db(&crew, &["add-task", "1", "after", "work"]).code(0);
    // Who cannot know whether the task was added may ask again: there is one.
    let twice = plan_db(&crew, &["add-task", "1", "after", "work"]).refused(1, &["after", "already"]);
    let id = crew.value("SELECT id FROM tasks WHERE task_id = 'after'");
    assert!(twice.stderr.contains(&id.to_string()));
}

#[test]
fn a_killed_import_is_whole_or_not_there() {
    let crew = with_wave();
    let tasks: Vec<Value> =
        (0..200).map(|task| json!({ "id": format!("T2-{task}"), "do": "x", "files": ["a"] })).collect();
    for round in 0..20_u64 {
        let spec = json!({ "waves": [{ "id": format!("W2{round}"), "name": "x", "tasks": tasks }] });
        let path = crew.work().join("spec.json");
        crew.write(&path, spec.to_string());
        let mut child = crew.start("plan-db", ["import", "1", "spec.json"]);
        thread::sleep(Duration::from_micros(round * 1100));
        let _ = child.kill();
        child.wait_with_output().unwrap();
    }
    let sizes = crew.sql("SELECT DISTINCT tasks_total FROM waves WHERE id > 1");
    assert!(sizes.is_empty() || sizes == [[json!(200)]], "{sizes:?}");
    sound(&crew);
}

#[test]
fn any_text_is_kept_as_it_is() {
    let crew = with_wave();
    let text = "it's; DROP TABLE tasks; -- \"q\" | \\n $(id) `id` %s\nsecond\tline \u{1f600} \u{202e}";
    plan_db(&crew, &["add-task", "1", "T|1;'", text, "--description", text]).code(0);
    plan_db(&crew, &["update-task", "1", "blocked", text, "--output-data", &json!({ "a": text }).to_string()]).code(0);
    plan_db(&crew, &["update-desc", "1", text]).code(0);
    plan_db(&crew, &["log-failure", "1", "T|1;'", text, text]).code(0);
    let folded = text.replace('\n', " ");
    let rows = crew.sql(
        "SELECT t.title, t.description, t.notes, p.description, f.approach FROM tasks t, plans p, task_failures f",
    );
    assert_eq!(rows, [[json!(folded), json!(text), json!(text), json!(text), json!(text)]]);
    let long = "ż".repeat(60_000);
    plan_db(&crew, &["update-summary", "1", &long]).code(0);
    assert_eq!(crew.value("SELECT length(human_summary) FROM plans"), json!(60_000));
    let huge = "x".repeat(1 << 20);
    let spec = json!({ "waves": [{ "id": "W2", "name": "x", "tasks": [{ "id": "T2-01", "title": "t", "description": huge }] }] });
    crew.feed(spec.to_string(), "plan-db", ["import", "1", "-"]).code(0);
    assert_eq!(crew.value("SELECT length(description) FROM tasks WHERE id = 2"), json!(1 << 20));
    sound(&crew);
}

#[test]
fn bytes_that_are_no_text_are_refused_in_one_line() {
    let crew = with_wave();
    let bad = std::ffi::OsString::from_vec(b"x\xff\x1b[31m".to_vec());
    for arguments in [
        &["create", "demo"][..],
        &["add-wave", "1", "W2"],
        &["add-task", "1", "T1"],
        &["update-desc", "1"],
        &["set-worktree", "1"],
        &["set-wave-worktree", "1"],
        &["update-task"],
        &["create", "demo", "Beta", "--source-file"],
    ] {
        let mut arguments: Vec<_> = arguments.iter().map(std::ffi::OsString::from).collect();
        arguments.push(bad.clone());
        let ended = crew.run("plan-db", &arguments).code(1);
        assert!(ended.stdout.is_empty() && ended.stderr.trim_end().lines().count() == 1, "{ended:?}");
        assert!(ended.stderr.contains("UTF-8") && !ended.stderr.contains('\x1b'), "{ended:?}");
    }
    assert_eq!(crew.sql("SELECT (SELECT COUNT(*) FROM plans), (SELECT COUNT(*) FROM waves)"), [[json!(1), json!(1)]]);
}

#[test]
fn a_refusal_names_what_is_wrong_and_writes_nothing() {
    let crew = finished();
    let before = crew.sql("SELECT * FROM plans, waves, tasks");
    for (arguments, parts) in [
        (&["create", "demo", "Alpha"][..], &["Alpha", "plan 1"][..]),
        (&["create", "demo", ""], &["NAME", "empty"]),
        (&["create", "demo", "B", "--description"], &["--description", "value"]),
        (&["create", "demo", "B", "--description", "--human-summary"], &["--description", "--human-summary"]),
        (&["create", "demo", "B", "--nonsense"], &["--nonsense"]),
        (&["add-wave", "1", "W1", "again"], &["W1", "wave row 1"]),
        (&["add-wave", "9", "W1", "x"], &["plan 9", "not found"]),
        (&["add-wave", "1", "W2", "x", "--precondition", "{"], &["--precondition", "JSON"]),
        (&["add-wave", "1", "W2", "x", "--estimated-hours", "soon"], &["--estimated-hours", "soon"]),
        (&["add-task", "9", "T1", "x"], &["wave 9", "not found"]),
        (&["add-task", "W1", "T1", "x"], &["WAVE_DB_ID", "W1"]),
        (&["add-task", "1", "T1-01", "x"], &["T1-01", "task row 1"]),
        (&["add-task", "1", "T2", "x", "P7"], &["P7", "P0"]),
        (&["add-task", "1", "T2", "x", "--effort", "0"], &["--effort", "0"]),
        (&["add-task", "1", "T2"], &["TITLE"]),
        (&["update-task", "1", "finished"], &["finished", "pending | in_progress | done | blocked | skipped"]),
        (&["update-task", "1", "done"], &["plan-db-safe"]),
        (&["update-task", "no such", "done", "--tokens", "x"], &["plan-db-safe"]),
        (&["update-task", "9", "pending"], &["task 9", "not found"]),
        (&["update-task", "0", "pending"], &["'0'"]),
        (&["update-task", "1 OR 1=1", "blocked"], &["1 OR 1=1"]),
        (&["update-task", "1", "pending", "n", "--tokens", "many"], &["--tokens", "many"]),
        (&["update-task", "1", "pending", "n", "--output-data", "{x"], &["--output-data", "JSON"]),
        (&["update-wave", "1", "over"], &["over", "pending | in_progress | done | blocked | merging"]),
        (&["update-wave", "9", "done"], &["wave 9", "not found"]),
        (&["update-desc", "1"], &["TEXT"]),
        (&["update-summary", "9", "x"], &["plan 9", "not found"]),
        (&["set-worktree", "9", "/x"], &["plan 9", "not found"]),
        (&["set-worktree", "1", ""], &["PATH", "needs a value"]),
        (&["set-wave-worktree", "9", "/x"], &["wave 9", "not found"]),
        (&["start", "9"], &["plan 9", "not found"]),
        (&["start", "99999999999999999999"], &["PLAN_ID", "99999999999999999999"]),
        (&["claim", "-1"], &["-1"]),
        (&["release", "9"], &["plan 9", "not found"]),
        (&["sync", "9"], &["plan 9", "not found"]),
        (&["complete", "9"], &["plan 9", "not found"]),
        (&["import", "1", "nowhere.json"], &["nowhere.json", "not found"]),
        (&["import", "9", "-"], &["plan 9", "not found"]),
        (&["log-failure", "9", "T1", "a", "b"], &["plan 9", "not found"]),
        (&["log-failure", "1", "T1", " ", "b"], &["APPROACH"]),
        (&["archive", "1"], &["doing", "--force"]),
    ] {
        plan_db(&crew, arguments).refused(1, parts);
    }
    assert_eq!(crew.sql("SELECT * FROM plans, waves, tasks"), before);
    assert_eq!(crew.sql("SELECT (SELECT COUNT(*) FROM plans), (SELECT COUNT(*) FROM tasks)"), [[json!(1), json!(1)]]);
}

#[test]
fn paths_are_kept_whole_and_short() {
    let crew = with_wave();
    let source = crew.work().join("docs/goal.md");
    crew.write(&source, "# Goal\n\n// remark\n   Make it   \nmore\n");
    let markdown = crew.home().join("plans/b.md");
    let arguments = [
        "create",
        "demo",
        "Beta",
        "--source-file",
        "docs/goal.md",
        "--worktree-path",
        "../work/./x//y",
        "--markdown-path",
    ];
    plan_db(&crew, &[&arguments[..], &[markdown.to_str().unwrap()]].concat()).code(0);
    let row =
        crew.sql("SELECT source_file, worktree_path, markdown_path, markdown_dir, description FROM plans WHERE id = 2");
    let whole = |path: PathBuf| json!(path.to_str().unwrap());
    let wanted =
        [whole(source), whole(crew.work().join("x/y")), json!("~/plans/b.md"), json!("~/plans"), json!("Make it")];
    assert_eq!(row, [wanted]);
    plan_db(&crew, &["create", "demo", "Gamma", "--source-file", "nowhere.md"]).code(0);
    assert_eq!(crew.value("SELECT description FROM plans WHERE id = 3"), Value::Null);
    plan_db(&crew, &["set-worktree", "3", "~"]).code(0);
    assert_eq!(crew.value("SELECT worktree_path FROM plans WHERE id = 3"), json!("~"));
}

#[test]
fn a_task_is_found_by_its_code_in_one_open_plan() {
    let crew = with_wave();
    plan_db(&crew, &["add-task", "1", "T1-01", "First"]).code(0);
    plan_db(&crew, &["update-task", "T1-01", "in_progress", "- begun", "more", "words"]).code(0);
    assert_eq!(crew.sql("SELECT status, notes FROM tasks"), [[json!("in_progress"), json!("- begun")]]);
    plan_db(&crew, &["create", "demo", "Beta"]).code(0);
    plan_db(&crew, &["add-wave", "2", "W1", "One"]).code(0);
    plan_db(&crew, &["add-task", "2", "T1-01", "Second"]).code(0);
    let refused =
        plan_db(&crew, &["update-task", "T1-01", "blocked"]).refused(1, &["2 tasks", "1 (plan 1 Alpha, wave W1)"]);
    assert!(refused.stderr.contains("2 (plan 2 Beta, wave W1)"));
    plan_db(&crew, &["update-task", "T1-01", "blocked", "--plan", "2"]).code(0);
    assert_eq!(crew.sql("SELECT status FROM tasks"), [[json!("in_progress")], [json!("blocked")]]);
    plan_db(&crew, &["update-task", "T1-01", "blocked", "--plan", "7"]).refused(1, &["plan 7"]);
    plan_db(&crew, &["update-task", "T1-01", "blocked", "--plan", "x"]).refused(1, &["--plan", "x"]);
}

#[test]
fn a_spec_of_four_hundred_tasks_is_quick() {
    let crew = with_wave();
    let wave = |wave: u32| {
        let task = |task: u32| json!({ "id": format!("T{wave}-{task:02}"), "do": "Do it", "files": ["a.rs", "b.rs"], "ref": "F-01", "verify": ["v"] });
        json!({ "id": format!("W{}", wave + 1), "name": "n", "tasks": (0..40).map(task).collect::<Vec<_>>() })
    };
    let spec = json!({ "user_request": "u", "waves": (1..=10).map(wave).collect::<Vec<_>>() });
    crew.write(&crew.work().join("spec.json"), spec.to_string());
    let started = Instant::now();
    let ended = plan_db(&crew, &["import", "1", "spec.json"]).code(0);
    let took = started.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(
        ended.stdout.lines().map(|line| line.parse::<i64>().unwrap()).collect::<Vec<_>>(),
        (1..=400).collect::<Vec<_>>()
    );
    assert_eq!(crew.value("SELECT COUNT(*) FROM task_requirements WHERE requirement_id = 'F-01'"), json!(400));
    assert_eq!(crew.value("SELECT COUNT(*) FROM tasks WHERE files = '[\"a.rs\",\"b.rs\"]'"), json!(400));
    sound(&crew);
    // Again: all of it is refused, and the copy of the first stays.
    let copy = crew.claude().join("plans/demo/Alpha-spec.json");
    let kept = std::fs::read(&copy).unwrap();
    crew.write(&crew.work().join("spec.json"), format!("{spec} "));
    plan_db(&crew, &["import", "1", "spec.json"]).refused(1, &["spec.json", "wave W2", "already", "9 more"]);
    assert_eq!(std::fs::read(&copy).unwrap(), kept);
    assert_eq!(std::fs::read_dir(copy.parent().unwrap()).unwrap().count(), 1);
    assert_eq!(crew.value("SELECT COUNT(*) FROM tasks"), json!(400));
}

#[test]
fn a_dry_run_shows_all_and_writes_nothing() {
    let crew = with_wave();
    let good = json!({ "user_request": "u", "waves": [{ "id": "W2", "name": "Two", "depends_on": "W1", "tasks": [{ "id": "T2-01", "do": "x\u{1b}[31m" }] }] });
    let shown = crew.feed(good.to_string(), "plan-db", ["import", "1", "-", "--dry-run"]).code(0);
    assert!(shown.stdout.contains("T2-01") && shown.stdout.contains("after W1") && !shown.stdout.contains('\x1b'));
    let bad = json!({ "waves": [{ "id": "W1", "tasks": [{ "do": "x" }] }] });
    let faults = crew.feed(bad.to_string(), "plan-db", ["import", "1", "-", "--dry-run"]).code(1);
    assert!(faults.stdout.is_empty() && faults.stderr.matches("[ERROR]").count() == 3, "{faults:?}");
    assert_eq!(
        crew.sql("SELECT (SELECT COUNT(*) FROM waves), (SELECT COUNT(*) FROM tasks), description FROM plans"),
        [[json!(1), json!(0), Value::Null]]
    );
    assert!(!crew.claude().join("plans").exists());
}

#[test]
fn a_name_with_slashes_stays_in_the_folder_of_plans() {
    let crew = Crew::new();
    plan_db(&crew, &["create", "../../out", "../x/Y"]).code(0);
    crew.feed(r#"{"waves":[]}"#, "plan-db", ["import", "1", "-"]).code(0);
    assert!(crew.claude().join("plans/_._.._out/_._x_Y-spec.json").is_file());
}

/// A plan with one finished task whose worktree is `work/shop-plan-1` on the branch plan/1-alpha.
fn finished_in_worktree() -> (Crew, PathBuf, PathBuf) {
    let crew = finished();
    let top = crew.repository("shop");
    let tree = crew.work().join("shop-plan-1");
    crew.git(&top, &["worktree", "add", "-q", "-b", "plan/1-alpha", tree.to_str().unwrap()]);
    plan_db(&crew, &["set-worktree", "1", tree.to_str().unwrap()]).code(0);
    (crew, top, tree)
}

fn commit(crew: &Crew, tree: &Path, name: &str, text: &str) {
    crew.write(&tree.join(name), text);
    crew.git(tree, &["add", "-A"]);
    crew.git(tree, &["commit", "-q", "-m", name]);
}

#[test]
fn a_plan_is_not_completed_over_an_unfit_worktree() {
    let (crew, top, tree) = finished_in_worktree();
    commit(&crew, &tree, "a.txt", "plan\n");
    crew.write(&tree.join("left.txt"), "x");
    plan_db(&crew, &["complete", "1"]).refused(1, &["shop-plan-1", "DIRTY(1)", "--force"]);
    std::fs::remove_file(tree.join("left.txt")).unwrap();
    commit(&crew, &top, "b.txt", "main\n");
    plan_db(&crew, &["complete", "1"]).refused(1, &["BEHIND(1)"]);
    commit(&crew, &top, "a.txt", "main\n");
    plan_db(&crew, &["complete", "1"]).refused(1, &["BEHIND(2) CONFLICT"]);
    assert_eq!(crew.value("SELECT status FROM plans"), json!("doing"));
    plan_db(&crew, &["complete", "1", "--force"]).code(0);
    assert_eq!(crew.value("SELECT status FROM plans"), json!("done"));
}

#[test]
fn the_lines_of_the_plan_are_counted_and_no_others() {
    let (crew, top, tree) = finished_in_worktree();
    change(&crew, "UPDATE plans SET started_at = '2020-01-01 00:00:00'");
    commit(&crew, &tree, "a.txt", "1\n2\n3\n");
    commit(&crew, &tree, "a.txt", "1\n");
    crew.git(&top, &["checkout", "-q", "-b", "other"]);
    commit(&crew, &top, "b.txt", "much\nmore\n");
    crew.git(&top, &["checkout", "-q", "main"]);
    plan_db(&crew, &["complete", "1"]).code(0);
    assert_eq!(crew.sql("SELECT lines_added, lines_removed FROM plans"), [[json!(3), json!(2)]]);
    let again = plan_db(&crew, &["complete", "1"]).code(0);
    assert!(again.stderr.contains("before"), "{again:?}");
    assert_eq!(crew.value("SELECT COUNT(*) FROM plan_versions WHERE change_type = 'completed'"), json!(1));
}

#[test]
fn lines_count_after_the_branch_is_merged_and_not_without_a_start() {
    let (crew, top, tree) = finished_in_worktree();
    commit(&crew, &tree, "a.txt", "1\n2\n3\n");
    crew.git(&top, &["merge", "-q", "--ff-only", "plan/1-alpha"]);
    plan_db(&crew, &["complete", "1"]).code(0);
    assert_eq!(crew.sql("SELECT lines_added, lines_removed FROM plans"), [[json!(3), json!(0)]]);
    let crew = finished();
    plan_db(&crew, &["complete", "1"]).code(0);
    assert_eq!(crew.sql("SELECT lines_added, lines_removed FROM plans"), [[json!(0), json!(0)]]);
    let crew = finished();
    change(&crew, "UPDATE plans SET started_at = NULL");
    plan_db(&crew, &["complete", "1"]).code(0);
    assert_eq!(crew.sql("SELECT lines_added FROM plans"), [[Value::Null]]);
}

#[test]
fn a_plan_whose_worktree_fails_is_not_made() {
    let crew = Crew::new();
    let refused = plan_db(&crew, &["create", "demo", "Alpha", "--auto-worktree"]).code(1);
    assert!(refused.stdout.is_empty() && refused.stderr.contains("no git repository"), "{refused:?}");
    assert_eq!(crew.sql("SELECT * FROM plans"), Vec::<Vec<Value>>::new());
    assert_eq!(crew.sql("SELECT * FROM plan_versions"), Vec::<Vec<Value>>::new());
}

#[test]
fn a_plan_can_have_its_worktree_made() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    let inside = top.join("sub");
    std::fs::create_dir(&inside).unwrap();
    let made = crew.run_in(&inside, "plan-db", ["create", "demo", "It's: Big--Plan!", "--auto-worktree"]).code(0);
    assert_eq!(made.stdout, "1\n");
    assert!(made.stderr.contains("deprecated"));
    let tree = crew.work().join("shop-plan-1");
    assert_eq!(crew.git(&tree, &["branch", "--show-current"]), "plan/1-it-s-big-plan");
    let row = crew.sql("SELECT worktree_path, markdown_path, markdown_dir FROM plans");
    let name = "~/.claude/plans/demo/It's: Big--Plan!-Main.md";
    assert_eq!(row, [[json!(tree.to_str().unwrap()), json!(name), json!("~/.claude/plans/demo")]]);
    // The next one's place is taken: its plan is not made, and the project's own path counts.
    crew.write(&crew.work().join("shop-plan-2/x"), "");
    change(&crew, &format!("INSERT INTO projects (id, name, path) VALUES ('demo', 'Demo', '{}')", top.display()));
    let refused = plan_db(&crew, &["create", "demo", "Next", "--auto-worktree", "--markdown-path", "/m.md"]).code(1);
    assert!(refused.stdout.is_empty() && refused.stderr.contains("worktree-create"), "{refused:?}");
    assert_eq!(crew.value("SELECT COUNT(*) FROM plans"), json!(1));
    let made = plan_db(&crew, &["create", "demo", "Next", "--auto-worktree", "--markdown-path", "/m.md"]).code(0);
    assert_eq!(made.stdout, "3\n");
    assert_eq!(crew.value("SELECT markdown_path FROM plans WHERE id = 3"), json!("/m.md"));
}

#[test]
fn what_is_passed_on_is_the_other_tool() {
    let crew = Crew::new();
    for (word, tool, arguments) in [
        ("lock", "file-lock", &["list"][..]),
        ("stale-check", "stale-check", &["check", "none"]),
        ("wave-overlap", "wave-overlap", &["check-plan", "9"]),
        ("merge-queue", "merge-queue", &["--no-such-option"]),
        ("autosync", "plan-db-autosync", &["status"]),
    ] {
        let through = crew.run("plan-db", [&[word], arguments].concat());
        let direct = crew.run("crewkit", [&[tool], arguments].concat());
        assert_eq!((through.code, &through.stdout, &through.stderr), (direct.code, &direct.stdout, &direct.stderr));
    }
}

#[test]
fn settings_that_have_parted_stop_a_claim() {
    let crew = with_wave().with("REMOTE_HOST", "far");
    let far = crew.root().join("far");
    crew.stub("ssh", "while [ \"$1\" != -- ]; do shift; done; shift 2\n[ -e \"$TMPDIR/down\" ] && exit 255\nHOME=\"${HOME%/home}/far\" exec \"$@\"");
    plan_db(&crew, &["claim", "1"]).code(0);
    let claude = crew.claude();
    crew.write(&claude.join(".gitignore"), "data/\nbin/\n");
    crew.git(&claude, &["init", "-q"]);
    crew.git(&claude, &["add", "-A"]);
    crew.git(&claude, &["commit", "-q", "-m", "first"]);
    assert!(plan_db(&crew, &["claim", "1"]).code(0).stderr.contains("could not be compared"));
    std::fs::create_dir_all(&far).unwrap();
    crew.git(&far, &["clone", "-q", claude.to_str().unwrap(), ".claude"]);
    let there = far.join(".claude");
    assert!(!plan_db(&crew, &["claim", "1"]).code(0).stderr.contains("settings"));
    commit(&crew, &there, "far.txt", "x");
    assert!(plan_db(&crew, &["start", "1"]).code(0).stderr.contains("pull"));
    commit(&crew, &claude, "here.txt", "x");
    plan_db(&crew, &["claim", "1"]).refused(1, &["diverged", "far", "--force"]);
    assert!(plan_db(&crew, &["claim", "1", "--force"]).code(0).stderr.contains("diverged"));
    plan_db(&crew, &["claim", "9"]).refused(1, &["plan 9", "not found"]);
    crew.write(&crew.root().join("tmp/down"), "");
    assert!(!plan_db(&crew, &["claim", "1"]).code(0).stderr.contains("settings"));
}

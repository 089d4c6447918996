//! plan-db's checks of plans against each other and the base branch; rebase-plan; render.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crewkit_tests::{Crew, Ended, Value, json};

use crate::plans_read::execute;

fn crew(rows: &str) -> Crew {
    let crew = Crew::new();
    crew.run("plan-db", ["list", "none"]).code(0);
    execute(&crew.database(), rows);
    crew
}

const PLANS: &str = "INSERT INTO plans(id,project_id,name,status) VALUES
    (1,'demo','A','todo'),(2,'demo','B','doing'),(3,'demo','C','done'),(4,'other','D','doing'),(5,'demo','E','todo'),(6,'demo','F','todo');
    INSERT INTO tasks(project_id,wave_id,plan_id,task_id,title,description,test_criteria,files,status) VALUES
    ('demo','W1',1,'T1','x','x | Files: src/a.ts, src/deep/b.ts, Makefile, lib/c.py, docs/ | Ref: F-01',NULL,NULL,'pending'),
    ('demo','W1',1,'T2','x','gone/x.ts',NULL,NULL,'skipped'),
    ('demo','W1',2,'T1','y','y',NULL,'[\"./src//a.ts\",\"Makefile\",\"docs/deep/x.md\"]','in_progress'),
    ('demo','W1',2,'T2','y','gone/x.ts',NULL,NULL,'done'),
    ('demo','W1',2,'T3','y','lib/c.py src/deep/b.ts',NULL,NULL,'blocked'),
    ('demo','W1',3,'T1','z','src/a.ts',NULL,NULL,'done'),
    ('other','W1',4,'T1','z','src/a.ts',NULL,NULL,'pending'),
    ('demo','W1',5,'T1','z','other/src/a.ts, lib/d.py, src/deep/e.ts and src/z.ts',NULL,NULL,'pending'),
    ('demo','W1',6,'T1','z','nothing named',NULL,NULL,'pending')";

#[test]
fn open_plans_of_the_project_are_compared() {
    let crew = crew(PLANS);
    let answer = crew.run("plan-db", ["conflict-check", "1"]).code(1).json();
    let wanted = json!({"plan_id": 1, "plan_name": "A", "conflicts": [
        {"plan_id": 2, "plan_name": "B", "status": "doing", "overlap_files": ["Makefile", "docs/deep/x.md", "src/a.ts"],
         "overlap_dirs": ["src/"], "risk": "minor", "recommendation": "review_overlap"},
        {"plan_id": 5, "plan_name": "E", "status": "todo", "overlap_files": [],
         "overlap_dirs": ["lib/", "src/", "src/deep/"], "risk": "minor", "recommendation": "review_overlap"}],
        "overall_risk": "minor", "recommendation": "review_overlap"});
    assert_eq!(answer, wanted);
    execute(&crew.database(), "UPDATE tasks SET status = 'pending' WHERE plan_id = 2");
    let answer = crew.run("plan-db", ["conflict-check", "1"]).code(2).json();
    assert_eq!(
        (&answer["conflicts"][0]["risk"], &answer["recommendation"]),
        (&json!("major"), &json!("merge_or_sequence"))
    );
    let none = crew.run("plan-db", ["conflict-check", "6"]).code(0).json();
    assert_eq!((&none["note"], &none["conflicts"]), (&json!("no file targets detected in tasks"), &json!([])));
    let alone = crew.run("plan-db", ["conflict-check", "4"]).code(0).json();
    assert_eq!(alone["note"], "no other active plans in project");
    assert_eq!(crew.run("plan-db", ["conflict-check", "99"]).code(2).json(), json!({"error": "plan not found"}));
    // 1 would be a verdict.
    for arguments in
        [&["conflict-check", "x"][..], &["conflict-check"], &["conflict-check", "1", "2"], &["drift-check", "0"]]
    {
        let ended = crew.run("plan-db", arguments).code(2);
        assert!(ended.stdout.is_empty() && ended.stderr.lines().count() == 1, "{ended:?}");
    }
}

#[test]
fn two_folders_alone_are_no_risk() {
    let crew = crew(PLANS);
    let spec = |files: &str| {
        format!("{{\"waves\":[{{\"id\":\"W1\",\"tasks\":[{{\"id\":\"T1\",\"do\":\"src/a.ts\",\"files\":{files}}}]}}]}}")
    };
    let check = |project: &str, text: &str| crew.feed(text, "plan-db", ["conflict-check-spec", project, "-"]);
    let answer = check("demo", &spec("[\"src/n.ts\",\"lib/n.py\"]")).code(0).json();
    let folders: Vec<&Value> = answer["conflicts"].as_array().unwrap().iter().map(|c| &c["overlap_dirs"]).collect();
    assert_eq!(folders, [&json!(["lib/", "src/"]), &json!(["src/"]), &json!(["lib/", "src/"])]);
    assert_eq!(
        (&answer["plan_id"], &answer["plan_name"], &answer["overall_risk"]),
        (&json!(0), &json!("(new spec)"), &json!("none"))
    );
    assert!(answer.get("note").is_none());
    let answer = check("demo", &spec("[]")).code(0).json();
    assert_eq!(
        answer,
        json!({"project_id": "demo", "conflicts": [], "overall_risk": "none", "recommendation": "proceed", "note": "no file targets in spec"})
    );
    assert_eq!(check("empty", &spec("[\"a\"]")).code(0).json()["note"], "no other active plans in project");
    assert_eq!(check("demo", &spec("[\".\"]")).code(2).json()["overall_risk"], "major");
    for broken in ["{\"waves\":[", "{}", "7", &spec("\"a.ts\"")] {
        assert!(check("demo", broken).code(2).json()["error"].is_string(), "{broken}");
    }
    let absent = crew.run("plan-db", ["conflict-check-spec", "demo", "absent.json"]).code(2).json();
    assert_eq!(absent, json!({"error": "spec file not found"}));
}

/// A repository with an origin, and the worktree `wt` of the plan 1 on its branch.
fn landed() -> (Crew, PathBuf, PathBuf) {
    let crew = crew("INSERT INTO plans(id,project_id,name,status) VALUES(1,'demo','A','doing')");
    let top = crew.repository("shop");
    crew.git(&crew.work(), &["init", "-q", "--bare", "origin.git"]);
    crew.git(&top, &["remote", "add", "origin", "../origin.git"]);
    crew.git(&top, &["push", "-q", "origin", "main"]);
    crew.git(&top, &["worktree", "add", "-q", "-b", "plan/1", "../wt"]);
    let worktree = crew.work().join("wt");
    set_plan(&crew, &format!("worktree_path = '{}', created_at = datetime('now', '-1 hour')", worktree.display()));
    (crew, top, worktree)
}

fn set_plan(crew: &Crew, values: &str) {
    execute(&crew.database(), &format!("UPDATE plans SET {values} WHERE id = 1"));
}

fn commit(crew: &Crew, top: &Path, file: &str, subject: &str) {
    crew.write(&top.join(file), subject);
    crew.git(top, &["add", "-A"]);
    crew.git(top, &["commit", "-q", "-m", subject]);
}

fn drift(crew: &Crew) -> Ended {
    crew.run("plan-db", ["drift-check", "1"])
}

fn task(crew: &Crew, description: &str, status: &str) {
    execute(
        &crew.database(),
        &format!(
            "INSERT INTO tasks(project_id,wave_id,plan_id,task_id,title,description,status) VALUES('demo','W1',1,'T','x','{description}','{status}')"
        ),
    );
}

#[test]
fn drift_is_what_the_base_changed_and_the_branch_lacks() {
    let (crew, top, _) = landed();
    task(&crew, "x | Files: src/login.ts, b.md, folder/", "pending");
    task(&crew, "finished.ts", "done");
    let none = drift(&crew).code(0).json();
    assert_eq!(
        none,
        json!({"plan_id": 1, "days_stale": 0, "main_commits_since": 1, "branch_behind": 0, "overlap_count": 0, "overlapping_files": [],
            "drift": "none", "recommendation": "proceed", "plan_status": "doing"})
    );
    let subject = "a \"quoted\" subject that goes on and on for longer than sixty characters";
    for (file, line) in
        [("finished.ts", "one"), ("lib/src/login.ts", "two"), ("src/login.ts", "three"), ("src/login.ts", subject)]
    {
        commit(&crew, &top, file, line);
    }
    // What is not on origin is not on the base branch yet.
    assert_eq!(drift(&crew).code(0).json()["branch_behind"], 0);
    crew.git(&top, &["push", "-q", "origin", "main"]);
    let minor = drift(&crew).code(1).json();
    let head = crew.git(&top, &["rev-parse", "--short", "HEAD"]);
    let line: String = format!("{head} {subject}").chars().take(60).collect();
    assert_eq!(minor["overlapping_files"], json!([{"file": "src/login.ts", "commit": line}]));
    assert_eq!(
        (&minor["overlap_count"], &minor["branch_behind"], &minor["main_commits_since"], &minor["recommendation"]),
        (&json!(1), &json!(4), &json!(5), &json!("rebase"))
    );
    for file in ["b.md", "folder/1", "folder/deep/2"] {
        commit(&crew, &top, file, "more");
    }
    crew.git(&top, &["push", "-q", "origin", "main"]);
    let major = drift(&crew).code(2).json();
    assert_eq!(
        (&major["drift"], &major["recommendation"], &major["overlap_count"]),
        (&json!("major"), &json!("replan"), &json!(4))
    );
    crew.run("plan-db", ["rebase-plan", "1"]).code(0);
    let after = drift(&crew).code(0).json();
    assert_eq!((&after["overlap_count"], &after["branch_behind"]), (&json!(0), &json!(0)));
    set_plan(&crew, "created_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-8 days', '-1 minute')");
    assert_eq!(drift(&crew).code(2).json()["days_stale"], 8);
}

#[test]
fn what_others_pushed_and_merged_is_fetched() {
    let (crew, _, _) = landed();
    task(&crew, "old.ts", "in_progress");
    crew.git(&crew.work(), &["clone", "-q", "origin.git", "other"]);
    let other = crew.work().join("other");
    crew.git(&other, &["checkout", "-q", "-b", "side"]);
    crew.write(&other.join("old.ts"), "");
    crew.git(&other, &["add", "-A"]);
    // Written before the plan was made, landed after.
    let old = [("GIT_AUTHOR_DATE", "2020-01-01T00:00:00Z"), ("GIT_COMMITTER_DATE", "2020-01-01T00:00:00Z")];
    let ended = crew.command("git").current_dir(&other).envs(old).args(["commit", "-q", "-m", "old"]).status().unwrap();
    assert!(ended.success());
    crew.git(&other, &["checkout", "-q", "main"]);
    crew.git(&other, &["merge", "-q", "--no-ff", "side", "-m", "landed"]);
    crew.git(&other, &["push", "-q", "origin", "main"]);
    assert_eq!(crew.run("plan-db", ["drift-check", "1", "--no-fetch"]).code(0).json()["branch_behind"], 0);
    let seen = drift(&crew).code(1).json();
    assert_eq!((&seen["branch_behind"], &seen["overlap_count"]), (&json!(2), &json!(1)));
    assert!(seen["overlapping_files"][0]["commit"].as_str().unwrap().ends_with(" landed"), "{seen}");
}

#[test]
fn a_remote_that_does_not_answer_delays_for_seconds_at_most() {
    let (crew, top, _) = landed();
    crew.git(&top, &["remote", "set-url", "origin", "/gone/away.git"]);
    let ended = drift(&crew).code(0);
    assert!(ended.stderr.contains("/gone/away.git") && ended.json()["drift"] == "none", "{ended:?}");
    crew.git(&top, &["remote", "set-url", "origin", "ssh://far/shop.git"]);
    crew.stub("ssh", "sleep 60");
    let started = Instant::now();
    let ended = drift(&crew).code(0);
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    assert!(ended.stderr.contains("no answer within 3 s"), "{ended:?}");
}

#[test]
fn without_worktree_or_repository() {
    let (crew, top, _) = landed();
    task(&crew, "a.ts", "pending");
    set_plan(&crew, "worktree_path = NULL");
    let outside = drift(&crew).code(2).json();
    assert_eq!(outside, json!({"plan_id": 1, "error": "no git root", "days_stale": 0}));
    commit(&crew, &top, "a.ts", "by hand");
    crew.git(&top, &["push", "-q", "origin", "main"]);
    let inside = crew.run_in(&top, "plan-db", ["drift-check", "1"]).code(1).json();
    assert_eq!((&inside["branch_behind"], &inside["overlap_count"]), (&json!(0), &json!(1)));
    crew.git(&crew.work(), &["init", "-q", "-b", "odd", "bare"]);
    let no_base = crew.run_in(&crew.work().join("bare"), "plan-db", ["drift-check", "1"]).code(2).json();
    assert!(no_base["error"].as_str().unwrap().contains("no base branch"), "{no_base}");
    assert_eq!(crew.run("plan-db", ["drift-check", "99"]).code(2).json(), json!({"error": "plan not found"}));
}

#[test]
fn a_branch_is_put_on_the_base_or_left_as_it_was() {
    let (crew, top, worktree) = landed();
    let rebase = || crew.run("plan-db", ["rebase-plan", "1"]);
    let tip = || crew.git(&worktree, &["rev-parse", "HEAD"]);
    commit(&crew, &worktree, "own.txt", "own");
    commit(&crew, &top, "new.txt", "new");
    crew.git(&top, &["push", "-q", "origin", "main"]);
    // Files that git does not know are no hindrance.
    crew.write(&worktree.join("untracked"), "");
    let ended = rebase().code(0);
    assert!(ended.stdout.contains("plan/1") && worktree.join("new.txt").is_file(), "{ended:?}");
    rebase().code(0);

    crew.write(&worktree.join("own.txt"), "dirty");
    let before = tip();
    rebase().refused(1, &["uncommitted", "wt"]);
    crew.git(&worktree, &["checkout", "-q", "--", "own.txt"]);
    commit(&crew, &worktree, "README.md", "theirs");
    commit(&crew, &top, "README.md", "ours");
    crew.git(&top, &["push", "-q", "origin", "main"]);
    let conflicting = tip();
    let ended = rebase().code(1);
    assert!(
        ended.stdout.is_empty()
            && ended.stderr.contains("Rebase failed: conflict in README.md")
            && ended.stderr.contains("is as it was")
    );
    assert_eq!((tip(), crew.git(&worktree, &["status", "--porcelain", "-uno"])), (conflicting, String::new()));
    assert_eq!(crew.git(&worktree, &["branch", "--show-current"]), "plan/1");
    assert!(before != tip());
}

#[test]
fn what_cannot_be_rebased_is_refused_and_named() {
    let (crew, top, worktree) = landed();
    let rebase = || crew.run("plan-db", ["rebase-plan", "1"]);
    crew.run("plan-db", ["rebase-plan", "99"]).refused(1, &["99", "not found"]);
    crew.run("plan-db", ["rebase-plan", "1; rm"]).refused(1, &["1; rm"]);
    for (values, parts) in [
        (format!("worktree_path = '{}'", top.display()), &["main", "itself"][..]),
        ("worktree_path = '/no/such'".to_owned(), &["Worktree not found", "/no/such"]),
        (format!("worktree_path = '{}'", crew.work().display()), &["Worktree not found"]),
        (format!("worktree_path = '{}/.git'", top.display()), &["Worktree not found"]),
        ("worktree_path = NULL".to_owned(), &["Worktree not found"]),
    ] {
        set_plan(&crew, &values);
        rebase().refused(1, parts);
    }
    set_plan(&crew, &format!("worktree_path = '{}'", worktree.display()));
    crew.git(&crew.work().join("origin.git"), &["branch", "-q", "-m", "main", "other"]);
    rebase().refused(1, &["no such base", "main"]);
    crew.git(&worktree, &["checkout", "-q", "--detach"]);
    rebase().refused(1, &["no branch checked out"]);
    crew.git(&crew.work(), &["init", "-q", "-b", "odd", "odd"]);
    set_plan(&crew, &format!("worktree_path = '{}'", crew.work().join("odd").display()));
    rebase().refused(1, &["no base branch"]);
}

const DOCUMENT: &str = "INSERT INTO plans(id,project_id,name,status,markdown_path,worktree_path) VALUES
    (1,'demo','A|B','doing','~/plans/demo/a.md','~/wt'),(2,'demo','Plain','todo',NULL,NULL),(3,'demo','Src','todo','/dev/null/x.md',NULL);
    UPDATE plans SET source_file = '~/notes/ask me.md' WHERE id = 2;
    INSERT INTO waves(id,project_id,plan_id,wave_id,name,status,position,tasks_done,tasks_total) VALUES
    (1,'demo',1,'W2','Later','pending',2,0,0),(2,'demo',1,'W1','Build','in_progress',1,1,2);
    INSERT INTO tasks(project_id,wave_id,wave_id_fk,plan_id,task_id,title,status,priority,model) VALUES
    ('demo','W1',2,1,'T1-02','a | b','pending','P1',NULL),('demo','W1',2,1,'T1-01','First' || char(10) || 'line','done','P0','opus'),
    ('demo','W9',NULL,1,'T9','lost','done','P1','haiku')";

#[test]
fn a_plan_is_printed_and_written() {
    let crew = crew(DOCUMENT);
    let file = crew.home().join("plans/demo/a.md");
    crew.write(
        &file.with_file_name("spec.json"),
        r#"{"user_request":"Add | login\nsoon\n","requirements":[{"id":"F-01","text":"Login | works\nwell","wave":"W1"}]}"#,
    );
    let ended = crew.run("plan-db", ["render", "1"]).code(0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), ended.stdout);
    assert!(ended.stderr.contains(file.to_str().unwrap()), "{ended:?}");
    for part in [
        "# Plan: A|B\n**Project**: demo | **Plan ID**: 1 | **Status**: doing\n**Worktree**: `",
        "## USER REQUEST\n> Add | login\n> soon\n\n## FUNCTIONAL",
        "| F-01 | Login \\| works well | W1 | [ ] |\n",
        "### W1: Build\nStatus: in_progress (1/2)\n\n| Task | Description | Priority | Model | Status |\n",
        "| T1-01 | First line | P0 | opus | done |\n| T1-02 | a \\| b | P1 | sonnet | pending |\n",
        "### W9: (no such wave)\nStatus: unknown (1/1)\n",
        "## LEARNINGS LOG\n| Wave | Issue |",
    ] {
        assert!(ended.stdout.contains(part), "{part:?} in {}", ended.stdout);
    }
    assert!(ended.stdout.find("### W1").unwrap() < ended.stdout.find("### W2").unwrap());
    let learned = "| W1 | slow | io | cache | measure |\n\n## NOTES\nmine\n";
    std::fs::write(&file, ended.stdout.clone() + learned).unwrap();
    execute(&crew.database(), "UPDATE tasks SET status = 'done'");
    let again = crew.run("plan-db", ["render", "1"]).code(0).stdout;
    assert!(again.ends_with(learned) && again.contains("| T1-02 | a \\| b | P1 | sonnet | done |"), "{again}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), again);
    assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 2, "nothing is left beside it");
}

#[test]
fn the_request_comes_from_the_first_place_that_has_one() {
    let crew = crew(DOCUMENT);
    let shown = |plan: &str| crew.run("plan-db", ["render", plan]).stdout;
    assert!(shown("2").contains("## USER REQUEST\n> ask me.md\n"));
    crew.write(&crew.home().join("notes/ask me.md"), r#"{"user_request":"from the source","requirements":[]}"#);
    assert!(shown("2").contains("> from the source\n"));
    crew.feed(
        r#"{"user_request":"from the spec","requirements":[{"id":"F-09","text":"x","wave":"W1"}],"waves":[]}"#,
        "plan-db",
        ["import", "2", "-"],
    )
    .code(0);
    assert!(shown("2").contains("> from the spec\n") && shown("2").contains("| F-09 |"));
    crew.write(&crew.home().join("plans/demo/spec.json"), "{broken");
    let ended = crew.run("plan-db", ["render", "1"]).code(0);
    assert!(ended.stdout.contains("> (not recorded)") && ended.stderr.contains("spec.json"), "{ended:?}");
    crew.run("plan-db", ["render", "99"]).refused(1, &["99", "not found"]);
    let ended = crew.run("plan-db", ["render", "3"]).code(1);
    assert!(ended.stdout.contains("# Plan: Src") && ended.stderr.contains("/dev/null/x.md"), "{ended:?}");
}

//! What a session finds, keeps and leaves behind: session-recovery, session-cleanup, memory-save, repo-index.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crewkit_tests::{Crew, finish, json};

#[test]
fn recovery_names_each_thing_once_and_goes_on_past_the_first_plan() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    crew.run("init-dashboard-db", [""; 0]).code(0);
    crew.git(&top, &["worktree", "add", "-q", "-b", "plan/1", "../p1"]);
    crew.git(&top, &["worktree", "add", "-q", "-b", "wave/1", "../w1"]);
    let (p1, w1) = (crew.work().join("p1"), crew.work().join("w1"));
    crew.write(&p1.join("a b.txt"), "x");
    crew.write(&w1.join("w.txt"), "x");
    crew.write(&top.join("README.md"), "changed");
    crew.git(&top, &["stash", "-q"]);
    crew.write(&top.join("README.md"), "changed again");
    for statement in [
        format!("INSERT INTO projects(id, name, path) VALUES ('shop', 'Shop', '{}')", top.display()),
        format!("INSERT INTO plans(id, project_id, name, status, worktree_path) VALUES (1, 'shop', 'One', 'doing', '{}'), (2, 'shop', 'Gone', 'doing', '/no/such'), (3, 'shop', 'Old', 'done', '{}')", p1.display(), p1.display()),
        format!("INSERT INTO waves(id, plan_id, project_id, wave_id, name, status, worktree_path) VALUES (7, 1, 'shop', 'W1', 'W', 'in_progress', '{}')", w1.display()),
        "INSERT INTO tasks(project_id, wave_id, plan_id, wave_id_fk, task_id, title, status, completed_at, validated_at) VALUES ('shop', 'W1', 1, 7, 'T1', 't', 'done', '2099-01-01 00:00:00', '2099-01-01 00:00:00'), ('shop', 'W1', 1, 7, 'T0', 't', 'done', '2001-01-01 00:00:00', '2001-01-01 00:00:00')".to_owned(),
    ] {
        crew.sql(&statement);
    }
    let text = crew.run("session-recovery", [""; 0]).code(0).stdout;
    for line in [
        "[DIRTY] Plan #1 (One) on plan/1",
        "    ?? a b.txt",
        "[STASH] Plan #1 (One): 1 stash(es)",
        "[DIRTY] Plan #1 (One) on wave/1",
        "[ORPHAN] Plan #1: done after the last commit of wave/1: T1",
        "[REPO] Shop on main",
        "5 issue(s) found",
    ] {
        assert!(text.lines().any(|seen| seen == line), "{line}\nin\n{text}");
    }
    assert_eq!(text.matches("stash(es)").count(), 1, "a stash is the repository's:\n{text}");
    let report = crew.run("session-recovery", ["--json", "--plan", "1"]).code(0).json();
    assert_eq!(report["issues"].as_array().unwrap().len(), 4, "{report}");
    crew.run("session-recovery", ["--plan", "x"]).code(1);
}

#[test]
fn recovery_without_a_database_or_with_a_broken_one_is_a_report_all_the_same() {
    let crew = Crew::new();
    assert!(crew.run("session-recovery", [""; 0]).code(0).stdout.contains("No dashboard database"));
    crew.write(&crew.database(), "no database at all, but long enough to be looked at as one");
    let ended = crew.run("session-recovery", [""; 0]).code(0);
    assert!(ended.stdout.contains("database"), "{ended:?}");
}

#[test]
fn cleanup_ends_what_is_old_alone_and_nobody_elses() {
    let crew = Crew::new();
    let start = || crew.command("sleep").arg("60").stdout(Stdio::null()).spawn().unwrap();
    let (mut old, mut young, mut cared_for) = (start(), start(), start());
    let table = format!(
        "PID PPID ELAPSED COMMAND\n1 0 9-00:00:00 init\n{} 1 03:00:00 /opt/my helper\n{} 1 01:00 my helper\n{} {} 03:00:00 my helper\n{} 1 03:00:00 other",
        old.id(),
        young.id(),
        cared_for.id(),
        young.id(),
        young.id()
    );
    crew.stub("ps", &format!("cat <<'T'\n{table}\nT"));
    let crew = crew.with("SESSION_CLEANUP_NAMES", "x, my helper");
    let dry = crew.run("session-cleanup", ["--dry-run", "--older-than", "2h"]).code(0);
    assert_eq!((&dry.json()["killed"], &dry.json()["skipped_dry_run"]), (&json!(0), &json!(1)));
    assert_eq!(dry.json()["processes"][0]["pid"], old.id());
    assert!(dry.stderr.contains("WOULD KILL my helper PID="), "{dry:?}");
    assert!(old.try_wait().unwrap().is_none());
    let report = crew.run("session-cleanup", ["--max-idle", "120"]).code(0).json();
    assert_eq!((&report["killed"], &report["failed"], &report["threshold_min"]), (&json!(1), &json!(0), &json!(120)));
    let deadline = Instant::now() + Duration::from_secs(5);
    while old.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "still there");
        std::thread::sleep(Duration::from_millis(10));
    }
    for other in [&mut young, &mut cared_for] {
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }
    for wrong in [&["--dry-run", "soon"][..], &["--max-idle", "-1"], &["--frobnicate"], &["--older-than", "2w"]] {
        crew.run("session-cleanup", wrong).code(1);
    }
    crew.stub("ps", "exit 3");
    crew.run("session-cleanup", [""; 0]).code(1);
}

#[test]
fn a_note_of_the_same_name_is_never_overwritten_even_by_many_at_once() {
    let crew = Crew::new();
    crew.tool("memory-save");
    let calls: Vec<_> = (0..12)
        .map(|number| {
            let mut call = crew.tool("memory-save");
            call.args(["shop", "the same note", "--stdin"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            (number, call)
        })
        .collect();
    let ended: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = calls
            .into_iter()
            .map(|(number, mut call)| {
                scope.spawn(move || finish(&mut call, Some(format!("writer {number}").as_bytes())))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(ended.iter().filter(|ended| ended.code == 0).count(), 1);
    let folder = crew.claude().join("memory/shop");
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 1, "no draft is left: {names:?}");
    let text = crew.run("memory-save", ["latest", "shop", "--cat"]).code(0).stdout;
    assert!(text.starts_with("# Memory: the same note\nProject: shop\n") && text.contains("\nwriter "), "{text}");
}

#[test]
fn notes_are_found_by_project_word_and_age() {
    let crew = Crew::new();
    crew.run("memory-save", ["shop", "first thing"]).code(0);
    crew.run("memory-save", ["list", "of wishes"]).code(0);
    crew.run("memory-save", ["--project", "list", "a project called list"]).code(0);
    let listed = crew.run("memory-save", ["list"]).code(0).stdout;
    assert!(listed.contains("shop (1 files, latest: "), "{listed}");
    assert!(listed.contains("list (1 files, latest: "), "{listed}");
    assert!(crew.run("memory-save", ["search", "FIRST", "shop"]).code(0).stdout.contains("first-thing.md"));
    crew.run("memory-save", ["search", "nowhere"]).code(1);
    for wrong in
        [&["archive", "soon"][..], &["archive", "-1"], &["a/b", "x"], &["..", "x"], &["shop", ""], &["a", "b", "c"]]
    {
        let ended = crew.run("memory-save", wrong).code(1);
        assert!(!ended.stderr.is_empty(), "{wrong:?}");
    }
    assert!(crew.run("memory-save", ["archive", "1"]).code(0).stdout.contains("Archived 0 files older than 1 days"));
}

#[test]
fn an_index_leaves_out_what_is_ignored_and_itself() {
    let crew = Crew::new();
    // Exuberant Ctags, which is not asked.
    crew.stub("ctags", "echo Exuberant Ctags 5.9");
    let top = crew.repository("shop");
    crew.write(&top.join("src/main.rs"), "pub fn main() {}\nstruct Cart;\n");
    crew.write(&top.join(".gitignore"), "secret/\n");
    crew.write(&top.join("secret/hidden.rs"), "fn hidden() {}\n");
    crew.write(&top.join("node_modules/x/index.js"), "function foreign() {}\n");
    crew.write(&top.join("Cargo.toml"), "[package]\nname = \"shop\"\n[dependencies]\nserde = \"1\"\n");
    for _ in 0..2 {
        let text = crew.run_in(&top, "repo-index", ["notes"]).code(0).stdout;
        assert!(text.contains("Created: notes/symbols.txt (2 symbols)"), "{text}");
    }
    let read = |name: &str| fs::read_to_string(top.join("notes").join(name)).unwrap();
    let symbols = read("symbols.txt");
    assert_eq!(symbols, "Cart\tsrc/main.rs\t/^struct Cart;$/;\"\ts\nmain\tsrc/main.rs\t/^pub fn main() {}$/;\"\tf\n");
    let info = read("repo-info.md");
    assert!(
        info.contains("- Rust: 2 lines in 1 files") && !info.contains("secret") && !info.contains("notes"),
        "{info}"
    );
    let dependencies = read("dependencies.md");
    assert!(dependencies.contains("- serde\n") && !dependencies.contains("- shop"), "{dependencies}");
    assert!(read("entry-points.md").contains("- src/main.rs"));
    assert_eq!(crew.run_in(&top, "repo-index", ["notes", "--json"]).code(0).json()["symbols"], 2);
    crew.write(&top.join("file"), "");
    let refused = crew.run_in(&top, "repo-index", ["file/below"]).code(1);
    assert!(refused.stderr.contains("file/below"), "{refused:?}");
}

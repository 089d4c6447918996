//! file-lock on patterns: a folder and all files below it, patterns with wildcards, files whose names look like them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use crewkit_tests::{Crew, Ended, Value, json};

fn lock(crew: &Crew, arguments: &[&str]) -> Ended {
    crew.run("file-lock", arguments)
}

/// Tries once to take `names` for `task`; the answer, whichever stream it is on.
#[track_caller]
fn take(crew: &Crew, task: &str, names: &[&str]) -> Value {
    let ended = lock(crew, &[&["acquire", "--timeout", "0", "--task", task, "--"], names].concat());
    said(&ended)
}

#[track_caller]
fn said(ended: &Ended) -> Value {
    let line = if ended.stdout.is_empty() { ended.stderr.lines().last().unwrap_or_default() } else { &ended.stdout };
    serde_json_line(line).unwrap_or_else(|| panic!("no JSON: {ended:?}"))
}

fn serde_json_line(line: &str) -> Option<Value> {
    line.parse().ok()
}

fn path(crew: &Crew, name: &str) -> String {
    crew.work().join(name).to_str().unwrap().to_owned()
}

#[test]
fn a_folder_and_the_files_below_it_exclude_each_other() {
    let crew = Crew::new();
    let all = path(&crew, "src/api/**");
    let wanted = json!({ "status": "acquired", "file": all, "task_id": "T1", "fence": 1 });
    assert_eq!(take(&crew, "T1", &["src/api/**"]), wanted);
    for name in ["src/api/a.rs", "src/api/deep/er/.b", "src/./api//new/x", "src/**", "src/api/sub/**", "./**"] {
        let told = take(&crew, "T2", &[name]);
        let by = &told["held_by"];
        assert_eq!((&told["status"], &by["task_id"]), (&json!("blocked"), &json!("T1")), "{name}: {told}");
        assert_eq!((&by["file"], &by["glob"]), (&json!(all), &json!(true)), "{name}: {told}");
    }
    for name in ["src/api", "src/apis/a.rs", "src/a.rs", "src/web/**"] {
        assert_eq!(take(&crew, "T2", &[name])["status"], "acquired", "{name}");
    }
    // The other way: files that are held keep out who wants the folder.
    let told = take(&crew, "T1", &["src/**"]);
    assert_eq!((&told["status"], &told["held_by"]["file"]), (&json!("blocked"), &json!(path(&crew, "src/api"))));
    assert_eq!(take(&crew, "T1", &["./src/api/**/"])["status"], "reentrant");
    lock(&crew, &["release-task", "T2"]).code(0);
    let told = take(&crew, "T1", &["src/**"]);
    assert_eq!((&told["status"], &told["fence"]), (&json!("acquired"), &json!(6)));
    let rows = crew.sql("SELECT file_path, is_glob FROM file_locks ORDER BY id");
    assert_eq!(rows, [[json!(all), json!(1)], [json!(path(&crew, "src/**")), json!(1)]]);
}

#[test]
fn who_holds_the_folder_holds_its_files() {
    let crew = Crew::new();
    let folder = take(&crew, "T1", &["src/**"]);
    let told = take(&crew, "T1", &["src/a.rs"]);
    let wanted = json!({ "status": "reentrant", "file": path(&crew, "src/a.rs"), "task_id": "T1", "fence": folder["fence"],
                         "covered_by": path(&crew, "src/**") });
    assert_eq!(told, wanted);
    assert_eq!(crew.value("SELECT count(*) FROM file_locks"), json!(1));
    let told = take(&crew, "T1", &["src/a.rs", "other.rs"]);
    assert_eq!((&told["files"][0]["status"], &told["files"][1]["status"]), (&json!("acquired"), &json!("reentrant")));

    crew.sql("UPDATE file_locks SET heartbeat_at = datetime('now', '-100 seconds')");
    lock(&crew, &["heartbeat", "src/x/y.rs", "T2"]).code(1);
    lock(&crew, &["heartbeat", "elsewhere", "T1"]).code(1);
    assert_eq!(lock(&crew, &["heartbeat", "src/x/y.rs", "T1"]).code(0).json()["heartbeat"], "updated");
    let ages =
        crew.sql("SELECT file_path LIKE '%*', unixepoch() - unixepoch(heartbeat_at) < 50 FROM file_locks ORDER BY 1");
    assert_eq!(ages, [[json!(0), json!(0)], [json!(1), json!(1)]]);

    lock(&crew, &["verify", "src/a.rs", "--fence", "1"]).code(0);
    lock(&crew, &["verify", "src/a.rs", "--fence", "2"]).code(1);
    lock(&crew, &["verify", "src/**", "--fence", "1"]).code(0);
    let told = lock(&crew, &["release", "src/a.rs"]).code(0);
    assert_eq!(told.json()["count"], json!(0));
    assert!(told.stderr.contains("src/** covers") && told.stderr.contains("stays"), "{told:?}");
    assert_eq!(lock(&crew, &["release", "src/**", "T2"]).code(0).json()["count"], json!(0));
    let told = lock(&crew, &["release", "src/**", "T1"]).code(0).json();
    assert_eq!(told, json!({ "released": path(&crew, "src/**"), "count": 1 }));
    lock(&crew, &["verify", "src/a.rs", "--fence", "1"]).code(1);
    assert_eq!(take(&crew, "T2", &["src/a.rs"])["status"], "acquired");
}

#[test]
fn tasks_of_one_session_share_its_folder_file_by_file() {
    let crew = Crew::new();
    lock(&crew, &["acquire-session", "src/**", "S1", "me", "0"]).code(0);
    let session =
        |task: &str, name: &str| said(&lock(&crew, &["acquire", name, task, "--session", "S1", "--timeout", "0"]));
    assert_eq!(said(&lock(&crew, &["acquire-session", "src/a", "S1", "me", "0"]))["status"], "reentrant");
    assert_eq!(session("T1", "src/a")["status"], "acquired");
    assert_eq!(session("T2", "src/b")["status"], "acquired");
    assert_eq!(session("T2", "src/a")["held_by"]["task_id"], "T1");
    assert_eq!(take(&crew, "T3", &["src/c"])["held_by"]["session_id"], "S1");
    assert_eq!(crew.value("SELECT task_id FROM file_locks WHERE is_glob"), Value::Null);
    assert_eq!(lock(&crew, &["release-session", "S1"]).code(0).json()["released_count"], json!(3));
}

#[test]
fn looking_tells_of_patterns() {
    let crew = Crew::new();
    let at = |name: &str| path(&crew, name);
    take(&crew, "T1", &["src/**"]);
    take(&crew, "T2", &["doc/a.md"]);
    let told = lock(&crew, &["check", "src/x/a.rs"]).code(0).json();
    assert_eq!(
        (&told["locked"], &told["file"], &told["task_id"]),
        (&json!(true), &json!(at("src/x/a.rs")), &json!("T1"))
    );
    assert_eq!((&told["locked_file"], &told["glob"]), (&json!(at("src/**")), &json!(true)));
    let told = lock(&crew, &["check", "doc/a.md"]).code(0).json();
    assert_eq!((told.get("locked_file"), told.get("glob")), (None, None));
    let told = lock(&crew, &["check", "doc/**"]).code(0).json();
    assert_eq!((&told["locked_file"], &told["task_id"]), (&json!(at("doc/a.md")), &json!("T2")));
    assert_eq!(lock(&crew, &["check", "doc/b.md"]).code(0).json()["locked"], json!(false));
    assert_eq!(lock(&crew, &["check", "src"]).code(0).json()["locked"], json!(false));
    let listed = lock(&crew, &["list"]).code(0).json();
    assert_eq!(
        (&listed[0]["file"], &listed[0]["glob"], listed[1].get("glob")),
        (&json!(at("src/**")), &json!(true), None)
    );
    assert_eq!(lock(&crew, &["who"]).code(0).json()[0]["files"], json!([at("src/**")]));
    lock(&crew, &["wait", "src/a", "--timeout", "0"]).code(1);
    lock(&crew, &["wait", "doc/b.md", "--timeout", "0"]).code(0);
    lock(&crew, &["wait", "doc/**", "--timeout", "0"]).code(1);
}

#[test]
fn a_changed_file_names_who_holds_its_folder() {
    let crew = Crew::new();
    crew.write(&crew.work().join("src/a"), "one");
    crew.run("stale-check", ["snapshot", "T1", "src/a"]).code(0);
    crew.write(&crew.work().join("src/a"), "two");
    take(&crew, "T2", &["src/**"]);
    let told = crew.run("stale-check", ["check", "T1"]).code(0).json();
    assert_eq!(told["changed_files"][0]["locked_by"]["task_id"], "T2", "{told}");
}

#[test]
fn wildcards_are_patterns_where_they_are_called_so() {
    let crew = Crew::new();
    let glob = |task: &str, pattern: &str| said(&lock(&crew, &["acquire", "--glob", "--timeout", "0", pattern, task]));
    assert_eq!(glob("T1", "src/**/*.rs")["file"], json!(path(&crew, "src/**/*.rs")));
    assert_eq!(take(&crew, "T2", &["src/deep/a.rs"])["status"], "blocked");
    assert_eq!(take(&crew, "T2", &["src/deep/a.md"])["status"], "acquired");
    assert_eq!(glob("T2", "src/*/b.[rm]*")["status"], "blocked");
    assert_eq!(glob("T2", "src/?.m[!x]")["status"], "acquired");
    assert_eq!(glob("T3", "plain.rs")["status"], "acquired");
    assert_eq!(crew.value("SELECT is_glob FROM file_locks WHERE task_id = 'T3'"), json!(0));
    let released = lock(&crew, &["release", "--glob", "src/**/*.rs"]).code(0).json();
    assert_eq!(released["count"], json!(1));
    // The same letters as names of files.
    crew.write(&crew.work().join("app/[id]/*.rs"), "");
    lock(&crew, &["release-task", "T2"]).code(0);
    let told = lock(&crew, &["acquire", "app/[id]/*.rs", "T1"]).code(0);
    assert_eq!((&told.json()["file"], told.stderr.as_str()), (&json!(path(&crew, "app/[id]/*.rs")), ""));
    assert_eq!(take(&crew, "T2", &["app/i/a.rs"])["status"], "acquired");
    assert_eq!(take(&crew, "T2", &["app/[id]/**"])["held_by"]["task_id"], "T1");
    assert_eq!(glob("T2", r"app/\[id]/\*.rs")["held_by"]["task_id"], "T1");
    lock(&crew, &["release-task", "T1"]).code(0);
    // A folder's name is taken as it is.
    assert_eq!(take(&crew, "T2", &["app/[id]/**"])["status"], "acquired");
    assert_eq!(take(&crew, "T3", &["app/[id]/x"])["status"], "blocked");
    assert_eq!(take(&crew, "T3", &["app/d/x"])["status"], "acquired");
    // A pattern's text cannot be a file's lock at the same time.
    assert_eq!(glob("T4", "lib/*.c")["status"], "acquired");
    assert_eq!(take(&crew, "T4", &["lib/*.c"])["status"], "blocked");
    for name in ["none/*.c", "none/*/**"] {
        let told = lock(&crew, &["acquire", name, "T5"]).code(0);
        assert!(told.stderr.contains("--glob"), "{told:?}");
    }
    // A folder's own name is a lock that does not reach its files, and says so.
    fs::create_dir(crew.work().join("dir")).unwrap();
    let told = lock(&crew, &["acquire", "dir", "T5"]).code(0);
    assert!(told.stderr.contains("is a folder") && told.stderr.contains("dir/**"), "{told:?}");
    assert_eq!(lock(&crew, &["acquire", "dir/**", "T6"]).code(0).stderr, "");
}

#[test]
fn what_cannot_be_locked_is_refused() {
    let crew = Crew::new();
    fs::create_dir_all(crew.work().join("src/deep")).unwrap();
    for (arguments, parts) in [
        (&["acquire", "--glob", "src/[a", "T1"][..], &["--glob", "'[a'"][..]),
        (&["acquire", "--glob", "src/a\\", "T1"], &["--glob", "backslash"]),
        (&["acquire", "--glob", "src/*/../x", "T1"], &["--glob", "goes up"]),
        (&["acquire", "--glob", "", "T1"], &["empty"]),
        (&["check", "--glob", "src/["], &["--glob"]),
    ] {
        lock(&crew, arguments).refused(1, parts);
    }
    assert!(!crew.database().exists());
    // The root itself, and links on the way to a folder.
    std::os::unix::fs::symlink("src", crew.work().join("link")).unwrap();
    assert_eq!(take(&crew, "T1", &["link/**"])["file"], json!(path(&crew, "src/**")));
    assert_eq!(take(&crew, "T2", &["/**"])["held_by"]["task_id"], "T1");
    lock(&crew, &["release-task", "T1"]).code(0);
    assert_eq!(take(&crew, "T2", &["/**"])["file"], "/**");
    assert_eq!(take(&crew, "T1", &["a"])["held_by"]["file"], "/**");
}

#[test]
fn other_work_trees_count_where_they_are_asked_for() {
    let crew = Crew::new();
    let top = crew.repository("[shop]");
    crew.git(&top, &["worktree", "add", "-q", "-b", "web", "../web"]);
    let (main, web) = (top, crew.work().join("web"));
    let take = |tree: &Path, task: &str, name: &str, more: &[&str]| {
        let arguments = [&["acquire", "--timeout", "0", name, task], more].concat();
        said(&crew.run_in(tree, "file-lock", arguments))["status"].as_str().unwrap().to_owned()
    };
    let across = &["--across-worktrees"][..];
    assert_eq!(take(&main, "T1", "src/api/**", &[]), "acquired");
    assert_eq!(crew.value("SELECT repository_path FROM file_locks"), json!("src/api/**"));
    assert_eq!(take(&web, "T2", "src/api/a.rs", &[]), "acquired");
    assert_eq!(take(&web, "T2", "src/api/b.rs", across), "blocked");
    assert_eq!(take(&web, "T2", "src/**", across), "blocked");
    assert_eq!(take(&web, "T2", "src/web/**", across), "acquired");
    assert_eq!(take(&web, "T1", "src/api/b.rs", across), "acquired");
    assert_eq!(take(&main, "T3", "src/web/x", across), "blocked");
    assert_eq!(take(&main, "T3", "docs/**/x.md", &["--glob"]), "acquired");
    assert_eq!(take(&web, "T2", "docs/x.md", across), "blocked");
    assert_eq!(take(&web, "T2", "./**", across), "blocked");
    let check = |more: &[&str]| crew.run_in(&web, "file-lock", [&["check", "docs/x.md"], more].concat()).code(0).json();
    let told = check(across);
    assert_eq!((&told["task_id"], &told["locked_file"]), (&json!("T3"), &json!(path(&crew, r"\[shop]/docs/**/x.md"))));
    assert_eq!(check(&[])["locked"], json!(false));
}

#[test]
fn stale_locks_below_a_folder_are_broken_with_it() {
    let crew = Crew::new();
    let names = ["src/!first", "src/a", "src/b"];
    for name in names {
        lock(&crew, &["acquire", name, "T1", "--pid", "4194305", "--timeout", "0"]).code(0);
    }
    lock(&crew, &["acquire", "far/**", "T1", "--pid", "4194305", "--timeout", "0"]).code(0);
    crew.sql("UPDATE file_locks SET heartbeat_at = datetime('now', '-400 seconds')");
    // Files and the folder in one claim: each stale lock is broken once, and nothing of the claim with it.
    let told = lock(&crew, &["acquire", "--task", "T2", "src/!first", "src/**", "src/b"]).code(0);
    assert_eq!(told.stderr.matches("broke the stale lock of task T1").count(), 3, "{told:?}");
    let held = crew.sql("SELECT file_path FROM file_locks WHERE task_id = 'T2' ORDER BY file_path");
    let wanted = ["src/!first", "src/**", "src/b"].map(|name| [json!(path(&crew, name))]);
    assert_eq!(held, wanted);
    let told = lock(&crew, &["acquire", "far/x", "T2"]).code(0);
    assert!(told.stderr.contains("far/**"), "{told:?}");
    assert_eq!(crew.value("SELECT count(*) FROM file_locks WHERE task_id = 'T1'"), json!(0));
}

#[test]
fn a_command_under_a_folders_lock_finds_it_held() {
    let crew = Crew::new();
    let told = lock(&crew, &["hold", "src/**", "T1", "--", "sh", "-c", "echo $FILE_LOCK_FENCE; exit 3"]).code(3);
    assert_eq!((told.stdout.as_str(), crew.value("SELECT count(*) FROM file_locks")), ("1\n", json!(0)));
    // Under a lock that the owner had: it stays, and is watched.
    take(&crew, "T1", &["src/**"]);
    lock(&crew, &["hold", "src/a", "T1", "--", "sleep", "1.5"]).code(0);
    assert_eq!(crew.value("SELECT count(*) FROM file_locks"), json!(1));
    let child = crew.start("file-lock", ["hold", "src/a", "T1", "--", "sleep", "30"]);
    std::thread::sleep(Duration::from_millis(300));
    lock(&crew, &["release", "src/**"]).code(0);
    let ended = child.wait_with_output().unwrap();
    assert!(!ended.status.success() && String::from_utf8_lossy(&ended.stderr).contains("lost the lock"), "{ended:?}");
}

fn at_once(crew: &Crew, calls: impl Iterator<Item = Vec<String>>) -> Vec<(Vec<String>, bool)> {
    let children: Vec<(Vec<String>, Child)> = calls.map(|call| (call.clone(), crew.start("file-lock", call))).collect();
    let ended = children.into_iter().map(|(call, child)| (call, child.wait_with_output().unwrap().status.success()));
    ended.collect()
}

#[test]
fn folders_and_files_race_for_one_winner() {
    let crew = Crew::new();
    for round in 0..5 {
        let calls = (0..16).map(|number| {
            let name = match number % 4 {
                0 => format!("r{round}/**"),
                1 => format!("r{round}/a"),
                2 => format!("r{round}/sub/**"),
                _ => format!("r{round}/sub/b"),
            };
            ["acquire", &name, &format!("T{number}"), "--timeout", "0"].map(str::to_owned).to_vec()
        });
        let winners: Vec<String> =
            at_once(&crew, calls).into_iter().filter(|(_, won)| *won).map(|(call, _)| call[1].clone()).collect();
        let count = |end: &str| winners.iter().filter(|name| name.ends_with(end)).count();
        let (all, sub) = (winners.iter().filter(|name| **name == format!("r{round}/**")).count(), count("/sub/**"));
        // The whole folder alone, or at most one each of what does not meet.
        let apart = all == 0 && count("/a") == 1 && sub + count("/b") == 1;
        assert!((all == 1 && winners.len() == 1) || apart, "{winners:?}");
    }
    let kinds = crew.sql("SELECT DISTINCT is_glob FROM file_locks ORDER BY 1");
    assert!(!kinds.is_empty());
}

#[test]
fn claims_that_meet_end_without_a_deadlock() {
    let crew = Crew::new();
    let sets = [["x/**", "y/a"], ["y/**", "x/a"], ["x/a", "y/a"], ["y/**", "x/**"]];
    let started = Instant::now();
    let calls = (0..12).map(|number| {
        let [one, other] = sets[number % 4];
        let task = format!("T{number}");
        let words = ["hold", "--timeout", "20", "--task", &task, one, other, "--", "sleep", "0.02"];
        words.map(str::to_owned).to_vec()
    });
    for (call, done) in at_once(&crew, calls) {
        assert!(done, "{call:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    assert_eq!(crew.value("SELECT count(*) FROM file_locks"), json!(0));
}

#[test]
fn a_release_is_noticed_by_who_waits_below() {
    let crew = Crew::new();
    take(&crew, "T1", &["src/**"]);
    let waiting: PathBuf = crew.work().join("src/a");
    let child = crew.start("file-lock", ["acquire", waiting.to_str().unwrap(), "T2", "--timeout", "10"]);
    std::thread::sleep(Duration::from_millis(300));
    let released = Instant::now();
    lock(&crew, &["release", "src/**"]).code(0);
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success() && released.elapsed() < Duration::from_secs(2), "{ended:?}");
}

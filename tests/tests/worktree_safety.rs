//! worktree-safety: freshness, stashes that find their way back, overlaps, the audit.

use std::fs;
use std::path::{Path, PathBuf};

use crewkit_tests::{Crew, Ended, Value, json};

/// A repository with a worktree `feat` that has one commit of its own.
struct Shop {
    crew: Crew,
    top: PathBuf,
    feat: PathBuf,
}

impl Shop {
    fn new() -> Self {
        let crew = Crew::new();
        let top = crew.repository("shop");
        let feat = crew.work().join("my feat");
        crew.git(&top, &["worktree", "add", "-q", "-b", "feat", "../my feat"]);
        let shop = Self { crew, top, feat };
        shop.commit(&shop.feat, "own", "one");
        shop
    }

    fn commit(&self, tree: &Path, file: &str, text: &str) {
        self.crew.write(&tree.join(file), text);
        self.crew.git(tree, &["add", "-A", "--", file]);
        self.crew.git(tree, &["commit", "-q", "-m", &format!("{file}: {text}")]);
    }

    /// Takes the main branch ahead.
    fn ahead(&self, commits: usize) {
        for number in 0..commits {
            self.crew.git(&self.top, &["commit", "-q", "--allow-empty", "-m", &format!("main {number}")]);
        }
    }

    fn safety(&self, arguments: &[&str]) -> Ended {
        self.crew.run_in(&self.feat, "worktree-safety", arguments)
    }

    fn git(&self, arguments: &[&str]) -> String {
        self.crew.git(&self.feat, arguments)
    }

    /// Branch, commit and state of the worktree.
    fn state(&self) -> [String; 3] {
        [&["branch", "--show-current"][..], &["rev-parse", "HEAD"], &["status", "--porcelain"]]
            .map(|arguments| self.git(arguments))
    }

    fn stashes(&self) -> Vec<String> {
        self.git(&["stash", "list", "--format=%H"]).lines().map(str::to_owned).collect()
    }
}

#[test]
fn the_distance_to_main_decides() {
    let shop = Shop::new();
    for (more, code, words) in [
        (0, 0, "pre-check done"),
        (1, 0, "Auto-rebasing feat onto main (1 behind)"),
        (3, 0, "Auto-rebasing feat onto main (3 behind)"),
        (4, 2, "Manual rebase required (4 behind)"),
        (6, 2, "Manual rebase required (10 behind)"),
        (1, 3, "BLOCK: branch feat is 11 commits behind main"),
    ] {
        shop.ahead(more);
        let before = shop.state();
        let told = shop.safety(&["pre-check"]).code(code);
        let both = format!("{}{}", told.stdout, told.stderr);
        assert!(both.contains(words), "{words}: {told:?}");
        assert_eq!(code == 0, told.stdout.ends_with("pre-check done\n"), "{told:?}");
        if code > 0 {
            assert_eq!(shop.state(), before);
            assert_eq!(told.stderr.lines().count(), 1, "{told:?}");
        }
    }
    assert_eq!(shop.git(&["log", "--format=%s", "-2"]), "own: one\nmain 2");
    // Other limits, from flags and from the environment.
    assert!(shop.safety(&["pre-check", "--block-above", "11"]).code(2).stderr.contains("11 behind"));
    shop.safety(&["pre-check", "--rebase-max", "11"]).refused(1, &["11", "10"]);
    shop.safety(&["pre-check", "--rebase-max", "x"]).refused(1, &["--rebase-max", "'x'"]);
    shop.safety(&["pre-check", "--frobnicate"]).refused(1, &["--frobnicate"]);
    let crew = shop.crew.with("WORKTREE_SAFETY_REBASE_MAX", "11").with("WORKTREE_SAFETY_BLOCK_ABOVE", "eleven");
    crew.run_in(&shop.feat, "worktree-safety", ["pre-check"]).refused(1, &["WORKTREE_SAFETY_BLOCK_ABOVE", "eleven"]);
    let crew = crew.with("WORKTREE_SAFETY_BLOCK_ABOVE", "20");
    let told = crew.run_in(&shop.feat, "worktree-safety", ["pre-check", "--json"]).code(0).json();
    let head = crew.git(&shop.feat, &["rev-parse", "HEAD"]);
    assert_eq!(
        told,
        json!({ "status": "ok", "branch": "feat", "main": "main", "behind": 11, "rebased": true, "stash": null,
                "untracked": [], "commit": head, "dry_run": false, "error": null })
    );
}

#[test]
fn changes_are_put_aside_before_the_rebase_and_come_back() {
    let shop = Shop::new();
    shop.commit(&shop.feat, "gone", "x");
    shop.commit(&shop.feat, "moved", "y");
    shop.ahead(2);
    shop.crew.write(&shop.feat.join("own"), "staged");
    shop.git(&["add", "own"]);
    shop.crew.write(&shop.feat.join("own"), "and not staged");
    shop.crew.write(&shop.feat.join("added"), "a");
    shop.git(&["add", "added"]);
    fs::remove_file(shop.feat.join("gone")).unwrap();
    shop.git(&["mv", "moved", "moved too"]);
    shop.crew.write(&shop.feat.join("notes\u{1b}[31m.txt"), "untracked");
    let before = shop.state();
    let told = shop.safety(&["pre-check"]).code(0);
    assert!(told.stdout.contains("2 behind") && told.stdout.ends_with("pre-check done\n"), "{told:?}");
    assert!(told.stdout.contains("1 untracked files stay: notes") && !told.stdout.contains('\u{1b}'), "{told:?}");
    let stashes = shop.stashes();
    assert_eq!(stashes.len(), 1);
    let name = format!("worktree-safety pre-check: feat @ {}", shop.feat.display());
    assert!(told.stdout.contains(&format!("Stash: {} ({name})", stashes[0])), "{told:?}");
    assert!(shop.git(&["status", "--porcelain"]).starts_with("?? ") && shop.feat.join("gone").is_file());

    // Another agent's stash lies on top, and the worktree's own comes back all the same.
    shop.crew.write(&shop.top.join("README.md"), "theirs");
    shop.crew.git(&shop.top, &["stash", "push", "-q", "-m", "mine"]);
    assert_eq!(shop.safety(&["recover", "--list"]).code(0).stdout, format!("{} {name}\n", stashes[0]));
    let told = shop.safety(&["recover", "--apply"]).code(0);
    assert!(told.stdout.contains(&stashes[0]) && told.stdout.ends_with("recover done\n"), "{told:?}");
    let after = shop.state();
    assert_eq!((&after[0], &after[2]), (&before[0], &before[2]));
    assert_eq!(fs::read_to_string(shop.feat.join("own")).unwrap(), "and not staged");
    assert_eq!(shop.git(&["show", ":own"]), "staged");
    assert_eq!(shop.crew.git(&shop.top, &["stash", "list", "--format=%s"]), "On main: mine");
    shop.safety(&["recover", "--apply"]).refused(1, &["uncommitted changes"]);
}

#[test]
fn a_rebase_that_conflicts_leaves_everything_as_it_was() {
    let shop = Shop::new();
    shop.commit(&shop.feat, "README.md", "ours");
    shop.commit(&shop.top, "README.md", "theirs");
    shop.crew.write(&shop.feat.join("own"), "half done");
    shop.git(&["add", "own"]);
    shop.crew.write(&shop.feat.join("new"), "untracked");
    let before = shop.state();
    for arguments in [&["pre-check"][..], &["pre-check", "-u"]] {
        let told = shop.safety(arguments).code(4);
        assert!(told.stderr.contains("Rebase failed (1 behind)") && told.stderr.contains("README.md"), "{told:?}");
        assert_eq!((shop.state(), shop.stashes().len()), (before.clone(), 0), "{told:?}");
        assert_eq!(fs::read_to_string(shop.feat.join("new")).unwrap(), "untracked");
    }
    let told = shop.safety(&["pre-check", "--json"]).code(4).json();
    assert_eq!(
        (&told["status"], &told["stash"], &told["commit"]),
        (&json!("rebase-failed"), &Value::Null, &json!(before[1]))
    );
    // A file that git does not know is in the way.
    let shop = Shop::new();
    shop.commit(&shop.top, "new", "theirs");
    shop.crew.write(&shop.feat.join("new"), "mine");
    let before = shop.state();
    shop.safety(&["pre-check"]).code(4);
    assert_eq!((shop.state(), fs::read_to_string(shop.feat.join("new")).unwrap()), (before, "mine".to_owned()));
    // A hook that refuses, after changes were put aside.
    shop.git(&["clean", "-fdq"]);
    let hook = shop.top.join(".git/hooks/pre-rebase");
    shop.crew.write(&hook, "#!/bin/sh\necho no >&2\nexit 1\n");
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    shop.crew.write(&shop.feat.join("own"), "half done");
    let before = shop.state();
    shop.safety(&["pre-check"]).code(4);
    assert_eq!((shop.state(), shop.stashes().len()), (before, 0));
}

#[test]
fn settings_of_the_user_change_nothing() {
    let shop = Shop::new();
    for setting in ["rebase.autoStash", "rebase.updateRefs", "rebase.autoSquash", "diff.noprefix", "stash.showPatch"] {
        shop.git(&["config", setting, "true"]);
    }
    for (setting, value) in [("log.date", "relative"), ("diff.external", "false"), ("color.ui", "always")] {
        shop.git(&["config", setting, value]);
    }
    shop.git(&["branch", "other"]);
    let other = shop.git(&["rev-parse", "other"]);
    // A merge of the branch's own stays one.
    shop.git(&["checkout", "-q", "-b", "side"]);
    shop.commit(&shop.feat, "side", "s");
    shop.git(&["checkout", "-q", "feat"]);
    shop.git(&["merge", "-q", "--no-ff", "-m", "own merge", "side"]);
    shop.ahead(1);
    shop.crew.write(&shop.feat.join("own"), "changed");
    shop.safety(&["pre-check"]).code(0);
    assert_eq!(shop.git(&["log", "-1", "--format=%s", "--merges"]), "own merge");
    assert_eq!(shop.git(&["rev-parse", "other"]), other);
    shop.safety(&["recover", "--apply"]).code(0);
    assert_eq!(fs::read_to_string(shop.feat.join("own")).unwrap(), "changed");
}

#[test]
fn what_cannot_be_found_out_is_no_freshness() {
    let shop = Shop::new();
    shop.crew.run("worktree-safety", ["pre-check"]).refused(1, &["not in a git repository"]);
    for command in ["notify-merge", "recover", "audit"] {
        shop.crew.run("worktree-safety", [command]).refused(1, &["not in a git repository"]);
    }
    let odd = shop.crew.work().join("odd");
    shop.crew.git(&shop.crew.work(), &["init", "-q", "-b", "odd", "odd"]);
    shop.crew.run_in(&odd, "worktree-safety", ["pre-check"]).refused(1, &["no main branch"]);
    shop.commit(&odd, "a", "b");
    shop.crew.run_in(&odd, "worktree-safety", ["pre-check"]).refused(1, &["no main branch"]);
    // In the middle of something.
    shop.commit(&shop.feat, "README.md", "ours");
    shop.commit(&shop.top, "README.md", "theirs");
    assert!(shop.crew.command("git").current_dir(&shop.feat).args(["merge", "-q", "main"]).output().is_ok());
    let before = shop.state();
    shop.safety(&["pre-check"]).refused(1, &["in the middle of a merge"]);
    shop.safety(&["recover"]).refused(1, &["in the middle of a merge"]);
    assert_eq!(shop.state(), before);
    shop.git(&["merge", "--abort"]);
    shop.git(&["checkout", "-q", "--detach"]);
    let before = shop.state();
    assert!(shop.safety(&["pre-check"]).code(2).stderr.contains("detached"));
    assert_eq!(shop.state(), before);
    let told = shop.safety(&[]).code(2);
    assert!(told.stdout.is_empty() && told.stderr.contains("{pre-check|notify-merge|recover|audit}"), "{told:?}");
    assert!(shop.safety(&["frobnicate"]).code(2).stderr.contains("frobnicate"));
    assert!(shop.safety(&["help"]).code(0).stdout.contains("notify-merge"));
}

#[test]
fn a_dry_run_changes_nothing_and_fetching_is_asked_for() {
    let shop = Shop::new();
    shop.crew.git(&shop.crew.work(), &["clone", "-q", "shop", "mine"]);
    let mine = shop.crew.work().join("mine");
    shop.crew.git(&mine, &["checkout", "-q", "-b", "work"]);
    shop.commit(&mine, "w", "1");
    shop.ahead(2);
    shop.crew.write(&mine.join("w"), "2");
    let check = |arguments: &[&str]| {
        shop.crew.run_in(&mine, "worktree-safety", [&["pre-check", "--json"], arguments].concat()).code(0).json()
    };
    assert_eq!(check(&["--dry-run"])["behind"], json!(0));
    let told = check(&["--dry-run", "--fetch"]);
    assert_eq!((&told["behind"], &told["rebased"], &told["stash"]), (&json!(2), &json!(false), &Value::Null));
    assert_eq!(fs::read_to_string(mine.join("w")).unwrap(), "2");
    let told = check(&["--fetch"]);
    assert_eq!((&told["rebased"], told["stash"]["id"].as_str().unwrap().len()), (&json!(true), 40));
    shop.crew.git(&mine, &["remote", "set-url", "origin", "/no/such/place"]);
    shop.crew.run_in(&mine, "worktree-safety", ["pre-check", "--fetch"]).refused(1, &["fetched"]);
}

#[test]
fn recover_gives_back_what_is_asked_for_or_nothing() {
    let shop = Shop::new();
    let put = |text: &str| {
        shop.crew.write(&shop.feat.join("own"), text);
        shop.safety(&["recover", "--json"]).code(0).json()["stash"]["id"].as_str().unwrap().to_owned()
    };
    let (first, second) = (put("first"), put("second"));
    assert_eq!(shop.stashes(), [second.clone(), first.clone()]);
    let told = shop.safety(&["recover"]).code(0).stdout;
    let head = "No uncommitted changes to recover\nStashed earlier: ";
    assert!(told.starts_with(head) && told.ends_with("recover done\n") && told.contains(&first), "{told}");
    shop.safety(&["recover", "--apply", "xyz"]).refused(1, &["'xyz'"]);
    shop.safety(&["recover", "--apply", "0123456789"]).refused(1, &["no stash '0123456789'"]);
    shop.safety(&["recover", "--apply", &shop.git(&["rev-parse", "HEAD"])]).refused(1, &["is no stash"]);
    shop.safety(&["recover", "--apply", "--list"]).refused(1, &["--list"]);
    shop.safety(&["recover", "--apply", &first[..8]]).code(0);
    assert_eq!(
        (fs::read_to_string(shop.feat.join("own")).unwrap(), shop.stashes()),
        ("first".to_owned(), vec![second.clone()])
    );
    // One that does not fit: nothing changes, it stays.
    shop.git(&["commit", "-q", "-a", "-m", "first"]);
    shop.crew.write(&shop.feat.join("mine"), "untracked");
    let before = shop.state();
    shop.safety(&["recover", "--apply"]).refused(1, &["does not fit", "own"]);
    assert_eq!((shop.state(), shop.stashes()), (before, vec![second.clone()]));
    // One that somebody took out of the list.
    shop.git(&["stash", "drop", "-q"]);
    shop.git(&["reset", "-q", "--hard", "HEAD~1"]);
    shop.safety(&["recover", "--apply"]).refused(1, &["nothing of this worktree"]);
    shop.safety(&["recover", "--apply", &second]).code(0);
    assert_eq!(fs::read_to_string(shop.feat.join("own")).unwrap(), "second");
}

#[test]
fn files_that_git_does_not_know_are_never_overwritten() {
    let shop = Shop::new();
    let file = |name: &str| shop.feat.join(name);
    shop.crew.write(&file("new"), "mine");
    let told = shop.safety(&["recover"]).code(0).stdout;
    assert!(told.starts_with("No uncommitted changes to recover\n1 untracked files stay: new\n"), "{told}");
    shop.safety(&["recover", "-u"]).code(0);
    assert!(!file("new").exists() && shop.stashes().len() == 1);
    shop.crew.write(&file("new"), "another");
    shop.crew.write(&file("README.md"), "kept");
    shop.git(&["commit", "-q", "-a", "-m", "r"]);
    shop.safety(&["recover", "--apply"]).refused(1, &["new", "already"]);
    assert_eq!(fs::read_to_string(file("new")).unwrap(), "another");
    fs::remove_file(file("new")).unwrap();
    shop.safety(&["recover", "--apply"]).code(0);
    assert_eq!(fs::read_to_string(file("new")).unwrap(), "mine");
    // The same of a file that was added to the index only.
    shop.git(&["add", "new"]);
    shop.safety(&["recover"]).code(0);
    shop.crew.write(&file("new"), "another");
    shop.safety(&["recover", "--apply"]).refused(1, &["new", "already"]);
    assert_eq!(fs::read_to_string(file("new")).unwrap(), "another");
    // What git cannot stash stays as it is.
    fs::remove_file(file("new")).unwrap();
    shop.safety(&["recover", "--apply"]).code(0);
    shop.git(&["reset", "-q"]);
    shop.git(&["add", "--intent-to-add", "new"]);
    shop.crew.write(&file("own"), "changed");
    let before = shop.state();
    shop.safety(&["pre-check"]).refused(1, &["stash"]);
    assert_eq!((shop.state(), fs::read_to_string(file("own")).unwrap()), (before, "changed".to_owned()));
}

#[test]
fn worktrees_that_stash_at_once_get_their_own_back() {
    let shop = Shop::new();
    let trees: Vec<PathBuf> = (0..8)
        .map(|number| {
            let name = format!("../t{number}");
            shop.crew.git(&shop.top, &["worktree", "add", "-q", "-b", &format!("t{number}"), &name]);
            let tree = shop.crew.work().join(format!("t{number}"));
            shop.crew.write(&tree.join("README.md"), format!("of {number}"));
            tree
        })
        .collect();
    shop.ahead(1);
    for arguments in [&["pre-check"][..], &["recover", "--apply"]] {
        let running: Vec<_> = trees
            .iter()
            .map(|tree| {
                let mut command = shop.crew.tool("worktree-safety");
                command.args(arguments).current_dir(tree);
                command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped()).spawn().unwrap()
            })
            .collect();
        for child in running {
            let ended = child.wait_with_output().unwrap();
            assert!(ended.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
        }
    }
    for (number, tree) in trees.iter().enumerate() {
        assert_eq!(fs::read_to_string(tree.join("README.md")).unwrap(), format!("of {number}"));
    }
    assert!(shop.stashes().is_empty());
}

#[test]
fn overlaps_are_files_that_two_worktrees_change() {
    let shop = Shop::new();
    let two = shop.crew.work().join("two");
    shop.crew.git(&shop.top, &["worktree", "add", "-q", "-b", "two", "../two"]);
    shop.crew.git(&shop.top, &["worktree", "add", "-q", "--detach", "../three"]);
    let overlaps = |tree: &Path| {
        let told = shop.crew.run_in(tree, "worktree-safety", ["notify-merge"]).code(0);
        assert!(told.stdout.ends_with("notify-merge done\n"), "{told:?}");
        assert_eq!(told.stdout.contains("No overlaps detected"), told.stderr.is_empty(), "{told:?}");
        told.stderr.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(overlaps(&shop.feat).is_empty());
    let line = |file: &str, one: &Path, other: &Path| {
        format!("WARNING: Overlapping file {file} in {} and {}", one.display(), other.display())
    };
    // Committed and uncommitted, renamed away and changed, both new; each pair once, from any of them.
    shop.commit(&shop.feat, "README.md", "committed");
    shop.commit(&two, "only two", "x");
    shop.crew.git(&two, &["mv", "README.md", "READ.md"]);
    shop.crew.write(&two.join("dir/new"), "");
    shop.crew.write(&shop.feat.join("dir/new"), "");
    let mut wanted = vec![line("README.md", &shop.feat, &two), line("dir/new", &shop.feat, &two)];
    assert_eq!(overlaps(&two), wanted);
    let three = shop.crew.work().join("three");
    shop.crew.write(&three.join("README.md"), "of three");
    shop.crew.write(&shop.top.join("README.md"), "in the main tree");
    let all = [&shop.top, &shop.feat, &three, &two];
    let pairs = all.iter().enumerate().flat_map(|(at, one)| all[at + 1..].iter().map(move |other| (*one, *other)));
    wanted = pairs.map(|(one, other)| line("README.md", one, other)).collect();
    wanted.push(line("dir/new", &shop.feat, &two));
    assert_eq!(overlaps(&shop.top.clone()), wanted);
    let told = shop.safety(&["notify-merge", "--json"]).code(0).json();
    assert_eq!((told.as_array().unwrap().len(), &told[0]["file"]), (7, &json!("README.md")));
    // A folder that is gone: what its branch has committed still counts.
    shop.crew.git(&shop.top, &["checkout", "-q", "README.md"]);
    fs::remove_dir_all(&three).unwrap();
    fs::remove_dir_all(&shop.feat).unwrap();
    assert_eq!(overlaps(&two), [line("README.md", &shop.feat, &two)]);
    // Merged: nothing of its own any more.
    shop.crew.git(&shop.top, &["merge", "-q", "--no-ff", "-m", "m", "feat"]);
    assert!(overlaps(&two).is_empty());
}

#[test]
fn the_audit_tells_every_worktree() {
    let shop = Shop::new();
    let crew = &shop.crew;
    for name in ["bare", "gone"] {
        crew.git(&shop.top, &["worktree", "add", "-q", "-b", name, &format!("../{name}")]);
    }
    crew.git(&shop.top, &["worktree", "add", "-q", "--orphan", "-b", "empty", "../empty"]);
    crew.git(&shop.top, &["worktree", "add", "-q", "--detach", "../free"]);
    fs::remove_dir_all(crew.work().join("gone")).unwrap();
    let dated = |tree: &str, days: i64| {
        let date = format!("@{} +0000", seconds_now() - days * 24 * 3600 - 60);
        let mut command = crew.command("git");
        command.current_dir(crew.work().join(tree)).env("GIT_COMMITTER_DATE", date);
        assert!(command.args(["commit", "-q", "--allow-empty", "-m", tree]).status().unwrap().success());
    };
    dated("bare", 6);
    dated("my feat", 7);
    dated("free", 30);
    let locked = shop.feat.join("own");
    crew.run("file-lock", ["acquire", locked.to_str().unwrap(), "T1"]).code(0);
    let told = shop.safety(&["audit"]).code(0);
    assert!(told.stderr.is_empty(), "{told:?}");
    let rows = told.json();
    let seen: Vec<_> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["path"].as_str().unwrap().rsplit('/').next().unwrap(),
                row["branch"].as_str().unwrap(),
                row["status"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("shop", "main", "active"),
            ("bare", "bare", "active"),
            ("empty", "empty", "orphaned"),
            ("free", "DETACHED", "abandoned"),
            ("gone", "gone", "orphaned"),
            ("my feat", "feat", "stale"),
        ]
    );
    assert_eq!((&rows[2]["age"], &rows[5]["locks"], &rows[0]["locks"]), (&Value::Null, &json!(1), &json!(0)));
    let (age, activity) = (rows[5]["age"].as_i64().unwrap(), rows[5]["last_activity"].as_i64().unwrap());
    assert!((7 * 86400..7 * 86400 + 600).contains(&age) && activity < 600, "{rows}");
    let told = shop.safety(&["audit", "--stale-days", "30", "--abandoned-days", "31"]).code(0).json();
    assert_eq!((&told[3]["status"], &told[5]["status"]), (&json!("stale"), &json!("active")));
    shop.safety(&["audit", "--stale-days", "31"]).refused(1, &["days"]);
}

fn seconds_now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

//! worktree-cleanup.

use std::fs;
use std::path::Path;

use crewkit_tests::{Crew, Ended, json};

use super::{branches, commit, linked, tree, worked};

fn cleanup(crew: &Crew, top: &Path, arguments: &[&str]) -> Ended {
    crew.run_in(top, "worktree-cleanup", arguments)
}

#[test]
fn cleanup_never_takes_what_is_not_merged_locked_dirty_or_the_main_tree() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    worked(&crew, &top, "unmerged", false);
    let dirty = worked(&crew, &top, "dirty", true);
    crew.write(&dirty.join("new"), "");
    crew.write(&dirty.join("dirty"), "changed");
    worked(&crew, &top, "locked", true);
    crew.git(&top, &["worktree", "lock", "--reason", "mine", "../locked"]);
    let busy = worked(&crew, &top, "Busy", true);
    crew.git(&busy, &["bisect", "start"]);
    crew.git(&top, &["checkout", "-q", "-b", "feat"]);
    let before = (linked(&crew, &top), branches(&crew, &top));
    for (branch, part) in [
        ("unmerged", "SKIP: unmerged not merged into main"),
        ("dirty", "SKIP: dirty has 2 uncommitted changes"),
        ("locked", "locked"),
        ("Busy", "Busy is in the middle of a bisect"),
        ("feat", "main working tree"),
    ] {
        for arguments in [&["--branch", branch][..], &["--branch", branch, "--dry-run"]] {
            let told = cleanup(&crew, &top, arguments).code(1);
            assert!(told.stderr.contains(part), "{told:?}");
        }
    }
    let told = cleanup(&crew, &top, &["--all-merged"]).code(0);
    assert_eq!(told.stdout.matches("SKIP").count(), 4, "{told:?}");
    assert_eq!(told.stdout.lines().last(), Some("Cleaned: 0 worktree(s)"));
    assert_eq!((linked(&crew, &top), branches(&crew, &top)), before);
    assert!(top.join("README.md").is_file());
    crew.git(&top, &["worktree", "add", "-q", "../on-main", "main"]);
    assert!(cleanup(&crew, &top, &["--branch", "main"]).code(1).stderr.contains("main branch"));
}

#[test]
fn cleanup_removes_tree_and_branch_once_nobody_is_inside() {
    let crew = Crew::new();
    let top = crew.repository("my shop");
    let squashed = worked(&crew, &top, "feat/squashed", false);
    crew.git(&top, &["merge", "-q", "--squash", "feat/squashed"]);
    crew.git(&top, &["commit", "-q", "-m", "squashed"]);
    commit(&crew, &top, "later", "1");
    for arguments in [&["--branch", "feat/squashed"][..], &["--branch", "feat/squashed", "--dry-run"]] {
        let told = cleanup(&crew, &squashed, arguments).code(1);
        assert!(told.stderr.contains("current directory"), "{told:?}");
    }
    if Path::new("/proc/self/cwd").exists() {
        fs::create_dir(squashed.join("deep")).unwrap();
        let mut worker = crew.command("sleep").arg("30").current_dir(squashed.join("deep")).spawn().unwrap();
        let told = cleanup(&crew, &top, &["--branch", "feat/squashed"]).code(1);
        assert!(told.stderr.contains(&format!("process {} (sleep)", worker.id())), "{told:?}");
        let told = cleanup(&crew, &top, &["--all-merged", "--json"]).code(0).json();
        assert_eq!(told["kept"][0]["reason"], "in-use");
        worker.kill().unwrap();
        worker.wait().unwrap();
    }
    let told = cleanup(&crew, &top, &["--branch", "feat/squashed", "--dry-run"]).code(0);
    assert!(told.stdout.contains("DRY-RUN: Would remove worktree") && !told.stdout.contains("Deleting"), "{told:?}");
    assert!(squashed.is_dir());
    cleanup(&crew, &top, &["--branch", "feat/squashed"]).code(0);
    assert_eq!((linked(&crew, &top), branches(&crew, &top)), (vec![], vec!["main".to_owned()]));
    assert!(!squashed.exists());
}

#[test]
fn cleanup_of_all_leaves_those_that_somebody_may_be_about_to_use() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    crew.run("init-dashboard-db", [""; 0]).code(0);
    crewkit_tests::rows(&crew.database(), "INSERT INTO projects (id, name, path) VALUES ('p', 'P', '/p') RETURNING id");
    tree(&crew, &top, "fresh-before");
    worked(&crew, &top, "merged", true);
    tree(&crew, &top, "fresh");
    // Fast-forwarded: its commits are on the main branch's own line.
    let forward = worked(&crew, &top, "forward", false);
    crew.git(&top, &["merge", "-q", "--ff-only", "forward"]);
    let squashed = worked(&crew, &top, "squashed", false);
    crew.git(&top, &["merge", "-q", "--squash", "squashed"]);
    crew.git(&top, &["commit", "-q", "-m", "squashed"]);
    let guarded = worked(&crew, &top, "guarded", true);
    crew.run_in(&guarded, "file-lock", ["acquire", "guarded", "T1"]).code(0);
    worked(&crew, &top, "planned", true);
    worked(&crew, &top, "waving", true);
    worked(&crew, &top, "open", false);
    let gone = worked(&crew, &top, "gone", true);
    fs::remove_dir_all(&gone).unwrap();
    let work = crew.work();
    let (work, home) = (work.display(), crew.home());
    std::os::unix::fs::symlink(crew.work().join("waving"), home.join("waving")).unwrap();
    crewkit_tests::rows(
        &crew.database(),
        &format!(
            "INSERT INTO plans (id, project_id, name, status, worktree_path) VALUES (1, 'p', 'a', 'doing', '{work}/planned') RETURNING id"
        ),
    );
    crewkit_tests::rows(
        &crew.database(),
        &format!(
            "INSERT INTO plans (id, project_id, name, status, worktree_path) VALUES (2, 'p', 'b', 'done', '{work}/merged'), (3, 'p', 'c', 'todo', '/elsewhere/merged') RETURNING id"
        ),
    );
    crewkit_tests::rows(
        &crew.database(),
        "INSERT INTO waves (id, project_id, plan_id, wave_id, name, status, worktree_path, branch_name) VALUES (5, 'p', 2, 'W1', 'w', 'in_progress', '~/waving', 'waving') RETURNING id",
    );
    let told = cleanup(&crew, &top, &["--all-merged", "--dry-run"]).code(0).stdout;
    assert_eq!((told.matches("DRY-RUN").count(), linked(&crew, &top).len()), (5, 10), "{told}");
    let told = cleanup(&crew, &top, &["--all-merged"]).code(0).stdout;
    assert_eq!(told.lines().last(), Some("Cleaned: 4 worktree(s)"), "{told}");
    for part in [
        "fresh-before has no commits",
        "fresh has no commits",
        "guarded has 1 files locked",
        "plan 1",
        "wave 5",
        "open not merged",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(linked(&crew, &top), ["fresh", "fresh-before", "guarded", "open", "planned", "waving"]);
    assert!(!forward.exists() && !squashed.exists());
    assert_eq!(
        crew.sql("SELECT id, worktree_path FROM plans WHERE id > 1 ORDER BY id"),
        [[json!(2), json!(null)], [json!(3), json!("/elsewhere/merged")]]
    );
    // Asked for by name they go.
    cleanup(&crew, &top, &["--branch", "fresh"]).code(0);
    cleanup(&crew, &top, &["--wave", "5"]).code(0);
    assert_eq!(crew.sql("SELECT worktree_path, branch_name FROM waves"), [[json!(null), json!(null)]]);
    cleanup(&crew, &top, &["--plan", "1"]).code(0);
    assert_eq!(linked(&crew, &top), ["fresh-before", "guarded", "open"]);
}

#[test]
fn cleanup_of_a_plan_goes_on_after_a_refusal_and_expands_the_home_folder() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    crew.run("init-dashboard-db", [""; 0]).code(0);
    crewkit_tests::rows(&crew.database(), "INSERT INTO projects (id, name, path) VALUES ('p', 'P', '/p') RETURNING id");
    let home = crew.home();
    for name in ["plan", "w1", "w2"] {
        crew.git(&top, &["worktree", "add", "-q", "-b", name, home.join(name).to_str().unwrap()]);
    }
    crew.write(&home.join("plan/dirt"), "");
    fs::remove_dir_all(home.join("w2")).unwrap();
    crewkit_tests::rows(
        &crew.database(),
        "INSERT INTO plans (id, project_id, name, worktree_path) VALUES (1, 'p', 'a', '~/plan') RETURNING id",
    );
    crewkit_tests::rows(
        &crew.database(),
        "INSERT INTO waves (id, project_id, plan_id, wave_id, name, status, worktree_path, branch_name) VALUES \
         (1, 'p', 1, 'W1', 'w', 'done', '~/w1', 'w1'), (2, 'p', 1, 'W2', 'w', 'done', '~/w2', 'w2'), (3, 'p', 1, 'W3', 'w', 'done', '~/plan', 'no-such') RETURNING id",
    );
    let told = cleanup(&crew, &top, &["--plan", "1"]).code(1);
    assert!(
        told.stderr.contains("SKIP: plan has 1 uncommitted") && told.stderr.contains("SKIP: Branch no-such not found"),
        "{told:?}"
    );
    assert!(told.stdout.contains("Cleaned up wave 1") && told.stdout.contains("Cleaned up wave 2"), "{told:?}");
    assert_eq!(linked(&crew, &top), ["plan"]);
    fs::remove_file(home.join("plan/dirt")).unwrap();
    // Called in another repository: the worktree tells its own.
    let other = crew.repository("other");
    cleanup(&crew, &other, &["--plan", "1"]).code(0);
    assert_eq!((linked(&crew, &top), branches(&crew, &top)), (vec![], vec!["main".to_owned()]));
    assert_eq!(
        crew.sql("SELECT count(worktree_path) FROM waves UNION SELECT count(worktree_path) FROM plans"),
        [[json!(0)]]
    );
    assert!(cleanup(&crew, &top, &["--plan", "1"]).code(0).stdout.contains("No worktree found for plan 1"));
    crewkit_tests::rows(
        &crew.database(),
        &format!("UPDATE plans SET worktree_path = '{}' RETURNING id", crew.work().display()),
    );
    assert!(cleanup(&crew, &top, &["--plan", "1"]).code(1).stderr.contains("not a registered worktree"));
    assert!(top.is_dir());
}

#[test]
fn cleanup_names_or_keeps_ignored_files() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    commit(&crew, &top, ".gitignore", ".env*\ndata/\n");
    for name in ["lost", "kept"] {
        let side = tree(&crew, &top, name);
        crew.write(&side.join(".env.real"), "secret");
        crew.write(&side.join("data/deep/x"), "x");
        std::os::unix::fs::symlink(top.join(".env"), side.join(".env")).unwrap();
    }
    let told = cleanup(&crew, &top, &["--branch", "lost"]).code(0).stdout;
    assert!(told.contains("ignored by git: .env.real, data/\n"), "{told}");
    cleanup(&crew, &top, &["--branch", "kept", "--keep-ignored"]).code(0);
    let kept = crew.work().join("kept");
    assert_eq!(fs::read_to_string(kept.join(".env.real")).unwrap(), "secret");
    assert!(kept.join("data/deep/x").is_file() && !kept.join(".git").exists() && !kept.join(".env").is_symlink());
    assert_eq!((linked(&crew, &top), branches(&crew, &top)), (vec![], vec!["main".to_owned()]));
    assert_eq!(fs::read_dir(crew.work()).unwrap().count(), 2);
}

#[test]
fn cleanup_refuses_wrong_usage_with_its_usage() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    for arguments in [
        &[][..],
        &["--plan"],
        &["--plan", "1 OR 1=1"],
        &["--plan", "-1"],
        &["--wave", "x"],
        &["--what"],
        &["--branch", "a", "--all-merged"],
    ] {
        let told = cleanup(&crew, &top, arguments).code(1);
        assert!(told.stdout.is_empty() && told.stderr.contains("Usage"), "{told:?}");
    }
    cleanup(&crew, &crew.work(), &["--all-merged"]).refused(1, &["Not in a git repository"]);
    assert!(cleanup(&crew, &top, &["--wave", "99"]).code(1).stderr.contains("Wave 99 not found"));
    assert!(!crew.database().exists());
}

#[test]
fn cleanup_tells_programs_what_went_what_stays_and_what_it_took() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    commit(&crew, &top, ".gitignore", "target/\nnode_modules/\n");
    let side = worked(&crew, &top, "done", true);
    crew.write(&side.join("web/node_modules/x"), vec![1; 300_000]);
    crew.write(&side.join("target/y"), vec![1; 900_000]);
    std::os::unix::fs::symlink("/usr", side.join("target/elsewhere")).unwrap();
    let open = worked(&crew, &top, "open", false);
    crew.write(&open.join("target/z"), vec![1; 500_000]);
    let told = cleanup(&crew, &top, &["--all-merged", "--dry-run", "--json"]).code(0).json();
    let build = |row: &crewkit_tests::Value| {
        let folders = row["build"].as_array().unwrap().clone();
        folders.into_iter().map(|folder| folder["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let row = &told["cleaned"][0];
    assert_eq!(
        (&told["dry_run"], &row["branch"], &row["branch_deleted"]),
        (&json!(true), &json!("done"), &json!(null))
    );
    assert_eq!(build(row), ["target", "web/node_modules"]);
    let bytes = row["bytes"].as_u64().unwrap();
    assert!((1_200_000..1_400_000).contains(&bytes) && told["freed_bytes"] == row["bytes"], "{told}");
    let kept = &told["kept"][0];
    assert_eq!((&kept["branch"], &kept["reason"]), (&json!("open"), &json!("not-merged")));
    assert_eq!((build(&kept["size"]), kept["path"].as_str()), (vec!["target".to_owned()], open.to_str()));
    assert!(side.is_dir());

    let told = cleanup(&crew, &top, &["--branch", "open", "--json"]).code(1);
    assert!(told.stderr.contains("SKIP: open not merged"), "{told:?}");
    assert_eq!(
        (&told.json()["kept"][0]["reason"], &told.json()["kept"][0]["size"]),
        (&json!("not-merged"), &json!(null))
    );
    let told = cleanup(&crew, &top, &["--all-merged", "--json"]).code(0).json();
    assert_eq!((&told["cleaned"][0]["branch_deleted"], &told["freed_bytes"]), (&json!(true), &json!(bytes)));
    assert_eq!(told["cleaned"][0]["ignored"], json!(["target/", "web/"]));
    let side = worked(&crew, &top, "again", true);
    crew.write(&side.join("target/y"), vec![1; 900_000]);
    crew.write(&side.join("web/node_modules/x"), "");
    let told = cleanup(&crew, &top, &["--branch", "again", "--keep-ignored", "--json"]).code(0).json();
    assert!(told["freed_bytes"].as_u64().unwrap() < 100_000 && side.join("web/node_modules/x").is_file(), "{told}");
    let text = cleanup(&crew, &top, &["--all-merged", "--dry-run"]).code(0).stdout;
    assert!(text.contains("Size: ") && text.contains("in build folders: target"), "{text}");
}

#[test]
fn cleanup_may_leave_what_was_used_lately_and_forgets_what_is_gone() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    let week = std::time::SystemTime::now() - std::time::Duration::from_secs(8 * 86_400);
    for name in ["old", "new"] {
        let side = worked(&crew, &top, name, true);
        if name == "old" {
            let admin = top.join(".git/worktrees/old");
            for file in [side.clone(), admin.join("HEAD"), admin.join("index"), admin.join("logs/HEAD")] {
                fs::File::open(file).unwrap().set_modified(week).unwrap();
            }
        }
    }
    let gone = worked(&crew, &top, "gone", false);
    let lonely = worked(&crew, &top, "lonely", false);
    crew.git(&lonely, &["checkout", "-q", "--detach"]);
    commit(&crew, &lonely, "x", "on no branch");
    for path in [&gone, &lonely] {
        fs::remove_dir_all(path).unwrap();
    }
    let told = cleanup(&crew, &top, &["--all-merged", "--older-than", "7", "--json"]).code(0).json();
    assert_eq!((told["cleaned"].as_array().unwrap().len(), &told["cleaned"][0]["branch"]), (1, &json!("old")));
    assert!(told["kept"].to_string().contains("new was used 0 days ago"), "{told}");
    cleanup(&crew, &top, &["--branch", "new", "--older-than", "1"]).code(1);
    assert!(cleanup(&crew, &top, &["--all-merged", "--older-than", "-1"]).code(1).stderr.contains("'-1'"));

    assert_eq!(linked(&crew, &top), ["gone", "lonely", "new"]);
    cleanup(&crew, &top, &["--prune", "--dry-run"]).code(0);
    assert_eq!(linked(&crew, &top), ["gone", "lonely", "new"]);
    let told = cleanup(&crew, &top, &["--prune", "--json"]).code(0).json();
    assert_eq!((&told["pruned"], &told["kept"][0]["reason"]), (&json!([gone]), &json!("not-merged")));
    assert_eq!((linked(&crew, &top), branches(&crew, &top).len()), (vec!["lonely".into(), "new".into()], 4));
}

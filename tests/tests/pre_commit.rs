//! Hooks of git: the check that no finished work goes unvalidated, and its place beside what manages a repository's hooks.

use std::fs;
use std::path::{Path, PathBuf};

use crewkit_tests::{Crew, Ended, finish, json, program, rows};

const GUARD: &str = "scripts/hooks/thor-commit-guard.sh";
const THOR: &str = "scripts/hooks/thor-git-hook.sh";

/// A repository `shop` with a plan that has a finished task nobody has validated.
fn shop() -> (Crew, PathBuf) {
    let crew = Crew::new();
    let top = crew.repository("shop");
    crew.write(&top.join(".gitignore"), ".env\n");
    crew.git(&top, &["add", "-A"]);
    crew.git(&top, &["commit", "-q", "-m", "ignore"]);
    crew.run("plan-db", ["create", "shop", "Shop"]).code(0);
    crew.run("plan-db", ["start", "1"]).code(0);
    crew.run("plan-db", ["add-wave", "1", "W1", "First"]).code(0);
    crew.run("plan-db", ["add-task", "1", "T1-01", "Wire the login"]).code(0);
    set(&crew, "UPDATE tasks SET status = 'done'");
    (crew, top)
}

fn set(crew: &Crew, sql: &str) {
    let connection = rusqlite::Connection::open(crew.database()).unwrap();
    connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
}

fn ask(crew: &Crew, cwd: &Path, command: &str) -> Ended {
    let event = json!({"session_id": "s1", "cwd": cwd, "hook_event_name": "PreToolUse", "tool_name": "Bash",
        "tool_input": {"command": command}});
    crew.feed(event.to_string(), GUARD, [""; 0])
}

fn hooks(crew: &Crew, top: &Path, arguments: &[&str]) -> Ended {
    finish(crew.command(program()).arg("hooks").args(arguments).current_dir(top), None)
}

fn commit(crew: &Crew, top: &Path) -> Ended {
    finish(crew.command("git").current_dir(top).args(["commit", "-q", "--allow-empty", "-m", "x"]), None)
}

#[test]
fn a_commit_waits_for_validation_wherever_it_is_made() {
    let (crew, top) = shop();
    let side = crew.work().join("elsewhere");
    crew.git(&top, &["worktree", "add", "-q", "-b", "side", side.to_str().unwrap()]);
    for (cwd, command) in [
        (&top, "git commit -m x"),
        (&top, "git add -A && git  commit --amend --no-edit"),
        (&side, "git commit -m x"),
        (&crew.work(), "git -C shop commit -m x"),
        (&crew.work(), "cd elsewhere && sudo git commit"),
        (&crew.work(), "git --git-dir=shop/.git commit -m x"),
    ] {
        let blocked = ask(&crew, cwd, command).code(2);
        let reason = &blocked.stderr;
        let parts = ["BLOCKED", "  - T1-01: Wire the login", "plan-db validate-task T1-01 1"];
        assert!(blocked.stdout.is_empty() && parts.iter().all(|part| reason.contains(part)), "{command}: {reason}");
    }
    for (cwd, command) in [
        (&top, "git push"),
        (&top, "echo git commit -m x"),
        (&top, "git log --grep 'git commit'"),
        (&crew.work(), "git commit -m x"),
    ] {
        let passed = ask(&crew, cwd, command).code(0);
        assert!(passed.stdout.is_empty() && passed.stderr.is_empty(), "{command}: {passed:?}");
    }
    for state in [
        "UPDATE tasks SET validated_at = '2026-01-01 00:00:00'",
        "UPDATE tasks SET validated_at = NULL; UPDATE plans SET status = 'done'",
        "UPDATE plans SET status = 'todo', project_id = 'blog'",
        "UPDATE plans SET project_id = 'shop'; UPDATE tasks SET status = 'in_progress'",
    ] {
        set(&crew, state);
        assert_eq!(ask(&crew, &top, "git commit -m x").code, 0, "{state}");
    }
    set(&crew, "UPDATE tasks SET status = 'done', plan_id = NULL");
    assert_eq!(ask(&crew, &top, "git commit -m x").code, 2, "a task of an older database, known by its wave");
    let copilot = json!({"cwd": top, "toolName": "bash", "toolArgs": "{\"command\":\"git commit\"}"});
    assert_eq!(crew.feed(copilot.to_string(), GUARD, [""; 0]).code(0).json()["permissionDecision"], "deny");
}

#[test]
fn a_way_past_the_check_is_written_down() {
    let (crew, top) = shop();
    ask(&crew, &top, "THOR_SKIP='fire\n in prod' git commit -m x").code(0);
    ask(&crew, &top, "THOR_SKIP= git commit -m x").code(2);
    crew.run_in(&top, THOR, ["check"]).code(1);
    let crew = crew.with("THOR_SKIP", "by hand");
    crew.run_in(&top, THOR, ["check"]).code(0);
    let log = crew.claude().join("logs/thor-skip.log");
    let lines = fs::read_to_string(&log).unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    assert!(
        lines.len() == 2 && lines[0].ends_with("tasks=1 fire\\n in prod") && lines[1].ends_with("by hand"),
        "{lines:?}"
    );
    // What cannot be written down does not pass.
    fs::remove_file(&log).unwrap();
    fs::create_dir(&log).unwrap();
    crew.run_in(&top, THOR, ["check"]).refused(1, &["thor-skip.log"]);
}

#[test]
fn git_itself_refuses_once_the_hook_is_installed() {
    let (crew, top) = shop();
    let side = crew.work().join("side");
    crew.git(&top, &["worktree", "add", "-q", "-b", "side", side.to_str().unwrap()]);
    let said = |arguments: &[&str]| crew.run_in(&side, THOR, arguments);
    assert!(said(&["status"]).code(1).stdout.starts_with("Not installed"));
    assert!(said(&["install"]).code(0).stdout.starts_with("Created"));
    assert!(said(&["install", "."]).code(0).stdout.starts_with("Already installed"));
    said(&["status"]).code(0);
    for place in [&top, &side] {
        let refused = commit(&crew, place);
        assert!(refused.code == 1 && refused.stderr.contains("T1-01: Wire the login"), "{refused:?}");
    }
    set(&crew, "UPDATE tasks SET validated_at = '2026-01-01 00:00:00'");
    commit(&crew, &side).code(0);
    assert!(said(&["uninstall"]).code(0).stdout.starts_with("Removed"));
    assert!(said(&["uninstall"]).code(0).stdout.starts_with("Not installed"));
    assert!(!top.join(".git/hooks/pre-commit").exists());
    for wrong in [&["install", "/"][..], &["install", "/not/there"], &["nonsense"], &["check", "x"]] {
        said(wrong).refused(1, &[wrong.last().unwrap()]);
    }
    let database = crew.database();
    fs::remove_file(&database).unwrap();
    said(&["check"]).code(0);
    crew.write(&database, "no database ".repeat(100));
    said(&["check"]).refused(1, &["dashboard.db"]);
}

#[test]
fn a_hook_that_is_there_keeps_its_place() {
    let (crew, top) = shop();
    let hook = top.join(".git/hooks/pre-commit");
    crew.write(&hook, "#!/bin/bash\necho mine >&2\nexit 0\n");
    crew.run_in(&top, THOR, ["install"]).code(0);
    let refused = commit(&crew, &top);
    assert!(refused.code == 1 && !refused.stderr.contains("mine"), "before its exit, and executable: {refused:?}");
    hooks(&crew, &top, &["install", "--git"]).code(0);
    let once = fs::read_to_string(&hook).unwrap();
    hooks(&crew, &top, &["install", "--git"]).code(0);
    assert_eq!(fs::read_to_string(&hook).unwrap(), once);
    set(&crew, "UPDATE tasks SET validated_at = 'x'");
    assert_eq!(commit(&crew, &top).code(0).stderr, "mine\n");
    crew.run_in(&top, THOR, ["uninstall"]).code(0);
    hooks(&crew, &top, &["status"]).code(0);
    hooks(&crew, &top, &["uninstall", "--git"]).code(0);
    assert_eq!(fs::read_to_string(&hook).unwrap(), "#!/bin/bash\necho mine >&2\nexit 0\n");
    hooks(&crew, &top, &["status"]).code(1);
    crew.write(&hook, "#!/usr/bin/env python3\n");
    hooks(&crew, &top, &["install", "--git"]).refused(1, &["no shell script", "hooks pre-commit"]);
}

#[test]
fn hook_managers_are_left_in_charge() {
    let (crew, top) = shop();
    let tracked = || crew.git(&top, &["status", "--porcelain"]);
    let generated = "#!/usr/bin/env bash\n# File generated by pre-commit: https://pre-commit.com\n\
        here=\"$(cd \"$(dirname \"$0\")\" && pwd)\"\n[ ! -x \"$here/pre-commit.legacy\" ] || \"$here/pre-commit.legacy\" || exit 1\n";
    let hook = top.join(".git/hooks/pre-commit");
    crew.write(&hook, generated);
    finish(crew.command("chmod").arg("+x").arg(&hook), None).code(0);
    hooks(&crew, &top, &["install", "--git"]).code(0);
    assert_eq!(fs::read_to_string(&hook).unwrap(), generated);
    assert!(commit(&crew, &top).stderr.contains("T1-01"));
    assert!(hooks(&crew, &top, &["status"]).code(0).stdout.contains("by pre-commit"));
    hooks(&crew, &top, &["uninstall", "--git"]).code(0);
    assert!(!top.join(".git/hooks/pre-commit.legacy").exists());
    fs::remove_file(&hook).unwrap();

    crew.write(&top.join("lefthook.yml"), "pre-commit:\n  commands: {}\n");
    crew.git(&top, &["add", "-A"]);
    crew.git(&top, &["commit", "-q", "-m", "lefthook"]);
    let exclude = fs::read(top.join(".git/info/exclude")).unwrap();
    hooks(&crew, &top, &["install", "--git"]).code(0);
    hooks(&crew, &top, &["install", "--git"]).code(0);
    assert_eq!(tracked(), "");
    let local = fs::read_to_string(top.join("lefthook-local.yml")).unwrap();
    assert!(local.matches("hooks pre-commit").count() == 1 && local.contains("\npre-commit:\n"), "{local}");
    assert!(hooks(&crew, &top, &["status"]).code(1).stdout.contains("lefthook install"));
    hooks(&crew, &top, &["uninstall", "--git"]).code(0);
    assert!(!top.join("lefthook-local.yml").exists() && fs::read(top.join(".git/info/exclude")).unwrap() == exclude);
    let theirs = "pre-commit:\n  commands:\n    mine:\n      run: true\n";
    crew.write(&top.join("lefthook-local.yml"), theirs);
    let ended = hooks(&crew, &top, &["install", "--git"]).code(1);
    assert!(ended.stderr.contains("by hand") && ended.stderr.contains("crewkit:"), "{ended:?}");
    assert_eq!(fs::read_to_string(top.join("lefthook-local.yml")).unwrap(), theirs);
    fs::remove_file(top.join("lefthook-local.yml")).unwrap();
    crew.git(&top, &["rm", "-q", "lefthook.yml"]);

    crew.write(&top.join(".husky/_/pre-commit"), "#!/usr/bin/env sh\nsh -e .husky/pre-commit\n");
    finish(crew.command("chmod").arg("+x").arg(top.join(".husky/_/pre-commit")), None).code(0);
    crew.git(&top, &["config", "core.hooksPath", ".husky/_"]);
    crew.write(&top.join(".husky/pre-commit"), "echo theirs >&2\n");
    let ended = hooks(&crew, &top, &["install", "--git"]).code(1);
    assert!(ended.stderr.contains("--shared") && ended.stderr.contains("command -v crewkit"), "{ended:?}");
    assert_eq!(fs::read_to_string(top.join(".husky/pre-commit")).unwrap(), "echo theirs >&2\n");
    hooks(&crew, &top, &["install", "--git", "--shared"]).code(0);
    assert!(commit(&crew, &top).code(0).stderr.contains("theirs"), "who has no crewkit is not held up");
    std::os::unix::fs::symlink(program(), crew.root().join("bin/crewkit")).unwrap();
    assert!(commit(&crew, &top).code(1).stderr.contains("T1-01"));
    hooks(&crew, &top, &["uninstall", "--git"]).code(0);
    assert_eq!(fs::read_to_string(top.join(".husky/pre-commit")).unwrap(), "echo theirs >&2\n");

    crew.git(&top, &["config", "core.hooksPath", "../../everybody"]);
    hooks(&crew, &top, &["install", "--git"]).code(1);
    assert!(!crew.root().join("everybody").exists());
}

#[test]
fn the_checks_before_a_commit_are_those_that_are_set() {
    let (crew, top) = shop();
    hooks(&crew, &top, &["pre-commit"]).code(1);
    crew.write(&top.join(".crewkit.toml"), "[hooks]\npre_commit = []\n");
    hooks(&crew, &top, &["pre-commit"]).code(0);
    crew.write(&top.join(".crewkit.toml"), "[hooks]\npre_commit = ['thor-git-hook', 'nonsense']\n");
    let ended = hooks(&crew, &top, &["pre-commit"]).code(1);
    assert!(ended.stderr.contains("nonsense") && ended.stderr.contains("T1-01"), "{ended:?}");
    assert_eq!(rows(&crew.database(), "SELECT COUNT(*) FROM tasks"), [[json!(1)]]);
}

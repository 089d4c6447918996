//! Hooks, fed with events as Claude Code and Copilot send them.

use std::path::Path;

use crewkit_tests::{Crew, Ended, Value, json};

const GUARD: &str = "hooks/worktree-guard.sh";

/// An event of Claude Code before a shell command.
fn claude(cwd: &Path, command: &str) -> Value {
    json!({
        "session_id": "7b1c9f8e-0d7e-4d53-9a57-1a2b3c4d5e6f",
        "transcript_path": "/home/al/.claude/projects/-w/7b1c9f8e.jsonl",
        "cwd": cwd,
        "permission_mode": "default",
        "hook_event_name": "PreToolUse",
        "tool_name": "Bash",
        "tool_input": {"command": command, "description": "Runs a command", "timeout": 120_000},
        "tool_use_id": "toolu_01ABC"
    })
}

fn bare(cwd: &Path, command: &str) -> Value {
    json!({"cwd": cwd, "tool_name": "Bash", "tool_input": {"command": command}})
}

struct Shop {
    crew: Crew,
    top: std::path::PathBuf,
}

impl Shop {
    /// A repository `work/shop`; with `siblings`, a worktree `work/shop-web` on `agent/web`.
    fn new(siblings: bool) -> Self {
        let crew = Crew::new();
        let top = crew.repository("shop");
        if siblings {
            crew.git(&top, &["worktree", "add", "-q", "-b", "agent/web", "../shop-web"]);
        }
        Self { crew, top }
    }

    fn feed(&self, event: &Value) -> Ended {
        self.crew.feed(event.to_string(), GUARD, [""; 0])
    }

    fn ask(&self, command: &str) -> Ended {
        self.feed(&claude(&self.top, command))
    }

    #[track_caller]
    fn blocked(&self, command: &str) -> String {
        let ended = self.ask(command);
        let whole = ended.code == 2 && ended.stdout.is_empty() && ended.stderr.starts_with("BLOCKED: ");
        assert!(whole, "{command}: {ended:?}");
        ended.stderr
    }

    #[track_caller]
    fn silent(&self, command: &str) {
        let ended = self.ask(command);
        let nothing = ended.code == 0 && ended.stdout.is_empty() && ended.stderr.is_empty();
        assert!(nothing, "{command}: {ended:?}");
    }

    #[track_caller]
    fn warned(&self, command: &str) -> String {
        let answer = self.ask(command).code(0);
        assert_eq!(answer.stderr, "", "{command}");
        let answer = answer.json();
        let specific = &answer["hookSpecificOutput"];
        assert_eq!(specific["hookEventName"], "PreToolUse");
        assert!(specific.get("permissionDecision").is_none());
        specific["additionalContext"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_worktree_inside_the_repository_is_refused() {
    let shop = Shop::new(true);
    shop.crew.write(&shop.top.join("sub/file"), "");
    std::os::unix::fs::symlink(&shop.top, shop.crew.work().join("link")).unwrap();
    let inside = shop.top.join("feature");
    for command in [
        "git worktree add feature",
        "git worktree add ./sub/feature main",
        "git worktree add sub/../new/deep/feature",
        "git worktree add -b x .worktrees/x",
        "git worktree add -B x --lock --reason 'a reason' -f \"my feature\"",
        "git worktree add --detach --track sub/x origin/main",
        "cd sub && git worktree add x",
        "cd .. && git -C shop worktree add x",
        "git --no-pager -c a.b=c worktree add x",
        "git fetch && sudo -u al git worktree add x; ls",
        "git worktree add ../link/x",
        "git -C ../link worktree add y",
        "D=.worktrees/x; git worktree add \"$D\" -b x",
        "git worktree add \"$(git rev-parse --show-toplevel)/x\"",
        "git worktree add \"$PWD/x\"",
        "bash -lc 'git worktree add x'",
        "git worktree add ../shop-web/sub/x",
        "git -C ../shop-web worktree add x",
        "if true; then\n  git worktree add x\nfi",
        &format!("git worktree add '{}'", inside.display()),
        &format!("cd / && git --git-dir={0}/.git worktree add {0}/x", shop.top.display()),
    ] {
        shop.blocked(command);
    }
    let reason = shop.blocked("git worktree add -b f sub/feature");
    for part in ["sub/feature", inside.with_file_name("sub").to_str().unwrap(), "shop-feature"] {
        assert!(reason.contains(part), "{part}: {reason}");
    }
    assert!(!reason.contains("remove"));
}

#[test]
fn a_worktree_elsewhere_is_let_through() {
    let shop = Shop::new(true);
    let outside = shop.crew.work().join("elsewhere");
    for command in [
        "git worktree add ../feature",
        "git worktree add --detach ../feature",
        "git worktree add -B feature ../feature",
        "git worktree add -b sub/feature ../feature main",
        "git worktree add ../shop-web2 -b sub",
        "cd sub/not/there/../../.. && git worktree add ../feature",
        "cd ../shop-web && git worktree add ../feature",
        "git worktree add \"$SOMEWHERE\"",
        "cd \"$SOMEWHERE\" && git worktree add x",
        "git worktree list",
        "git worktree prune --dry-run",
        "echo git worktree add sub/x",
        "echo 'git worktree add sub/x'; git log --grep \"git worktree add sub/x\"",
        "cat <<EOF\ngit worktree add sub/x\nEOF",
        "# git worktree add sub/x",
        "git commit --help && ls",
        "cd .. && git worktree add shop/x",
        &format!("git worktree add {}", outside.display()),
        &format!("git -C {} worktree add x", shop.crew.home().display()),
    ] {
        shop.silent(command);
    }
}

#[test]
fn a_bare_repository_has_no_inside() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    let hub = crew.work().join("hub");
    crew.git(&crew.work(), &["clone", "-q", "--bare", top.to_str().unwrap(), "hub/.bare"]);
    crew.write(&hub.join(".git"), "gitdir: ./.bare\n");
    crew.git(&hub, &["worktree", "add", "-q", "main"]);
    let ask = |cwd: &Path, command: &str| crew.feed(claude(cwd, command).to_string(), GUARD, [""; 0]).code;
    assert_eq!(ask(&hub, "git worktree add feature"), 0);
    assert_eq!(ask(&hub.join("main"), "git worktree add ../feature"), 0);
    assert_eq!(ask(&hub.join("main"), "git worktree add feature"), 2);
}

#[test]
fn worktrees_are_not_removed_by_hand() {
    let shop = Shop::new(true);
    for command in [
        "git worktree remove ../shop-web",
        "git worktree remove --force ../shop-web",
        "git worktree remove -f -f -- ../shop-web",
        "cd .. && git -C shop worktree remove --force shop-web",
        "git -C ../shop-web worktree remove .",
        "git worktree list | grep web | xargs -n1 git worktree remove",
        "cd \"$SOMEWHERE\"; git worktree remove x",
    ] {
        let reason = shop.blocked(command);
        for part in ["worktree-cleanup", "--branch", "--plan", "--all-merged"] {
            assert!(reason.contains(part), "{reason}");
        }
    }
    assert!(shop.blocked("git worktree remove ../shop-web").contains("--branch agent/web"));
    shop.silent("worktree-cleanup.sh --branch agent/web");
    shop.silent("worktree-cleanup --all-merged --force");
    shop.silent("echo git worktree remove ../shop-web");
    Shop::new(false).silent("git worktree remove ../shop-web");
}

#[test]
fn worktrees_are_not_deleted_as_folders() {
    let shop = Shop::new(true);
    shop.crew.write(&shop.top.join("build/out"), "");
    std::os::unix::fs::symlink("../shop-web", shop.top.join("link")).unwrap();
    for command in [
        "rm -rf ../shop-web",
        "rm -fr ../shop-web/",
        "cd .. && rm -r shop-web",
        "rm --recursive -f -- ../shop-web",
        "rm -rf build ../shop-web",
        "cd / && rm -rf ../../shop-web/..",
        &format!("cd / && sudo rm -rf {}", shop.top.display()),
        &format!("rm -rf '{}'", shop.crew.work().display()),
    ] {
        if command.starts_with("cd / && rm") {
            shop.silent(command);
        } else {
            assert!(shop.blocked(command).contains("worktree-cleanup"));
        }
    }
    for command in
        ["rm -rf build", "rm -rf build/*", "rm -rf link", "rm ../shop-web", "rm -rf ../nothing", "rm -rf ../shop-web/x"]
    {
        shop.silent(command);
    }
    let alone = Shop::new(false);
    alone.silent("rm -rf ../shop");
}

#[test]
fn writes_on_main_beside_other_worktrees_are_warned_of() {
    let shop = Shop::new(true);
    for command in [
        "git commit -m x",
        "git push",
        "git add -A",
        "git checkout x",
        "git merge x",
        "git rebase x",
        "git reset --hard",
        "git stash",
        "git fetch && git   commit -m x",
        "git -C . --no-pager commit -m x",
        "cd ../shop-web && git -C ../shop commit -m x",
        "(cd ../shop-web); git push",
        "cd \"$(git rev-parse --show-toplevel)\" && git commit -m \"$(cat <<'EOF'\nIt's done\n\ngit worktree remove x\nEOF\n)\"",
    ] {
        let text = shop.warned(command);
        for part in ["WARNING", " main ", "2 worktrees"] {
            assert!(text.contains(part), "{text}");
        }
    }
    for command in [
        "git log",
        "git status; git diff",
        "git stash list",
        "cd ../shop-web && git commit -m x",
        "git -C ../shop-web push",
        "echo git commit",
        "ls -la",
        "cd / && git commit -m x",
    ] {
        shop.silent(command);
    }
    shop.crew.git(&shop.top, &["checkout", "-q", "-b", "work"]);
    shop.silent("git commit -m x");
    shop.crew.git(&shop.top, &["checkout", "-q", "-b", "master"]);
    assert!(shop.warned("git commit -m x").contains("master"));
    shop.crew.git(&shop.top, &["checkout", "-q", "--detach"]);
    shop.silent("git commit -m x");
    Shop::new(false).silent("git commit -m x");
}

#[test]
fn the_protected_branches_are_a_setting() {
    let mut shop = Shop::new(true);
    shop.crew = shop.crew.with("WORKTREE_GUARD_BRANCHES", "trunk, release/*");
    shop.silent("git commit -m x");
    shop.crew.git(&shop.top, &["checkout", "-q", "-b", "release/1"]);
    assert!(shop.warned("git commit -m x").contains("release/1"));
}

#[test]
fn writes_on_main_can_be_blocked_or_let_through() {
    for (setting, code, said) in
        [("block", 2, "BLOCKED"), ("warn", 0, "WARNING"), ("off", 0, ""), ("loud", 0, "WARNING")]
    {
        let mut shop = Shop::new(true);
        shop.crew = shop.crew.with("WORKTREE_GUARD_MAIN", setting);
        let answer = shop.feed(&bare(&shop.top, "git commit -m x")).code(code);
        assert!(answer.stderr.contains(said) && answer.stderr.is_empty() == said.is_empty(), "{setting}: {answer:?}");
        assert_eq!(answer.stderr.contains("'loud'"), setting == "loud");
    }
}

#[test]
fn each_agent_is_answered_in_its_own_words() {
    let shop = Shop::new(true);
    let (block, warn) = ("git worktree add x", "git commit -m x");
    let arguments = |command: &str| json!({"command": command});
    for arguments in [arguments(block), json!(arguments(block).to_string())] {
        let event =
            json!({"timestamp": 1_767_323_045_000_i64, "cwd": shop.top, "toolName": "bash", "toolArgs": arguments});
        let answer = shop.feed(&event).code(0).json();
        assert_eq!(answer["permissionDecision"], "deny");
        assert!(answer["permissionDecisionReason"].as_str().unwrap().starts_with("BLOCKED"));
    }
    let answer = shop.feed(&json!({"cwd": shop.top, "toolName": "shell", "toolArgs": arguments(warn)})).code(0);
    assert!(answer.stdout.is_empty() && answer.stderr.contains("WARNING"), "{answer:?}");

    let answer = shop.feed(&bare(&shop.top, block)).code(2);
    assert!(answer.stdout.is_empty() && answer.stderr.contains("BLOCKED"), "{answer:?}");
    let answer = shop.feed(&bare(&shop.top, warn)).code(0);
    assert!(answer.stdout.is_empty() && answer.stderr.contains("2 worktrees"), "{answer:?}");
}

#[test]
fn the_events_directory_counts_if_it_is_there() {
    let shop = Shop::new(true);
    let event = |cwd: &str| json!({"cwd": cwd, "tool_name": "Bash", "tool_input": {"command": "git commit -m x"}});
    let from = |directory: &Path, event: &Value| {
        let mut command = shop.crew.tool(GUARD);
        crewkit_tests::finish(command.current_dir(directory), Some(event.to_string().as_bytes())).code(0).stderr
    };
    let home = shop.crew.home();
    assert!(from(&home, &event(shop.top.to_str().unwrap())).contains("WARNING"));
    assert!(from(&shop.top, &event("/no/such/folder")).contains("WARNING"));
    assert_eq!(from(&home, &event("/no/such/folder")), "");
}

#[test]
fn what_is_not_for_it_is_let_through() {
    let shop = Shop::new(true);
    for input in ["", "  \n", "not json", "[]", "{", "null", "\u{feff}{}", r#"{"tool_input":7}"#] {
        let ended = shop.crew.feed(input, GUARD, [""; 0]).code(0);
        assert!(ended.stdout.is_empty() && ended.stderr.lines().count() <= 1, "{ended:?}");
    }
    let mut event = claude(&shop.top, "git worktree remove ../shop-web");
    for (key, value) in [
        ("tool_name", json!("Read")),
        ("hook_event_name", json!("PostToolUse")),
        ("tool_input", json!({"command": ["git", "worktree", "remove"]})),
        ("tool_input", json!({})),
    ] {
        let before = event[key].clone();
        event[key] = value;
        let ended = shop.feed(&event).code(0);
        assert!(ended.stdout.is_empty() && ended.stderr.is_empty(), "{ended:?}");
        event[key] = before;
    }
    shop.feed(&event).code(2);
    event.as_object_mut().unwrap().remove("tool_name");
    shop.feed(&event).code(2);
    let large = "x".repeat(5 << 20);
    event["tool_input"]["command"] = json!(format!("echo {large}; git worktree remove ../shop-web # \u{1f600}"));
    shop.feed(&event).code(2);
}

#[test]
fn a_reason_cannot_steer_a_terminal() {
    let shop = Shop::new(true);
    let reason = shop.blocked("git worktree add $'a\\e[31m\\nBLOCKED'");
    assert!(!reason.contains('\u{1b}') && reason.contains("a\\u{1b}[31m\\nBLOCKED"), "{reason}");
}

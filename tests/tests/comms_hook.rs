//! What an agent's events do to the chat.

use std::path::{Path, PathBuf};

use crewkit_tests::{Crew, Value, json, rows};

use super::comms::{COMMS, HOOK, database, hook, messages, post};

#[test]
fn the_wrapper_is_comms_when_called_by_hand() {
    let crew = Crew::new();
    crew.run(HOOK, ["post", "-s", "Web", "by hand"]).code(0);
    crew.feed("from input", HOOK, ["post", "-s", "Web", "--stdin"]).code(0);
    assert_eq!(messages(&crew), ["Web: by hand", "Web: from input"]);
    assert_eq!(crew.run(HOOK, ["history", "--json"]).code(0).json().as_array().unwrap().len(), 2);
    assert!(crew.run(HOOK, ["check", "sess-1"]).code(0).stdout.contains("by hand"));
    crew.run(HOOK, ["post"]).refused(2, &["WORD"]);
    crew.run(HOOK, [""; 0]).code(1);
    crew.run(HOOK, ["--help"]).code(0);
    crew.run(HOOK, ["histroy"]).refused(2, &["histroy"]);
    assert_eq!(crew.feed("{\"session_id\":\"s1\"}", HOOK, ["of-later"]).code(0).stderr, "");
}

#[test]
fn no_input_of_a_hook_blocks_an_agent() {
    let crew = Crew::new();
    let many = "[".repeat(100_000);
    for mode in ["check", "session-start", "session-end", "git-detect"] {
        for input in
            ["", " \n", "{broken", "[]", "null", "\"x\"", "{}", "{\"session_id\":7}", "{\"session_id\":\"\"}", &many]
        {
            let ended = crew.feed(input, HOOK, [mode]).code(0);
            assert_eq!(ended.stdout, "", "{mode} {input:.20}");
            assert!(ended.stderr.lines().count() <= 1, "{ended:?}");
        }
        let ended = crew.feed(b"\xff\xfe{\"session_id\"", HOOK, [mode]).code(0);
        assert_eq!(ended.stdout, "");
    }
    assert!(!database(&crew).exists(), "nothing was written");
    let blocked = Crew::new().with("COMMS_DB_PATH", "/dev/null/messages.db");
    for mode in ["check", "session-start", "session-end"] {
        let ended = hook(&blocked, mode, &json!({"session_id": "aaaa1111", "cwd": "/src/shop-web"}));
        assert!(ended.stdout.is_empty() && ended.stderr.lines().count() == 1, "{ended:?}");
    }
}

#[test]
fn a_session_comes_and_goes() {
    let crew = Crew::new();
    let shop = crew.repository("shop-web");
    let event = |name: &str| json!({"session_id": "aaaa1111bbbb", "cwd": shop, "hook_event_name": name});
    hook(&crew, "session-start", &event("SessionStart"));
    let mut compacted = event("SessionStart");
    compacted["source"] = json!("compact");
    hook(&crew, "session-start", &compacted);
    hook(&crew, "session-end", &event("Stop"));
    hook(&crew, "session-end", &event("SessionEnd"));
    hook(&crew, "session-start", &json!({"session_id": "cccc2222dddd", "cwd": "/src/else/where/"}));
    assert_eq!(
        messages(&crew),
        ["Web: Session started in shop-web", "Web: Session ended", "agent-cccc2222: Session started in where"]
    );
    let projects = rows(&database(&crew), "SELECT DISTINCT project FROM messages ORDER BY id");
    assert_eq!(projects, [[json!("shop-web")], [json!("general")]]);
}

#[test]
fn unread_messages_go_where_the_agent_sees_them() {
    let crew = Crew::new();
    crew.run(COMMS, ["auto-assign", "aaaa1111", "/src/shop-web"]).code(0);
    let check = |event: Value| hook(&crew, "check", &event).stdout;
    let claude = |name: &str| json!({"session_id": "aaaa1111", "hook_event_name": name});
    for name in ["PreToolUse", "PostToolUse"] {
        post(&crew, "API", "Web: look");
        let answer: Value = serde_json_from(&check(claude(name)));
        let specific = &answer["hookSpecificOutput"];
        assert_eq!((&specific["hookEventName"], &specific["permissionDecision"]), (&json!(name), &Value::Null));
        assert!(specific["additionalContext"].as_str().unwrap().ends_with("API: Web: look >>> FOR YOU"));
    }
    for name in ["SessionStart", "UserPromptSubmit"] {
        post(&crew, "API", "plain");
        assert!(check(claude(name)).ends_with("API: plain\n"));
    }
    post(&crew, "API", "kept");
    for name in ["Stop", "SubagentStop", "SessionEnd", "Notification", "PreCompact"] {
        assert_eq!(check(claude(name)), "", "{name} does not reach the agent, so nothing is taken");
    }
    let copilot = json!({"sessionId": "aaaa1111", "toolName": "bash", "toolArgs": "{}"});
    assert!(serde_json_from(&check(copilot))["additionalContext"].as_str().unwrap().contains("API: kept"));
    post(&crew, "API", "bare");
    assert!(check(json!({"session_id": "aaaa1111"})).starts_with("[comms] New messages (you are Web"));
}

fn serde_json_from(text: &str) -> Value {
    text.parse().unwrap_or_else(|fault| panic!("{fault}: {text}"))
}

#[test]
fn what_does_not_fit_into_the_context_comes_with_the_next_call() {
    let crew = Crew::new();
    let event = json!({"session_id": "aaaa1111", "hook_event_name": "PreToolUse"});
    for number in 0..8 {
        crew.feed(format!("number-{number} {}", "x\n".repeat(1_500)), COMMS, ["post", "-s", "API", "--stdin"]).code(0);
    }
    let mut seen = Vec::new();
    let mut calls = 0;
    loop {
        let answer = hook(&crew, "check", &event).stdout;
        if answer.is_empty() {
            break;
        }
        let context = serde_json_from(&answer)["hookSpecificOutput"]["additionalContext"].as_str().unwrap().to_owned();
        assert!(context.chars().count() < 10_000);
        seen.extend((0..8).filter(|number| context.contains(&format!("number-{number} "))));
        calls += 1;
        assert!(calls < 10);
    }
    assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6, 7]);
    assert!(calls > 1);
}

#[test]
fn a_session_without_a_name_hears_its_own_repository() {
    let crew = Crew::new();
    let shop = crew.repository("shop");
    crew.run(COMMS, ["post", "-s", "API", "-p", "shop", "for the shop"]).code(0);
    crew.run(COMMS, ["post", "-s", "API", "-p", "blog", "for the blog"]).code(0);
    let shown = hook(&crew, "check", &json!({"session_id": "aaaa1111", "cwd": shop})).stdout;
    assert!(shown.contains("for the shop") && !shown.contains("for the blog"), "{shown}");
}

fn ran(cwd: &Path, command: &str, response: Value) -> Value {
    json!({"session_id": "aaaa1111", "cwd": cwd, "hook_event_name": "PostToolUse", "tool_name": "Bash",
        "tool_input": {"command": command}, "tool_response": response})
}

#[test]
fn git_operations_are_told_without_secrets() {
    let crew = Crew::new();
    let here = crew.work();
    for command in [
        "git commit -m \"git push later\" && git status",
        "echo git push",
        "git push https://bob:hunter2@example.com/r.git main",
        "GH_TOKEN=hunter2 git pull --password hunter2",
        "make\ngit switch main\nls",
    ] {
        hook(&crew, "git-detect", &ran(&here, command, json!({"stdout": ""})));
    }
    hook(&crew, "git-detect", &ran(&here, "git push", json!({"is_error": true})));
    let copilot = json!({"sessionId": "aaaa1111", "cwd": here, "toolName": "bash", "toolArgs": "{\"command\":\"git rebase main\"}"});
    hook(&crew, "git-detect", &copilot);
    let mut other = ran(&here, "git push", json!({}));
    other["tool_name"] = json!("Write");
    hook(&crew, "git-detect", &other);
    assert_eq!(
        messages(&crew),
        [
            "agent-aaaa1111: git: git push https://***@example.com/r.git main",
            "agent-aaaa1111: git: GH_TOKEN=*** git pull --password ***",
            "agent-aaaa1111: git: git switch main",
            "agent-aaaa1111: git: git push (failed)",
            "agent-aaaa1111: git: git rebase main",
        ]
    );
}

/// A repository `shop` with a work tree `shop-web`, and a remote with one commit more than it has.
fn behind_its_remote(crew: &Crew) -> (PathBuf, PathBuf) {
    let shop = crew.repository("shop");
    let (origin, side, other) =
        (crew.root().join("me/shop.git"), crew.work().join("shop-web"), crew.root().join("other"));
    crew.git(&shop, &["clone", "-q", "--bare", ".", origin.to_str().unwrap()]);
    crew.git(&shop, &["remote", "add", "origin", origin.to_str().unwrap()]);
    crew.git(&shop, &["worktree", "add", "-q", "-b", "agent/web", side.to_str().unwrap()]);
    crew.git(crew.root(), &["clone", "-q", origin.to_str().unwrap(), other.to_str().unwrap()]);
    crew.write(&other.join("new.txt"), "x");
    crew.git(&other, &["add", "-A"]);
    crew.git(&other, &["commit", "-q", "-m", "merged"]);
    crew.git(&other, &["push", "-q", "origin", "main"]);
    (shop, side)
}

fn merged(crew: &Crew, side: &Path, command: &str, response: Value) -> Vec<String> {
    let ended = hook(crew, "git-detect", &ran(side, command, response));
    assert_eq!((ended.stdout, ended.stderr), (String::new(), String::new()));
    let said = if database(crew).exists() { messages(crew) } else { Vec::new() };
    said.into_iter().map(|line| line.trim_start_matches("agent-aaaa1111: ").to_owned()).collect()
}

#[test]
fn after_a_merge_the_main_checkout_catches_up() {
    let crew = Crew::new();
    let (shop, side) = behind_its_remote(&crew);
    for (command, response) in [
        ("gh pr merge 5", json!({"stderr": "X Pull request #5 is not mergeable"})),
        ("gh pr merge 5 -R me/elsewhere", json!({})),
        ("echo gh pr merge 5", json!({})),
    ] {
        assert_eq!(merged(&crew, &side, command, response), [""; 0], "{command}");
    }
    assert!(!shop.join("new.txt").exists());
    let said = merged(&crew, &side, "gh pr merge 5 --squash -R Me/Shop", json!({"stdout": "ok"}));
    assert_eq!(said, ["auto-pulled main in shop/"]);
    assert!(shop.join("new.txt").exists());
    assert_eq!(merged(&crew, &side, "gh pr merge 6 --auto", json!({})).len(), 1);
    assert_eq!(merged(&crew, &side, "gh pr merge 6", json!({}))[1], "auto-pulled main in shop/ (nothing new)");
}

#[test]
fn a_checkout_that_is_in_use_is_left_alone_and_the_crew_is_told() {
    for (prepare, reason) in [
        (&["switch", "-q", "-c", "feature"][..], "feature is checked out there"),
        (&["switch", "-q", "--detach"], "no branch is checked out there"),
        (&["rm", "-q", "README.md"], "uncommitted changes"),
        (&["commit", "-q", "--allow-empty", "-m", "own"], "git: "),
        (&["remote", "set-url", "origin", "/nowhere/me/shop"], "git: "),
    ] {
        let crew = Crew::new();
        let (shop, side) = behind_its_remote(&crew);
        crew.git(&shop, prepare);
        let head = crew.git(&shop, &["rev-parse", "HEAD"]);
        let said = merged(&crew, &side, "gh pr merge 5", json!({}));
        assert!(said.len() == 1 && said[0].contains("was not possible") && said[0].contains(reason), "{said:?}");
        assert_eq!(crew.git(&shop, &["rev-parse", "HEAD"]), head);
    }
}

/// A check whose answer nobody reads: it is held while it writes, for the pipe has room for 4096 bytes alone.
fn held_check(crew: &Crew, event: &Value) -> (std::process::Child, std::os::unix::net::UnixStream) {
    use std::io::Write as _;
    use std::process::Stdio;
    let (reader, writer) = std::os::unix::net::UnixStream::pair().unwrap();
    // What a socket takes is more than an answer holds; it is filled up before.
    writer.set_nonblocking(true).unwrap();
    while (&writer).write(&[b' '; 512]).is_ok() {}
    writer.set_nonblocking(false).unwrap();
    let mut command = crew.tool(HOOK);
    command.arg("check").stdin(Stdio::piped()).stdout(std::os::fd::OwnedFd::from(writer)).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(event.to_string().as_bytes()).unwrap();
    let offered = || {
        let found = rows(&database(crew), "SELECT count(*) FROM comms_shown WHERE process IS NOT NULL");
        found[0][0] == json!(1)
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(8);
    while !offered() {
        assert!(std::time::Instant::now() < deadline, "the check offers its messages");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    (child, reader)
}

#[test]
fn a_check_that_is_killed_before_its_answer_was_read_took_nothing() {
    let crew = Crew::new();
    let event = json!({"session_id": "aaaa1111", "hook_event_name": "PreToolUse"});
    hook(&crew, "check", &event);
    for number in 0..5 {
        post(&crew, "API", &format!("message {number}"));
        let (mut child, reader) = held_check(&crew, &event);
        assert_eq!(
            hook(&crew, "check", &event).stdout,
            "",
            "another check of the session shows none of them meanwhile"
        );
        child.kill().unwrap();
        child.wait().unwrap();
        drop(reader);
        let shown = hook(&crew, "check", &event).stdout;
        assert_eq!(shown.matches("message ").count(), 1, "{shown}");
        assert!(shown.contains(&format!("API: message {number}")), "{shown}");
        assert_eq!(hook(&crew, "check", &event).stdout, "");
    }
}

#[test]
fn an_answer_that_was_read_late_is_read_once() {
    use std::io::Read as _;
    let crew = Crew::new();
    let event = json!({"session_id": "aaaa1111", "hook_event_name": "PreToolUse"});
    post(&crew, "API", "one");
    let (mut child, mut reader) = held_check(&crew, &event);
    post(&crew, "API", "two");
    assert_eq!(hook(&crew, "check", &event).stdout, "");
    let mut said = String::new();
    reader.read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success() && said.contains("API: one") && !said.contains("API: two"), "{said}");
    let shown = hook(&crew, "check", &event).stdout;
    assert!(shown.contains("API: two") && !shown.contains("API: one"), "{shown}");
}

#[test]
fn an_answer_whose_reader_went_away_is_unread() {
    let crew = Crew::new();
    let event = json!({"session_id": "aaaa1111", "hook_event_name": "PreToolUse"});
    post(&crew, "API", "one");
    let (mut child, reader) = held_check(&crew, &event);
    drop(reader);
    assert!(!child.wait().unwrap().success());
    assert!(hook(&crew, "check", &event).stdout.contains("API: one"));
}

#[test]
fn a_call_that_another_hook_blocks_leaves_messages_unread() {
    let crew = Crew::new();
    let shop = crew.repository("shop");
    post(&crew, "API", "one");
    let event = |command: &str| {
        json!({"session_id": "aaaa1111", "cwd": shop, "hook_event_name": "PreToolUse", "tool_name": "Bash",
            "tool_input": {"command": command}})
    };
    let ask = |command: &str| crew.feed(event(command).to_string(), "crewkit", ["hook", "PreToolUse"]);
    ask("git worktree add inside").code(2);
    assert!(ask("ls").code(0).stdout.contains("API: one"));
    assert_eq!(ask("ls").code(0).stdout, "");
}

#[test]
fn a_subagent_takes_none_of_its_sessions_messages() {
    let crew = Crew::new();
    let own = json!({"session_id": "aaaa1111", "hook_event_name": "PreToolUse"});
    let subagent = |agent: &str| {
        let mut event = own.clone();
        event["agent_id"] = json!(agent);
        hook(&crew, "check", &event).stdout
    };
    post(&crew, "API", "old");
    assert!(hook(&crew, "check", &own).stdout.contains("API: old"));
    post(&crew, "API", "new");
    let shown = subagent("a1");
    assert!(shown.contains("API: new") && !shown.contains("API: old"), "{shown}");
    assert_eq!(subagent("a1"), "");
    assert!(subagent("a2").contains("API: new"));
    assert!(hook(&crew, "check", &own).stdout.contains("API: new"));
    assert_eq!(hook(&crew, "check", &own).stdout, "");
}

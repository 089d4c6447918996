use super::*;
use crewkit_tool::process::Run;
use crewkit_tool::{Clock, Script};
use std::path::Path;
use std::time::Instant;

fn context(home: &Path, variables: &[(&str, &str)]) -> Context {
    let pairs = [("HOME", home.to_str().unwrap()), ("PATH", "/usr/bin:/bin")];
    Context::scripted(Script {
        environment: pairs.iter().chain(variables).map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        directory: home.to_owned(),
        clock: Clock::System,
        stdin: Vec::new(),
    })
}

fn event(session: &str, reason: &str) -> Event {
    let text = json!({"session_id": session, "hook_event_name": "SessionEnd", "reason": reason}).to_string();
    Event::parse(text.as_bytes()).unwrap()
}

/// Starts `script` with a session's mark, in the background of a shell that ends at once; gives the process, once it has
/// become what it is to be.
fn leave(home: &Path, mark: &str, session: &str, script: &str) -> i64 {
    let line = format!("{script} >/dev/null 2>&1 & echo $!");
    let context = context(home, &[(mark, session)]);
    let pid = Run::new(&context, "sh").args(["-c", &line]).run().unwrap().text().trim().parse().unwrap();
    let is_still_the_shell = || {
        let now = Processes::now();
        now.line(pid).first().is_none_or(|process| process.arguments().contains(&line))
    };
    let deadline = Instant::now() + Duration::from_secs(10);
    while is_still_the_shell() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    pid
}

/// Waits until `pid` has ended: the kernel takes its time on a busy machine.
fn ends(pid: i64) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    while lineage::alive(pid) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    !lineage::alive(pid)
}

/// A session's id that nobody else uses.
fn session(name: &str) -> String {
    format!("reaper-test-{name}-{}", std::process::id())
}

fn kill(pid: i64) {
    if let Some(process) = Processes::now().line(pid).first() {
        processes::end(&[process], Duration::ZERO);
    }
}

#[test]
fn only_what_bears_the_session_s_name_is_ended() {
    let home = tempfile::tempdir().unwrap();
    let (own, other) = (session("own"), session("other"));
    let marked = leave(home.path(), MARK, &own, "sleep 60");
    let by_agent =
        leave(home.path(), "CLAUDE_SESSION_ID", &own, "sh -c 'trap \"\" TERM; while :; do sleep 0.05; done'");
    let foreign = leave(home.path(), MARK, &other, "sleep 60");
    let nobody = leave(home.path(), "UNRELATED", &own, "sleep 60");
    let context = context(home.path(), &[]);

    let shown = dry_run(&context, &event(&own, "other"));
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    let pids: Vec<_> = shown["processes"].as_array().unwrap().iter().map(|one| one["pid"].as_i64().unwrap()).collect();
    assert!(pids.contains(&marked) && pids.contains(&by_agent), "{shown}");
    assert!(!pids.contains(&foreign) && !pids.contains(&nobody), "{shown}");
    assert!(lineage::alive(marked), "a dry run ends nothing");

    assert_eq!(answer(&context, &event(&own, "other")).unwrap(), Outcome::silent());
    let ended = [marked, by_agent].map(ends);
    let alive = [foreign, nobody].map(lineage::alive);
    kill(foreign);
    kill(nobody);
    assert_eq!((ended, alive), ([true; 2], [true; 2]));
    let log = std::fs::read_to_string(home.path().join(".claude/logs/hooks.log")).unwrap();
    assert!(log.contains(&format!("sleep ({marked})")) && log.lines().count() == 1, "{log}");
}

#[test]
fn what_is_made_to_stay_stays_with_all_that_runs_in_it() {
    let home = tempfile::tempdir().unwrap();
    let own = session("stay");
    let daemon = leave(home.path(), MARK, &own, "exec setsid sleep 60");
    std::os::unix::fs::symlink("/bin/sh", home.path().join("claude")).unwrap();
    let agent = leave(home.path(), MARK, &own, &format!("{}/claude -c 'sleep 60; :'", home.path().display()));
    let kept = leave(home.path(), MARK, &own, "sleep 61");
    std::fs::write(home.path().join(".crewkit.toml"), "[session-reaper]\nkeep = ['sleep']\n").unwrap();
    let context = context(home.path(), &[]);
    std::thread::sleep(Duration::from_millis(200));
    answer(&context, &event(&own, "other")).unwrap();
    let alive = [daemon, agent, kept].map(lineage::alive);
    let below: Vec<i64> = Processes::now().all().iter().filter(|one| one.parent == agent).map(|one| one.pid).collect();
    std::fs::remove_file(home.path().join(".crewkit.toml")).unwrap();
    answer(&self::context(home.path(), &[]), &event(&own, "other")).unwrap();
    let without_keep = !ends(kept);
    below.iter().chain([&daemon, &agent]).for_each(|pid| kill(*pid));
    assert_eq!((alive, below.len(), without_keep), ([true; 3], 1, false));
}

#[test]
fn without_a_session_or_at_another_event_nothing_is_done() {
    let home = tempfile::tempdir().unwrap();
    let own = session("other-events");
    let marked = leave(home.path(), MARK, &own, "sleep 60");
    for text in [
        json!({}),
        json!({"hook_event_name": "SessionEnd"}),
        json!({"session_id": own, "hook_event_name": "Stop"}),
        json!({"session_id": own, "tool_name": "Bash", "tool_input": {"command": "ls"}}),
        json!({"session_id": session("unknown"), "hook_event_name": "SessionEnd"}),
    ] {
        let event = Event::parse(text.to_string().as_bytes()).unwrap();
        assert_eq!(answer(&context(home.path(), &[]), &event).unwrap(), Outcome::silent());
    }
    let alive = lineage::alive(marked);
    kill(marked);
    assert!(alive && !home.path().join(".claude").exists());
}

#[test]
fn the_start_of_a_session_marks_its_shells() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("env");
    let context = context(home.path(), &[("CLAUDE_ENV_FILE", file.to_str().unwrap())]);
    for session in ["0b1-x", "x; touch /tmp/pwned", "$(id)"] {
        let text = json!({"session_id": session, "hook_event_name": "SessionStart", "source": "startup"}).to_string();
        answer(&context, &Event::parse(text.as_bytes()).unwrap()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), "export CREWKIT_SESSION=0b1-x\n");
}

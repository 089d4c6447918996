//! Questions, answers and threads in the crew's chat.

use std::io::Read as _;
use std::thread;
use std::time::{Duration, Instant};

use crewkit_tests::{Crew, Value, json, rows};

use super::comms::{COMMS, database, hook, messages, post};

#[test]
fn an_answer_reaches_who_is_answered_wherever_they_listen() {
    let crew = Crew::new();
    let shop = crew.repository("shop");
    for (session, folder) in [("sess-web", "shop-web"), ("sess-api", "shop-api")] {
        let side = crew.work().join(folder);
        crew.git(&shop, &["worktree", "add", "-q", "-b", folder, side.to_str().unwrap()]);
        crew.run(COMMS, ["auto-assign".as_ref(), session.as_ref(), side.as_os_str()]).code(0);
    }
    crew.run(COMMS, ["post", "-s", "Web", "-p", "blog", "Data: which port?"]).code(0);
    crew.run(COMMS, ["post", "-s", "Data", "--reply-to", "1", "8080"]).code(0);
    crew.run(COMMS, ["post", "-s", "API", "-r", "2", "-p", "general", "thanks"]).code(0);
    assert_eq!(
        rows(&database(&crew), "SELECT project, reply_to FROM messages ORDER BY id"),
        [[json!("blog"), Value::Null], [json!("shop"), json!(1)], [json!("general"), json!(2)]]
    );
    let shown = crew.run(COMMS, ["check", "sess-web"]).code(0).stdout;
    assert!(shown.starts_with("[comms] New messages (you are Web; #2-3; "), "{shown}");
    assert!(shown.contains(" Data: re #1: 8080 >>> FOR YOU\n") && shown.ends_with(" API: re #2: thanks\n"), "{shown}");
    let listed = crew.run(COMMS, ["history", "--thread", "1", "--ids"]).code(0).stdout;
    assert_eq!(listed.lines().count(), 3);
    assert!(listed.lines().nth(1).unwrap()[8..].starts_with(" #2    [shop] Data               #general re #1: 8080"));
    let plain = crew.run(COMMS, ["history", "1"]).code(0).stdout;
    assert!(plain[8..].starts_with(" API                #general re #2: thanks"), "{plain}");
    let json = crew.run(COMMS, ["search", "8080", "--json"]).code(0).json();
    assert_eq!((&json[0]["id"], &json[0]["reply_to"]), (&json!(2), &json!(1)));
    crew.run(COMMS, ["post", "-r", "99", "x"]).refused(1, &["99"]);
    for id in ["0", "-1", "x", "1;"] {
        crew.run(COMMS, ["post", "-r", id, "x"]).refused(2, &["--reply-to"]);
        crew.run(COMMS, ["history", "--thread", id]).refused(2, &["--thread"]);
    }
    assert_eq!(messages(&crew).len(), 3);
}

#[test]
fn who_asks_waits_for_the_answer_and_hears_it_once() {
    for (arguments, said) in [
        (&["post", "-s", "Data", "-r", "2", "use 8080"][..], "use 8080"),
        (&["post", "-s", "data", "Web: take 8080"], "Web: take 8080"),
        (&["post", "-s", "Data", "sure, @web"], "sure, @web"),
    ] {
        let crew = Crew::new();
        crew.run(COMMS, ["auto-assign", "sess-web", "/src/shop-web"]).code(0);
        post(&crew, "Data", "Web: from before");
        let mut asking = crew.start(COMMS, ["ask", "Data", "which", "port?", "--wait", "20", "-s", "Web"]);
        let deadline = Instant::now() + Duration::from_secs(8);
        while messages(&crew).len() < 2 {
            assert!(Instant::now() < deadline, "the question is posted");
            thread::sleep(Duration::from_millis(5));
        }
        for other in ["just talking", "All: lunch", "API: look"] {
            post(&crew, "Data", other);
        }
        post(&crew, "API", "Web: not from who was asked");
        let asked = Instant::now();
        crew.run(COMMS, arguments).code(0);
        let mut answer = String::new();
        asking.stdout.take().unwrap().read_to_string(&mut answer).unwrap();
        assert_eq!(asking.wait().unwrap().code(), Some(0));
        assert!(asked.elapsed() < Duration::from_secs(3), "it comes at once");
        assert!(
            answer[8..].to_lowercase().starts_with(" data: ") && answer.ends_with(&format!(": {said}\n")),
            "{answer}"
        );
        let shown = crew.run(COMMS, ["check", "sess-web"]).code(0).stdout;
        assert!(!shown.contains(said) && shown.contains("API: Web: not from"), "{shown}");
        assert_eq!(shown.lines().count(), 6);
        post(&crew, "Data", "later");
        assert!(crew.run(COMMS, ["check", "sess-web"]).code(0).stdout.ends_with("Data: later\n"));
        assert_eq!(rows(&database(&crew), "SELECT count(*) FROM comms_shown"), [[json!(0)]], "nothing piles up");
        assert_eq!(messages(&crew)[1], "Web: Data: which port?");
    }
}

#[test]
fn a_question_without_an_answer_ends_in_time() {
    let crew = Crew::new();
    crew.run(COMMS, ["ask", "Data", "x", "--wait", "0"]).refused(1, &["no answer", "Data", "message 1"]);
    let started = Instant::now();
    let ended = crew.run(COMMS, ["ask", "all", "x", "-w", "1", "--json"]).code(1);
    assert!((Duration::from_millis(900)..Duration::from_secs(4)).contains(&started.elapsed()));
    assert_eq!((ended.json(), ended.stderr.lines().count()), (json!({"asked": 2, "answer": null}), 1));
    for arguments in [&["ask", "Data"][..], &["ask", "Data", " "], &["ask", " ", "x"], &["ask", "tester", "x"]] {
        assert_eq!(crew.run(COMMS, arguments).code(2).stderr.lines().count(), 1);
    }
    crew.run(COMMS, ["ask", "Data", "x", "--wait", "-1"]).refused(2, &["--wait"]);
    assert_eq!(messages(&crew), ["tester: Data: x", "tester: all: x"]);
}

/// Clock ticks that a process has used, from proc_pid_stat(5).
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn waiting_costs_nothing() {
    let crew = Crew::new();
    post(&crew, "API", "x");
    let mut asking = crew.start(COMMS, ["ask", "Data", "x", "--wait", "30"]);
    let mut watching = crew.start(COMMS, ["watch"]);
    thread::sleep(Duration::from_secs(3));
    for child in [&mut asking, &mut watching] {
        let used = ticks(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(used <= 5, "{used} ticks of a hundredth of a second in three seconds");
    }
}

#[test]
fn a_file_without_answers_gets_them_and_its_old_program_goes_on() {
    let crew = Crew::new();
    let path = database(&crew);
    crew.write(&path, "");
    for statement in [
        "CREATE TABLE agents (session_id TEXT PRIMARY KEY, name TEXT NOT NULL, created TEXT, project TEXT DEFAULT 'general')",
        "CREATE TABLE last_read (session_id TEXT PRIMARY KEY, message_id INTEGER DEFAULT 0)",
        "CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, sender TEXT NOT NULL,
           channel TEXT DEFAULT 'general', message TEXT NOT NULL, project TEXT DEFAULT 'general')",
    ] {
        rows(&path, statement);
    }
    let old = "INSERT INTO messages (timestamp, sender, channel, message, project)
        VALUES ('2026-01-01T00:00:00.000', 'API', 'general', 'by the old program', 'general') RETURNING id";
    rows(&path, old);
    let event = json!({"session_id": "aaaa1111", "hook_event_name": "PreToolUse"});
    assert!(hook(&crew, "check", &event).stdout.contains("by the old program"));
    crew.run(COMMS, ["post", "-s", "Web", "-r", "1", "by the new"]).code(0);
    rows(&path, old);
    rows(&path, "INSERT OR REPLACE INTO last_read VALUES ('aaaa1111', 1) RETURNING 1");
    let shown = hook(&crew, "check", &event).stdout;
    assert!(shown.contains("re #1: by the new") && shown.contains("#2-3"), "{shown}");
}

//! The crew's chat: agents and people at once.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crewkit_tests::{Crew, Ended, Value, json, rows};
use rustix::process::{Pid, Signal, kill_process};

pub(crate) const COMMS: &str = "scripts/comms.py";
pub(crate) const HOOK: &str = "scripts/comms.sh";

pub(crate) fn database(crew: &Crew) -> PathBuf {
    crew.claude().join("comms/messages.db")
}

pub(crate) fn post(crew: &Crew, sender: &str, message: &str) {
    crew.run(COMMS, ["post", "-s", sender, "--", message]).code(0);
}

pub(crate) fn hook(crew: &Crew, mode: &str, event: &Value) -> Ended {
    crew.feed(event.to_string(), HOOK, [mode]).code(0)
}

pub(crate) fn messages(crew: &Crew) -> Vec<String> {
    let found = rows(&database(crew), "SELECT sender || ': ' || message FROM messages ORDER BY id");
    found.into_iter().map(|row| row[0].as_str().unwrap().to_owned()).collect()
}

fn signal(child: &Child, signal: Signal) {
    let _ = kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal);
}

fn is_whole(database: &Path) -> bool {
    rows(database, "PRAGMA integrity_check") == [[json!("ok")]]
}

#[test]
fn wrong_usage_is_one_line_and_writes_nothing() {
    let crew = Crew::new();
    for (arguments, part) in [
        (&["nonsense"][..], "nonsense"),
        (&["post"], "WORD"),
        (&["post", ""], "empty"),
        (&["post", " ", ""], "empty"),
        (&["post", "-s", "", "x"], "--sender"),
        (&["post", "-p", " ", "x"], "--project"),
        (&["post", "--loud", "x"], "--loud"),
        (&["check"], "SESSION"),
        (&["check", ""], "SESSION"),
        (&["history", "many"], "many"),
        (&["history", "-5"], "-5"),
        (&["history", "--since", "noonish"], "noonish"),
        (&["resolve-name"], "SESSION"),
        (&["auto-assign", "s1"], "CWD"),
        (&["assign", "Web"], "ID"),
        (&["assign", "Web", ""], "id"),
        (&["assign", "Web", "agent-"], "agent-"),
        (&["assign", "Web", "agent-%"], "agent-%"),
        (&["assign", "Web", "____"], "____"),
        (&["assign", "Web", "abcd*"], "abcd*"),
        (&["prune"], "--older"),
        (&["prune", "--older", "0"], "0"),
        (&["status", "x"], "x"),
    ] {
        crew.run(COMMS, arguments).refused(2, &[part]);
    }
    assert!(!database(&crew).exists());
    let ended = crew.run(COMMS, [""; 0]).code(1);
    assert!(ended.stdout.contains("auto-assign") && ended.stderr.is_empty());
    crew.run(COMMS, ["--help"]).code(0);
    crew.run(COMMS, ["chat"]).refused(1, &["terminal"]);
}

#[test]
fn a_message_that_is_not_utf_8_is_refused() {
    use std::os::unix::ffi::OsStrExt as _;
    let crew = Crew::new();
    crew.run(COMMS, [std::ffi::OsStr::new("post"), std::ffi::OsStr::from_bytes(b"\xff")]).refused(2, &["UTF-8"]);
    crew.feed(b"a\xffb", COMMS, ["post", "--stdin"]).refused(2, &["UTF-8"]);
    assert!(!database(&crew).exists());
}

#[test]
fn a_text_is_kept_byte_for_byte_and_shown_without_what_steers_a_terminal() {
    let crew = Crew::new();
    let text = format!("{}\n12:00:00 Boss               #general forged\x1b[2J\u{9b}1m\r🦀\0", "ż".repeat(600_000));
    crew.feed(&text, COMMS, ["post", "-s", "API", "--stdin"]).code(0);
    crew.run(COMMS, ["post", "-s", "API\n12:00:00 Boss", "x"]).code(0);
    let stored = crew.run(COMMS, ["history", "--json"]).code(0).json();
    assert_eq!(stored[0]["message"], json!(text));
    let shown = crew.run(COMMS, ["history"]).code(0).stdout;
    assert!(!shown.contains(|c: char| c.is_control() && c != '\n'));
    let begins = |line: &&str| line.as_bytes()[0].is_ascii_digit();
    assert_eq!(shown.lines().filter(begins).count(), 2, "each message is one line, further ones are indented");
    let checked = crew.run(COMMS, ["check", "reader-1"]).code(0).stdout;
    assert_eq!(checked.lines().filter(|line| line.starts_with("  ") && begins(&&line[2..])).count(), 2);
}

#[test]
fn sender_project_and_channel_follow_the_rules() {
    let crew = Crew::new().with("COMMS_USER", "al");
    let shop = crew.repository("shop");
    let blog = crew.repository("blog");
    for (repository, session) in [(&shop, "sess-shop"), (&blog, "sess-blog")] {
        let side = crew.work().join(format!("{}-web", repository.file_name().unwrap().to_str().unwrap()));
        crew.git(repository, &["worktree", "add", "-q", "-b", "agent/web", side.to_str().unwrap()]);
        crew.run(COMMS, ["auto-assign".as_ref(), session.as_ref(), side.as_os_str()]).code(0);
    }
    assert_eq!(
        rows(&database(&crew), "SELECT name, project FROM agents ORDER BY project"),
        [[json!("Web"), json!("blog")], [json!("Web"), json!("shop")]]
    );
    crew.run_in(&shop, COMMS, ["post", "-s", "Web", "mine"]).code(0);
    crew.run_in(&crew.work(), COMMS, ["post", "for", "all", "-c", "ops"]).code(0);
    crew.run(COMMS, ["post", "-s", "Web", "-p", "blog", "took -5 ms", "-1"]).code(0);
    assert_eq!(
        rows(&database(&crew), "SELECT sender, channel, project, message FROM messages ORDER BY id"),
        [
            [json!("Web"), json!("general"), json!("shop"), json!("mine")],
            [json!("al"), json!("ops"), json!("general"), json!("for all")],
            [json!("Web"), json!("general"), json!("blog"), json!("took -5 ms -1")],
        ]
    );
    let shown = crew.run(COMMS, ["history", "1"]).code(0).stdout;
    assert!(shown[8..].starts_with(" [blog] Web                #general took -5 ms -1\n"), "{shown}");
    assert_eq!(crew.run(COMMS, ["history", "0"]).code(0).stdout, "");
    assert_eq!(crew.run(COMMS, ["history", "99999999999999999999"]).code(0).stdout.lines().count(), 3);
    assert_eq!(crew.run(COMMS, ["search", "FOR"]).code(0).stdout.lines().count(), 1);
    assert_eq!(crew.run(COMMS, ["search", "for", "-p", "shop"]).code(0).stdout, "No such messages.\n");
    assert_eq!(crew.run(COMMS, ["history", "--since", "5m", "--from", "web"]).code(0).stdout.lines().count(), 2);
}

#[test]
fn a_check_shows_each_message_once_and_marks_what_is_directed() {
    let crew = Crew::new();
    crew.run(COMMS, ["auto-assign", "sess-data", "/src/shop-data"]).code(0);
    for text in ["data, and a view", "about Data: not", "hey @Data", "Web, Data: both", "All: lunch"] {
        post(&crew, "API", text);
    }
    let peeked = crew.run(COMMS, ["check", "sess-data", "--peek", "--json"]).code(0).json();
    let directed: Vec<_> = peeked["messages"].as_array().unwrap().iter().map(|one| one["directed"].clone()).collect();
    assert_eq!(directed, [true, false, true, true, true]);
    let shown = crew.run(COMMS, ["check", "sess-data"]).code(0).stdout;
    assert!(shown.starts_with("[comms] New messages (you are Data"), "{shown}");
    let marked = shown.lines().filter(|line| line.ends_with(" >>> FOR YOU")).count();
    assert_eq!((shown.lines().count(), marked), (6, 4));
    let again = crew.run(COMMS, ["check", "sess-data"]).code(0);
    assert_eq!((again.stdout, again.stderr), (String::new(), String::new()));
    let none = crew.run(COMMS, ["check", "sess-data", "--json"]).code(0).json();
    assert_eq!(none, json!({"name": "Data", "project": "general", "left_out": 0, "messages": []}));
}

#[test]
fn the_first_check_is_bounded_and_says_so() {
    let crew = Crew::new();
    post(&crew, "API", "first");
    let filler = "INSERT INTO messages (timestamp, sender, message)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 119)
        SELECT '2026-01-01T00:00:00.000', 'API', 'number ' || i FROM n RETURNING 1";
    assert_eq!(rows(&database(&crew), filler).len(), 119);
    let shown = crew.run(COMMS, ["check", "somebody"]).code(0).stdout;
    assert_eq!(shown.lines().count(), 52);
    assert!(shown.lines().nth(1).unwrap().contains("70"), "{shown}");
    assert!(shown.ends_with("number 119\n"));
    assert_eq!(crew.run(COMMS, ["check", "somebody"]).code(0).stdout, "");
}

#[test]
fn names_are_given_and_taken() {
    let crew = Crew::new();
    let name = |session: &str| crew.run(COMMS, ["resolve-name", session]).code(0).stdout.trim_end().to_owned();
    crew.run(COMMS, ["auto-assign", "feed1234-0000", "/src/shop-api/"]).code(0);
    crew.run(COMMS, ["auto-assign", "feed1299-0000", "/src/shop-data"]).code(0);
    crew.run(COMMS, ["assign", "Web", "feed12"]).refused(2, &["feed1234-0000", "feed1299-0000"]);
    crew.run(COMMS, ["assign", "Web", "fee"]).refused(2, &["fee"]);
    assert_eq!(crew.run(COMMS, ["assign", "Web", "agent-feed1234"]).stdout, "Assigned: agent-feed1234 -> Web\n");
    assert_eq!(crew.run(COMMS, ["assign", "Ops", "agent-0123abcd"]).stdout, "Assigned: agent-0123abcd -> Ops\n");
    assert_eq!(
        [name("feed1234-0000"), name("feed1299-0000"), name("0123abcd-4567"), name("0123456789")],
        ["Web", "Data", "Ops", "agent-01234567"]
    );
    crew.run(COMMS, ["auto-assign", "newcomer-1", "/src/shop-web"]).code(0);
    assert_eq!([name("newcomer-1"), name("feed1234-0000")], ["Web", "agent-feed1234"]);
    post(&crew, "agent-0123abcd", "x");
    post(&crew, "al", "x");
    let listed = crew.run(COMMS, ["assign"]).code(0).stdout;
    assert!(listed.contains("(= Ops)") && listed.contains("[unassigned]") && listed.contains("Integr"), "{listed}");
    crew.run(COMMS, ["auto-assign", "s9", "/src/nothing"]).code(0);
    assert_eq!(name("s9"), "agent-s9");
}

#[test]
fn a_broken_map_is_a_warning() {
    let crew = Crew::new().with("COMMS_DIR_MAP", "{\"shop-web\": ").with("COMMS_PROJECT_MAP", "shop-web:market");
    let ended = crew.run(COMMS, ["auto-assign", "s1", "/src/shop-web"]).code(0);
    assert!(ended.stderr.contains("COMMS_DIR_MAP") && ended.stderr.lines().count() == 1, "{ended:?}");
    assert_eq!(rows(&database(&crew), "SELECT name, project FROM agents"), [[json!("Web"), json!("market")]]);
}

#[test]
fn status_and_prune_count() {
    let crew = Crew::new();
    assert_eq!(crew.run(COMMS, ["history"]).code(0).stdout, "No messages yet.\n");
    assert_eq!(crew.run(COMMS, ["status"]).code(0).stdout, "No agents active in the last 10 minutes.\n");
    for (sender, text) in [("API", "one"), ("API", "two"), ("Web", "three")] {
        post(&crew, sender, text);
    }
    rows(
        &database(&crew),
        "INSERT INTO messages (timestamp, sender, message) VALUES ('2020-01-01T00:00:00.000', 'Ghost', 'gone') RETURNING 1",
    );
    let active = crew.run(COMMS, ["status", "--json"]).code(0).json();
    let counts: Vec<_> = active.as_array().unwrap().iter().map(|one| (&one["name"], &one["messages"])).collect();
    assert_eq!(counts, [(&json!("Web"), &json!(1)), (&json!("API"), &json!(2))]);
    let shown = crew.run(COMMS, ["status"]).code(0).stdout;
    assert!(shown.lines().count() == 3 && shown.contains("\nAPI                  2 "), "{shown}");
    assert_eq!(crew.run(COMMS, ["prune", "--older", "30"]).code(0).stdout, "Pruned: 1 messages older than 30 days\n");
    assert_eq!(messages(&crew).len(), 3);
}

#[test]
fn many_posts_at_once_are_all_there_once_and_in_order() {
    let crew = Crew::new();
    thread::scope(|scope| {
        for writer in 0..50 {
            let crew = &crew;
            scope.spawn(move || {
                for number in 0..20 {
                    post(crew, &format!("w{writer}"), &number.to_string());
                }
            });
        }
    });
    let found =
        rows(&database(&crew), "SELECT sender, group_concat(message, ' ' ORDER BY id) FROM messages GROUP BY sender");
    let wanted = (0..20).map(|number| number.to_string()).collect::<Vec<_>>().join(" ");
    assert_eq!(found.len(), 50);
    assert!(found.iter().all(|row| row[1] == json!(wanted)), "{found:?}");
    assert!(is_whole(&database(&crew)));
}

#[test]
fn checks_at_once_show_a_message_once_and_lose_none() {
    let crew = Crew::new();
    crew.run(COMMS, ["auto-assign", "sess-web", "/src/shop-web"]).code(0);
    crew.run(COMMS, ["check", "sess-web"]).code(0);
    let (told, seen) = mpsc::channel();
    thread::scope(|scope| {
        let crew = &crew;
        scope.spawn(|| {
            for number in 0..60 {
                post(crew, "API", &format!("number-{number}"));
            }
        });
        for _ in 0..4 {
            let told = told.clone();
            scope.spawn(move || {
                let event = json!({"session_id": "sess-web", "hook_event_name": "PreToolUse", "tool_name": "Read"});
                for _ in 0..25 {
                    told.send(hook(crew, "check", &event).stdout).unwrap();
                }
            });
        }
    });
    drop(told);
    let mut shown: Vec<String> = seen.iter().collect();
    shown.push(crew.run(COMMS, ["check", "sess-web"]).code(0).stdout);
    let shown = shown.concat();
    for number in 0..60 {
        let times = shown.matches(&format!("number-{number}\\n")).count()
            + shown.matches(&format!("number-{number}\n")).count()
            + shown.matches(&format!("number-{number}\"")).count();
        assert_eq!(times, 1, "number-{number}: {shown}");
    }
}

#[test]
fn what_was_acknowledged_survives_kills() {
    let crew = Crew::new();
    post(&crew, "start", "x");
    let mut acknowledged = Vec::new();
    for number in 0..120_u64 {
        let mut child = crew.start(COMMS, ["post", "-s", "w", &number.to_string()]);
        if number % 3 == 0 {
            thread::sleep(Duration::from_micros(number * 97 % 6_000));
            signal(&child, Signal::KILL);
        }
        if child.wait().unwrap().success() {
            acknowledged.push(format!("w: {number}"));
        }
    }
    let stored = messages(&crew);
    let missing: Vec<_> = acknowledged.iter().filter(|one| !stored.contains(one)).collect();
    assert!(missing.is_empty() && acknowledged.len() >= 80, "{missing:?}");
    let mut once = stored.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), stored.len());
    assert!(is_whole(&database(&crew)));
}

#[test]
fn an_old_file_is_extended_by_many_at_once() {
    let crew = Crew::new();
    let path = database(&crew);
    crew.write(&path, "");
    rows(&path, "PRAGMA user_version = 7");
    for statement in [
        "CREATE TABLE agents (session_id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created TEXT)",
        "CREATE TABLE last_read (session_id TEXT PRIMARY KEY, message_id INTEGER DEFAULT 0)",
        "CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, sender TEXT NOT NULL,
           channel TEXT DEFAULT 'general', message TEXT NOT NULL)",
        "INSERT INTO messages (timestamp, sender, message) VALUES ('2025-01-01T00:00:00.000', 'old', 'kept') RETURNING 1",
        "INSERT INTO agents VALUES ('sess-old', 'Web', 'x') RETURNING 1",
    ] {
        rows(&path, statement);
    }
    thread::scope(|scope| {
        for number in 0..12 {
            let crew = &crew;
            scope.spawn(move || match number % 3 {
                0 => post(crew, "API", &number.to_string()),
                1 => drop(crew.run(COMMS, ["check", &format!("sess-{number}")]).code(0)),
                _ => drop(crew.run(COMMS, ["auto-assign", &format!("sess-{number}"), "/src/shop-web"]).code(0)),
            });
        }
    });
    assert_eq!(
        rows(&path, "SELECT count(*), min(message || project) FROM messages WHERE sender = 'old' OR 1")[0][0],
        json!(5)
    );
    assert_eq!(rows(&path, "PRAGMA user_version"), [[json!(7)]]);
    assert_eq!(rows(&path, "SELECT name, project FROM agents"), [[json!("Web"), json!("general")]]);
    assert!(is_whole(&path));
}

#[test]
fn watch_shows_each_message_at_once_and_ends_quietly() {
    let crew = Crew::new();
    post(&crew, "API", "before");
    let mut watch = crew.start(COMMS, ["watch"]);
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.to_lowercase().contains("watch") && first.contains('1'), "{first}");
    let posted = Instant::now();
    crew.run(COMMS, ["post", "-s", "Web", "-p", "shop", "after"]).code(0);
    assert!(lines.next().unwrap().unwrap().ends_with("[shop] Web                #general after"));
    assert!(posted.elapsed() < Duration::from_secs(3));
    signal(&watch, Signal::INT);
    let mut complaint = String::new();
    watch.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
    assert_eq!((watch.wait().unwrap().code(), complaint.as_str()), (Some(0), ""));
    assert!(lines.next().is_none());

    let mut watch = crew.start(COMMS, ["watch"]);
    let mut out = watch.stdout.take().unwrap();
    assert!(out.read(&mut [0; 8]).unwrap() > 0);
    drop(out);
    let closed = Instant::now();
    watch.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
    watch.wait().unwrap();
    assert_eq!(complaint, "");
    assert!(closed.elapsed() < Duration::from_secs(5), "a closed pipe is noticed without a message");
}

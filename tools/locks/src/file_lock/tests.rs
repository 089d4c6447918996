use std::collections::HashMap;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use crewkit_tool::{Clock, Script};
use serde_json::{Value, json};

use super::*;

/// A process number beyond what Linux and macOS give.
const DEAD: &str = "4194305";

/// A home of its own, and a clock that stands still, some seconds `after` a beginning.
struct Crew {
    home: tempfile::TempDir,
    variables: Vec<(&'static str, &'static str)>,
}

impl Crew {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    fn context(&self, after: i64) -> Context {
        let mut environment: HashMap<OsString, OsString> =
            self.variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        environment.insert("HOME".into(), self.home.path().into());
        environment.entry("HOSTNAME".into()).or_insert_with(|| "here".into());
        Context::scripted(Script {
            environment,
            directory: self.home.path().canonicalize().unwrap(),
            clock: Clock::Fixed(jiff::Timestamp::from_second(1_767_323_045 + after).unwrap()),
            stdin: Vec::new(),
        })
    }

    fn answer(&self, after: i64, arguments: &str) -> (Answer, Vec<String>) {
        let context = self.context(after);
        let arguments: Vec<OsString> = arguments.split_whitespace().map(OsString::from).collect();
        (run(&context, &arguments), context.take_notes())
    }

    /// JSON of either stream and the exit code.
    #[track_caller]
    fn json(&self, after: i64, arguments: &str) -> (Value, u8) {
        let outcome = self.answer(after, arguments).0.unwrap();
        let both = [outcome.stdout, outcome.stderr].concat();
        (serde_json::from_slice(&both).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&both))), outcome.code)
    }

    #[track_caller]
    fn status(&self, after: i64, arguments: &str) -> String {
        self.json(after, arguments).0["status"].as_str().unwrap().to_owned()
    }

    fn path(&self, name: &str) -> String {
        self.home.path().canonicalize().unwrap().join(name).into_os_string().into_string().unwrap()
    }
}

#[test]
fn the_answers_have_the_keys_of_the_contract() {
    let crew = Crew::new();
    let a = crew.path("a");
    assert_eq!(
        crew.json(0, "acquire a T1 --agent bob --plan-id 7 --pid 12 --timeout 0"),
        (json!({ "status": "acquired", "file": a, "task_id": "T1", "fence": 1 }), 0)
    );
    let held = json!({ "task_id": "T1", "session_id": null, "agent": "bob", "pid": 12, "host": "here", "age_sec": 9, "heartbeat_age": 9, "fence": 1 });
    let blocked = json!({ "status": "blocked", "file": a, "held_by": held });
    assert_eq!(crew.json(9, "acquire a T2 --timeout 0"), (blocked, 1));
    let outcome = crew.answer(9, "acquire-session a S me 0").0.unwrap();
    assert_eq!((outcome.stdout.len(), outcome.code), (0, 1));
    assert_eq!(crew.json(20, "heartbeat a T1"), (json!({ "heartbeat": "updated", "file": a }), 0));
    let locked = json!({ "locked": true, "file": a, "task_id": "T1", "agent": "bob", "pid": 12, "host": "here", "age_sec": 30,
        "heartbeat_age": 10, "session_id": null, "plan_id": 7, "fence": 1, "stale": false });
    assert_eq!(crew.json(30, "check a"), (locked, 0));
    assert_eq!(crew.json(30, "check b"), (json!({ "locked": false, "file": crew.path("b") }), 0));
    let row = json!({ "file": a, "task_id": "T1", "session_id": null, "agent": "bob", "pid": 12, "host": "here", "age_sec": 30,
        "heartbeat_age": 10, "plan_id": 7, "fence": 1, "stale": false });
    assert_eq!(crew.json(30, "list"), (json!([row]), 0));
    assert_eq!(crew.json(0, "release a T2"), (json!({ "released": a, "count": 0 }), 0));
    assert_eq!(crew.json(0, "release a T1"), (json!({ "released": a, "count": 1 }), 0));
    let outcome = crew.answer(0, "heartbeat a").0.unwrap();
    assert_eq!(outcome.code, 1);
    assert_eq!(outcome.stderr, format!("{}\n", json!({ "heartbeat": "not_held", "file": a })).into_bytes());
    assert_eq!(
        crew.json(0, "acquire-session a S1 me 0"),
        (json!({ "status": "acquired", "file": a, "session_id": "S1", "fence": 2 }), 0)
    );
    assert_eq!(crew.json(0, "release-session S1"), (json!({ "session_id": "S1", "released_count": 1 }), 0));
    assert_eq!(crew.json(0, "release-task T1"), (json!({ "task_id": "T1", "released_count": 0 }), 0));
    assert_eq!(crew.json(0, "cleanup"), (json!({ "cleaned": 0 }), 0));
}

#[test]
fn looking_at_locks_makes_no_database() {
    let crew = Crew::new();
    assert_eq!(crew.json(0, "list").0, json!([]));
    assert_eq!(crew.json(0, "who").0, json!([]));
    assert_eq!(crew.json(0, "check a").0["locked"], json!(false));
    assert_eq!(crew.json(0, "release a").0["count"], json!(0));
    assert_eq!(crew.json(0, "heartbeat a").1, 1);
    assert_eq!(crew.json(0, "verify a --fence 1").1, 1);
    assert_eq!(crew.status(0, "wait a"), "free");
    assert_eq!(crew.json(0, "cleanup --dry-run").0, json!([]));
    assert_eq!(crew.home.path().read_dir().unwrap().count(), 0);
}

#[test]
fn staleness_has_three_ages() {
    let living = std::process::id().to_string();
    for (host, pid, age, free) in [
        ("here", DEAD, 300, false),
        ("here", DEAD, 301, true),
        ("here", living.as_str(), 301, false),
        ("here", living.as_str(), 1800, false),
        ("here", living.as_str(), 1801, true),
        ("elsewhere", DEAD, 1801, false),
        ("here.local", DEAD, 301, true),
    ] {
        let mut crew = Crew::new();
        crew.variables = vec![("HOSTNAME", host)];
        crew.json(0, &format!("acquire a T1 --agent amy --pid {pid} --timeout 0"));
        crew.variables.clear();
        let case = format!("{host} {pid} {age}");
        assert_eq!(crew.json(age, "check a").0["stale"], json!(free), "{case}");
        assert_eq!(crew.json(age, "list --stale").0.as_array().unwrap().len(), usize::from(free), "{case}");
        let (answer, notes) = crew.answer(age, "acquire a T2 --timeout 0");
        assert_eq!(answer.unwrap().code, u8::from(!free), "{case}");
        assert_eq!(notes.len(), usize::from(free), "{case}");
        if let [note] = notes.as_slice() {
            assert!(note.contains("T1") && note.contains("amy") && note.contains(&format!("{age} s")), "{note}");
        }
    }
}

#[test]
fn the_owner_enters_again_and_keeps_its_place() {
    let crew = Crew::new();
    crew.json(0, "acquire a T1 --agent amy --pid 12 --timeout 0");
    assert_eq!(crew.json(50, "acquire a T1 --agent bob --pid 13"), {
        (json!({ "status": "reentrant", "file": crew.path("a"), "task_id": "T1", "fence": 1 }), 0)
    });
    let (lock, _) = crew.json(60, "check a");
    assert_eq!((&lock["age_sec"], &lock["heartbeat_age"], &lock["agent"]), (&json!(60), &json!(10), &json!("amy")));
    assert_eq!(lock["pid"], json!(13), "the process that works now");
}

#[test]
fn a_task_and_its_session_enter_the_same_lock() {
    let mut crew = Crew::new();
    assert_eq!(
        crew.json(0, "acquire a T1 --session S1 --timeout 0").0,
        json!({ "status": "acquired", "file": crew.path("a"), "task_id": "T1", "session_id": "S1", "fence": 1 })
    );
    assert_eq!(crew.status(0, "acquire-session a S1 me 0"), "reentrant");
    assert_eq!(crew.status(0, "acquire a T1 --timeout 0"), "reentrant");
    assert_eq!(crew.status(0, "acquire-session a S2 me 0"), "blocked");
    assert_eq!(crew.status(0, "acquire a T2 --timeout 0"), "blocked");
    assert_eq!(crew.status(0, "acquire a T2 --session S1 --timeout 0"), "blocked", "tasks of one session");
    // The session's hook came first, the task says its name later.
    assert_eq!(crew.status(0, "acquire-session b S1 me 0"), "acquired");
    crew.variables = vec![("CLAUDE_SESSION_ID", "S1")];
    assert_eq!(crew.status(0, "acquire b T1 --timeout 0"), "reentrant");
    crew.variables.clear();
    let (lock, _) = crew.json(0, "check b");
    assert_eq!((&lock["task_id"], &lock["session_id"]), (&json!("T1"), &json!("S1")));
    assert_eq!(crew.json(0, "release-task T1").0["released_count"], json!(2));
}

#[test]
fn a_task_that_goes_on_in_a_new_session_takes_its_locks_along() {
    let crew = Crew::new();
    crew.json(0, "acquire a T1 --session S1 --timeout 0");
    assert_eq!(crew.status(0, "acquire a T1 --session S2 --timeout 0"), "reentrant");
    assert_eq!(crew.json(0, "release-session S1").0["released_count"], json!(0));
    assert_eq!(crew.json(0, "release-session S2").0["released_count"], json!(1));
}

#[test]
fn several_files_are_taken_all_or_none() {
    let crew = Crew::new();
    crew.json(0, "acquire m T1 --timeout 0");
    let (blocked, code) = crew.json(0, "acquire z m a --task T2 --timeout 0");
    assert_eq!((&blocked["file"], &blocked["held_by"]["task_id"], code), (&json!(crew.path("m")), &json!("T1"), 1));
    assert_eq!(crew.json(0, "list --task-id T2").0, json!([]));
    let (all, _) = crew.json(0, "acquire z m ./a a --task T1 --timeout 0");
    let files: Vec<(&str, &str)> = all["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (file["file"].as_str().unwrap().rsplit('/').next().unwrap(), file["status"].as_str().unwrap()))
        .collect();
    assert_eq!(files, [("a", "acquired"), ("m", "reentrant"), ("z", "acquired")]);
    assert_eq!((&all["status"], &all["task_id"]), (&json!("acquired"), &json!("T1")));
    assert_eq!(crew.status(0, "acquire a z --task T1"), "reentrant");
}

#[test]
fn fences_grow_and_tell_an_old_grant_from_a_new_one() {
    let crew = Crew::new();
    crew.json(0, "acquire a T1 --timeout 0");
    assert_eq!(crew.json(0, "verify a --fence 1"), (json!({ "valid": true, "file": crew.path("a"), "fence": 1 }), 0));
    crew.json(0, "acquire b T1 --timeout 0");
    crew.json(0, "release-task T1");
    let (answer, code) = crew.json(0, "verify a --fence 1");
    assert_eq!((&answer["valid"], &answer["held_by"], code), (&json!(false), &Value::Null, 1));
    assert_eq!(
        crew.json(0, "acquire a T1 --timeout 0").0["fence"],
        json!(3),
        "numbers of released locks do not come again"
    );
    let (answer, code) = crew.json(0, "verify a --fence 1");
    assert_eq!((&answer["held_by"]["fence"], code), (&json!(3), 1));
}

#[test]
fn cleanup_and_its_preview_have_one_limit_and_no_host() {
    let mut crew = Crew::new();
    crew.json(1000, "acquire young T1 --timeout 0");
    crew.variables = vec![("HOSTNAME", "elsewhere")];
    crew.json(0, "acquire far T1 --timeout 0");
    crew.variables.clear();
    crew.json(100, "acquire old T2 --timeout 0");
    let preview = |age: i64, rest: &str| -> Vec<String> {
        let (rows, _) = crew.json(age, &format!("cleanup --dry-run {rest}"));
        let names = rows.as_array().unwrap().iter();
        names.map(|row| row["file"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
    };
    assert_eq!(preview(1800, ""), Vec::<String>::new());
    assert_eq!(preview(1801, ""), ["far"]);
    assert_eq!(preview(1901, ""), ["far", "old"]);
    assert_eq!(preview(1661, "--max-age 11"), ["far", "old", "young"]);
    let (rows, _) = crew.json(1901, "cleanup --dry-run");
    assert_eq!(
        (&rows[1]["task_id"], &rows[1]["session_id"], &rows[1]["age_sec"]),
        (&json!("T2"), &Value::Null, &json!(1801))
    );
    assert_eq!(crew.json(1901, "cleanup").0, json!({ "cleaned": 2 }));
    assert_eq!(crew.json(1901, "list").0.as_array().unwrap().len(), 1);
}

#[test]
fn lists_can_be_narrowed() {
    let crew = Crew::new();
    crew.json(0, "acquire one T1 --plan-id 7 --timeout 0");
    crew.json(1, "acquire two T2 --plan-id 7 --session S --timeout 0");
    crew.json(2, "acquire-session three S me 0");
    let count = |rest: &str| crew.json(9, &format!("list {rest}")).0.as_array().unwrap().len();
    let counts = ["", "--plan-id 7", "--plan-id 8", "--task-id T1", "--session-id S", "--plan-id 7 --session-id S"];
    assert_eq!(counts.map(count), [3, 2, 0, 1, 2, 1]);
    let (who, _) = crew.json(9, "who");
    let tasks: Vec<&Value> = who.as_array().unwrap().iter().map(|owner| &owner["task_id"]).collect();
    assert_eq!(tasks, [&json!("T1"), &json!("T2"), &Value::Null]);
    assert_eq!(who[2]["files"], json!([crew.path("three")]));
}

#[test]
fn names_are_kept_byte_for_byte() {
    let crew = Crew::new();
    let context = || crew.context(0);
    let odd = ["a\nb", "a b", "a'; DROP TABLE file_locks; --", "%_*", "żółw", "-dash"];
    for name in odd {
        let answer =
            run(&context(), &["acquire".into(), "--timeout=0".into(), "--".into(), name.into(), "T'1\n\"".into()]);
        let answer: Value = serde_json::from_slice(&answer.unwrap().stdout).unwrap();
        assert_eq!((&answer["file"], &answer["task_id"]), (&json!(crew.path(name)), &json!("T'1\n\"")));
    }
    assert_eq!(crew.json(0, "list").0.as_array().unwrap().len(), odd.len());
    let released = run(&context(), &["release-task".into(), "T'1\n\"".into()]).unwrap().stdout;
    assert!(String::from_utf8(released).unwrap().contains(&format!("\"released_count\":{}", odd.len())));
}

#[test]
fn bad_input_is_refused_by_name_and_writes_nothing() {
    let crew = Crew::new();
    for (arguments, parts) in [
        ("acquire", &["FILE"][..]),
        ("acquire a", &["TASK"]),
        ("acquire a b T1", &["--task"]),
        ("acquire a T1 --timeout soon", &["--timeout", "soon"]),
        ("acquire a T1 --timeout -1", &["--timeout", "-1"]),
        ("acquire a T1 --timeout 1.5", &["--timeout", "1.5"]),
        ("acquire a T1 --timeout", &["--timeout"]),
        ("acquire a T1 --agent", &["--agent"]),
        ("acquire a T1 --plan-id seven", &["--plan-id", "seven"]),
        ("acquire a T1 --plan-id 0", &["--plan-id", "0"]),
        ("acquire a T1 --pid -4", &["--pid", "-4"]),
        ("acquire a T1 --frobnicate", &["--frobnicate"]),
        ("acquire-session a", &["SESSION"]),
        ("acquire-session a S me soon", &["TIMEOUT", "soon"]),
        ("acquire-session a S me 0 more", &["more"]),
        ("release", &["FILE"]),
        ("release-task", &["TASK"]),
        ("release-session", &["SESSION"]),
        ("check", &["FILE"]),
        ("heartbeat", &["FILE"]),
        ("list --plan-id 1;2", &["--plan-id", "1;2"]),
        ("list extra", &["extra"]),
        ("cleanup --max-age x", &["--max-age", "x"]),
        ("cleanup --max-age -1", &["--max-age", "-1"]),
        ("verify a", &["--fence"]),
        ("hold a T1", &["COMMAND"]),
        ("frobnicate", &["frobnicate"]),
    ] {
        let refusal = crew.answer(0, arguments).0.unwrap_err();
        let line = refusal.to_string();
        assert!(refusal.code == 1 && parts.iter().all(|part| line.contains(part)), "{arguments}: {line}");
    }
    for (arguments, part) in [
        (vec!["acquire".into(), OsString::new(), "T1".into()], "empty"),
        (vec!["acquire".into(), "a".into(), OsString::new()], "empty"),
        (vec!["acquire".into(), "--task".into(), OsString::new(), "a".into()], "--task"),
        (vec!["acquire-session".into(), "a".into(), OsString::new()], "SESSION"),
        (vec!["acquire".into(), OsString::from_vec(b"a\xff".to_vec()), "T1".into()], "UTF-8"),
        (vec!["acquire".into(), "a".into(), OsString::from_vec(b"T\xff".to_vec())], "UTF-8"),
    ] {
        let refusal = run(&crew.context(0), &arguments).unwrap_err();
        assert!(refusal.code == 1 && refusal.to_string().contains(part), "{arguments:?}: {refusal}");
    }
    assert_eq!(crew.home.path().read_dir().unwrap().count(), 0);
}

#[test]
fn no_arguments_and_help_are_usage() {
    let crew = Crew::new();
    for arguments in ["", "help", "-h", "--help"] {
        let outcome = crew.answer(0, arguments).0.unwrap();
        let text = String::from_utf8(outcome.stdout).unwrap();
        let commands = ["acquire", "acquire-session", "release-task", "heartbeat", "cleanup"];
        assert!(outcome.code == 0 && commands.iter().all(|command| text.contains(command)), "{arguments}: {text}");
    }
}

#[test]
fn the_parts_take_their_own_commands_alone() {
    let crew = Crew::new();
    let part = |tool: &Tool, arguments: &str| {
        let arguments: Vec<OsString> = arguments.split_whitespace().map(OsString::from).collect();
        (tool.run)(&crew.context(0), &arguments)
    };
    let (session, utils) = (crate::file_lock_session::TOOL, crate::file_lock_utils::TOOL);
    assert_eq!(part(&session, "acquire-session a S1 me 0").unwrap().code, 0);
    assert_eq!(part(&session, "acquire-session a S2 me 0").unwrap().code, 1);
    assert!(part(&utils, "list").unwrap().stdout.starts_with(b"[{"));
    assert_eq!(part(&session, "release-session S1").unwrap().code, 0);
    assert_eq!(part(&utils, "cleanup").unwrap().stdout, b"{\"cleaned\":0}\n");
    for (tool, arguments) in [(&session, "list"), (&utils, "acquire a T1"), (&session, "frob"), (&utils, "--frob")] {
        let refusal = part(tool, arguments).unwrap_err();
        assert!(refusal.code == 1 && refusal.to_string().contains(arguments.split(' ').next().unwrap()), "{refusal}");
    }
    for (tool, wanted, other) in [(&session, "acquire-session", "heartbeat"), (&utils, "cleanup", "acquire")] {
        for arguments in ["", "help", "--help"] {
            let text = String::from_utf8(part(tool, arguments).unwrap().stdout).unwrap();
            assert!(text.contains(wanted) && !text.contains(other), "{text}");
        }
    }
}

#[test]
fn the_repository_is_known_with_the_lock() {
    let crew = Crew::new();
    let top = crew.home.path().join("shop");
    for folder in [".git/objects", ".git/refs", "src"] {
        std::fs::create_dir_all(top.join(folder)).unwrap();
    }
    std::fs::write(top.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    let given = OsString::from("shop/src/new/a.rs");
    let file = files::file(&crew.context(0), &given, false).unwrap();
    let origin = file.origin.unwrap();
    assert_eq!((origin.repository, origin.path.as_str()), (crew.path("shop/.git"), "src/new/a.rs"));
    assert_eq!(files::file(&crew.context(0), &"b".into(), false).unwrap().origin, None);
    assert!(Path::new(&file.path).is_absolute());
}

use std::collections::HashMap;
use std::fs;

use crewkit_tool::{Clock, Script};
use serde_json::Value;

use super::*;

struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn call(&self, second: i64, arguments: &[&str]) -> Answer {
        let top = self.path("");
        let variables = [("HOME", top.clone()), ("HOSTNAME", "h".into())];
        let environment: HashMap<OsString, OsString> =
            variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let clock = Clock::Fixed(jiff::Timestamp::from_second(1_800_000_000 + second).unwrap());
        let script = Script { environment, directory: top, clock, stdin: Vec::new() };
        run(&Context::scripted(script), &arguments.iter().map(OsString::from).collect::<Vec<_>>())
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_slice(&self.call(0, arguments).unwrap().stdout).unwrap()
    }
}

#[test]
fn content_alone_counts() {
    let scratch = Scratch::new();
    scratch.put("a", "one");
    scratch.put("b", "one");
    std::os::unix::fs::symlink(scratch.path("b"), scratch.path("link")).unwrap();
    let taken = scratch.json(&["snapshot", "T", "a", "./link", "planned"]);
    assert_eq!((taken["snapshots"].as_u64(), taken["branch"].as_str()), (Some(3), Some("unknown")));
    scratch.put("a", "two");
    scratch.put("a", "one");
    assert_eq!(scratch.json(&["check", "T"])["ok"], 3);
    scratch.put("a", "two");
    fs::remove_file(scratch.path("b")).unwrap();
    scratch.put("planned", "x");
    let checked = scratch.json(&["check", "T"]);
    let counts = ["total", "changed", "missing", "ok"].map(|key| checked[key].as_u64().unwrap());
    assert_eq!((checked["stale"].as_bool(), counts), (Some(true), [3, 2, 1, 0]));
    let files = checked["changed_files"].as_array().unwrap();
    let named: Vec<_> =
        files.iter().map(|file| (file["file"].as_str().unwrap(), file["status"].as_str().unwrap())).collect();
    let path = |name: &str| scratch.path(name).to_str().unwrap().to_owned();
    assert_eq!(named, [(&*path("a"), "modified"), (&*path("b"), "deleted"), (&*path("planned"), "modified")]);
    assert_eq!((files[1]["new_hash"].as_str(), files[2]["old_hash"].as_str()), (Some("MISSING"), Some("MISSING")));
    assert_eq!(scratch.call(0, &["check", "T"]).unwrap().code, 0);
    assert_eq!(scratch.call(0, &["check", "T", "--exit-code"]).unwrap().code, 1);
    let diff = scratch.call(0, &["diff", "T"]).unwrap();
    assert_eq!((diff.code, String::from_utf8(diff.stdout).unwrap().lines().count()), (1, 3));
    scratch.json(&["snapshot", "T", "a", "--replace"]);
    assert_eq!(scratch.json(&["check", "T"])["total"], 1);
}

#[test]
fn what_cannot_be_hashed_is_refused_whole() {
    let scratch = Scratch::new();
    scratch.put("a", "one");
    fs::create_dir(scratch.path("folder")).unwrap();
    let refused = scratch.call(0, &["snapshot", "T", "a", "folder"]).unwrap_err();
    assert!(refused.code == 1 && refused.to_string().contains("folder is a folder"), "{refused}");
    assert_eq!(scratch.json(&["check", "T"])["total"], 0);
    assert_eq!(scratch.call(0, &["snapshot", "T", ""]).unwrap_err().code, 1);
    for wrong in [&["check"][..], &["snapshot"], &["snapshot", ""], &["frobnicate"], &["check", "T", "x"]] {
        assert_eq!(scratch.call(0, wrong).unwrap_err().code, 1, "{wrong:?}");
    }
    assert_eq!(scratch.call(0, &[]).unwrap().code, 0);
}

#[test]
fn a_day_old_is_forgotten_and_a_task_at_once() {
    let scratch = Scratch::new();
    scratch.put("a", "one");
    for task in ["T1", "T2"] {
        scratch.json(&["snapshot", task, "a"]);
    }
    assert_eq!(scratch.json(&["cleanup", "T1"]), json!({"task_id": "T1", "cleaned": 1}));
    let later = |second| String::from_utf8(scratch.call(second, &["cleanup"]).unwrap().stdout).unwrap();
    assert!(
        later(86_400).contains("\"cleaned\":0")
            && later(86_401).contains("\"cleaned\":1,\"policy\":\"older than 24h\"")
    );
}

#[test]
fn a_write_over_what_was_not_read_is_refused() {
    let scratch = Scratch::new();
    scratch.put("a", "one\n");
    let refused = |name: &str| scratch.call(0, &["refuse", name, "--task", "T"]);
    assert_eq!(refused("a").unwrap_err().code, 2);
    assert_eq!(refused("new").unwrap().code, 0);
    scratch.json(&["snapshot", "T", "a", "new"]);
    assert_eq!(refused("a").unwrap().code, 0);
    scratch.put("a", "two\n");
    scratch.put("new", "x");
    let no = refused("a").unwrap_err();
    assert!(no.code == 2 && no.to_string().contains("has changed") && no.help.contains("not in git"), "{no:?}");
    assert!(refused("new").unwrap_err().to_string().contains("somebody else"));
    fs::remove_file(scratch.path("a")).unwrap();
    assert!(refused("a").unwrap_err().to_string().contains("is gone"));
}

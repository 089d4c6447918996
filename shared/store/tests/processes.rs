//! Many processes at one database. This test program is its own helper: called with `CREWKIT_STORE_ROLE` it opens the
//! database that `CREWKIT_STORE_PATH` names and does what the role says, then ends.

#![allow(clippy::disallowed_methods)]

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crewkit_store::{Settings, Store};
use rusqlite::Connection;

fn settings(path: &Path) -> Settings {
    Settings { path: path.to_owned(), host: "desk".to_owned(), now: "2026-01-02 03:04:05".to_owned() }
}

/// Starts this program again as a helper.
fn start(role: &str, path: &Path, number: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "helper", "--nocapture"])
        .env("CREWKIT_STORE_ROLE", role)
        .env("CREWKIT_STORE_PATH", path)
        .env("CREWKIT_STORE_NUMBER", number.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn end(child: Child) -> Output {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    output
}

#[test]
fn helper() {
    let Ok(role) = std::env::var("CREWKIT_STORE_ROLE") else { return };
    let path = PathBuf::from(std::env::var("CREWKIT_STORE_PATH").unwrap());
    let number = std::env::var("CREWKIT_STORE_NUMBER").unwrap();
    match role.as_str() {
        "write" => {
            let store = Store::open_or_create(&settings(&path)).unwrap();
            store.state().enter_project(&format!("p{number}"), "Project", "/srv", "2026-01-02 03:04:05").unwrap();
        }
        "upgrade" => {
            let store = Store::open_existing(&settings(&path)).unwrap().unwrap();
            assert_eq!(store.state().counts().unwrap().projects, 1);
            print!("notices={};", store.notices().len());
        }
        other => panic!("no role {other}"),
    }
}

fn rows(path: &Path, sql: &str) -> i64 {
    Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn two_hundred_processes_write_at_once_and_none_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/d.db");
    let children: Vec<Child> = (0..200).map(|number| start("write", &path, number)).collect();
    children.into_iter().for_each(|child| drop(end(child)));
    assert_eq!(rows(&path, "SELECT count(*) FROM projects"), 200);
    assert!(Store::open_existing(&settings(&path)).unwrap().unwrap().integrity().unwrap().is_empty());
}

#[test]
fn the_log_stays_small_when_only_short_processes_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.db");
    let mut largest = 0;
    for number in 0..150 {
        end(start("write", &path, number));
        largest = largest.max(std::fs::metadata(folder.path().join("d.db-wal")).unwrap().len());
    }
    assert!(largest < 400_000, "{largest}");
}

//! Many processes at one database. This test program is its own helper: called with `CREWKIT_STORE_ROLE` it opens the
//! database that `CREWKIT_STORE_PATH` names and does what the role says, then ends.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

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

/// An older database with so many rows that its upgrade takes a while.
fn large(path: &Path, rows: usize) {
    let connection = Connection::open(path).unwrap();
    let statements = [
        include_str!("shapes/third.sql"),
        "PRAGMA journal_mode = WAL",
        &format!(
            "WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < {}) \
             INSERT INTO tasks (id, wave_id, task_id, title, notes) SELECT i, 4, 'T' || i, 'Task ' || i, hex(zeroblob(100)) FROM n",
            rows + 99
        ),
    ];
    connection.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    for sql in statements {
        connection.execute_batch(sql).unwrap();
    }
}

fn copies(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.to_string_lossy().contains(".backup.")).collect()
}

#[test]
fn of_twenty_processes_one_upgrades_and_all_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.db");
    large(&path, 2_000);
    let children: Vec<Child> = (0..20).map(|number| start("upgrade", &path, number)).collect();
    let said: Vec<String> = children.into_iter().map(|child| String::from_utf8(end(child).stdout).unwrap()).collect();
    let upgraded = said.iter().filter(|said| said.contains("notices=1;")).count();
    assert_eq!((upgraded, said.iter().filter(|said| said.contains("notices=0;")).count()), (1, 19), "{said:?}");
    assert_eq!(copies(folder.path()).len(), 1);
    assert_eq!(rows(&path, "SELECT count(*) FROM tasks WHERE plan_id IS NOT NULL"), 2_004);
}

#[test]
fn an_upgrade_killed_at_any_point_leaves_the_old_or_the_new() {
    let (mut old, mut new) = (0, 0);
    for round in 0..9_u32 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.db");
        large(&path, 3_000);
        let mut child = start("upgrade", &path, 0);
        std::thread::sleep(std::time::Duration::from_millis(u64::from(round) * 20));
        child.kill().unwrap();
        child.wait().unwrap();
        match rows(&path, "PRAGMA user_version") {
            0 => old += 1,
            _ => new += 1,
        }
        let by_row = "SELECT type LIKE 'INT%' FROM pragma_table_info('tasks') WHERE name = 'wave_id'";
        assert_eq!(rows(&path, by_row), i64::from(rows(&path, "PRAGMA user_version") == 0));
        assert_eq!(rows(&path, "SELECT count(*) FROM tasks"), 3_004);
        // The next to come finishes it, and clears away what was half made.
        end(start("upgrade", &path, 0));
        assert_eq!(rows(&path, "SELECT count(*) FROM tasks WHERE plan_id IS NOT NULL"), 3_004);
        assert_eq!(rows(&path, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
        let left = copies(folder.path());
        assert!(left.iter().all(|path| !path.to_string_lossy().ends_with(".part")), "{left:?}");
    }
    println!("killed before {old} times, after {new} times");
}

#[test]
fn two_hundred_processes_write_at_once_and_none_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/d.db");
    let children: Vec<Child> = (0..200).map(|number| start("write", &path, number)).collect();
    for child in children {
        end(child);
    }
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
    assert!(largest < 500_000, "{largest}");
}

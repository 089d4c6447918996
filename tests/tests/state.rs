//! The shared database as a whole: made, looked over, started over, restored, upgraded on first use.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use crewkit_tests::{Crew, finish, json, program, rows};

const GROWN: &str = include_str!("../../shared/store/tests/shapes/grown.sql");

/// A database of an older shape where the shared one belongs.
fn older(crew: &Crew) {
    fs::create_dir_all(crew.database().parent().unwrap()).unwrap();
    let connection = rusqlite::Connection::open(crew.database()).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA journal_mode = WAL").unwrap();
    connection.execute_batch(GROWN).unwrap();
}

const NOBODY: u32 = 65_534;

/// A command of the tool by a user whom permissions bind: root they don't, so root becomes somebody else.
fn bound(crew: &Crew) -> Command {
    let copy = crew.root().join("crewkit");
    if !copy.exists() {
        fs::copy(program(), &copy).unwrap();
    }
    let mut command = crew.command(&copy);
    command.arg("init-dashboard-db");
    if rustix::process::geteuid().is_root() {
        fs::set_permissions(crew.root(), fs::Permissions::from_mode(0o755)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn give(path: &Path, mode: u32) {
    if rustix::process::geteuid().is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn from_nothing_to_a_database_with_the_agents_folder() {
    let crew = Crew::new();
    let made = crew.run("init-dashboard-db", ["--json"]).code(0).json();
    let path = crew.database().to_str().unwrap().to_owned();
    assert_eq!(
        made,
        json!({"status": "created", "path": path, "copy": null, "projects": 1, "snapshots": 0, "metrics": 0})
    );
    let home = crew.claude().to_str().unwrap().to_owned();
    assert_eq!(
        crew.sql("SELECT id, name, path FROM projects"),
        [[json!("claude-config"), json!("Claude Config"), json!(home)]]
    );
    let again = crew.run("init-dashboard-db", [""; 0]).code(0);
    assert!(again.stdout.contains("already exists") && again.stdout.contains("Projects: 1"), "{again:?}");
    assert!(again.stderr.is_empty(), "{again:?}");
    crew.run("init-dashboard-db", ["--check"]).code(0);
}

#[test]
fn an_older_one_is_upgraded_once_and_says_where_the_copy_is() {
    let crew = Crew::new();
    older(&crew);
    let check = crew.run("init-dashboard-db", ["--check", "--json"]).code(0).json();
    assert_eq!((&check["shape"], &check["sound"], &check["version"]), (&json!("documented"), &json!(true), &json!(0)));
    assert_eq!(check["upgrade"]["rebuilt"], json!(["plans", "waves", "tasks", "plan_versions", "conversation_logs"]));
    assert_eq!(crew.value("PRAGMA user_version"), json!(0));
    let first = crew.run("init-dashboard-db", [""; 0]).code(0);
    assert!(first.stderr.contains("dashboard.db.backup.") && first.stdout.contains("Projects: 1"), "{first:?}");
    let second = crew.run("init-dashboard-db", [""; 0]).code(0);
    assert!(second.stderr.is_empty(), "{second:?}");
    assert_eq!(crew.value("SELECT count(*) FROM tasks"), json!(4));
}

#[test]
fn starting_over_keeps_a_copy_that_can_be_restored() {
    let crew = Crew::new();
    older(&crew);
    let done = crew.run("init-dashboard-db", ["--force", "--json"]).code(0).json();
    let copy = done["copy"].as_str().unwrap().to_owned();
    assert_eq!(crew.sql("SELECT id FROM projects"), [[json!("claude-config")]]);
    assert_eq!(rows(Path::new(&copy), "SELECT id FROM projects"), [[json!("bakery")]]);
    let back = crew.run("init-dashboard-db", ["--restore", &copy]).code(0);
    assert!(back.stdout.contains("restored") && back.stdout.contains("Projects: 1"), "{back:?}");
    assert_eq!(crew.sql("SELECT id FROM projects"), [[json!("bakery")]]);
    assert_eq!(crew.value("PRAGMA user_version"), json!(9));
    crew.run("init-dashboard-db", ["--restore", "nowhere.db"]).refused(1, &["nowhere.db", "no database"]);
    let itself = crew.database();
    crew.run("init-dashboard-db", ["--restore", itself.to_str().unwrap()]).refused(1, &["itself"]);
}

#[test]
fn what_is_no_database_and_what_is_no_option_is_named_and_left_alone() {
    let crew = Crew::new();
    crew.run("init-dashboard-db", ["--bogus"]).refused(1, &["--bogus"]);
    crew.run("init-dashboard-db", ["--force", "--check"]).refused(1, &["--check"]);
    assert!(!crew.database().exists());
    crew.write(&crew.database(), "words, and no database in any shape at all");
    for arguments in [&[][..], &["--force"], &["--check"]] {
        crew.run("init-dashboard-db", arguments).refused(1, &["dashboard.db", "not a SQLite database"]);
    }
    assert_eq!(fs::read_dir(crew.claude().join("data")).unwrap().count(), 1);
    let folder = crew.work();
    let crew = crew.with("DB_FILE", folder);
    crew.run("init-dashboard-db", [""; 0]).refused(1, &["work"]);
}

#[test]
fn a_home_with_a_quote_and_a_broken_database_are_no_trouble() {
    let crew = Crew::new();
    let home = crew.root().join("o'brien \"x\"; DROP TABLE projects");
    fs::create_dir_all(home.join(".claude")).unwrap();
    let crew = crew.with("HOME", &home);
    crew.run("init-dashboard-db", [""; 0]).code(0);
    let path = home.join(".claude");
    let database = path.join("data/dashboard.db");
    assert_eq!(rows(&database, "SELECT path FROM projects"), [[json!(path.to_str().unwrap())]]);
    // Pages overwritten in the middle: said, and not upgraded.
    let mut bytes = fs::read(&database).unwrap();
    let from = 4096 * 8;
    bytes[from..from + 8192].fill(0xa5);
    fs::write(&database, bytes).unwrap();
    let check = crew.run("init-dashboard-db", ["--check"]).code(1);
    assert!(!check.stdout.contains("Integrity:  ok"), "{check:?}");
}

#[test]
fn a_file_or_folder_that_may_not_be_written_is_read_upgraded_in_memory() {
    for folder_too in [false, true] {
        let crew = Crew::new();
        older(&crew);
        for path in [crew.home(), crew.claude(), crew.claude().join("data")] {
            give(&path, 0o755);
        }
        for entry in fs::read_dir(crew.claude().join("data")).unwrap() {
            give(&entry.unwrap().path(), 0o444);
        }
        if folder_too {
            give(&crew.claude().join("data"), 0o555);
        }
        let read = finish(&mut bound(&crew), None).code(0);
        assert!(read.stdout.contains("Projects: 1") && read.stderr.contains("read, not written"), "{read:?}");
        let refused = finish(bound(&crew).arg("--force"), None);
        assert!(refused.code == 1 && refused.stderr.contains("cannot be written"), "{refused:?}");
        give(&crew.claude().join("data"), 0o755);
        assert_eq!(crew.value("PRAGMA user_version"), json!(0));
        assert_eq!(crew.value("SELECT count(*) FROM tasks"), json!(4));
    }
    let crew = Crew::new();
    crew.run("init-dashboard-db", [""; 0]).code(0);
    for entry in fs::read_dir(crew.claude().join("data")).unwrap() {
        give(&entry.unwrap().path(), 0o444);
    }
    give(&crew.claude().join("data"), 0o555);
    let read = finish(&mut bound(&crew), None).code(0);
    assert!(read.stdout.contains("Projects: 1") && read.stderr.is_empty(), "{read:?}");
    give(&crew.claude().join("data"), 0o755);
    let crew = Crew::new();
    give(&crew.home(), 0o555);
    finish(&mut bound(&crew), None).refused(1, &[".claude", "cannot be written"]);
}

#[test]
fn a_full_disk_changes_nothing() {
    let crew = Crew::new();
    let place = crew.root().join("small");
    fs::create_dir(&place).unwrap();
    // A file system of its own that holds the old database and little more.
    let script = r#"mount -t tmpfs -o size=200k tmpfs "$1" || exit 77
        cp "$2" "$1/d.db" || exit 77
        DB_FILE="$1/d.db" "$3" init-dashboard-db; echo "code=$?"
        DB_FILE="$1/d.db" "$3" init-dashboard-db --force; echo "code=$?"
        DB_FILE="$1/d.db" "$3" init-dashboard-db --check; ls "$1""#;
    older(&crew);
    crew.run("init-dashboard-db", ["--check"]).code(0);
    let mut command = crew.command("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]);
    command.args([place.as_path(), &crew.database(), program()]);
    let ended = finish(&mut command, None);
    if ended.code != 0 {
        println!("skipped: no file system can be mounted here: {}", ended.stderr.trim());
        return;
    }
    assert!(
        ended.stderr.contains("the disk is full") && ended.stderr.contains("is full; nothing was written"),
        "{ended:?}"
    );
    assert!(
        ended.stdout.contains("Projects: 1") && ended.stdout.contains("code=0") && ended.stdout.contains("code=1"),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("version 5 to 7") && !ended.stdout.contains(".backup."), "{ended:?}");
}

#[test]
fn a_limit_on_the_size_of_files_changes_nothing() {
    let crew = Crew::new();
    older(&crew);
    let script = r#"trap '' XFSZ; ulimit -f 80; exec "$1" init-dashboard-db"#;
    let mut command = crew.command("sh");
    command.args(["-c", script, "sh"]).arg(program());
    let ended = finish(&mut command, None);
    assert!(ended.code == 0 && ended.stdout.contains("Projects: 1"), "{ended:?}");
    assert!(ended.stderr.lines().count() == 1 && ended.stderr.contains("no copy can be made"), "{ended:?}");
    assert_eq!(crew.value("PRAGMA user_version"), json!(0));
    assert_eq!(crew.value("SELECT count(*) FROM tasks"), json!(4));
    let names: Vec<_> =
        fs::read_dir(crew.claude().join("data")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains(".backup.")), "{names:?}");
}

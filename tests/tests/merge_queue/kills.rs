//! A processor that is killed at any point: the next one finds out from git how far it came.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{branch, enqueue, no_leftovers, process, shop};
use crewkit_tests::{Crew, Ended, Value, finish};

/// When the processor is killed, as seen from one of its calls of git.
#[derive(Debug, Clone, Copy)]
pub(super) enum When {
    /// Git has not begun.
    Before,
    /// Git runs on after the kill.
    During,
    /// Git has ended.
    After,
}

/// The real git.
fn git() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path).map(|folder| folder.join("git")).find(|file| file.is_file()).unwrap()
}

/// Puts a git first in PATH that kills its caller at the call numbered `KILL_AT`, or at the first call whose arguments
/// begin with `KILL_AT`.
pub(super) fn deadly_git(crew: &Crew) {
    let body = r#"
if [ -n "$KILL_AT" ]; then
  n=0; [ -e "$KILL_COUNT" ] && read -r n <"$KILL_COUNT"; n=$((n + 1)); echo "$n" >"$KILL_COUNT"
  first=; case "$*" in "$KILL_AT"*) first=yes ;; esac
  if [ "$n" = "$KILL_AT" ] || [ -n "$first" ]; then
    case "$KILL_WHEN" in
      Before) kill -9 "$PPID"; exit 1 ;;
      During) kill -9 "$PPID" ;;
      After) GIT "$@"; kill -9 "$PPID"; exit 1 ;;
    esac
  fi
fi
exec GIT "$@""#;
    crew.stub("git", &body.replace("GIT \"$@\"", &format!("'{}' \"$@\"", git().display())));
}

/// Runs `process` and kills it at its call of git numbered or named `at`; gives its answer and whether it was killed.
pub(super) fn process_killed(crew: &Crew, top: &Path, arguments: &[&str], at: &str, when: When) -> (Ended, bool) {
    let count = crew.root().join("count");
    let _ = std::fs::remove_file(&count);
    let mut call = crew.tool("merge-queue");
    call.current_dir(top).arg("process").args(arguments);
    call.env("KILL_AT", at).env("KILL_WHEN", format!("{when:?}")).env("KILL_COUNT", &count);
    let ended = finish(&mut call, None);
    let killed = ended.code == 128 + 9;
    (ended, killed)
}

#[track_caller]
fn killed_at_each_call(when: When, arguments: &[&str]) {
    let (crew, top) = shop();
    deadly_git(&crew);
    let mut landed = 0;
    for at in 1.. {
        let name = format!("b{at}");
        let in_work = top.join("in-work.txt");
        let _ = std::fs::remove_file(&in_work);
        branch(&crew, &top, &name, &format!("f{at}"), "x\n");
        crew.write(&in_work, format!("{at}\n"));
        let before = crew.git(&top, &["rev-parse", "main"]);
        enqueue(&crew, &top, &name);
        let (ended, killed) = process_killed(&crew, &top, arguments, &at.to_string(), when);
        if killed {
            let answer = process(&crew, &top, arguments, 0);
            assert_eq!(answer["status"], "merged", "{when:?} {at}: {answer}");
            assert_eq!(answer["left_behind"], Value::Null, "{when:?} {at}: {answer}");
        } else {
            assert_eq!(ended.json()["status"], "merged", "{when:?} {at}");
        }
        landed += 1;
        let line = crew.git(&top, &["rev-list", "--first-parent", "--count", &format!("{before}..main")]);
        assert_eq!(line, "1", "{when:?} {at}: landed once, whatever happened");
        let result = crew.value(&format!("SELECT result FROM merge_queue WHERE branch = '{name}' AND status = 'done'"));
        assert_eq!(result.as_str(), Some(crew.git(&top, &["rev-parse", "main"]).as_str()), "{when:?} {at}");
        assert_eq!(crew.git(&top, &["status", "--porcelain"]), "?? in-work.txt", "{when:?} {at}");
        no_leftovers(&crew, &top);
        if !killed {
            assert!(landed > 8, "{landed}");
            return;
        }
    }
}

#[test]
fn killed_before_each_call_of_git() {
    killed_at_each_call(When::Before, &[]);
}

#[test]
fn killed_while_each_call_of_git_goes_on() {
    killed_at_each_call(When::During, &[]);
}

#[test]
fn killed_after_each_call_of_git() {
    killed_at_each_call(When::After, &["--validate-cmd", "test -f README.md"]);
}

#[test]
fn killed_at_random_moments() {
    let (crew, top) = shop();
    let names: Vec<String> = (0..6).map(|number| format!("b{number}")).collect();
    for name in &names {
        branch(&crew, &top, name, name, "x\n");
        enqueue(&crew, &top, name);
    }
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    for _ in 0..25 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut child = crew.tool("merge-queue").current_dir(&top).args(["process", "--all"]).spawn().unwrap();
        std::thread::sleep(Duration::from_micros((seed >> 33) % 60_000));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    finish(crew.tool("merge-queue").current_dir(&top).args(["process", "--all"]), None).code(0);
    assert_eq!(crew.value("SELECT count(*) FROM merge_queue WHERE status = 'done'"), 6);
    assert_eq!(crew.git(&top, &["rev-list", "--first-parent", "--count", "main"]), "7");
    assert_eq!(crew.git(&top, &["status", "--porcelain"]), "");
    crew.git(&top, &["fsck", "--no-dangling"]);
    no_leftovers(&crew, &top);
}

/// Git's own way of moving a branch would leave a lock that nobody can tell from a living git's.
#[test]
fn killed_with_all_that_it_started_and_the_branch_locked() {
    let (crew, top) = shop();
    deadly_git(&crew);
    for (number, moved) in [false, true].into_iter().enumerate() {
        let name = format!("b{number}");
        branch(&crew, &top, &name, &name, "x\n");
        enqueue(&crew, &top, &name);
        assert!(process_killed(&crew, &top, &[], "show -s", When::Before).1);
        let lock = top.join(".git/refs/heads/main.lock");
        assert!(lock.exists() && !top.join(".git/HEAD.lock").exists());
        if moved {
            // Somebody moved the branch before it was locked: what was to be landed is no longer on top of it.
            let tree = crew.git(&top, &["rev-parse", "main^{tree}"]);
            let other = crew.git(&top, &["commit-tree", &tree, "-p", "main", "-m", "other"]);
            crew.write(&top.join(".git/refs/heads/main"), format!("{other}\n"));
        }
        let answer = process(&crew, &top, &[], 0);
        assert_eq!(answer["status"], "merged", "{answer}");
        assert!(!lock.exists());
        crew.git(&top, &["show", &format!("main:{name}")]);
        crew.git(&top, &["fsck", "--no-dangling"]);
        no_leftovers(&crew, &top);
    }
    let log = crew.git(&top, &["reflog", "show", "--format=%gs", "main"]);
    assert_eq!(log.lines().filter(|line| *line == "merge-queue: landed").count(), 2, "{log}");
    let head = crew.git(&top, &["reflog", "show", "--format=%gs", "HEAD"]);
    assert!(head.starts_with("merge-queue: landed"), "{head}");
}

/// A lock of somebody else's git is respected, and said.
#[test]
fn a_branch_that_git_is_at_work_on_is_left_alone() {
    let (crew, top) = shop();
    branch(&crew, &top, "b", "f", "x\n");
    enqueue(&crew, &top, "b");
    let lock = top.join(".git/refs/heads/main.lock");
    crew.write(&lock, "");
    let answer = process(&crew, &top, &[], 1);
    assert_eq!((&answer["status"], &answer["reason"]), (&"blocked".into(), &"main_busy".into()), "{answer}");
    assert!(lock.exists());
    std::fs::remove_file(lock).unwrap();
    assert_eq!(process(&crew, &top, &[], 0)["status"], "merged");
}

#[test]
fn a_half_written_checkout_is_finished_and_changes_of_others_are_not() {
    let (crew, top) = shop();
    deadly_git(&crew);
    for (number, meddled) in [false, true].into_iter().enumerate() {
        let (one, two) = (format!("one{number}"), format!("two{number}"));
        let name = format!("b{number}");
        branch(&crew, &top, &name, &one, "1\n");
        crew.git(&top, &["checkout", "-q", &name]);
        crew.write(&top.join(&two), "2\n");
        crew.git(&top, &["add", "-A"]);
        crew.git(&top, &["commit", "-q", "-m", "two"]);
        crew.git(&top, &["checkout", "-q", "main"]);
        enqueue(&crew, &top, &name);
        // Killed right after the branch moved, some files written.
        assert!(process_killed(&crew, &top, &[], "read-tree -m -u", When::Before).1);
        assert!(top.join(".git/index.lock").exists() && !top.join(&one).exists());
        let frozen = finish(crew.command(git()).current_dir(&top).args(["commit", "-qam", "lies"]), None);
        assert_eq!(frozen.code, 128, "the checkout is held still: {frozen:?}");
        crew.write(&top.join(&one), if meddled { "mine\n" } else { "1\n" });
        let answer = finish(crew.tool("merge-queue").current_dir(&top).arg("process"), None).code(0);
        assert_eq!(answer.json()["recovered"], true);
        let status = crew.git(&top, &["status", "--porcelain"]);
        if meddled {
            assert!(answer.stderr.contains("stays behind"), "{answer:?}");
            assert_eq!(std::fs::read_to_string(top.join(&one)).unwrap(), "mine\n");
        } else {
            assert_eq!((status.as_str(), top.join(&two).is_file()), ("", true));
        }
        no_leftovers(&crew, &top);
    }
}

#[test]
fn a_row_left_by_the_old_queue_is_settled_by_looking_at_git() {
    let (crew, top) = shop();
    branch(&crew, &top, "landed", "a", "x\n");
    branch(&crew, &top, "waiting", "b", "x\n");
    enqueue(&crew, &top, "landed");
    enqueue(&crew, &top, "waiting");
    crew.git(&top, &["merge", "-q", "--no-ff", "-m", "Merge branch 'landed' via merge-queue", "landed"]);
    let commit = crew.git(&top, &["rev-parse", "main"]);
    crew.sql("UPDATE merge_queue SET status = 'processing', repository = NULL RETURNING id");
    let answer = process(&crew, &top, &[], 0);
    assert_eq!(
        (answer["branch"].as_str(), answer["recovered"][0]["branch"].as_str()),
        (Some("waiting"), Some("landed"))
    );
    assert_eq!(crew.value("SELECT result FROM merge_queue WHERE branch = 'landed'"), commit);
}

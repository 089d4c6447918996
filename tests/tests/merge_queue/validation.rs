//! Trying a candidate out before it is landed.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{branch, enqueue, entry, no_leftovers, process, queue, shop, subjects};
use crewkit_tests::{Crew, Value, finish};

#[test]
fn exactly_the_validated_commit_is_landed() {
    let (crew, top) = shop();
    branch(&crew, &top, "feat/a", "a.txt", "A\n");
    enqueue(&crew, &top, "feat/a");
    let command = "git rev-parse HEAD > \"$HOME/seen\"; git status --porcelain >> \"$HOME/seen\"; pwd >> \"$HOME/seen\"; \
                   echo more >> a.txt; rm README.md";
    let answer = process(&crew, &top, &["--validate", command], 0);
    let seen = std::fs::read_to_string(crew.home().join("seen")).unwrap();
    let seen: Vec<&str> = seen.lines().collect();
    assert_eq!(
        (seen.len(), seen[0], answer["commit"].as_str()),
        (2, answer["commit"].as_str().unwrap(), Some(seen[0]))
    );
    assert_eq!(crew.git(&top, &["rev-parse", "main"]), seen[0]);
    assert!(!Path::new(seen[1]).exists() && !seen[1].starts_with(top.to_str().unwrap()), "{seen:?}");
    assert_eq!(crew.git(&top, &["status", "--porcelain"]), "");
    assert_eq!(std::fs::read_to_string(top.join("a.txt")).unwrap(), "A\n");
    no_leftovers(&crew, &top);
}

#[test]
fn a_failure_tells_its_code_and_keeps_its_output() {
    let (crew, top) = shop();
    branch(&crew, &top, "feat/a", "a.txt", "A\n");
    crew.write(&top.join("README.md"), "# in work\n");
    enqueue(&crew, &top, "feat/a");
    let answer = process(&crew, &top, &["--validate-cmd", "echo to out; echo to err >&2; exit 3"], 1);
    assert_eq!((answer["reason"].as_str(), answer["reverted"].as_bool()), (Some("validation_failed"), Some(true)));
    assert_eq!(answer["exit_code"], 3);
    let error = entry(&crew, "feat/a").1;
    assert!(error.contains("validation failed") && error.contains("to out\nto err"), "{error}");
    let log = Path::new(answer["log"].as_str().unwrap());
    assert!(std::fs::read_to_string(log).unwrap().ends_with("to out\nto err\n"));
    assert_eq!(std::fs::metadata(log).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(log.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!((subjects(&crew, &top).as_str(), crew.git(&top, &["stash", "list"])), ("first commit", String::new()));
    assert_eq!(std::fs::read_to_string(top.join("README.md")).unwrap(), "# in work\n");
    no_leftovers(&crew, &top);
}

#[test]
fn time_is_limited() {
    let (crew, top) = shop();
    branch(&crew, &top, "feat/a", "a.txt", "A\n");
    enqueue(&crew, &top, "feat/a");
    let begun = Instant::now();
    let answer = process(&crew, &top, &["--timeout", "1", "--validate-cmd", "echo begun; sleep 60 & sleep 60"], 1);
    assert_eq!((answer["timed_out"].as_bool(), answer["reason"].as_str()), (Some(true), Some("validation_failed")));
    assert!(begun.elapsed() < Duration::from_secs(9) && entry(&crew, "feat/a").1.contains("longer than 1 s"));
    queue(&crew, &top, &["process", "--timeout", "0"]).refused(1, &["--timeout"]);
}

#[test]
fn the_command_comes_from_the_settings_or_the_manifest() {
    let (crew, top) = shop();
    for number in 0..5 {
        branch(&crew, &top, &format!("b{number}"), &format!("f{number}"), "x\n");
        enqueue(&crew, &top, &format!("b{number}"));
    }
    assert_eq!(process(&crew, &top, &["--validate"], 0)["validated"], Value::Null);
    crew.git(&top, &["config", "crewkit.validate", "test -f f1"]);
    assert_eq!(process(&crew, &top, &[], 0)["validated"], "test -f f1");
    let mut call = crew.tool("merge-queue");
    let ended = finish(call.current_dir(&top).arg("process").env("MERGE_QUEUE_VALIDATE", "test -f f2"), None);
    assert_eq!(ended.code(0).json()["validated"], "test -f f2");
    assert_eq!(process(&crew, &top, &["--no-validate"], 0)["validated"], Value::Null);
    crew.git(&top, &["config", "--unset", "crewkit.validate"]);

    crew.write(&top.join("Cargo.toml"), "");
    crew.git(&top, &["add", "-A"]);
    crew.git(&top, &["commit", "-q", "-m", "manifest"]);
    crew.stub("cargo", "echo \"$*\" >> \"$HOME/cargo.log\"; ls >> \"$HOME/cargo.log\"");
    assert_eq!(process(&crew, &top, &["--validate"], 0)["validated"], "cargo check");
    assert!(std::fs::read_to_string(crew.home().join("cargo.log")).unwrap().starts_with("check\nCargo.toml\n"));
}

#[test]
fn a_check_that_cannot_run_is_no_fault_of_the_branch() {
    let (crew, top) = shop();
    crew.write(&top.join("package.json"), "{}");
    crew.git(&top, &["add", "-A"]);
    crew.git(&top, &["commit", "-q", "-m", "manifest"]);
    branch(&crew, &top, "feat/a", "a.txt", "A\n");
    enqueue(&crew, &top, "feat/a");
    let mut call = crew.tool("merge-queue");
    for program in ["git", "sh"] {
        let path = std::env::var_os("PATH").unwrap();
        let real = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file()).unwrap();
        std::os::unix::fs::symlink(real, crew.root().join("bin").join(program)).unwrap();
    }
    call.current_dir(&top).args(["process", "--validate"]).env("PATH", crew.root().join("bin"));
    let answer = finish(&mut call, None).code(1).json();
    assert_eq!(
        (answer["status"].as_str(), answer["reason"].as_str()),
        (Some("blocked"), Some("validation_unavailable"))
    );
    assert!(answer["error"].as_str().unwrap().contains("npx"));
    assert_eq!(entry(&crew, "feat/a").0, "queued");
    no_leftovers(&crew, &top);
}

#[test]
fn the_installed_modules_are_lent_to_the_type_check() {
    let (crew, top) = shop();
    crew.write(&top.join(".gitignore"), "node_modules\n");
    crew.write(&top.join("package.json"), "{}");
    crew.git(&top, &["add", "-A"]);
    crew.git(&top, &["commit", "-q", "-m", "manifest"]);
    crew.write(&top.join("node_modules/dep/index.js"), "x");
    branch(&crew, &top, "feat/a", "a.txt", "A\n");
    enqueue(&crew, &top, "feat/a");
    crew.stub("npx", "test -f node_modules/dep/index.js");
    assert_eq!(process(&crew, &top, &["--validate"], 0)["validated"], "npx tsc --noEmit");
    assert!(top.join("node_modules/dep/index.js").is_file());
}

#[test]
fn a_batch_of_ten_is_halved_until_the_bad_one_stands_alone() {
    let (crew, top) = shop();
    for number in 0..10 {
        let file = if number == 6 { "bad".to_owned() } else { format!("f{number}") };
        branch(&crew, &top, &format!("b{number}"), &file, "x\n");
        enqueue(&crew, &top, &format!("b{number}"));
    }
    let command = "echo trial >> \"$HOME/trials\"; test ! -e bad";
    let answer = process(&crew, &top, &["--batch", "10", "--validate-cmd", command], 1);
    assert_eq!((answer["merged"].as_u64(), answer["failed"].as_u64()), (Some(9), Some(1)));
    assert_eq!(entry(&crew, "b6").0, "failed");
    let trials = std::fs::read_to_string(crew.home().join("trials")).unwrap().lines().count();
    assert!(trials < 10, "{trials}");
    assert_eq!(crew.git(&top, &["rev-list", "--count", "--first-parent", "main"]), "10");
    for row in crew.sql("SELECT result FROM merge_queue WHERE status = 'done'") {
        crew.git(&top, &["merge-base", "--is-ancestor", row[0].as_str().unwrap(), "main"]);
    }
    assert_eq!(crew.git(&top, &["status", "--porcelain"]), "");
}

#[test]
fn a_conflict_with_a_batch_mate_is_judged_against_main() {
    let (crew, top) = shop();
    branch(&crew, &top, "one", "same", "1\n");
    branch(&crew, &top, "two", "same", "2\n");
    branch(&crew, &top, "three", "other", "3\n");
    for name in ["one", "two", "three"] {
        enqueue(&crew, &top, name);
    }
    // The first fails, so the second conflicts with nothing.
    let command = "test ! -e same || test \"$(cat same)\" != 1";
    let answer = process(&crew, &top, &["--batch", "3", "--validate-cmd", command], 1);
    assert_eq!((answer["merged"].as_u64(), answer["failed"].as_u64()), (Some(2), Some(1)), "{answer}");
    assert_eq!((entry(&crew, "one").0.as_str(), entry(&crew, "two").0.as_str()), ("failed", "done"));
}

#[test]
fn two_processors_are_kept_apart_and_a_dead_ones_children_hold_nothing() {
    let (crew, top) = shop();
    branch(&crew, &top, "feat/a", "a.txt", "A\n");
    enqueue(&crew, &top, "feat/a");
    let mut first = start(&crew, &top, "touch \"$HOME/begun\"; sleep 5");
    wait_until(|| crew.home().join("begun").exists());
    let refused = queue(&crew, &top, &["process"]).code(1);
    assert!(refused.stderr.contains("another merge process is running") && refused.stdout.is_empty());
    assert_eq!(process(&crew, &top, &["--dry-run"], 0)["status"], "empty");
    first.kill().unwrap();
    first.wait().unwrap();
    let begun = Instant::now();
    assert_eq!(process(&crew, &top, &["--no-validate"], 0)["status"], "merged");
    assert!(begun.elapsed() < Duration::from_secs(4));
    no_leftovers(&crew, &top);

    branch(&crew, &top, "feat/b", "b.txt", "B\n");
    enqueue(&crew, &top, "feat/b");
    std::fs::remove_file(crew.home().join("begun")).unwrap();
    let mut first = start(&crew, &top, "touch \"$HOME/begun\"; sleep 1");
    wait_until(|| crew.home().join("begun").exists());
    assert_eq!(process(&crew, &top, &["--wait", "20"], 0)["status"], "empty");
    assert!(first.wait().unwrap().success());
}

fn start(crew: &Crew, top: &Path, command: &str) -> std::process::Child {
    let mut call = crew.tool("merge-queue");
    call.current_dir(top).args(["process", "--validate-cmd", command]).stdout(Stdio::null()).stderr(Stdio::null());
    call.spawn().unwrap()
}

fn wait_until(ready: impl Fn() -> bool) {
    let begun = Instant::now();
    while !ready() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it never came");
        std::thread::sleep(Duration::from_millis(10));
    }
}

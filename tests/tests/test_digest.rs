//! test-digest and the logs it keeps: the real program around real commands.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crewkit_tests::{Crew, Value, finish, json, program};

const PASSED: &str = "printf 'running 1 test\\ntest a ... ok\\n\\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\\n'";

fn logs(crew: &Crew) -> PathBuf {
    crew.home().join(".cache/crewkit/logs")
}

fn wrapped(crew: &Crew, script: &str) -> (Value, i32) {
    let ended = crew.run("test-digest", ["--", "sh", "-c", script]);
    (ended.json(), ended.code)
}

#[test]
fn the_commands_exit_code_is_handed_on() {
    let crew = Crew::new();
    let (answer, code) = wrapped(&crew, PASSED);
    assert_eq!((answer, code), (json!({"framework": "cargo", "status": "pass", "total": 1}), 0));
    let (answer, code) = wrapped(&crew, &format!("{PASSED}; exit 7"));
    assert_eq!((&answer["status"], &answer["exit_code"], code), (&json!("fail"), &json!(7), 7));
    let (answer, code) = wrapped(&crew, "echo dying; kill -9 $$");
    assert_eq!((&answer["status"], &answer["exit_code"], code), (&json!("fail"), &json!(137), 137));
    assert_eq!(answer["failures"], json!([{"msg": "ended by signal 9 (SIGKILL)"}, {"msg": "dying"}]));
    let ended = crew.run("test-digest", ["--", "no-such-runner-here"]);
    assert_eq!((ended.code, &ended.json()["status"]), (127, &json!("fail")));
    assert!(ended.stderr.contains("no-such-runner-here") && ended.stdout.contains("no-such-runner-here"), "{ended:?}");
    let (answer, code) = wrapped(&crew, "echo nothing known");
    assert_eq!((&answer["status"], code), (&json!("unsure"), 0));
}

#[test]
fn the_whole_output_is_kept_and_read_again() {
    let crew = Crew::new();
    let (answer, _) =
        wrapped(&crew, "printf '\\033[31mred\\033[0m\\n'; seq 1 5000; echo 'panic at the end' >&2; exit 3");
    let path = Path::new(answer["log"].as_str().unwrap());
    let bytes = fs::read(path).unwrap();
    assert_eq!(answer["log_bytes"], bytes.len());
    assert!(bytes.starts_with(b"\x1b[31mred") && bytes.ends_with(b"panic at the end\n"));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(path), mode(&logs(&crew))), (0o600, 0o700));
    let log = |arguments: &[&str]| finish(crew.command(program()).arg("log").args(arguments), None);
    let id = path.file_stem().unwrap().to_str().unwrap();
    assert!(log(&["list"]).code(0).stdout.starts_with(id));
    assert_eq!(log(&["show", &id[..6], "--head", "2"]).code(0).stdout, "red\n1\n");
    assert_eq!(log(&["show", "last", "--tail", "1"]).code(0).stdout, "panic at the end\n");
    assert_eq!(log(&["grep", path.to_str().unwrap(), "panic"]).code(0).stdout, "5002:panic at the end\n");
    assert_eq!(log(&["grep", id, "no such text"]).code(1).stdout, "");
    log(&["show", "ffffffffffff"]).refused(1, &["ffffffffffff"]);
    assert!(fs::read_to_string(crew.home().join(".cache/crewkit/savings.tsv")).unwrap().contains("\ttest-digest\t"));
}

#[test]
fn without_a_place_for_logs_the_answer_still_comes() {
    let crew = Crew::new();
    crew.write(&crew.home().join(".cache"), "a file");
    let (answer, code) = wrapped(&crew, "echo broken >&2; exit 4");
    assert_eq!((&answer["failures"][0]["msg"], answer.get("log"), code), (&json!("broken"), None, 4));
}

#[test]
fn an_interrupt_ends_the_whole_group_and_still_reports() {
    let crew = Crew::new();
    let mark = crew.work().join("started");
    let script = format!("{PASSED}; sleep 300 & echo $! > '{0}.tmp'; mv '{0}.tmp' '{0}'; wait", mark.display());
    let mut command = crew.tool("test-digest");
    let child =
        command.args(["--", "sh", "-c", &script]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while !mark.exists() {
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(10));
    }
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!((&answer["status"], &answer["exit_code"], &answer["total"]), (&json!("fail"), &json!(130), &json!(1)));
    let grandchild = fs::read_to_string(&mark).unwrap();
    let alive = || {
        let status = fs::read_to_string(format!("/proc/{}/stat", grandchild.trim())).unwrap_or_default();
        !status.is_empty() && !status.contains(") Z ")
    };
    let begun = Instant::now();
    while alive() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the grandchild lives on");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_pipe_that_is_interrupted_tells_what_came_through_it() {
    let crew = Crew::new();
    let mut command = crew.tool("test-digest");
    let mut child =
        command.arg("--stdin").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let report = "Ran 2 tests in 0.001s\n\nOK\n";
    let mut pipe = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut pipe, report.as_bytes()).unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    let handled = || {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim().to_owned();
        u64::from_str_radix(&caught, 16).unwrap() & 0b10 != 0
    };
    let begun = Instant::now();
    while !handled() {
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(5));
    }
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!((&answer["status"], &answer["exit_code"], &answer["total"]), (&json!("fail"), &json!(130), &json!(2)));
}

#[test]
fn a_time_limit_reports_what_had_finished() {
    let crew = Crew::new();
    let script = format!("{PASSED}; sleep 300");
    let ended = crew.run("test-digest", ["--time-limit", "1", "--", "sh", "-c", &script]);
    let answer = ended.json();
    assert_eq!((ended.code, &answer["status"], &answer["timed_out"]), (143, &json!("fail"), &json!(true)));
    assert_eq!(answer["total"], 1);
    let polite = format!("trap 'exit 0' TERM; {PASSED}; while :; do sleep 0.05; done");
    let ended = crew.run("test-digest", ["--time-limit", "1", "--", "sh", "-c", &polite]);
    assert_eq!((ended.code, &ended.json()["status"]), (143, &json!("fail")));
}

#[test]
fn a_folder_without_a_project_runs_nothing() {
    let crew = Crew::new();
    for name in ["npm", "npx", "cargo"] {
        crew.stub(name, "touch \"$HOME/called\"");
    }
    let ended = crew.run("test-digest", [""; 0]);
    assert_eq!((ended.code, &ended.json()["status"]), (1, &json!("error")));
    assert!(ended.stdout.contains("package.json") && ended.stdout.contains("Cargo.toml"), "{ended:?}");
    assert!(!crew.home().join("called").exists());
    let gone = crew.work().join("gone");
    fs::create_dir(&gone).unwrap();
    let script = format!("rmdir '{}'; exec \"$0\" -- true", gone.display());
    let program = crew.tool("test-digest").get_program().to_owned();
    let ended = finish(crew.command("sh").args(["-c", &script]).arg(program).current_dir(&gone), None);
    assert_eq!((ended.code, &ended.json()["status"]), (1, &json!("error")));
}

#[test]
fn a_project_above_the_folder_is_found_up_to_the_top_of_the_repository() {
    let crew = Crew::new();
    let inner = crew.work().join("repo/a/b");
    crew.write(&crew.work().join("package.json"), r#"{"scripts":{"test":"x"}}"#);
    crew.write(&crew.work().join("repo/.git/HEAD"), "");
    fs::create_dir_all(&inner).unwrap();
    crew.stub("npx", "echo \"npx $* in $PWD\" >> \"$HOME/calls\"; exit 1");
    crew.stub("cargo", "echo \"cargo $* in $PWD\" >> \"$HOME/calls\"; exit 1");
    let run = || finish(crew.tool("test-digest").current_dir(&inner), None);
    assert_eq!(run().json()["status"], "error");
    crew.write(&crew.work().join("repo/Cargo.toml"), "");
    run().code(1);
    crew.write(&crew.work().join("repo/a/package.json"), r#"{"devDependencies":{"vitest":"1"}}"#);
    run().code(1);
    let calls = fs::read_to_string(crew.home().join("calls")).unwrap();
    let above = inner.parent().unwrap().display();
    let wanted = format!("cargo test in {}\nnpx vitest run --reporter=json in {above}\n", inner.display());
    assert_eq!(calls, wanted);
}

#[test]
fn the_lock_file_names_the_package_manager() {
    let crew = Crew::new();
    crew.write(&crew.work().join("package.json"), r#"{"scripts":{"test":"x"}}"#);
    for name in ["npm", "pnpm", "bun"] {
        crew.stub(name, &format!("echo \"{name} $*\" >> \"$HOME/calls\"; exit 1"));
    }
    crew.write(&crew.work().join("yarn.lock"), "");
    crew.run("test-digest", ["--watch=false"]).code(1);
    crew.write(&crew.work().join("bun.lock"), "");
    crew.run("test-digest", ["--watch=false"]).code(1);
    crew.write(&crew.work().join("pnpm-lock.yaml"), "");
    let ended = crew.run("test-digest", ["--watch=false"]);
    assert_eq!((ended.code, &ended.json()["framework"]), (1, &json!("npm")));
    let calls = fs::read_to_string(crew.home().join("calls")).unwrap();
    assert_eq!(calls, "npm test -- --watch=false\nbun run test --watch=false\npnpm test --watch=false\n");
}

#[test]
fn what_failed_last_is_asked_of_the_runner() {
    let crew = Crew::new();
    crew.write(&crew.work().join("pytest.ini"), "");
    crew.stub("pytest", "echo \"$*\" >> \"$HOME/calls\"; exit 1");
    crew.run("test-digest", ["--failed", "-q"]).code(1);
    crew.write(&crew.work().join("package.json"), r#"{"devDependencies":{"jest":"1"}}"#);
    crew.stub("npx", "echo \"$*\" >> \"$HOME/calls\"; exit 1");
    crew.run("test-digest", ["a.test.js", "--failed"]).code(1);
    let calls = fs::read_to_string(crew.home().join("calls")).unwrap();
    assert_eq!(calls, "--last-failed -q\njest --json --silent --onlyFailures a.test.js\n");
    let ended = crew.run("test-digest", ["--failed", "--suite", "cargo"]).code(1);
    assert!(ended.stderr.contains("cargo does not remember"), "{ended:?}");
    let ended = crew.run("test-digest", ["--failed", "--", "true"]).code(1);
    assert!(ended.stderr.contains("--failed"), "{ended:?}");
}

#[test]
fn a_report_file_of_an_earlier_run_does_not_count() {
    let crew = Crew::new();
    let path = crew.work().join("report.xml");
    crew.write(&path, "<testsuite><testcase name='a'/></testsuite>");
    let old = std::time::SystemTime::now() - Duration::from_secs(60);
    fs::File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
    let ended = crew.run("test-digest", ["--junit", "report.xml", "--", "true"]);
    assert_eq!((ended.code, &ended.json()["status"]), (0, &json!("unsure")));
    assert!(ended.stderr.contains("older"), "{ended:?}");
    let fresh = crew.run("test-digest", ["--junit", "report.xml", "--", "touch", "report.xml"]);
    assert_eq!((fresh.code, &fresh.json()["status"]), (0, &json!("pass")));
}

#[test]
fn runs_side_by_side_keep_their_own_answers_and_logs() {
    let crew = Crew::new();
    let children: Vec<_> = (0..60)
        .map(|number| {
            let script = format!("seq {number} 3000; echo end of {number}; exit 9");
            let mut command = crew.tool("test-digest");
            command.args(["--", "sh", "-c", &script]).stdout(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for (number, child) in children.into_iter().enumerate() {
        let output = child.wait_with_output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(9));
        let log = fs::read_to_string(answer["log"].as_str().unwrap()).unwrap();
        assert!(log.ends_with(&format!("end of {number}\n")) && log.starts_with(&format!("{number}\n")));
    }
    assert_eq!(fs::read_dir(logs(&crew)).unwrap().count(), 60);
}

#[test]
fn the_runner_is_found_by_the_project_and_gets_the_arguments() {
    let crew = Crew::new();
    crew.stub("cargo", "echo \"$*\" >> \"$HOME/calls\"; exit 101");
    crew.write(&crew.work().join("Cargo.toml"), "");
    let ended = crew.run("test-digest", ["--no-cache", "-p", "one", "--", "--nocapture"]);
    assert_eq!((ended.code, &ended.json()["framework"]), (101, &json!("cargo")));
    crew.run("test-digest", ["--", "--nocapture"]).code(101);
    crew.run("test-digest", ["--suite", "nextest"]).code(101);
    crew.write(&crew.work().join("package.json"), r#"{"scripts":{"test":"x"}}"#);
    crew.stub("npm", "echo \"npm $*\" >> \"$HOME/calls\"; exit 1");
    crew.run("test-digest", ["--watch=false"]).code(1);
    let calls = fs::read_to_string(crew.home().join("calls")).unwrap();
    assert_eq!(calls, "test -p one -- --nocapture\ntest -- --nocapture\nnextest run\nnpm test -- --watch=false\n");
    crew.run("test-digest", ["--suite"]).refused(1, &["--suite"]);
    let ended = crew.run("test-digest", ["--suite", "e2e"]);
    assert_eq!((ended.code, &ended.json()["status"]), (1, &json!("error")));
}

#[test]
fn a_runner_that_asks_gets_no_standard_input() {
    let crew = Crew::new();
    let script = format!("read line && echo got; {PASSED}");
    let ended = crew.feed("typed\n", "test-digest", ["--", "sh", "-c", &script]);
    assert_eq!((ended.code, &ended.json()["status"]), (0, &json!("pass")));
}

#[test]
fn junit_from_a_file_counts_in_place_of_the_text() {
    let crew = Crew::new();
    let xml = r#"<testsuites><testsuite name="s"><testcase name="a"/><testcase name="b"><failure message="no"/></testcase></testsuite></testsuites>"#;
    crew.write(&crew.work().join("report.xml"), xml);
    let ended = crew.run("test-digest", ["--junit", "report.xml", "--", "sh", "-c", "echo done; exit 1"]);
    let answer = ended.json();
    assert_eq!(
        (ended.code, &answer["framework"], &answer["total"], &answer["failed"]),
        (1, &json!("junit"), &json!(2), &json!(1))
    );
    let ended = crew.run("test-digest", ["--junit", "none.xml", "--", "sh", "-c", PASSED]);
    assert_eq!(ended.json()["status"], "unsure");
}

#[test]
fn a_hundred_thousand_lines_pass_quickly() {
    let crew = Crew::new();
    let begun = Instant::now();
    let (answer, code) = wrapped(&crew, &format!("seq -f 'some line of output number %.0f' 1 100000; {PASSED}"));
    assert_eq!((&answer["status"], code), (&json!("pass"), 0));
    assert!(begun.elapsed() < Duration::from_secs(20));
}

//! build-digest: the real program around real commands.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crewkit_tests::{Crew, Value, finish, json};

fn wrapped(crew: &Crew, script: &str) -> (Value, i32) {
    let ended = crew.run("build-digest", ["--", "sh", "-c", script]);
    (ended.json(), ended.code)
}

fn app(crew: &Crew) {
    crew.write(&crew.work().join("package.json"), r#"{"scripts":{"build":"x"}}"#);
}

#[test]
fn the_commands_exit_code_is_handed_on() {
    let crew = Crew::new();
    let (answer, code) = wrapped(&crew, "true");
    assert_eq!((answer, code), (json!({"framework": "generic", "status": "ok"}), 0));
    let (answer, code) = wrapped(&crew, "echo linking; echo no space left; exit 7");
    assert_eq!((&answer["status"], &answer["exit_code"], code), (&json!("error"), &json!(7), 7));
    assert_eq!(answer["errors"], json!(["linking", "no space left"]));
    let (answer, code) = wrapped(&crew, "echo dying; kill -9 $$");
    assert_eq!((&answer["status"], &answer["exit_code"], code), (&json!("error"), &json!(137), 137));
    let ended = crew.run("build-digest", ["--", "no-such-compiler-here"]);
    assert_eq!((ended.code, &ended.json()["status"]), (127, &json!("error")));
    assert!(
        ended.stderr.contains("no-such-compiler-here") && ended.stdout.contains("no-such-compiler-here"),
        "{ended:?}"
    );
    crew.write(&crew.work().join("plain.txt"), "no program");
    assert_eq!(crew.run("build-digest", ["--", "./plain.txt"]).code, 126);
    let (answer, code) = wrapped(&crew, "echo 'a.c:3:1: error: no' >&2");
    assert_eq!((&answer["status"], code), (&json!("unsure"), 0));
    assert_eq!(answer["errors"], json!(["a.c:3: no"]));
    assert_eq!(crew.run("build-digest", ["--strict", "--", "sh", "-c", "echo 'a.c:3:1: error: no'"]).code, 1);
}

#[test]
fn the_whole_output_is_kept() {
    let crew = Crew::new();
    let (answer, _) =
        wrapped(&crew, "printf '\\033[31mred\\033[0m\\n'; seq 1 5000; echo 'error: at the end' >&2; exit 3");
    let bytes = fs::read(answer["log"].as_str().unwrap()).unwrap();
    assert_eq!((&answer["log_bytes"], &answer["errors"]), (&json!(bytes.len()), &json!(["error: at the end"])));
    assert!(bytes.starts_with(b"\x1b[31mred") && bytes.ends_with(b"error: at the end\n"));
    assert!(fs::read_to_string(crew.home().join(".cache/crewkit/savings.tsv")).unwrap().contains("\tbuild-digest\t"));
    // Nowhere to keep it: the answer still comes.
    let crew = Crew::new();
    crew.write(&crew.home().join(".cache"), "a file");
    let (answer, code) = wrapped(&crew, "echo broken >&2; exit 4");
    assert_eq!((&answer["errors"], answer.get("log"), code), (&json!(["broken"]), None, 4));
}

#[test]
fn a_script_gets_its_arguments_and_no_standard_input() {
    let crew = Crew::new();
    app(&crew);
    crew.stub("npm", "echo \"$*\" >> \"$HOME/calls\"; read line && echo \"error: got $line\"; exit 0");
    let ended = crew.feed("typed\n", "build-digest", ["--no-cache", "--mode", "staging"]);
    assert_eq!((ended.code, &ended.json()["status"], &ended.json()["errors"]), (0, &json!("ok"), &json!([])));
    crew.run("build-digest", ["--mode", "staging", "--no-cache"]).code(0);
    crew.run("build-digest", ["--", "--mode", "staging", "--no-cache"]).code(0);
    crew.run("build-digest", Vec::<&str>::new()).code(0);
    let calls = fs::read_to_string(crew.home().join("calls")).unwrap();
    let wanted =
        "run build -- --mode staging\nrun build -- --mode staging\nrun build -- --mode staging --no-cache\nrun build\n";
    assert_eq!(calls, wanted);
}

#[test]
fn a_script_is_never_answered_from_an_earlier_run() {
    let crew = Crew::new();
    app(&crew);
    crew.stub("npm", "if [ -e broken ]; then echo 'Error: broken'; exit 5; fi; echo built");
    let answer = crew.run("build-digest", Vec::<&str>::new()).code(0).json();
    let wanted = json!({
        "framework": "generic", "status": "ok", "exit_code": 0, "routes": 0, "bundle_size": "", "build_time": "",
        "ts_errors": 0, "errors": [], "warnings": []
    });
    assert_eq!(answer, wanted);
    crew.write(&crew.work().join("broken"), "");
    let answer = crew.run("build-digest", Vec::<&str>::new()).code(5).json();
    assert_eq!((&answer["status"], &answer["errors"]), (&json!("error"), &json!(["Error: broken"])));
}

#[test]
fn a_line_that_only_sounds_like_an_error_does_not_undo_a_scripts_exit_code() {
    let crew = Crew::new();
    app(&crew);
    crew.stub("npm", "echo 'Failed to load an optional plugin'");
    let answer = crew.run("build-digest", Vec::<&str>::new()).code(0).json();
    assert_eq!((&answer["status"], &answer["errors"]), (&json!("ok"), &json!(["Failed to load an optional plugin"])));
    crew.stub("npm", "echo 'src/a.ts(1,1): error TS2304: x'; echo done");
    let answer = crew.run("build-digest", Vec::<&str>::new()).code(0).json();
    assert_eq!((&answer["status"], &answer["tail"]), (&json!("unsure"), &json!(["done"])));
}

#[test]
fn linters_are_asked_for_their_own_reports() {
    let crew = Crew::new();
    crew.stub("ruff", "echo \"$*\" > \"$HOME/calls\"; echo 'warning: old setting' >&2; printf '[\\n  {\"cell\":null,\"code\":\"F401\",\"filename\":\"%s/a.py\",\"location\":{\"row\":3},\"message\":\"error: no\"}\\n]\\n' \"$PWD\"; exit 1");
    let answer = crew.run("build-digest", ["--suite", "ruff", "src"]).code(1).json();
    assert_eq!((&answer["framework"], &answer["errors"]), (&json!("ruff"), &json!(["a.py:3: F401: error: no"])));
    assert_eq!(answer["warnings"], json!(["warning: old setting"]));
    assert_eq!(fs::read_to_string(crew.home().join("calls")).unwrap(), "check --output-format json src\n");
    // Half a report is no success.
    crew.stub("ruff", "printf '[\\n  {\"cell\":null,\"code\":\"F4'");
    assert_eq!(crew.run("build-digest", ["--suite", "ruff"]).code(0).json()["status"], "unsure");
    let ended = crew.run("build-digest", ["--suite", "gcc"]);
    assert_eq!((ended.code, &ended.json()["status"]), (1, &json!("error")));
    crew.run("build-digest", ["--suite"]).refused(1, &["--suite"]);
}

#[test]
fn a_real_compiler_and_make_are_read() {
    let crew = Crew::new();
    crew.write(&crew.work().join("a.c"), "int main(void) {\n    return missing;\n}\n");
    crew.write(&crew.work().join("Makefile"), "all:\n\tcc -Wall -c a.c\n");
    let installed =
        |program: &str| finish(crew.command("sh").args(["-c", &format!("command -v {program}")]), None).code == 0;
    if !installed("make") || !installed("cc") {
        return;
    }
    let answer = crew.run("build-digest", Vec::<&str>::new()).code(2).json();
    assert_eq!((&answer["framework"], &answer["status"]), (&json!("make"), &json!("error")));
    let error = answer["errors"][0].as_str().unwrap();
    assert!(error.starts_with("a.c:2: ") && error.contains("missing"), "{answer}");
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1);
}

#[test]
fn an_interrupt_and_a_time_limit_still_report() {
    let crew = Crew::new();
    let ended = crew.run("build-digest", ["--time-limit", "1", "--", "sh", "-c", "echo 'error: first'; sleep 300"]);
    let answer = ended.json();
    assert_eq!((ended.code, &answer["status"], &answer["timed_out"]), (143, &json!("error"), &json!(true)));
    assert_eq!(answer["errors"], json!(["error: first"]));
    let mark = crew.work().join("started");
    let script = format!("echo 'error: first'; touch '{}'; sleep 300", mark.display());
    let mut command = crew.tool("build-digest");
    let child = command.args(["--", "sh", "-c", &script]).stdout(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while !mark.exists() {
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(10));
    }
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let output = child.wait_with_output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &answer["status"]), (Some(143), &json!("error")));
}

#[test]
fn a_pipe_with_its_exit_code_is_read_alike() {
    let crew = Crew::new();
    let text = "src/a.ts(3,7): error TS2304: no\n";
    let answer = crew.feed(text, "build-digest", ["--stdin", "--exit-code", "2"]).code(2).json();
    assert_eq!((&answer["framework"], &answer["errors"]), (&json!("tsc"), &json!(["src/a.ts:3: TS2304: no"])));
    let answer = crew.feed(text, "build-digest", ["--stdin"]).code(1).json();
    assert_eq!((&answer["status"], &answer["exit_code"]), (&json!("error"), &Value::Null));
}

#[test]
fn two_hundred_thousand_lines_pass_quickly() {
    let crew = Crew::new();
    let begun = Instant::now();
    let script = "seq -f 'src/f%.0f.c:1:1: error: some message that is here again and again' 1 200000; exit 1";
    let (answer, code) = wrapped(&crew, script);
    assert_eq!((&answer["errors_total"], code), (&json!(200_000), 1));
    assert!(begun.elapsed() < Duration::from_secs(30));
}

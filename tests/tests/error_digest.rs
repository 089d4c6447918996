//! error-digest: the real program as a filter and around real commands.

use std::fs;
use std::time::{Duration, Instant};

use crewkit_tests::{Crew, finish, json};

#[test]
fn a_filter_ends_with_0_whatever_it_found() {
    let crew = Crew::new();
    let answer = crew.feed("TypeError: x\n    at f (/app/a.js:1:2)\n", "error-digest", [""; 0]).code(0).json();
    assert_eq!(answer["errors"], json!([{"type": "TypeError", "msg": "x", "file": "/app/a.js", "line": 1}]));
    assert_eq!(answer.get("exit_code"), None);
    assert!(fs::read(answer["log"].as_str().unwrap()).unwrap().starts_with(b"TypeError"));
    let answer = crew.run("error-digest", [""; 0]).code(0).json();
    assert_eq!(answer, json!({"errors": [], "count": 0, "assertions": []}));
    crew.run("error-digest", ["--nonsense"]).refused(1, &["--nonsense"]);
    crew.run("error-digest", ["--run"]).refused(1, &["--run"]);
}

#[test]
fn a_command_line_is_what_a_shell_would_run() {
    let crew = Crew::new();
    let run = |line: &str| {
        let ended = crew.run("error-digest", ["--run", line]);
        (ended.json(), ended.code)
    };
    let (answer, code) = run("sh -c 'echo \"TypeError: two  words\" >&2; exit 5'");
    assert_eq!((&answer["errors"][0]["msg"], &answer["exit_code"], code), (&json!("two  words"), &json!(5), 5));
    let (answer, code) = run("echo first | grep nothing");
    assert_eq!((&answer["count"], &answer["exit_code"], code), (&json!(0), &json!(1), 1));
    let (answer, code) = run("exit 3; echo never");
    assert_eq!((&answer["exit_code"], code), (&json!(3), 3));
    let (answer, code) = run("echo almost there; echo 'no luck' >&2; exit 4");
    assert_eq!((&answer["tail"], &answer["count"], code), (&json!(["almost there", "no luck"]), &json!(0), 4));
    let (answer, code) = run("true");
    assert_eq!((answer, code), (json!({"errors": [], "count": 0, "assertions": [], "exit_code": 0}), 0));
    let (answer, code) = run("kill -9 $$");
    assert_eq!((&answer["exit_code"], code), (&json!(137), 137));
}

#[test]
fn a_command_that_cannot_be_started_is_an_error_in_the_list() {
    let crew = Crew::new();
    for arguments in [&["--run", "no-such-program-here --flag"][..], &["--", "no-such-program-here"]] {
        let ended = crew.run("error-digest", arguments);
        let answer = ended.json();
        assert_eq!((ended.code, &answer["count"], &answer["exit_code"]), (127, &json!(1), &json!(127)));
        assert!(answer["errors"][0]["msg"].as_str().unwrap().contains("no-such-program-here"), "{answer}");
    }
    crew.write(&crew.work().join("plain.txt"), "no program");
    let ended = crew.run("error-digest", ["--run", "./plain.txt"]);
    assert_eq!((ended.code, &ended.json()["count"]), (126, &json!(1)));
    let ended = crew.run("error-digest", ["--run", "--version"]);
    assert_eq!((ended.code, &ended.json()["count"]), (127, &json!(1)));
}

#[test]
fn a_command_gets_no_standard_input_and_may_be_ended() {
    let crew = Crew::new();
    let ended = crew.feed("typed\n", "error-digest", ["--run", "read line && exit 9; echo 'Error: no input'"]);
    assert_eq!((ended.code, &ended.json()["errors"][0]["msg"]), (0, &json!("no input")));
    let ended = crew.run("error-digest", ["--time-limit", "1", "--run", "echo 'Error: first'; sleep 300"]);
    let answer = ended.json();
    assert_eq!((ended.code, &answer["timed_out"], &answer["count"]), (143, &json!(true), &json!(1)));
}

#[test]
fn a_terminal_is_not_waited_for() {
    let crew = Crew::new();
    // `script` gives the tool a terminal as its standard input.
    let link = crew.tool("error-digest").get_program().to_owned();
    let line = format!("{} 2>&1", link.to_string_lossy());
    let begun = Instant::now();
    let ended = finish(crew.command("timeout").args(["20", "script", "-qec", &line, "/dev/null"]), None);
    if ended.code != 127 && ended.code != 125 {
        assert!(ended.stdout.contains("terminal") && ended.code == 1, "{ended:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn ordinary_lines_by_the_hundred_thousand_pass_in_linear_time() {
    let crew = Crew::new();
    let begun = Instant::now();
    let line = "2026-01-02 10:00:00 info: a request was answered: 200 in 3ms, at last (see x:1)\n";
    let mut text = line.repeat(100_000);
    text.push_str("Error: the end\n    at f (/app/a.js:7:2)\n");
    let answer = crew.feed(text, "error-digest", [""; 0]).code(0).json();
    assert_eq!((&answer["count"], &answer["errors"][0]["line"]), (&json!(1), &json!(7)));
    assert!(begun.elapsed() < Duration::from_secs(30));
}

//! The corpus: real outputs of real runners under `tests/corpus/test`, each with the right answer beside it, and what
//! holds for any input.

use std::fs;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::corpus::{self, without_log};

fn read(stdin: &[u8], arguments: &[&str]) -> (Value, u8) {
    let home = tempfile::tempdir().unwrap();
    let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    let outcome = run(&corpus::context(home.path(), "/app", stdin), &arguments).unwrap();
    (serde_json::from_slice(&outcome.stdout).unwrap(), outcome.code)
}

/// Each report with its exit code and the answer without the log.
fn corpus() -> Vec<(String, Vec<u8>, i64, Value)> {
    let cases = corpus::cases("test", 30).into_iter();
    cases.map(|(name, text, wanted)| (name, text, corpus::exit_code(&wanted), wanted)).collect()
}

#[test]
fn every_report_of_the_corpus_is_read_right() {
    let mut wrong = Vec::new();
    for (name, text, code, wanted) in corpus() {
        let (answer, ended) = read(&text, &["--stdin", "--exit-code", &code.to_string()]);
        let answer = without_log(answer);
        if answer != wanted || i64::from(ended) != code {
            wrong.push(format!("{name} ({ended})\n want {wanted}\n got  {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn windows_line_ends_change_nothing() {
    for (name, text, code, wanted) in corpus() {
        // A carriage return inside a JSON report is no line end of its text.
        if name.contains("json") {
            continue;
        }
        let text = String::from_utf8(text).unwrap().replace('\n', "\r\n");
        let (answer, _) = read(text.as_bytes(), &["--stdin", "--exit-code", &code.to_string()]);
        assert_eq!(without_log(answer), wanted, "{name}");
    }
}

#[test]
fn a_report_cut_after_any_line_is_never_a_pass_that_was_none() {
    for (name, text, code, wanted) in corpus() {
        for part in 1..8 {
            let cut = &text[..text.len() * part / 8];
            let cut = &cut[..cut.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)];
            let (answer, _) = read(cut, &["--stdin", "--exit-code", &code.to_string()]);
            let same = wanted["status"] == "pass" || answer["status"] != "pass";
            assert!(same, "{name} {part}/8: {answer}");
        }
    }
}

#[test]
fn without_an_exit_code_the_report_alone_counts() {
    let ok = b"running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
    let (answer, code) = read(ok, &["--stdin"]);
    assert_eq!((&answer["status"], &answer["exit_code"], code), (&json!("pass"), &Value::Null, 0));
    let (answer, code) = read(b"all fine\n", &["--stdin"]);
    assert_eq!((&answer["status"], code), (&json!("unsure"), 1));
    assert_eq!(answer["failures"], json!([{"msg": "all fine"}]));
    let (answer, code) = read(ok, &["--stdin", "--exit-code", "3"]);
    assert_eq!((&answer["status"], code), (&json!("fail"), 3));
    let failing = String::from_utf8_lossy(ok).replace("1 passed; 0 failed", "0 passed; 1 failed");
    let (answer, code) = read(failing.as_bytes(), &["--stdin", "--exit-code", "0"]);
    assert_eq!((&answer["status"], code), (&json!("unsure"), 0));
    assert_eq!(read(failing.as_bytes(), &["--stdin", "--exit-code", "0", "--strict"]).1, 1);
    assert_eq!(read(b"", &["--stdin", "--exit-code", "0"]).0["status"], "unsure");
}

#[test]
fn wrong_usage_is_named() {
    let home = tempfile::tempdir().unwrap();
    for (arguments, part) in [
        (&["--suite"][..], "--suite"),
        (&["--suite", "slow"], "slow"),
        (&["--exit-code", "1"], "--stdin"),
        (&["--stdin", "--exit-code", "300"], "300"),
        (&["--stdin", "more"], "--stdin"),
        (&["--time-limit", "0"], "0"),
        (&["--", ""], "empty"),
    ] {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let refusal = run(&corpus::context(home.path(), "/app", b""), &arguments).unwrap_err();
        assert!(refusal.code == 1 && refusal.message.contains(part), "{arguments:?}: {refusal:?}");
    }
}

/// A green report of cargo's harness.
const GREEN: &str = "running 2 tests\ntest a ... ok\ntest b ... ok\n\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\n";
/// The beginning of a red one, whose test prints the end of a green one.
const FAKE: &str = "running 2 tests\ntest result: ok. COUNT passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\ntest a ... ok\n";
const RED: &str = "test b ... FAILED\n\nfailures:\n\n---- b stdout ----\nfailures:\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n---- c stdout ----\nno\n\nfailures:\n    b\n\ntest result: FAILED. 0 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n";

/// What a wrapper that loses exit codes, or a pipe, leaves of runs that did not pass.
#[test]
fn what_only_looks_green_is_no_pass() {
    let pytest = "===== test session starts =====\ncollected 2 items\n\nt.py ..\n\n===== 2 passed in 0.01s =====\n";
    let json = r#"{"numTotalTests":2,"numPassedTests":2,"numFailedTests":0,"success":true,"testResults":[]}"#;
    let cases = [
        FAKE.replace("COUNT", "5") + RED,
        FAKE.replace("COUNT", "2") + RED,
        FAKE.replace("COUNT", "2"),
        FAKE.replace("COUNT", "2") + "thread 'b' panicked at src/lib.rs:3:5:\nno\n",
        format!("{GREEN}error: could not compile `y` (lib)\n"),
        format!("{GREEN}error: test failed, to rerun pass `--lib`\n"),
        format!("{GREEN}make: *** [Makefile:2: test] Error 1\n"),
        format!("{GREEN}make[1]: *** [Makefile:2: test] Error 1\n"),
        format!("{GREEN}Segmentation fault (core dumped)\n"),
        format!("{GREEN}npm error Lifecycle script `test` failed with error:\n"),
        format!("sh: 1: mocha: not found\n{GREEN}"),
        format!("{pytest}===== test session starts =====\ncollected 5 items\n\nt.py .."),
        format!("{GREEN}{pytest}Fatal Python error: Segmentation fault\n"),
        "===== test session starts =====\ncollected 5 items\n\n===== 5 tests collected in 0.01s =====\n".to_owned(),
        "Ran 2 tests in 0.001s\n\nOK\nRan 3 tests in 0.001s\n\n".to_owned(),
        "ok  \texample.com/a\t0.003s\nFAIL\texample.com/b [build failed]\nFAIL\n".to_owned(),
        "ok  \texample.com/a\t0.003s\npanic: test timed out after 1s\n\ngoroutine 1 [running]:\n".to_owned(),
        "ok  \texample.com/a\t0.003s\n--- FAIL: TestB (0.00s)\n    b_test.go:3: no\n".to_owned(),
        "{\"Action\":\"start\",\"Package\":\"a\"}\n{\"Action\":\"start\",\"Package\":\"b\"}\n{\"Action\":\"pass\",\"Package\":\"a\",\"Test\":\"T\"}\n{\"Action\":\"pass\",\"Package\":\"a\"}\n".to_owned(),
        " RUN  v4.0.0 /app\n\n Test Files  1 passed (1)\n      Tests  2 passed (2)\n     Errors  1 error\n".to_owned(),
        " Test Files  1 passed (1)\n      Tests  2 passed (2)\n RUN  v4.0.0 /app\n".to_owned(),
        "Test Suites: 1 failed, 1 passed, 2 total\nTests:       2 passed, 2 total\n".to_owned(),
        "No tests found, exiting with code 0\n".to_owned(),
        "No test files found, exiting with code 0\n".to_owned(),
        json.replace("[]", r#"[{"name":"a","status":"failed","assertionResults":[{"fullName":"x","status":"failed"}]}]"#),
        json.replace("true", "false"),
        format!("{json}\n1 failed, 2 passed in 0.1s\n"),
        format!("{json}\n{}{RED}", FAKE.replace("COUNT", "2")),
        "<testsuite><testcase name='a'/></testsuite>\nFAILED (failures=1)\n1 failed in 0.1s\n".to_owned(),
    ];
    for text in cases {
        for arguments in [&["--stdin"][..], &["--stdin", "--exit-code", "0"]] {
            let (answer, _) = read(text.as_bytes(), arguments);
            assert_ne!(answer["status"], "pass", "{text}{answer}");
            let told = answer["failures"].as_array().is_some_and(|list| !list.is_empty());
            assert!(told || answer["status"] == "empty", "{text}{answer}");
        }
    }
    let (answer, _) = read((FAKE.replace("COUNT", "2") + RED).as_bytes(), &["--stdin"]);
    assert_eq!((&answer["total"], &answer["failed"]), (&json!(2), &json!(2)));
    assert_eq!((&answer["failures"][0]["test"], &answer["failures"][1]["test"]), (&json!("b"), &json!("c")));
}

#[test]
fn two_runs_of_one_runner_are_added() {
    let totals = |text: &str| {
        let (answer, _) = read(text.as_bytes(), &["--stdin"]);
        (answer["status"].clone(), answer["total"].clone(), answer["failed"].clone())
    };
    let unittest = format!(
        "{0}\nFAIL: test_a (m.C.test_a)\n{1}\nAssertionError: no\n\n{1}\nRan 2 tests in 0.001s\n\nFAILED (failures=1)\n",
        "=".repeat(70),
        "-".repeat(70)
    );
    let wanted = |status: &str, total: u32, failed: u32| (json!(status), json!(total), json!(failed));
    assert_eq!(totals(&unittest.repeat(2)), wanted("fail", 4, 2));
    assert_eq!(totals(&format!("{unittest}Ran 3 tests in 0.001s\n\nOK\n")), wanted("fail", 5, 1));
    let node = "\u{2139} tests 3\n\u{2139} pass 2\n\u{2139} fail 1\n\u{2139} skipped 0\n";
    assert_eq!(totals(&node.repeat(2)), wanted("fail", 6, 2));
    let jest = "Test Suites: 1 passed, 1 total\nTests:       2 passed, 2 total\n";
    let json =
        r#"{"numTotalTests":2,"numPassedTests":2,"numRuntimeErrorTestSuites":0,"success":true,"testResults":[]}"#;
    let (answer, _) = read(format!("{json}\n{jest}").as_bytes(), &["--stdin"]);
    assert_eq!(answer, json!({"framework": "jest", "status": "pass", "exit_code": null, "total": 2}));
}

#[test]
fn a_test_that_passes_at_a_later_attempt_is_no_failure() {
    let text = "    Starting 1 test across 1 binary\n  TRY 1 FAIL [   0.006s] (1/1) demo a\n  stderr ---\n    no\n  TRY 2 PASS [   0.006s] (1/1) demo a\n     Summary [   0.012s] 1 test run: 1 passed (1 flaky), 0 skipped\n   FLAKY 2/2 [   0.006s] (1/1) demo a\n";
    let (answer, _) = read(text.as_bytes(), &["--stdin", "--exit-code", "0"]);
    assert_eq!(answer, json!({"framework": "nextest", "status": "pass", "total": 1, "flaky": 1}));
}

#[test]
fn several_runners_in_one_output_are_told_apart() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/test");
    let text = |name: &str| fs::read(folder.join(name)).unwrap();
    let both = [text("cargo-pass.txt"), text("pytest-fail.txt")].concat();
    let (answer, _) = read(&both, &["--stdin", "--exit-code", "1"]);
    assert_eq!(
        (&answer["framework"], &answer["total"], &answer["failed"]),
        (&json!("cargo+pytest"), &json!(8), &json!(4))
    );
    assert_eq!(answer["failures"][0]["suite"], "pytest");
}

/// The answer's text and its tokens in the o200k vocabulary.
fn cost(stdin: &[u8], arguments: &[&str]) -> (String, usize) {
    let home = tempfile::tempdir().unwrap();
    let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    let outcome = run(&corpus::context(home.path(), "/app", stdin), &arguments).unwrap();
    // The name of a scratch folder costs more than that of a home.
    let text =
        String::from_utf8(outcome.stdout).unwrap().trim_end().replace(home.path().to_str().unwrap(), "/home/dev");
    let count = tiktoken_rs::o200k_base_singleton().encode_ordinary(&text).len();
    (text, count)
}

#[test]
fn answers_cost_few_tokens() {
    let of = |name: &str| {
        let (_, text, code, _) = corpus().into_iter().find(|(found, ..)| found == name).unwrap();
        (text, code.to_string())
    };
    for (name, most) in [
        ("cargo-pass", 25),
        ("nextest-pass", 25),
        ("pytest-pass", 25),
        ("vitest-pass", 25),
        ("go-pass", 25),
        ("cargo-fail", 345),
        ("cargo-backtrace", 400),
        ("nextest-fail", 400),
        ("pytest-fail", 185),
        ("pytest-v", 185),
        ("jest-text", 340),
        ("vitest-json", 340),
        ("vitest-63", 340),
        ("vitest-63-json", 340),
        ("pytest-line", 200),
        ("playwright-json", 340),
    ] {
        let (text, code) = of(name);
        let (answer, count) = cost(&text, &["--stdin", "--exit-code", &code]);
        assert!(count <= most, "{name}: {count} tokens, at most {most}: {answer}");
    }
    // The form with every key, as `test-digest` gives it in a project with vitest.
    let (text, code) = of("vitest-json");
    let (answer, count) = cost(&text, &["--stdin", "--exit-code", &code, "--keys", "all"]);
    assert!(count <= 340, "{count}: {answer}");
    let (text, code) = of("vitest-63-json");
    let (answer, count) = cost(&text, &["--stdin", "--exit-code", &code, "--keys", "all"]);
    assert!(count <= 340, "{count}: {answer}");
}

#[test]
fn the_estimate_of_tokens_is_not_too_low() {
    for (name, text, code, _) in corpus() {
        let (answer, count) = cost(&text, &["--stdin", "--exit-code", &code.to_string()]);
        let estimate = crewkit_digest::tokens::estimate(&answer);
        assert!(estimate * 10 >= count * 9 && estimate <= count * 2, "{name}: {estimate} for {count}: {answer}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_give_one_object(bytes in proptest::collection::vec(any::<u8>(), 0..600), code in 0u8..3) {
        let (answer, ended) = read(&bytes, &["--stdin", "--exit-code", &code.to_string()]);
        prop_assert!(answer.is_object() && ended == code && answer["status"] != "pass");
    }

    #[test]
    fn mixed_reports_give_one_object(picks in proptest::collection::vec((0usize..40, 0usize..2_000, 1usize..400), 1..6)) {
        let corpus = corpus();
        let mut text = Vec::new();
        for (which, from, length) in picks {
            let source = &corpus[which % corpus.len()].1;
            let from = from.min(source.len());
            text.extend_from_slice(&source[from..(from + length).min(source.len())]);
        }
        let (answer, _) = read(&text, &["--stdin", "--exit-code", "1"]);
        prop_assert!(answer["status"] == "fail" || answer["status"] == "empty");
    }
}

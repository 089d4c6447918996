//! The corpus: real outputs of real tools under `tests/corpus/build`, each with the right answer beside it, and what
//! holds for any input.

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

/// Each output with its exit code and the answer without the log.
fn corpus() -> Vec<(String, Vec<u8>, i64, Value)> {
    let cases = corpus::cases("build", 40).into_iter();
    cases.map(|(name, text, wanted)| (name, text, corpus::exit_code(&wanted), wanted)).collect()
}

#[test]
fn every_output_of_the_corpus_is_read_right() {
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
fn colours_and_line_ends_change_nothing() {
    for (name, text, code, wanted) in corpus().into_iter().filter(|(name, ..)| !name.contains("json")) {
        let text = String::from_utf8(text).unwrap();
        let coloured: String = text.lines().map(|line| format!("\u{1b}[31m{line}\u{1b}[0m\r\n")).collect();
        let (answer, _) = read(coloured.as_bytes(), &["--stdin", "--exit-code", &code.to_string()]);
        assert_eq!(without_log(answer), wanted, "{name}");
    }
}

#[test]
fn exit_code_and_output_in_contradiction_are_never_ok() {
    for (name, text, _, wanted) in corpus() {
        let status = |arguments: &[&str]| read(&text, arguments).0["status"].clone();
        let failed = wanted["status"] == "error";
        assert_eq!(status(&["--stdin", "--exit-code", "3"]), "error", "{name}");
        if failed {
            let (answer, code) = read(&text, &["--stdin", "--exit-code", "0"]);
            assert_eq!((&answer["status"], code), (&json!("unsure"), 0), "{name}: {answer}");
            assert_eq!(status(&["--stdin"]), "error", "{name}");
            assert_eq!(read(&text, &["--stdin", "--exit-code", "0", "--strict"]).1, 1);
        }
    }
}

#[test]
fn without_an_exit_code_only_a_tools_word_is_success() {
    for (text, status, code) in [
        ("    Finished `dev` profile [unoptimized] target(s) in 0.1s\n", "ok", 0),
        ("✓ built in 68ms\n", "ok", 0),
        ("all fine\n", "unsure", 1),
        ("", "unsure", 1),
        ("Error: no\n", "error", 1),
    ] {
        let (answer, ended) = read(text.as_bytes(), &["--stdin"]);
        assert_eq!((&answer["status"], &answer["exit_code"], ended), (&json!(status), &Value::Null, code), "{text}");
    }
}

#[test]
fn the_lines_of_a_script_follow_the_contract() {
    let all = |text: &str, code: &str| read(text.as_bytes(), &["--keys", "all", "--stdin", "--exit-code", code]).0;
    let text = "warning: old\nb.ts(1,1): error TS2304: deprecated\n\na.ts(1,1): error TS1005: x\nb.ts(1,1): error TS2304: deprecated\n";
    let answer = all(text, "2");
    let wanted = json!({
        "framework": "tsc", "status": "error", "exit_code": 2, "routes": 0, "bundle_size": "", "build_time": "",
        "ts_errors": 3, "errors": ["b.ts(1,1): error TS2304: deprecated", "a.ts(1,1): error TS1005: x"],
        "errors_total": 3, "warnings": ["warning: old"]
    });
    assert_eq!(without_log(answer), wanted);
    let many: String = (0..70_000).map(|number| format!("error: number {number}\n")).collect();
    let answer = all(&many, "1");
    assert_eq!((&answer["errors_total"], &answer["more"]), (&json!(70_000), &json!(69_990)));
    assert_eq!((&answer["errors"][0], &answer["errors"][9]), (&json!("error: number 0"), &json!("error: number 9")));
    let long = format!("error: {}\nwarning: {}\n", "ż".repeat(300), "ż".repeat(300));
    let answer = all(&long, "1");
    let length = |key: &str| answer[key][0].as_str().unwrap().chars().count();
    assert_eq!((length("errors"), length("warnings")), (200, 150));
    let lines: String = (0..30).map(|number| format!("line {number}\n\n")).collect();
    let answer = all(&lines, "1");
    assert_eq!((answer["errors"].as_array().unwrap().len(), &answer["errors"][0]), (10, &json!("line 20")));
}

#[test]
fn a_level_in_brackets_is_not_mavens_alone() {
    let (answer, _) = read(b"[INFO] bundling\n[ERROR] the theme is missing: x\n", &["--stdin", "--exit-code", "1"]);
    assert_eq!(answer["framework"], "generic");
    assert_eq!(answer["errors"], json!(["[ERROR] the theme is missing: x"]));
}

#[test]
fn bytes_that_are_no_text_hide_nothing() {
    let text = b"\x00\xff\xfe garbage\n\x1b[31msrc/a.ts(1,1): \0error TS2304: no\xff\x1b[0m\r\n";
    let (answer, _) = read(text, &["--stdin", "--exit-code", "1"]);
    assert_eq!(answer["errors"], json!(["src/a.ts:1: TS2304: no\u{fffd}"]));
}

#[test]
fn where_only_the_manager_speaks_the_end_of_the_output_is_there() {
    let text = b"linking\nout of space\nnpm ERR! code 7\n";
    let (answer, _) = read(text, &["--keys", "all", "--stdin", "--exit-code", "7"]);
    assert_eq!(
        (&answer["errors"], &answer["tail"]),
        (&json!(["npm ERR! code 7"]), &json!(["linking", "out of space"]))
    );
}

#[test]
fn details_tell_what_the_lines_of_a_script_hide() {
    let (_, text, ..) = corpus().into_iter().find(|(name, ..)| name == "eslint").unwrap();
    let (answer, _) = read(&text, &["--keys", "all", "--stdin", "--exit-code", "1"]);
    assert!(answer["details"][0].as_str().unwrap().starts_with("src/a.ts:3: "), "{answer}");
    let (_, text, ..) = corpus().into_iter().find(|(name, ..)| name == "tsc").unwrap();
    assert_eq!(read(&text, &["--keys", "all", "--stdin", "--exit-code", "1"]).0.get("details"), None);
}

#[test]
fn wrong_usage_is_named() {
    let home = tempfile::tempdir().unwrap();
    for (arguments, part) in [
        (&["--suite"][..], "--suite"),
        (&["--suite", "slow"], "slow"),
        (&["--suite", "gcc"], "gcc"),
        (&["--exit-code", "1"], "--stdin"),
        (&["--stdin", "--exit-code", "300"], "300"),
        (&["--stdin", "more"], "--stdin"),
        (&["--stdin", "--", "make"], "--stdin"),
        (&["--suite", "make", "--", "make"], "--suite make"),
        (&["--keys", "some"], "some"),
        (&["--time-limit", "0"], "0"),
    ] {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let refusal = run(&corpus::context(home.path(), "/app", b""), &arguments).unwrap_err();
        assert!(refusal.code == 1 && refusal.message.contains(part), "{arguments:?}: {refusal:?}");
    }
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
    for (name, most) in [
        ("vite-ok", 20),
        ("webpack-ok", 10),
        ("ruff-ok", 10),
        ("cargo-warnings", 28),
        ("cargo", 120),
        ("cargo-json", 120),
        ("clippy", 130),
        ("tsc", 185),
        ("eslint", 140),
        ("ruff", 200),
        ("mypy", 150),
        ("make", 200),
        ("webpack-ts", 240),
        ("vite-syntax", 60),
        ("next-type", 85),
        ("gcc-templates", 110),
        ("maven-compile", 120),
    ] {
        let (_, text, code, _) = corpus().into_iter().find(|(found, ..)| found == name).unwrap();
        let (answer, count) = cost(&text, &["--stdin", "--exit-code", &code.to_string()]);
        assert!(count <= most, "{name}: {count} tokens, at most {most}: {answer}");
    }
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
    fn any_bytes_give_one_object(bytes in proptest::collection::vec(any::<u8>(), 0..600), code in 1u8..4) {
        for keys in ["all", "few"] {
            let (answer, ended) = read(&bytes, &["--stdin", "--keys", keys, "--exit-code", &code.to_string()]);
            prop_assert!(answer.is_object() && ended == code && answer["status"] == "error");
        }
    }

    #[test]
    fn mixed_outputs_give_one_object_within_the_cap(
        picks in proptest::collection::vec((0usize..60, 0usize..2_000, 1usize..600), 1..8),
        most in 150usize..2_000,
    ) {
        let corpus = corpus();
        let mut text = Vec::new();
        for (which, from, length) in picks {
            let source = &corpus[which % corpus.len()].1;
            let from = from.min(source.len());
            text.extend_from_slice(&source[from..(from + length).min(source.len())]);
        }
        for keys in ["all", "few"] {
            let most = most + if keys == "all" { 150 } else { 0 };
            let (answer, _) = read(&text, &["--stdin", "--keys", keys, "--max-tokens", &most.to_string(), "--exit-code", "1"]);
            prop_assert_eq!(&answer["status"], "error");
            // The path of the log is the scratch folder's.
            prop_assert!(crewkit_digest::tokens::estimate(&without_log(answer).to_string()) <= most);
        }
    }
}

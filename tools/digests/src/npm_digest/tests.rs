//! The corpus: real outputs of real package managers under `tests/corpus/npm`, each with the right answer beside it, and
//! what holds for any input.

use crewkit_tool::{Clock, Script};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::corpus;

fn read(stdin: &[u8], arguments: &[&str]) -> (Value, u8) {
    let home = tempfile::tempdir().unwrap();
    let context = Context::scripted(Script {
        environment: [("HOME".into(), home.path().into())].into(),
        directory: home.path().to_owned(),
        clock: Clock::System,
        stdin: stdin.to_vec(),
    });
    let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    let outcome = run(&context, &arguments).unwrap();
    let mut answer: Value = serde_json::from_slice(&outcome.stdout).unwrap();
    for key in ["log", "log_bytes"] {
        answer.as_object_mut().unwrap().shift_remove(key);
    }
    (answer, outcome.code)
}

fn corpus() -> Vec<(String, Vec<u8>, Value)> {
    corpus::cases("npm", 50)
}

fn few(text: &[u8], wanted: &Value) -> (Value, u8, i64) {
    let code = wanted.get("exit_code").map_or(0, |code| code.as_i64().unwrap());
    let manager = wanted["manager"].as_str().unwrap();
    let (answer, ended) = read(text, &["--stdin", "--pm", manager, "--exit-code", &code.to_string(), "--keys", "few"]);
    (answer, ended, code)
}

#[test]
fn every_output_of_the_corpus_is_read_right() {
    let mut wrong = Vec::new();
    for (name, text, wanted) in corpus() {
        let (answer, ended, code) = few(&text, &wanted);
        if answer != wanted || i64::from(ended) != code {
            wrong.push(format!("{name} ({ended})\n want {wanted}\n got  {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn windows_line_ends_and_colours_change_nothing() {
    for (name, text, wanted) in corpus() {
        let text = String::from_utf8(text).unwrap();
        assert_eq!(few(text.replace('\n', "\r\n").as_bytes(), &wanted).0, wanted, "{name}");
        let coloured = text.replace("npm error", "\x1b[94mnpm\x1b[39m \x1b[31merror\x1b[39m");
        assert_eq!(few(coloured.as_bytes(), &wanted).0, wanted, "{name}");
    }
}

#[test]
fn an_output_cut_anywhere_is_no_success_where_there_was_none() {
    for (name, text, wanted) in corpus().into_iter().filter(|(_, _, wanted)| wanted.get("exit_code").is_some()) {
        for part in 0..8 {
            let (answer, ..) = few(&text[..text.len() * part / 8], &wanted);
            assert_eq!(answer["status"], "error", "{name} {part}/8");
            assert!(part == 0 || !answer["errors"].as_array().unwrap().is_empty(), "{name} {part}/8: {answer}");
        }
    }
}

#[test]
fn both_wordings_of_findings_count() {
    let npm = |text: &str, code: &str| read(text.as_bytes(), &["--stdin", "--pm", "npm", "--exit-code", code]).0;
    let answer = npm("added 1 package in 1s\n\n5 vulnerabilities (1 info, 2 low, 2 moderate)\n", "0");
    assert_eq!(
        (&answer["status"], &answer["audit"]),
        (&json!("ok"), &json!({"critical":0,"high":0,"moderate":2,"low":2,"info":1}))
    );
    assert_eq!(npm("3 high severity vulnerabilities\n", "0")["status"], "vulnerable");
    assert_eq!(npm("found 1 critical severity vulnerability\n", "0")["audit"]["critical"], 1);
    let failed = npm("npm error code 1\n\n3 vulnerabilities (1 moderate, 2 high)\n", "1");
    assert_eq!((&failed["status"], &failed["audit"]["high"]), (&json!("error"), &json!(2)));
    let unrated = npm("3 vulnerabilities\n", "0");
    assert_eq!((&unrated["status"], &unrated["audit"]["unrated"]), (&json!("unsure"), &json!(3)));
    assert_eq!(npm("added 3 users, 4 vulnerabilities found elsewhere\n", "0")["added"], 0);
}

#[test]
fn an_audit_that_was_not_made_is_told_from_a_clean_one() {
    let npm = |text: &[u8]| read(text, &["--stdin", "--pm", "npm", "--exit-code", "0"]).0;
    let zeros = json!({"critical":0,"high":0,"moderate":0});
    let without = npm(b"added 2 packages in 1s\n");
    assert_eq!((&without["audit"], &without["audited"]), (&zeros, &json!(false)));
    let with = npm(b"added 2 packages, and audited 3 packages in 1s\n\nfound 0 vulnerabilities\n");
    assert_eq!((&with["audit"], with.get("audited"), &with["packages"]), (&zeros, None, &json!(3)));
}

#[test]
fn peers_are_warnings_only_where_they_are_warned_of() {
    let text = b"npm warn ERESOLVE overriding peer dependency\nnpm warn deprecated x@1: no\nnpm warn deprecated y@1: no\nadded 1 package in 1s\n";
    let (answer, _) = read(text, &["--stdin", "--pm", "npm", "--exit-code", "0"]);
    assert_eq!(
        (&answer["peer_warnings"], &answer["deprecated"]),
        (&json!(["ERESOLVE overriding peer dependency"]), &json!(2))
    );
    let (answer, _) = read(b"npm ERR! peer react@16 from old@1\n", &["--stdin", "--pm", "npm", "--exit-code", "1"]);
    assert_eq!(
        (&answer["peer_warnings"], &answer["errors"]),
        (&json!([]), &json!(["npm ERR! peer react@16 from old@1"]))
    );
}

#[test]
fn many_errors_are_cut_to_those_that_tell_most() {
    let mut text = String::from("npm error code 1\nnpm error path /app/node_modules/native\n");
    text.extend((0..500).map(|number| format!("npm error gyp info step {number}\n")));
    text += "npm error gyp ERR! stack Error: not found: make\n";
    let (answer, _) = read(text.as_bytes(), &["--stdin", "--pm", "npm", "--exit-code", "1"]);
    let errors = answer["errors"].as_array().unwrap();
    // Beyond the lines that are kept nothing is known but their number.
    assert_eq!((errors.len(), &answer["more"]), (10, &json!(493)));
    let (small, _) = read(text.as_bytes(), &["--stdin", "--pm", "npm", "--exit-code", "1", "--max-tokens", "90"]);
    assert!(small["errors"].as_array().unwrap().len() <= 3 && small["more"].as_u64().unwrap() >= 500);
}

#[test]
fn wrong_usage_is_named() {
    let home = tempfile::tempdir().unwrap();
    let context = Context::scripted(Script {
        environment: [("HOME".into(), home.path().into())].into(),
        directory: home.path().to_owned(),
        clock: Clock::System,
        stdin: Vec::new(),
    });
    for (arguments, part) in [
        (&["--pm", "maven"][..], "maven"),
        (&["--exit-code", "1"], "--stdin"),
        (&["--", "make", "install"], "make"),
        (&["--time-limit", "0"], "0"),
    ] {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let refusal = run(&context, &arguments).unwrap_err();
        assert!(refusal.code == 1 && refusal.message.contains(part), "{arguments:?}: {refusal:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_bytes_give_one_object(bytes in proptest::collection::vec(any::<u8>(), 0..600), code in 0u8..3, which in 0usize..7) {
        let manager = ["npm", "pnpm", "yarn", "bun", "cargo", "pip", "uv"][which];
        let (answer, ended) = read(&bytes, &["--stdin", "--pm", manager, "--exit-code", &code.to_string()]);
        prop_assert!(answer.is_object() && ended == code);
        prop_assert!(code == 0 || answer["status"] == "error");
    }

    #[test]
    fn pieces_of_real_outputs_give_one_object(picks in proptest::collection::vec((0usize..60, 0usize..2_000, 1usize..400), 1..6), which in 0usize..7) {
        let corpus = corpus();
        let manager = ["npm", "pnpm", "yarn", "bun", "cargo", "pip", "uv"][which];
        let mut text = Vec::new();
        for (which, from, length) in picks {
            let source = &corpus[which % corpus.len()].1;
            let from = from.min(source.len());
            text.extend_from_slice(&source[from..(from + length).min(source.len())]);
        }
        let (answer, _) = read(&text, &["--stdin", "--pm", manager, "--exit-code", "1", "--max-tokens", "200"]);
        prop_assert_eq!(&answer["status"], "error");
    }
}

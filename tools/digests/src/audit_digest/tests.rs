//! The corpus under `tests/corpus/audit`: reports with the manager, its exit code, the right answer and ours beside them.

use crewkit_tool::{Clock, Script};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::corpus;

fn outcome(stdin: &[u8], arguments: &[&str]) -> (Value, u8) {
    let home = tempfile::tempdir().unwrap();
    let context = Context::scripted(Script {
        environment: [("HOME".into(), home.path().into())].into(),
        directory: home.path().to_owned(),
        clock: Clock::System,
        stdin: stdin.to_vec(),
    });
    let arguments: Vec<OsString> = ["--stdin"].iter().chain(arguments).map(OsString::from).collect();
    let outcome = run(&context, &arguments).unwrap();
    let mut answer: Value = serde_json::from_slice(&outcome.stdout).unwrap();
    for key in ["log", "log_bytes"] {
        answer.as_object_mut().unwrap().shift_remove(key);
    }
    (answer, outcome.code)
}

fn corpus() -> Vec<(String, Vec<u8>, Value)> {
    corpus::cases("audit", 10)
}

fn read(text: &[u8], wanted: &Value) -> (Value, u8) {
    outcome(text, &["--pm", wanted["pm"].as_str().unwrap(), "--exit-code", &wanted["exit_code"].to_string()])
}

#[test]
fn every_report_of_the_corpus_is_read_right() {
    let (mut wrong, corpus) = (Vec::new(), corpus());
    assert!(corpus.len() >= 16);
    for (name, text, wanted) in corpus {
        let (answer, code) = read(&text, &wanted);
        if answer != wanted["answer"] || json!(code) != wanted["code"] {
            wrong.push(format!("{name} ({code})\n want {}\n got  {answer}", wanted["answer"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn half_a_report_is_never_clean() {
    for (name, text, wanted) in corpus() {
        for part in 0..8 {
            let half = &text[..text.len() * part / 8];
            if half.trim_ascii() == text.trim_ascii() {
                continue;
            }
            let (answer, code) = read(half, &wanted);
            // One object a line may be whole where the report is not.
            let is_lines = name.starts_with("berry");
            assert!(answer["status"] != "clean" && (is_lines || code == 1), "{name} {part}/8: {answer}");
        }
    }
}

#[test]
fn counts_that_contradict_each_other_are_no_verdict() {
    let clean = br#"{"vulnerabilities":{},"metadata":{"vulnerabilities":{"low":0,"moderate":0,"high":0,"critical":0,"total":0}}}"#;
    assert_eq!(outcome(clean, &["--pm", "npm", "--exit-code", "0"]).0["status"], "clean");
    let (answer, code) = outcome(clean, &["--pm", "npm", "--exit-code", "1"]);
    assert_eq!((&answer["status"], code), (&json!("unsure"), 1));
    let hidden = br#"{"vulnerabilities":{"x":{"severity":"high","via":[]}},"metadata":{"vulnerabilities":{"low":0,"moderate":0,"high":0,"critical":0}}}"#;
    let (answer, code) = outcome(hidden, &["--pm", "npm", "--exit-code", "0"]);
    assert_eq!((&answer["status"], code), (&json!("unsure"), 1));
    let without = br#"{"vulnerabilities":{}}"#;
    let (answer, code) = outcome(without, &["--pm", "npm", "--exit-code", "0"]);
    assert_eq!((&answer["status"], code), (&json!("error"), 1));
}

#[test]
fn packages_that_were_passed_over_are_not_clean() {
    let report = br#"{"dependencies":[{"name":"a","version":"1","vulns":[]},{"name":"b","skip_reason":"Dependency not found on PyPI"}],"fixes":[]}"#;
    let (answer, code) = outcome(report, &["--pm", "pip", "--exit-code", "0"]);
    assert_eq!((&answer["status"], &answer["skipped"], code), (&json!("unsure"), &json!(1), 1));
    let own = br#"{"dependencies":[{"name":"a","version":"1","vulns":[]},{"name":"app","skip_reason":"distribution marked as editable"}],"fixes":[]}"#;
    assert_eq!(outcome(own, &["--pm", "pip", "--exit-code", "0"]).0["status"], "clean");
}

#[test]
fn a_gate_fails_on_what_is_bad_enough() {
    let high = br#"{"vulnerabilities":{"x":{"severity":"high","via":["y"]}},"metadata":{"vulnerabilities":{"low":0,"moderate":0,"high":1,"critical":0}}}"#;
    let code = |severity: &str| outcome(high, &["--pm", "npm", "--exit-code", "1", "--fail-on", severity]).1;
    assert_eq!([code("critical"), code("high"), code("low")], [0, 2, 2]);
    let unrated = br#"{"dependencies":[{"name":"a","version":"1","vulns":[{"id":"PYSEC-1","fix_versions":[]}]}]}"#;
    assert_eq!(outcome(unrated, &["--pm", "pip", "--exit-code", "1", "--fail-on", "critical"]).1, 2);
}

#[test]
fn the_cap_keeps_the_critical_ones() {
    let package = |name: &str, severity: &str| json!({"severity": severity, "via": [], "isDirect": true, "fixAvailable": false, "range": name});
    let mut packages = serde_json::Map::new();
    for number in 0..40 {
        packages.insert(format!("a{number:02}"), package("*", "high"));
    }
    packages.insert("z".into(), package("*", "critical"));
    let report = json!({"vulnerabilities": packages, "metadata": {"vulnerabilities": {"low": 0, "moderate": 0, "high": 40, "critical": 1}}});
    let (answer, _) = outcome(report.to_string().as_bytes(), &["--pm", "npm", "--exit-code", "1"]);
    let items = answer["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["package"], &answer["more"]), (15, &json!("z"), &json!(26)));
    let (small, _) =
        outcome(report.to_string().as_bytes(), &["--pm", "npm", "--exit-code", "1", "--max-tokens", "180"]);
    assert_eq!(
        (small["items"].as_array().unwrap().len(), &small["more"], &small["total"]),
        (3, &json!(38), &json!(41))
    );
}

#[test]
fn the_way_to_a_package_is_told() {
    let report = br#"{"vulnerabilities":{
        "deep":{"severity":"high","isDirect":false,"via":[{"title":"t"}],"effects":["mid","mid2"],"range":"*","fixAvailable":true},
        "mid":{"severity":"low","isDirect":false,"via":["deep"],"effects":["top"]},
        "mid2":{"severity":"low","isDirect":false,"via":["deep"],"effects":["deep"]},
        "top":{"severity":"low","isDirect":true,"via":["mid"],"effects":[]}},
        "metadata":{"vulnerabilities":{"low":3,"moderate":0,"high":1,"critical":0}}}"#;
    assert_eq!(outcome(report, &["--pm", "npm"]).0["items"][0]["path"], "top > mid > deep");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_bytes_give_one_object_that_is_not_clean(bytes in proptest::collection::vec(any::<u8>(), 0..600), which in 0usize..7) {
        let manager = ["npm", "pnpm", "yarn", "bun", "cargo", "pip", "uv"][which];
        let (answer, code) = outcome(&bytes, &["--pm", manager, "--exit-code", "0"]);
        prop_assert!(answer["status"] != "clean" && code == 1);
    }

    #[test]
    fn a_report_with_a_changed_byte_gives_one_object(which in 0usize..40, at in 0usize..4_000, byte in any::<u8>()) {
        let corpus = corpus();
        let (_, text, wanted) = &corpus[which % corpus.len()];
        let mut text = text.clone();
        let at = at % text.len().max(1);
        if let Some(place) = text.get_mut(at) {
            *place = byte;
        }
        let (answer, _) = read(&text, wanted);
        prop_assert!(answer["status"].is_string());
    }
}

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::TOOL;
use crate::scratch::Scratch;

fn findings(scratch: &Scratch, gate: &str) -> Vec<String> {
    let (report, code) = scratch.json(&TOOL, &[gate]);
    let findings: Vec<String> =
        report["findings"].as_array().unwrap().iter().filter_map(Value::as_str).map(str::to_owned).collect();
    assert_eq!((report["pass"].as_bool(), code), (Some(findings.is_empty()), u8::from(!findings.is_empty())));
    findings
}

#[test]
fn every_name_of_a_gate_is_known() {
    let scratch = Scratch::new();
    for name in ["doc-sync", "doc_sync", "gate_doc_sync", "gate-doc-sync"] {
        let wanted = json!({"gate": "doc-sync", "pass": false, "findings": ["README.md is not there"]});
        assert_eq!(scratch.json(&TOOL, &[name]), (wanted, 1));
    }
    assert_eq!(scratch.text(&TOOL, &["list"]).0.lines().count(), 5);
    for (arguments, part) in
        [(&["no-such-gate"][..], "no-such-gate"), (&["doc-sync", "--root", "gone"], "gone"), (&[], "GATE")]
    {
        let refusal = scratch.run(&TOOL, arguments).unwrap_err();
        assert!(refusal.code == 2 && refusal.to_string().contains(part), "{refusal}");
    }
}

#[test]
fn programs_and_variables() {
    let scratch = Scratch::new().with("QUALITY_GATE_DEPS", "sh, no-such-program").with("ONE", "1");
    assert_eq!(findings(&scratch, "pre-deploy-deps"), ["no-such-program is not in PATH"]);
    assert_eq!(findings(&scratch, "env-var-audit"), Vec::<String>::new());
    scratch.put("work/.env.example", "# SKIPPED=1\nONE=\nexport TWO=x\nnot a line\n THREE = y\nTWO=z\n");
    assert_eq!(findings(&scratch, "env-var-audit"), ["TWO is not set", "THREE is not set"]);
    let scratch = Scratch::new().with("QUALITY_GATE_ENV", "ONE HOME");
    assert_eq!(findings(&scratch, "env-var-audit"), ["ONE is not set"]);
}

#[test]
fn permissions_of_env() {
    let scratch = Scratch::new();
    assert_eq!(findings(&scratch, "security-checklist"), Vec::<String>::new());
    scratch.put("work/.env", "A=1");
    for (mode, passes) in [(0o644, false), (0o640, false), (0o604, false), (0o600, true), (0o400, true)] {
        fs::set_permissions(scratch.work().join(".env"), fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(findings(&scratch, "security-checklist").is_empty(), passes, "{mode:o}");
    }
}

#[test]
fn failures_of_end_to_end_tests() {
    let scratch = Scratch::new();
    assert_eq!(findings(&scratch, "e2e-stability"), ["e2e-results.json is not there"]);
    for (text, failures) in [
        ("{}", 0),
        ("[]", 0),
        (r#"{"failed": 0, "failures": []}"#, 0),
        (r#"{"failed": 2}"#, 1),
        (r#"{"failures": ["a"]}"#, 1),
        (r#"{"stats": {"expected": 3, "unexpected": 1}}"#, 1),
        (r#"{"numFailedTests": 1}"#, 1),
        (r#"{"status": "failed"}"#, 1),
        ("{", 1),
        ("", 1),
    ] {
        scratch.put("work/e2e-results.json", text);
        assert_eq!(findings(&scratch, "e2e-stability").len(), failures, "{text}");
    }
}

use serde_json::{Value, json};

use super::TOOL;
use crate::scratch::Scratch;

fn gaps(scratch: &Scratch, arguments: &[&str]) -> Vec<String> {
    let (report, _) = scratch.json(&TOOL, arguments);
    report["gaps"].as_array().unwrap().iter().map(|gap| gap["name"].as_str().unwrap().to_owned()).collect()
}

fn has(gaps: &[String], name: &str) -> bool {
    gaps.iter().any(|gap| gap == name)
}

#[test]
fn each_place_that_counts_closes_its_gap() {
    for (name, text, gap) in [
        (".githooks/pre-commit", "x", "pre-commit-exists"),
        (".husky/pre-push", "x", "pre-push-exists"),
        ("lefthook.yml", "pre-commit:\n  commands:\n    a:\n      run: a\n    b:\n      run: b\n", "pre-commit-exists"),
        (
            "lefthook.yml",
            "pre-commit:\n  commands:\n    a:\n      run: a\n    b:\n      run: b\n",
            "pre-commit-multi-check",
        ),
        ("lefthook.toml", "[commit-msg.commands.a]\nrun = 'a'\n", "commit-msg-hook"),
        (".husky/pre-commit", "1\n2\n3\n4\n5\n6", "pre-commit-multi-check"),
        (".pre-commit-config.yaml", "repos:\n- hooks:\n  - id: gitleaks\n", "secrets-scan-script"),
        ("webapp/.env.example", "", "env-example"),
        ("scripts/env-var-audit.sh", "", "env-var-audit"),
        ("a/b/c/debt-check-all.sh", "", "debt-check-script"),
        ("docs/PULL_REQUEST_TEMPLATE.md", "", "pr-template-exists"),
        (".github/PULL_REQUEST_TEMPLATE/a.md", "## Verification Evidence", "pr-template-verification"),
        ("adr/x.md", "", "adr-directory"),
        ("doc/adr/index.md", "", "adr-index"),
    ] {
        let scratch = Scratch::new();
        assert!(has(&gaps(&scratch, &[]), gap), "{gap}");
        scratch.put(&format!("work/{name}"), text);
        assert!(!has(&gaps(&scratch, &[]), gap), "{gap}: {name}");
    }
}

#[test]
fn what_only_looks_like_it_does_not_count() {
    for (name, text, gap) in [
        (".husky/pre-commit", "1\n2\n3\n4\n5\n", "pre-commit-multi-check"),
        (".pre-commit-config.yaml", "repos:\n- hooks:\n  - id: black\n  # gitleaks\n", "secrets-scan-script"),
        ("a/b/c/d/debt-check.sh", "", "debt-check-script"),
        ("node_modules/x/debt-check.sh", "", "debt-check-script"),
        (".github/pull_request_template.md", "Evidence", "pr-template-verification"),
    ] {
        let scratch = Scratch::new();
        scratch.put(&format!("work/{name}"), text);
        assert!(has(&gaps(&scratch, &[]), gap), "{gap}: {name}");
    }
}

#[test]
fn languages_bring_their_own_checks() {
    let scratch = Scratch::new();
    scratch.put("work/package.json", r#"{"workspaces": ["packages/*"]}"#);
    scratch.put("work/node_modules/x/.eslintrc", "");
    assert!(has(&gaps(&scratch, &[]), "eslint-config"));
    scratch.put("work/a/b/.eslintrc.json", "");
    assert!(!has(&gaps(&scratch, &[]), "eslint-config"));
    scratch.put("work/packages/one/.env.example", "");
    assert!(!has(&gaps(&scratch, &[]), "env-example"));
    scratch.put("work/pyproject.toml", "[project]\nname = 'x'\n");
    assert!(has(&gaps(&scratch, &[]), "python-linter"));
    assert_eq!(scratch.json(&TOOL, &[]).0["score"], json!("2/15"));
    scratch.put("work/pyproject.toml", "[tool.ruff.lint]\nselect = []\n");
    assert!(!has(&gaps(&scratch, &[]), "python-linter"));
    scratch.put("work/Cargo.toml", "[package]\n");
    let (report, _) = scratch.json(&TOOL, &[]);
    let clippy = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == "clippy-config").cloned();
    assert_eq!(clippy, Some(json!({"name": "clippy-config", "severity": "warning", "pass": false, "scored": false})));
    assert_eq!((report["score"].clone(), report["project_type"]["rust"].clone()), (json!("3/15"), json!(true)));
}

#[test]
fn hooks_where_the_configuration_says() {
    let scratch = Scratch::new();
    for arguments in [&["init", "-q"][..], &["config", "core.hooksPath", "tools/hooks"]] {
        let context = crewkit_tool::Context::process();
        crewkit_repo::Git::at(&context, &scratch.work()).of_folder().args(arguments).must("git").unwrap();
    }
    scratch.put("work/tools/hooks/pre-commit", "1\n2\n3\n4\n5\n6\n");
    let gaps = gaps(&scratch, &[]);
    assert!(!has(&gaps, "pre-commit-exists") && !has(&gaps, "pre-commit-multi-check") && has(&gaps, "pre-push-exists"));
}

#[test]
fn names_with_quotes_and_folders_that_are_not_there() {
    let scratch = Scratch::new();
    scratch.put("work/a\"b/package.json", "{}");
    assert_eq!(scratch.json(&TOOL, &["a\"b"]).0["project_root"], "a\"b");
    scratch.put("work/file", "");
    for (arguments, part) in [
        (&["nowhere"][..], "nowhere"),
        (&["file"], "file"),
        (&["--project-root"], "--project-root"),
        (&["--bogus"], "--bogus"),
        (&["a", "--project-root", "b"], "--project-root"),
    ] {
        let refusal = scratch.run(&TOOL, arguments).unwrap_err();
        assert!(refusal.code == 1 && refusal.to_string().contains(part), "{refusal}");
    }
}

#[test]
fn gaps_of_a_severity_fail_when_asked() {
    let scratch = Scratch::new();
    assert_eq!(scratch.json(&TOOL, &[]).1, 0);
    assert_eq!(scratch.json(&TOOL, &["--fail-on", "critical"]).1, 1);
    scratch.put("work/.husky/pre-commit", "x");
    scratch.put("work/scripts/secrets-scan.sh", "x");
    assert_eq!(scratch.json(&TOOL, &["--fail-on", "critical"]).1, 0);
    assert_eq!(scratch.json(&TOOL, &["--fail-on", "info"]).1, 1);
}

#[test]
fn templates_are_written_where_nothing_is() {
    let scratch = Scratch::new();
    scratch.put("work/scripts/secrets-scan.sh", "mine");
    scratch.put("work/.githooks/pre-push", "");
    let (report, _) = scratch.json(&TOOL, &["--fix"]);
    let written: Vec<&str> = report["written"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(written.contains(&".githooks/pre-commit") && !written.contains(&"scripts/secrets-scan.sh"), "{written:?}");
    assert_eq!(std::fs::read_to_string(scratch.work().join("scripts/secrets-scan.sh")).unwrap(), "mine");
    assert!(!report["gaps"].as_array().unwrap().iter().any(|gap| gap["name"] == "pr-template-verification"));
    assert_eq!(scratch.json(&TOOL, &["--fix"]).0["written"], json!([]));
}

#[test]
fn exposed_credentials_are_masked() {
    let scratch = Scratch::new();
    let key = format!("AKIA{}", "Q7".repeat(8));
    scratch.put("work/a.txt", &format!("one\nkey = '{key}'\ncd /Users/ann/src\n"));
    let (report, _) = scratch.json(&TOOL, &["--scan"]);
    let exposed = report["exposed"].as_array().unwrap();
    assert_eq!((exposed.len(), exposed[0]["line"].as_u64(), exposed[1]["line"].as_u64()), (2, Some(2), Some(3)));
    assert!(!report.to_string().contains(&key));
}

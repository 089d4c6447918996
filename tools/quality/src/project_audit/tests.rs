use serde_json::{Value, json};

use super::TOOL;
use crate::scratch::Scratch;

fn check(report: &Value, name: &str) -> Value {
    report["checks"]["additional"].as_array().unwrap().iter().find(|check| check["check"] == name).unwrap().clone()
}

fn findings(scratch: &Scratch, name: &str) -> Vec<(String, String)> {
    let (report, _) = scratch.json(&TOOL, &["--json"]);
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let check = check(&report, name);
    check["findings"].as_array().unwrap().iter().map(|one| (text(one, "file"), text(one, "body"))).collect()
}

#[test]
fn eleven_checks_in_their_order() {
    let (report, code) = Scratch::new().json(&TOOL, &["--json"]);
    let names: Vec<&str> =
        report["checks"]["additional"].as_array().unwrap().iter().map(|one| one["check"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "claude_md_exists",
            "claude_md_structure",
            "claude_md_line_count",
            "agents_md_exists",
            "gitignore_completeness",
            "gitignore_secrets",
            "package_json_scripts",
            "ci_workflow_exists",
            "a11y_config",
            "token_aware_comment_density",
            "token_aware_doc_verbosity",
        ]
    );
    assert_eq!(report["summary"], json!({"total_checks": 12, "passed_checks": 7, "failed_checks": 5}));
    assert_eq!((report["no_cache"].as_u64(), code), (Some(0), 0));
}

#[test]
fn headings_of_claude_md() {
    let scratch = Scratch::new();
    scratch.put("work/CLAUDE.md", "# Rebuilding\n## TESTS\nlint\n");
    assert_eq!(
        findings(&scratch, "claude_md_structure"),
        [("./CLAUDE.md".into(), "it has no heading with Lint".into())]
    );
    scratch.put("work/CLAUDE.md", &"x\n".repeat(501));
    let long = findings(&scratch, "claude_md_line_count");
    assert!(long[0].1.contains("501 lines") && long[0].1.contains("context-audit"), "{long:?}");
    scratch.put("work/CLAUDE.md", &"x\n".repeat(500));
    assert_eq!(findings(&scratch, "claude_md_line_count"), []);
}

#[test]
fn lines_of_gitignore() {
    let scratch = Scratch::new();
    assert_eq!(findings(&scratch, "gitignore_completeness"), [(String::new(), "there is no .gitignore".into())]);
    scratch.put("work/dist/x", "");
    scratch.put("work/coverage/x", "");
    scratch.put("work/.gitignore", "/.env*\n**/coverage/\n# dist\n");
    assert_eq!(findings(&scratch, "gitignore_completeness"), [("./.gitignore".into(), "it lacks dist".into())]);
    let secrets: Vec<_> = findings(&scratch, "gitignore_secrets").into_iter().map(|(_, body)| body).collect();
    assert_eq!(secrets, ["it lacks *.pem", "it lacks *.key"]);
    scratch.put("work/.gitignore", "last");
    let (report, _) = scratch.json(&TOOL, &["--json", "--fix"]);
    assert_eq!(report["fixed"], json!([".env", "dist", "coverage", ".env.local", "*.pem", "*.key"]));
    let text = std::fs::read_to_string(scratch.work().join(".gitignore")).unwrap();
    assert_eq!(text, "last\n.env\ndist\ncoverage\n.env.local\n*.pem\n*.key\n");
    assert!(
        check(&report, "gitignore_completeness")["pass"] == true && check(&report, "gitignore_secrets")["pass"] == true
    );
}

#[test]
fn scripts_and_accessibility() {
    let scratch = Scratch::new();
    scratch.put("work/package.json", r#"{"scripts": {"build": "x"}, "dependencies": {"react": "19"}}"#);
    assert_eq!(findings(&scratch, "package_json_scripts").len(), 2);
    assert_eq!(findings(&scratch, "a11y_config").len(), 1);
    let package = r#"{"dependencies": {"react": "19"}, "devDependencies": {"eslint-plugin-jsx-a11y": "6"}}"#;
    scratch.put("work/package.json", package);
    assert_eq!(findings(&scratch, "a11y_config").len(), 0);
    scratch.put("work/package.json", "{");
    assert_eq!(findings(&scratch, "package_json_scripts"), [("./package.json".into(), "it is no JSON".into())]);
}

#[test]
fn comments_and_words_in_the_order_of_paths() {
    let scratch = Scratch::new();
    let source = |comments: usize, code: usize| "# c\n".repeat(comments) + &"x = 1\n".repeat(code);
    scratch.put("work/b.py", &source(2, 13));
    scratch.put("work/a/b/c/d.py", &source(2, 13));
    scratch.put("work/a/b/c/d/deep.py", &source(9, 3));
    scratch.put("work/vendor/x.py", &source(9, 3));
    scratch.put("work/ten.py", &source(1, 9));
    scratch.put("work/short.py", &source(5, 4));
    let files: Vec<_> = findings(&scratch, "token_aware_comment_density").into_iter().map(|(file, _)| file).collect();
    assert_eq!(files, ["./a/b/c/d.py", "./b.py"]);
    let severity = |scratch: &Scratch| {
        check(&scratch.json(&TOOL, &["--json"]).0, "token_aware_comment_density")["severity"].clone()
    };
    assert_eq!(severity(&scratch), "P2");
    scratch.put("work/c.py", &source(3, 9));
    assert_eq!(severity(&scratch), "P1");
    scratch.put("work/long.md", &("word ".repeat(26) + "\n").repeat(5));
    scratch.put("work/wide.md", &("word ".repeat(25) + "\n").repeat(5));
    scratch.put("work/few.md", &("word ".repeat(99) + "\n").repeat(4));
    for folder in ["dist", "node_modules", "vendor", "a/b", "a/b/c"] {
        scratch.put(&format!("work/{folder}/prose.md"), &("word ".repeat(26) + "\n").repeat(5));
    }
    let files: Vec<_> = findings(&scratch, "token_aware_doc_verbosity").into_iter().map(|(file, _)| file).collect();
    assert_eq!(files, ["./a/b/prose.md", "./long.md", "./vendor/prose.md"]);
}

#[test]
fn severities_fail_when_asked() {
    let scratch = Scratch::new();
    assert_eq!(scratch.text(&TOOL, &[]).1, 0);
    let (text, code) = scratch.text(&TOOL, &["--fail-on", "P1"]);
    assert_eq!(code, 1);
    for part in [
        "Total checks: 12",
        "Passed: 7",
        "Failed: 5",
        "Status: gaps_found",
        "pre-commit-exists [critical]",
        "claude_md_exists: false",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for (arguments, part) in
        [(&["--bogus"][..], "bogus"), (&["--project-root", "nowhere"], "nowhere"), (&["--fail-on", "P9"], "P9")]
    {
        let refusal = scratch.run(&TOOL, arguments).unwrap_err();
        assert!(refusal.code == 1 && refusal.to_string().contains(part), "{refusal}");
    }
}

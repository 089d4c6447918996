use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use crewkit_tool::{Answer, Clock, Context, Script};
use serde_json::{Value, json};

use super::super::TOOL;

/// A folder to work in.
pub(super) struct Scratch {
    folder: tempfile::TempDir,
    stdin: Vec<u8>,
}

impl Scratch {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), stdin: Vec::new() }
    }

    /// The folder as a repository.
    fn repository() -> Self {
        let scratch = Self::new();
        scratch.git(&["init", "-q", "-b", "main"]);
        scratch
    }

    fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    pub(super) fn put(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn context(&self, directory: &Path) -> Context {
        let path = std::env::split_paths(&std::ffi::OsString::from("/usr/local/bin:/usr/bin:/bin")).collect::<Vec<_>>();
        let environment = HashMap::from([
            ("PATH".into(), std::env::join_paths(path).unwrap()),
            ("HOME".into(), self.root().into_os_string()),
            ("GIT_CONFIG_NOSYSTEM".into(), "1".into()),
        ]);
        let directory = directory.to_owned();
        Context::scripted(Script { environment, directory, clock: Clock::System, stdin: self.stdin.clone() })
    }

    fn git(&self, arguments: &[&str]) {
        let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com"];
        let context = self.context(&self.root());
        crewkit_repo::Git::at(&context, &self.root()).args(identity).args(arguments).must("git").unwrap();
    }

    fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "step"]);
    }

    fn run_in(&self, folder: &str, arguments: &[&str]) -> (Answer, Vec<String>) {
        let context = self.context(&self.root().join(folder));
        let arguments: Vec<_> = arguments.iter().map(Into::into).collect();
        ((TOOL.run)(&context, &arguments), context.take_notes())
    }

    fn run(&self, arguments: &[&str]) -> Answer {
        self.run_in("", arguments).0
    }

    pub(super) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_slice(&self.run(arguments).unwrap().stdout).unwrap()
    }
}

fn places(report: &Value, check: usize) -> Vec<String> {
    let findings = report["results"][check]["findings"].as_array().cloned().unwrap_or_default();
    findings.iter().map(|one| format!("{}:{}", one["file"].as_str().unwrap(), one["line"])).collect()
}

#[test]
fn the_report_has_its_keys_in_order() {
    let scratch = Scratch::new();
    scratch.put("a.ts", "const a = JSON.parse(x);\n");
    let text = String::from_utf8(scratch.run(&["--files", "a.ts", "--json"]).unwrap().stdout).unwrap();
    let keys = ["total_files", "checks", "p1", "p2", "p3", "pass", "results", "verdict", "line_limit"];
    let places: Vec<_> = keys.iter().map(|key| text.find(&format!("\"{key}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
    let report: Value = serde_json::from_str(&text).unwrap();
    let finding = json!({"file": "a.ts", "line": 1, "body": "a.ts:1:const a = JSON.parse(x);"});
    assert_eq!(report["results"][0]["findings"], json!([finding]));
    assert_eq!(report["verdict"], "reject");
}

#[test]
fn names_are_from_the_top_in_whatever_folder_one_stands() {
    let scratch = Scratch::repository();
    scratch.put("src/a.ts", "JSON.parse(x)\n");
    scratch.put("b.ts", "JSON.parse(x)\n");
    let (answer, _) = scratch.run_in("src", &["--json"]);
    let report: Value = serde_json::from_slice(&answer.unwrap().stdout).unwrap();
    assert_eq!(places(&report, 0), ["b.ts:1", "src/a.ts:1"]);
    let (answer, notes) = scratch.run_in("src", &["--files", "a.ts", "b.ts", "src/a.ts", "gone.ts", "--json"]);
    let report: Value = serde_json::from_slice(&answer.unwrap().stdout).unwrap();
    assert_eq!(places(&report, 0), ["a.ts:1", "b.ts:1"]);
    assert!(notes.len() == 1 && notes[0].contains("gone.ts"), "{notes:?}");
}

#[test]
fn folders_and_the_whole_repository() {
    let scratch = Scratch::repository();
    scratch.put(".gitignore", "out/\n");
    for name in ["src/a.ts", "src/deep/b.py", "out/c.ts", "d.sh"] {
        scratch.put(name, "x = json.loads(y)\n");
    }
    scratch.commit();
    assert_eq!(places(&scratch.json(&["--all", "--json"]), 0), ["d.sh:1", "src/a.ts:1", "src/deep/b.py:1"]);
    assert_eq!(places(&scratch.json(&["--files", "src", "--json"]), 0), ["src/a.ts:1", "src/deep/b.py:1"]);
}

#[test]
fn odd_names_lose_nothing() {
    let scratch = Scratch::repository();
    scratch.put("start", "");
    scratch.commit();
    let names = ["a b.ts", "a:b.ts", "ü.ts", "q\"u.ts", "new\nline.ts", "[x].ts", "*.ts"];
    for name in names {
        scratch.put(name, "JSON.parse(x)\n");
    }
    for arguments in [&["--json"][..], &["--changed-lines", "--json"]] {
        let report = scratch.json(arguments);
        let found: Vec<_> =
            report["results"][0]["findings"].as_array().unwrap().iter().map(|one| one["file"].clone()).collect();
        assert_eq!(found.len(), names.len(), "{found:?}");
        assert!(names.iter().all(|name| found.contains(&json!(name))), "{found:?}");
    }
    scratch.commit();
    for name in names {
        scratch.put(name, "JSON.parse(x)\n\nJSON.parse(y)\n");
    }
    let report = scratch.json(&["--changed-lines", "--json"]);
    let found = report["results"][0]["findings"].as_array().unwrap().clone();
    assert!(found.len() == names.len() && found.iter().all(|one| one["line"] == 3), "{found:?}");
    let text = scratch.run(&[]).unwrap().stdout;
    assert!(!text.windows(8).any(|part| part == b"new\nline"));
}

#[test]
fn only_changed_lines_count_when_asked() {
    let scratch = Scratch::repository();
    let body = "JSON.parse(old);\n\n\n\n\n\n\n";
    scratch.put("a.ts", body);
    scratch.put("same.ts", body);
    scratch.commit();
    scratch.git(&["checkout", "-q", "-b", "side"]);
    scratch.put("a.ts", format!("{body}JSON.parse(committed);\n"));
    scratch.commit();
    scratch.put("a.ts", format!("{body}JSON.parse(committed);\n\n\n\nJSON.parse(uncommitted);\n"));
    scratch.put("new.ts", "JSON.parse(all);\n");
    let found = |arguments: &[&str]| places(&scratch.json(arguments), 0);
    let files = ["--files", "a.ts", "same.ts", "new.ts", "--changed-lines", "--json"];
    assert_eq!(found(&files), ["a.ts:8", "a.ts:12", "new.ts:1"]);
    assert_eq!(found(&["--changed-lines", "--json"]), ["a.ts:12", "new.ts:1"]);
    assert_eq!(found(&["--diff-base", "main", "--changed-lines", "--json"]), ["a.ts:8", "a.ts:12"]);
    assert_eq!(found(&["--diff-base", "--json"]), ["a.ts:1", "a.ts:8", "a.ts:12"]);
    scratch.git(&["checkout", "-q", "-B", "main"]);
    assert_eq!(found(&files), ["a.ts:12", "new.ts:1"]);
}

#[test]
fn a_diff_says_what_is_new() {
    let mut scratch = Scratch::repository();
    scratch.put("a.ts", "JSON.parse(a);\n\n\n\n\n\n\nJSON.parse(b);\n");
    scratch.stdin = b"diff --git a/a.ts b/a.ts\n--- a/a.ts\n+++ b/a.ts\n@@ -7,0 +8 @@\n+JSON.parse(b);\n".to_vec();
    assert_eq!(places(&scratch.json(&["--diff", "-", "--json"]), 0), ["a.ts:8"]);
    scratch.put("x.diff", &scratch.stdin);
    assert_eq!(places(&scratch.json(&["--diff", "x.diff", "--json"]), 0), ["a.ts:8"]);
    assert!(scratch.run(&["--diff", "gone.diff"]).unwrap_err().to_string().contains("gone.diff"));
}

#[test]
fn the_limit_counts_what_the_change_did() {
    let scratch = Scratch::repository();
    scratch.put("long.ts", "a();\n".repeat(300));
    scratch.put("short.ts", "a();\n".repeat(250));
    scratch.commit();
    scratch.put("long.ts", format!("b();\n{}", "a();\n".repeat(299)));
    scratch.put("short.ts", "a();\n".repeat(250) + "last();");
    scratch.put("dist/made.js", "a();\n".repeat(300));
    let limit = |arguments: &[&str]| scratch.json(arguments)["line_limit"].clone();
    let all = limit(&["--json"]);
    assert_eq!(all["findings"], json!([{"file": "long.ts", "lines": 300}, {"file": "short.ts", "lines": 251}]));
    let changed = limit(&["--changed-lines", "--json"]);
    assert_eq!(changed["findings"], json!([{"file": "short.ts", "lines": 251}]));
    assert_eq!(changed["not_grown"], json!([{"file": "long.ts", "lines": 300}]));
}

#[test]
fn a_comment_waives_one_finding() {
    let scratch = Scratch::new();
    let text = "// pattern-ok: unguarded_json_parse the file is ours\nconst a = JSON.parse(x);\nconst b = JSON.parse(y); \
                // pattern-ok: unguarded_json_parse ours too\nconst c = JSON.parse(z);\n";
    scratch.put("a.ts", text);
    let report = scratch.json(&["--files", "a.ts", "--json"]);
    // The second stands on the line above the third finding, too.
    assert_eq!(places(&report, 0), Vec::<String>::new());
    assert_eq!(report["waived"].as_array().unwrap().len(), 3);
    assert_eq!(report["waived"][0]["reason"], "the file is ours");
    for text in [
        "const a = JSON.parse(x); // pattern-ok: unguarded_json_parse\n",
        "const a = JSON.parse(x); // pattern-ok: no_such_check reason\n",
        "const a = JSON.parse('pattern-ok: unguarded_json_parse reason');\n",
    ] {
        scratch.put("b.ts", text);
        let (answer, notes) = scratch.run_in("", &["--files", "b.ts", "--json"]);
        let report: Value = serde_json::from_slice(&answer.unwrap().stdout).unwrap();
        assert_eq!((places(&report, 0).len(), notes.len()), (1, usize::from(text.contains("//"))), "{text}");
    }
}

#[test]
fn settings_hold_for_the_repository() {
    let scratch = Scratch::repository();
    scratch.put(".code-patterns.toml", "exclude = ['gen/']\n[checks.unguarded_json_parse]\nseverity = 'P2'\n");
    scratch.put("gen/a.ts", "JSON.parse(x);\n");
    scratch.put("src/a.ts", "JSON.parse(x);\n");
    let (answer, _) = scratch.run_in("src", &["--json"]);
    let report: Value = serde_json::from_slice(&answer.unwrap().stdout).unwrap();
    assert_eq!(places(&report, 0), ["src/a.ts:1"]);
    assert_eq!((report["verdict"].as_str(), report["settings"].as_str()), (Some("warn"), Some(".code-patterns.toml")));
    scratch.put(".code-patterns.toml", "[checks.unguarded_json_parse]\nseverity = 'off'\n");
    assert_eq!(scratch.json(&["--json"])["results"][0]["off"], true);
    scratch.put(".code-patterns.toml", "severity = 'off'\n");
    assert!(scratch.run(&["--json"]).unwrap_err().to_string().contains(".code-patterns.toml"));
}

#[test]
fn wrong_usage_is_named() {
    let scratch = Scratch::new();
    for (arguments, part) in [
        (&["--no-such-flag"][..], "no-such-flag"),
        (&["--files"], "--files"),
        (&["--json"], "repository"),
        (&["--diff-base", "main"], "repository"),
        (&["--json", "--sarif"], "--sarif"),
    ] {
        let refusal = scratch.run(arguments).unwrap_err();
        assert!(refusal.code == 1 && refusal.to_string().contains(part), "{arguments:?}: {refusal}");
    }
    let scratch = Scratch::repository();
    scratch.put("a", "");
    scratch.commit();
    for reference in ["no-such-branch", "-x", "main..other", ""] {
        let base = format!("--diff-base={reference}");
        let refusal = scratch.run(&[&base, "--json"]).unwrap_err();
        assert!(refusal.code == 1 && refusal.to_string().contains("--diff-base"), "{reference}: {refusal}");
    }
}

#[test]
fn secrets_are_not_shown_whole() {
    let scratch = Scratch::new();
    let key = format!("AKIA{}", "Q7".repeat(8));
    let token = format!("ghp_{}", "a1B2".repeat(9));
    scratch.put("a.ts", format!("fetch(url, {{ key: '{key}', token: '{token}' }});\nfetch(u, '{key}')\n"));
    for arguments in [&["--files", "a.ts", "--json"][..], &["--files", "a.ts"], &["--files", "a.ts", "--sarif"]] {
        let text = String::from_utf8(scratch.run(arguments).unwrap().stdout).unwrap();
        assert!(!text.contains(&key) && !text.contains(&token) && text.contains("***"), "{text}");
    }
}

#[test]
fn sarif_names_rules_places_and_waivers() {
    let scratch = Scratch::new();
    scratch.put("a b.ts", "JSON.parse(x);\nfetch(u) // pattern-ok: missing_error_boundary shown elsewhere\n");
    let log = scratch.json(&["--files", "a b.ts", "--sarif"]);
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["rules"].as_array().unwrap().len(), 10);
    let result = &run["results"][0];
    assert_eq!((result["ruleId"].as_str(), result["level"].as_str()), (Some("unguarded_json_parse"), Some("error")));
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "a%20b.ts");
    assert_eq!(place["region"]["startLine"], 1);
    assert_eq!(run["results"][1]["suppressions"][0]["justification"], "shown elsewhere");
}

#[test]
fn text_is_for_people() {
    let scratch = Scratch::new();
    scratch.put("a.ts", "const a = JSON.parse(x);\n\n\n\n\n\nconst b = JSON.parse(\"\x1b[31m\");\n");
    let text = String::from_utf8(scratch.run(&["--files", "a.ts"]).unwrap().stdout).unwrap();
    assert_eq!(text.matches("[P1] unguarded_json_parse: 2 finding(s)").count(), 1);
    assert!(text.contains("  a.ts:1 const a = JSON.parse(x);\n") && !text.contains('\x1b'), "{text}");
    assert!(text.ends_with("RESULT: 1 P1, 0 P2, 0 P3 (rejects)\n"), "{text}");
    scratch.put("b.ts", "const a = 1;\n");
    assert_eq!(scratch.run(&["--files", "b.ts"]).unwrap().stdout, b"1 file\nRESULT: PASS\n");
}

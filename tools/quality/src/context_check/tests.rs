use serde_json::json;

use super::TOOL;
use crate::scratch::Scratch;

#[test]
fn nothing_is_no_issue() {
    let (text, code) = Scratch::new().text(&TOOL, &["--fix"]);
    assert!(text.contains("~0 tokens") && text.contains("OPTIMIZATION: GOOD") && code == 0, "{text}");
}

#[test]
fn bytes_names_lines_and_tokens() {
    let scratch = Scratch::new();
    scratch.put("home/.claude/CLAUDE.md", &"x".repeat(5001));
    scratch.put("home/.claude/rules/a.md", &"y".repeat(30_001));
    scratch.put("home/.claude/rules/not.txt", &"y".repeat(100));
    scratch.put("home/.claude/rules/sub/a.md", "other");
    scratch.put("home/.claude/notes.md", &"z\n".repeat(251));
    for folder in ["plugins", "projects", "cache"] {
        scratch.put(&format!("home/.claude/{folder}/long.md"), &"z\n".repeat(900));
    }
    for number in 0..9 {
        scratch.put(&format!("home/.claude/docs/d{number}.md"), &"z\n".repeat(300 + number));
    }
    let (report, _) = scratch.json(&TOOL, &["--json"]);
    assert_eq!((report["claude_md_bytes"].as_u64(), report["rules_bytes"].as_u64()), (Some(5001), Some(30_001)));
    assert_eq!(report["tokens"], 35_002 / 4);
    assert_eq!(report["equal_names"], json!({"a.md": ["a.md", "sub/a.md"]}));
    assert_eq!(report["long_files"].as_array().unwrap().len(), 10);
    assert_eq!((report["long_files"][0]["file"].as_str(), report["issues"].as_u64()), (Some("docs/d8.md"), Some(4)));
    let (text, code) = scratch.text(&TOOL, &[]);
    assert!(text.contains("4 issues found") && code == 0, "{text}");
    assert_eq!(text.matches("docs/d").count(), 5, "{text}");
}

#[test]
fn imports_are_followed_and_counted() {
    let scratch = Scratch::new();
    scratch.put("home/.claude/CLAUDE.md", "see @docs/a.md and @gone.md\n");
    scratch.put("home/.claude/docs/a.md", "and @../CLAUDE.md and @b.md\n");
    scratch.put("home/.claude/docs/b.md", &"b".repeat(4000));
    let (report, code) = scratch.json(&TOOL, &["--json", "--fail-over", "1000"]);
    let imports = json!([
        {"file": "docs/a.md", "bytes": 28},
        {"file": "gone.md", "bytes": null},
        {"file": "b.md", "bytes": 4000},
    ]);
    let sorted = |list: &serde_json::Value| {
        let mut list: Vec<String> = list.as_array().unwrap().iter().map(ToString::to_string).collect();
        list.sort();
        list
    };
    assert_eq!(sorted(&report["imports"]), sorted(&imports));
    assert_eq!((report["tokens"].as_u64(), report["tokens_with_imports"].as_u64(), code), (Some(7), Some(1014), 1));
    assert_eq!(scratch.json(&TOOL, &["--json", "--fail-over", "1014"]).1, 0);
}

#[test]
fn a_split_names_the_largest_sections() {
    let scratch = Scratch::new();
    scratch.put("home/.claude/CLAUDE.md", "# A\none\n## B\n```\n# not this\n```\nlonger text here\n## C\n");
    let (report, _) = scratch.json(&TOOL, &["--json", "--fix"]);
    assert_eq!(report["split"][0]["heading"], "B");
    assert_eq!(report["split"].as_array().unwrap().len(), 3);
}

use serde_json::Value;

use super::TOOL;
use crate::scratch::Scratch;

/// A configuration without faults.
fn healthy() -> Scratch {
    let scratch = Scratch::new();
    scratch.program("bin/claude", "echo '1.2.3 (Claude Code)'");
    scratch.program("bin/npm", "echo 1.2.3");
    scratch.put("home/.claude/CLAUDE.md", "# Rules\nBe brief.\n");
    scratch
}

fn lines(scratch: &Scratch, arguments: &[&str]) -> (Vec<(String, String)>, u8) {
    let (report, code) = scratch.json(&TOOL, &[arguments, &["--json"]].concat());
    let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
    let lines = report["lines"].as_array().unwrap().iter().map(|line| (text(line, "verdict"), text(line, "text")));
    (lines.collect(), code)
}

#[track_caller]
fn says(scratch: &Scratch, verdict: &str, part: &str) {
    let (lines, _) = lines(scratch, &[]);
    assert!(lines.iter().any(|(found, text)| found == verdict && text.contains(part)), "{verdict} {part}: {lines:?}");
}

#[test]
fn the_main_file_by_its_lines() {
    let scratch = healthy();
    for (lines, verdict) in [(100, "PASS"), (101, "WARN"), (150, "WARN"), (151, "FAIL")] {
        scratch.put("home/.claude/CLAUDE.md", &"x\n".repeat(lines));
        says(&scratch, verdict, &format!("CLAUDE.md: {lines} lines"));
    }
    std::fs::remove_file(scratch.root().join("home/.claude/CLAUDE.md")).unwrap();
    says(&scratch, "FAIL", "CLAUDE.md is not there");
    scratch.put("home/.claude/CLAUDE.md", "see @docs/a.md, `~/.claude/docs/b.md` and ~/.claude/docs/c.md\n");
    scratch.put("home/.claude/docs/c.md", "");
    says(&scratch, "WARN", "docs/a.md");
    says(&scratch, "WARN", "~/.claude/docs/b.md");
    assert!(!lines(&scratch, &[]).0.iter().any(|(_, text)| text.contains("c.md")));
}

#[test]
fn rules_that_repeat_and_agents_in_folders() {
    let scratch = healthy();
    let sentences: Vec<String> = (0..4).map(|number| format!("A sentence number {number} that is long.")).collect();
    scratch.put("home/.claude/CLAUDE.md", &sentences.join("\n"));
    scratch.put(
        "home/.claude/rules/a.md",
        &format!("# Head\n- an item that is quite long indeed\n{}", sentences[..3].join("\n")),
    );
    says(&scratch, "PASS", "3 lines");
    scratch.put("home/.claude/rules/b.md", &sentences[3]);
    says(&scratch, "WARN", "4 lines of the rules");
    scratch.put("home/.claude/agents/one.md", &"x\n".repeat(201));
    scratch.put("home/.claude/agents/team/two.md", "x\n");
    says(&scratch, "WARN", "agents/one.md: 201 lines");
    says(&scratch, "NONE", "2 agent files");
}

#[test]
fn versions() {
    let scratch = healthy();
    says(&scratch, "PASS", "1.2.3");
    let (offline, _) = lines(&scratch, &["--offline"]);
    assert!(offline.iter().any(|(verdict, text)| verdict == "NONE" && text.contains("not known")), "{offline:?}");
    scratch.program("bin/npm", "echo 2.0.0");
    says(&scratch, "WARN", "2.0.0");
    scratch.program("bin/npm", "echo error; exit 1");
    says(&scratch, "NONE", "not known");
    scratch.program("bin/claude", "exit 127");
    says(&scratch, "FAIL", "not installed");
}

#[test]
fn hooks_run_in_a_home_of_their_own() {
    let scratch = healthy().with("CLAUDE_HOME", "");
    let home = scratch.root().join("home");
    scratch.program(
        "home/.claude/hooks/touch.sh",
        "cat >/dev/null; echo x > \"$HOME/.claude/touched\"; ls -A | grep . && exit 3; exit 0",
    );
    scratch.program("home/.claude/hooks/bad.sh", "exit 4");
    scratch.program("home/.claude/hooks/slow.sh", "sleep 60");
    scratch.put("home/.claude/hooks/plain.sh", "#!/bin/sh\n");
    scratch.put("home/.claude/hooks/notes.txt", "");
    let (lines, code) = lines(&scratch, &[]);
    for (verdict, text) in [
        ("PASS", "touch.sh: runs"),
        ("WARN", "bad.sh: ends with 4 on empty input"),
        ("WARN", "slow.sh: no end within 5 s"),
        ("FAIL", "plain.sh: not executable"),
    ] {
        assert!(lines.contains(&(verdict.into(), text.into())), "{text}: {lines:?}");
    }
    assert!(code == 1 && !home.join(".claude/touched").exists());
}

#[test]
fn projects_each_once() {
    let scratch = healthy();
    scratch.put("home/GitHub/full/CLAUDE.md", "x\n");
    scratch.put("home/GitHub/inner/.claude/CLAUDE.md", &"x\n".repeat(120));
    scratch.put("home/GitHub/bare/README.md", "x\n");
    scratch.put("home/GitHub/.hidden/x", "");
    says(&scratch, "PASS", "full: 1 lines");
    says(&scratch, "WARN", "inner: 120 lines");
    says(&scratch, "WARN", "bare: no CLAUDE.md");
    assert!(!lines(&scratch, &[]).0.iter().any(|(_, text)| text.contains("hidden")));
    let elsewhere = scratch.root().join("home/GitHub/full").to_string_lossy().into_owned();
    let scratch = scratch.with("CONTEXT_PROJECTS_DIR", &elsewhere);
    assert!(!lines(&scratch, &[]).0.iter().any(|(_, text)| text.contains("bare")));
}

#[test]
fn the_last_lines_count() {
    let scratch = healthy();
    let (text, code) = scratch.text(&TOOL, &["--maintenance"]);
    assert!(text.ends_with("Warnings: 1 | Failures: 0\nStatus: HEALTHY\n") && code == 0, "{text}");
    assert!(text.contains("[WARN] there is no database") && !text.contains('\x1b'), "{text}");
}

//! `run` in repositories made for it.

use super::*;
use crewkit_tool::{Clock, Script};
use serde_json::json;
use std::collections::HashMap;

/// A context in `directory` that knows no user's git settings.
fn context(directory: PathBuf) -> Context {
    let mut environment: HashMap<OsString, OsString> = HashMap::from([
        ("HOME".into(), directory.clone().into()),
        ("GIT_CONFIG_NOSYSTEM".into(), "1".into()),
        // So that hashes, and with them tokens, are the same in every run.
        ("GIT_AUTHOR_DATE".into(), "2026-01-02T03:04:05Z".into()),
        ("GIT_COMMITTER_DATE".into(), "2026-01-02T03:04:05Z".into()),
        ("GIT_CEILING_DIRECTORIES".into(), directory.parent().unwrap().into()),
    ]);
    if let Some(path) = Context::process().environment.get("PATH") {
        environment.insert("PATH".into(), path);
    }
    Context::scripted(Script { environment, directory, clock: Clock::System, stdin: Vec::new() })
}

fn digest(context: &Context, arguments: &[&str]) -> Value {
    let outcome = run(context, &arguments.iter().map(OsString::from).collect::<Vec<_>>()).unwrap();
    serde_json::from_slice(&outcome.stdout).unwrap()
}

fn git(context: &Context, arguments: &[&str]) {
    let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"];
    let ended = Git::at(context, context.directory().unwrap()).args(identity).args(arguments).run().unwrap();
    assert!(ended.ok(), "git {arguments:?}: {}", ended.complaint());
}

#[test]
fn a_fresh_repository_is_clean_and_has_no_commit() {
    let scratch = tempfile::tempdir().unwrap();
    let context = context(scratch.path().canonicalize().unwrap());
    git(&context, &["init", "-q"]);
    let wanted = json!({
        "branch": "main", "sha": "", "clean": true, "has_upstream": false, "ahead": 0, "behind": 0, "staged": 0,
        "unstaged": 0, "untracked": 0, "conflicts": 0, "stashes": 0, "commits": []
    });
    assert_eq!(digest(&context, &["--no-cache"]), wanted);
}

#[test]
fn long_lists_are_cut_and_the_rest_is_counted() {
    let scratch = tempfile::tempdir().unwrap();
    let context = context(scratch.path().canonicalize().unwrap());
    git(&context, &["init", "-q"]);
    for number in 0..60 {
        std::fs::write(scratch.path().join(format!("f{number:02}")), "x").unwrap();
    }
    git(&context, &["add", "f00"]);
    let seen = digest(&context, &["--full", "--no-cache"]);
    assert_eq!((&seen["staged"], &seen["untracked"], &seen["clean"]), (&json!(1), &json!(59), &json!(false)));
    assert_eq!(seen["untracked_files"].as_array().unwrap().len(), 50);
    assert_eq!(seen["more"], json!({"untracked_files": 9}));
    let seen = digest(&context, &["--limit", "0", "--full"]);
    assert_eq!((seen["untracked_files"].as_array().unwrap().len(), seen.get("more")), (59, None));
}

#[test]
fn an_answer_costs_few_tokens() {
    let scratch = tempfile::tempdir().unwrap();
    let context = context(scratch.path().canonicalize().unwrap());
    git(&context, &["init", "-q"]);
    let write = |name: &str, text: &str| {
        let path = scratch.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    for (number, subject) in
        ["Add the cart", "Fix totals", "Read orders", "Test refunds", "Bump serde"].iter().enumerate()
    {
        for file in 0..14 {
            write(&format!("src/file{file}.rs"), &number.to_string());
        }
        git(&context, &["add", "."]);
        git(&context, &["commit", "-q", "-m", subject]);
    }
    for file in 0..14 {
        write(&format!("src/file{file}.rs"), "changed");
    }
    git(&context, &["add", "src/file0.rs", "src/file1.rs", "src/file2.rs", "src/file3.rs"]);
    for file in 0..7 {
        write(&format!("docs/note{file}.md"), "new");
    }
    write("docs/known.md", "known");
    git(&context, &["add", "docs/known.md"]);
    git(&context, &["commit", "-q", "docs/known.md", "-m", "Note"]);
    let cost = |arguments: &[&str]| {
        let outcome = run(&context, &arguments.iter().map(OsString::from).collect::<Vec<_>>()).unwrap();
        let text = String::from_utf8(outcome.stdout).unwrap();
        (tiktoken_rs::o200k_base_singleton().encode_ordinary(text.trim_end()).len(), text)
    };
    let (tokens, text) = cost(&["--full", "--keys", "few"]);
    let seen: Value = serde_json::from_str(&text).unwrap();
    let count = |key: &str| seen[key].as_array().unwrap().len();
    assert_eq!((count("staged_files"), count("unstaged_files"), count("untracked_files")), (4, 10, 7));
    assert!(tokens <= 200, "{tokens}: {text}");
    for key in ["sha", "staged", "unstaged", "untracked", "conflicts", "ahead", "has_upstream"] {
        assert_eq!(seen.get(key), None, "{text}");
    }
    assert_eq!(seen["clean"], json!(false));
    // With every key of the contract.
    assert!(cost(&["--full"]).0 <= 230, "{text}");
    let (tokens, text) = cost(&["--keys", "few"]);
    assert!(tokens <= 80 && text.contains("\"staged\":4"), "{tokens}: {text}");
}

#[test]
fn what_cannot_be_told_is_an_error_object() {
    let scratch = tempfile::tempdir().unwrap();
    let context = context(scratch.path().canonicalize().unwrap());
    for arguments in [&[][..], &["--all-worktrees".into()]] {
        let refusal = run(&context, arguments).unwrap_err();
        let object: Value = serde_json::from_slice(&refusal.stdout).unwrap();
        assert_eq!((refusal.code, &object["status"]), (1, &json!("error")));
        assert!(object["msg"].as_str().unwrap().contains("not a git repository"), "{object}");
    }
    assert_eq!(run(&context, &["--fill".into()]).unwrap_err().code, 1);
    assert_eq!(run(&context, &["extra".into()]).unwrap_err().code, 1);
}

#[test]
fn a_subject_cannot_steer_a_terminal() {
    assert_eq!(plain("a\u{1b}[31mred\u{1b}[0m\tb\rc\0d"), "ared bcd");
    assert_eq!(plain("\u{1b}]0;x\u{7}"), "]0;x");
    assert_eq!(plain("cut \u{1b}[31"), "cut ");
}

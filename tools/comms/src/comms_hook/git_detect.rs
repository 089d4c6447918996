//! git-detect: which git commands a shell command ran, and whether it merged a pull request.

use std::path::{Path, PathBuf};

use crewkit_hook::Event;
use crewkit_hook::command_line::{self, Command, Line, Places};
use crewkit_repo::Repository;
use crewkit_tool::{Answer, Context, Outcome, text};
use serde_json::Value;

use super::{pull, redact, say};

/// The commands that move branches, which the others should know of.
const OPERATIONS: [&str; 8] = ["checkout", "switch", "branch", "merge", "rebase", "push", "pull", "worktree"];

/// The one that is told on request.
const COMMIT: [&str; 1] = ["commit"];

const OPERATIONS_AND_COMMIT: [&str; 9] =
    ["checkout", "switch", "branch", "merge", "rebase", "push", "pull", "worktree", "commit"];

/// Most characters of a post.
const MOST_CHARACTERS: usize = 200;

/// Posts git operations; after a merged pull request brings the main checkout up to date.
pub(super) fn run(context: &Context, event: &Event, session: &str) -> Answer {
    let Some(command) = event.command().filter(|_| event.is_shell()) else { return Ok(Outcome::silent()) };
    if !command.contains("git") && !command.contains("gh") {
        return Ok(Outcome::silent());
    }
    let line = command_line::read(command);
    let failed = has_failed(event);
    let commits = || tells_commits(context, event);
    if let Some(post) = announcement(command, &line, failed, commits) {
        say(context, event, session, &post)?;
    }
    if let Some((merge, of)) = line.commands().find_map(|command| Some((command, merge_of(command)?)))
        && !failed
    {
        let start = event.directory(context)?;
        let directory = directory(context, &start, merge).unwrap_or(start);
        if let Some(post) = pull::after_merge(context, &directory, &of) {
            say(context, event, session, &post)?;
        }
    }
    Ok(Outcome::silent())
}

/// The post for the git operations of a command, if there are any: the command itself, or, where that is long or has
/// several lines, its operations.
fn announcement(command: &str, line: &Line<'_>, failed: bool, commits: impl FnOnce() -> bool) -> Option<String> {
    let runs = |operations: &[&str]| line.commands().any(|command| is_operation(command, operations));
    let told: &[&str] = if runs(&COMMIT) && commits() { &OPERATIONS_AND_COMMIT } else { &OPERATIONS };
    let operations: Vec<Command<'_>> = line.commands().filter(|command| is_operation(*command, told)).collect();
    if operations.is_empty() {
        return None;
    }
    let end = if failed { " (failed)" } else { "" };
    let room = MOST_CHARACTERS - "git: ".len() - end.len();
    let whole = redact::redact(command.trim());
    let shown = if whole.contains('\n') || whole.chars().count() > room {
        let operations: Vec<String> =
            operations.iter().map(|command| redact::redact(&text::fold_line_ends(command.source()))).collect();
        operations.join("; ")
    } else {
        whole
    };
    let shown = if shown.chars().count() > room { text::cut(&shown, room - "...".len()) } else { shown };
    Some(format!("git: {shown}{end}"))
}

/// Whether a command is one of git's `operations`. One whose output becomes part of another command only asks.
fn is_operation(command: Command<'_>, operations: &[&str]) -> bool {
    !command.substituted() && command.git().is_some_and(|git| operations.contains(&git.subcommand))
}

/// Whether commits are told, too: the variable `COMMS_ANNOUNCE_COMMITS`, else `commits` of the hook's settings.
fn tells_commits(context: &Context, event: &Event) -> bool {
    match context.variable("COMMS_ANNOUNCE_COMMITS") {
        Some(value) => !matches!(value.as_str(), "0" | "false" | "no" | "off"),
        None => event.settings(context).flag("comms-git-detect", "commits").unwrap_or(false),
    }
}

/// The merge of a pull request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Merge {
    /// `OWNER/REPO` where the command names it, in lower case.
    pub(super) repository: Option<String>,
    /// Whether it may happen later, when its conditions are met.
    pub(super) later: bool,
}

/// The merge that a command is, if it is `gh pr merge`.
fn merge_of(command: Command<'_>) -> Option<Merge> {
    if command.program() != "gh" {
        return None;
    }
    let mut repository = command.variable("GH_REPO").map(|word| word.to_string());
    let mut places = Vec::new();
    let mut later = false;
    let mut words = command.arguments().iter();
    while let Some(word) = words.next() {
        match word.text() {
            "-R" | "--repo" => repository = words.next().map(|word| word.to_string()),
            "-h" | "--help" | "--disable-auto" => return None,
            "--auto" => later = true,
            // Their values are texts that may look like anything.
            "-b"
            | "--body"
            | "-F"
            | "--body-file"
            | "-t"
            | "--subject"
            | "-A"
            | "--author-email"
            | "--match-head-commit" => drop(words.next()),
            word if word.starts_with("--repo=") => repository = Some(word["--repo=".len()..].to_owned()),
            word if word.starts_with('-') => {}
            word => places.push(word),
        }
    }
    if !places.starts_with(&["pr", "merge"]) {
        return None;
    }
    if let Some((before, _)) = places.get(2).and_then(|address| address.split_once("/pull/")) {
        repository = Some(before.to_owned());
    }
    Some(Merge { repository: repository.as_deref().and_then(owner_and_name), later })
}

/// `OWNER/REPO` in lower case, of that, of an address or of git's `host:OWNER/REPO.git`.
pub(super) fn owner_and_name(repository: &str) -> Option<String> {
    let repository = repository.trim_end_matches('/');
    let repository = repository.strip_suffix(".git").unwrap_or(repository);
    let mut parts = repository.rsplit(['/', ':']);
    let (name, owner) = (parts.next()?, parts.next()?);
    Some(format!("{owner}/{name}").to_lowercase())
}

/// Where `command` runs when the line starts in `start`.
fn directory(context: &Context, start: &Path, command: Command<'_>) -> Option<PathBuf> {
    let home = context.home().ok();
    let top = |directory: &Path| Repository::discover(directory).and_then(|repository| repository.top);
    command.directory(&Places { start, home: home.as_deref(), top: &top })
}

/// Whether the tool's answer says that the command failed. Unknown counts as done: the event comes after success.
fn has_failed(event: &Event) -> bool {
    if event.name() == Some("PostToolUseFailure") {
        return true;
    }
    let Some(response) = event.response() else { return false };
    let is = |key: &str| match response.get(key) {
        Some(Value::Bool(is)) => *is,
        Some(Value::String(text)) => !text.is_empty() && text != "false",
        _ => false,
    };
    let is_not = |key: &str| response.get(key) == Some(&Value::Bool(false));
    let code = ["exit_code", "exitCode", "code", "returnCode"]
        .iter()
        .find_map(|key| response.get(key).and_then(Value::as_i64))
        .is_some_and(|code| code != 0);
    let kind = ["resultType", "status", "type"].iter().any(|key| {
        response.get(key).and_then(Value::as_str).is_some_and(|kind| matches!(kind, "error" | "failure" | "failed"))
    });
    let texts = [response.as_str(), response.get("stderr").and_then(Value::as_str)];
    let complaint = texts.into_iter().flatten().any(complains);
    ["is_error", "isError", "error", "interrupted"].iter().any(|key| is(key))
        || is_not("success")
        || code
        || kind
        || complaint
}

/// Whether a program's output has a line that says that it did not do what it was asked. gh and git begin such lines
/// with these words.
fn complains(output: &str) -> bool {
    let begins = ["error", "fatal:", "x ", "\u{2717} ", "graphql:", "failed to", "! [rejected]", "exit code "];
    let holds = ["is not mergeable", "failed to merge", "no pull requests found", "could not resolve to a"];
    output
        .lines()
        .map(|line| line.trim().to_lowercase())
        .any(|line| begins.iter().any(|word| line.starts_with(word)) || holds.iter().any(|words| line.contains(words)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn announced(command: &str) -> Option<String> {
        announcement(command, &command_line::read(command), false, || false)
    }

    #[test]
    fn commits_are_told_on_request() {
        let told = |command: &str| announcement(command, &command_line::read(command), false, || true);
        assert_eq!(told("git commit -m x").as_deref(), Some("git: git commit -m x"));
        assert_eq!(told("git add . && git status"), None);
        assert_eq!(announced("git commit -m x"), None);
        assert_eq!(announced("git commit -m x && git push").as_deref(), Some("git: git commit -m x && git push"));
        let long = format!("git commit -m {} && git push", "x".repeat(300));
        assert_eq!(announced(&long).as_deref(), Some("git: git push"));
    }

    #[test]
    fn only_what_git_does_is_announced() {
        for command in [
            "git push origin feat/login",
            "cd sub && git  checkout -b fix",
            "git -C ../shop push origin main",
            "sudo -u me git rebase main",
            "FOO=1 git worktree add ../x",
            "git --no-pager -c a.b=c branch -d x",
            "ls; (git switch main)",
        ] {
            assert_eq!(announced(command).as_deref(), Some(format!("git: {command}").as_str()));
        }
        for command in [
            "git status",
            "git commit -m 'git push later'",
            "echo git push",
            "echo \"on $(git branch --show-current)\"",
            "git fetch && git add .",
            "digit push",
            "git log --grep push",
            "git",
        ] {
            assert_eq!(announced(command), None, "{command}");
        }
    }

    #[test]
    fn long_commands_and_those_of_many_lines_are_cut_to_their_operations() {
        assert_eq!(
            announced("set -e\nmake\ngit push origin main\nrm x\ngit branch -d y").as_deref(),
            Some("git: git push origin main; git branch -d y")
        );
        let filler = "x".repeat(300);
        assert_eq!(announced(&format!("echo {filler} && git pull")).as_deref(), Some("git: git pull"));
        let long = announced(&format!("git push origin {filler}")).unwrap();
        assert_eq!((long.chars().count(), long.ends_with("xxx...")), (MOST_CHARACTERS, true));
        let failed = announcement(
            &format!("git push {filler}"),
            &command_line::read(&format!("git push {filler}")),
            true,
            || false,
        );
        let failed = failed.unwrap();
        assert_eq!((failed.chars().count(), failed.ends_with("... (failed)")), (MOST_CHARACTERS, true));
    }

    #[test]
    fn a_merge_is_known_with_its_repository() {
        let merge = |command: &str| command_line::read(command).commands().find_map(merge_of);
        let of = |repository: Option<&str>, later| Some(Merge { repository: repository.map(str::to_owned), later });
        assert_eq!(merge("gh pr merge 5 --squash"), of(None, false));
        assert_eq!(merge("cd x && gh pr merge --auto -R Me/Shop 5"), of(Some("me/shop"), true));
        assert_eq!(merge("gh --repo=github.com/me/shop pr merge"), of(Some("me/shop"), false));
        assert_eq!(merge("gh pr merge https://github.com/me/shop/pull/5"), of(Some("me/shop"), false));
        assert_eq!(merge("GH_REPO=me/shop gh pr merge 5 -t 'pr view'"), of(Some("me/shop"), false));
        for command in ["gh pr view 5", "echo gh pr merge 5", "gh pr merge --help", "gh issue merge", "gh pr"] {
            assert_eq!(merge(command), None, "{command}");
        }
        assert_eq!(owner_and_name("git@github.com:Me/Shop.git").as_deref(), Some("me/shop"));
        assert_eq!(owner_and_name("/srv/git/shop.git/").as_deref(), Some("git/shop"));
    }

    #[test]
    fn a_failure_is_seen_in_all_its_forms() {
        let failed = |response: Value| {
            let event = json!({"hook_event_name": "PostToolUse", "tool_response": response}).to_string();
            has_failed(&Event::parse(event.as_bytes()).unwrap())
        };
        for response in [
            json!({"is_error": true}),
            json!({"success": false}),
            json!({"exit_code": 1}),
            json!({"interrupted": true}),
            json!({"error": "boom"}),
            json!({"stdout": "", "stderr": "X Pull request #5 is not mergeable"}),
            json!({"stderr": "GraphQL: Pull Request is not mergeable (mergePullRequest)"}),
            json!({"resultType": "failure"}),
            json!("Error: exit 1"),
        ] {
            assert!(failed(response.clone()), "{response}");
        }
        for response in [
            json!({"stdout": "ok", "stderr": "", "interrupted": false}),
            json!({"stderr": "\u{2713} Squashed and merged pull request #5"}),
            json!({"exit_code": 0, "success": true, "error": null}),
            json!("done"),
            json!(null),
            json!([]),
        ] {
            assert!(!failed(response.clone()), "{response}");
        }
    }
}

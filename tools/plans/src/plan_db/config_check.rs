//! Before a plan is claimed: have the settings of the two computers (the repositories `~/.claude`) parted?
//!
//! Asked only when a second computer is set up and the agent's folder is a repository of its own.

use crewkit_repo::{Git, Repository};
use crewkit_tool::process::Run;
use crewkit_tool::remote::{Remote, Reply, quote};
use crewkit_tool::{Context, Refusal};

/// How the settings here stand to those there.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Settings {
    Equal,
    RemoteIsBehind,
    LocalIsBehind,
    Diverged,
    Unreachable,
    Unknown(String),
}

/// Looks at the settings of both computers: brings them there when the other is behind, warns when this one is.
///
/// # Errors
/// When they have diverged, without `force`.
pub(super) fn before_claim(context: &Context, force: bool) -> Result<(), Refusal> {
    let Some(remote) = Remote::configured(context)? else { return Ok(()) };
    let home = context.claude_home()?;
    let own = Repository::discover(&home).filter(|own| own.top.is_some() && own.top == home.canonicalize().ok());
    if own.is_none() {
        return Ok(());
    }
    let there = remote.name();
    match compare(context, &remote)? {
        Settings::Equal | Settings::Unreachable => {}
        Settings::RemoteIsBehind => push(context, there),
        Settings::LocalIsBehind => {
            context.note(format!("[WARN] the settings here are behind those of {there}: sync-claude-config pull"));
        }
        Settings::Unknown(reason) => {
            context.note(format!("[WARN] the settings here could not be compared with those of {there}: {reason}"));
        }
        Settings::Diverged => {
            let line = format!(
                "the settings here and on {there} have diverged: merge the two repositories {} by hand (sync-claude-config status shows both)",
                home.display()
            );
            if !force {
                return Err(Refusal::new(format!("{line}; --force claims all the same")));
            }
            context.note(format!("[WARN] {line}"));
        }
    }
    Ok(())
}

/// Each side is asked whether it knows the other's commit as one of its past: neither needs the other's objects.
fn compare(context: &Context, remote: &Remote) -> Result<Settings, Refusal> {
    let home = context.claude_home()?;
    let git = |arguments: &[&str]| Git::at(context, &home).args(arguments).run();
    let here = git(&["rev-parse", "--verify", "--quiet", "HEAD"])?;
    if !here.ok() {
        return Ok(Settings::Unknown("there is no commit here".to_owned()));
    }
    let here = here.text();
    let script = format!(
        "cd \"$HOME/.claude\" && git rev-parse --verify --quiet HEAD </dev/null || exit 3\n\
         git merge-base --is-ancestor {} HEAD </dev/null 2>/dev/null && echo past || echo other",
        quote(&here)
    );
    let said = match remote.ask(context, &script)? {
        Reply::Unreachable(_) => return Ok(Settings::Unreachable),
        Reply::Said(ended) => ended,
    };
    let text = said.text();
    let mut lines = text.lines();
    let (Some(there), Some(word), true) = (lines.next(), lines.next(), said.ok()) else {
        return Ok(Settings::Unknown(format!("there is no repository with a commit there ({})", said.complaint())));
    };
    if !there.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Settings::Unknown("the answer from there cannot be read".to_owned()));
    }
    if there == here {
        return Ok(Settings::Equal);
    }
    if word == "past" {
        return Ok(Settings::LocalIsBehind);
    }
    let known = git(&["merge-base", "--is-ancestor", there, "HEAD"]).is_ok_and(|ended| ended.ok());
    Ok(if known { Settings::RemoteIsBehind } else { Settings::Diverged })
}

fn push(context: &Context, there: &str) {
    let run = |run: Run| run.arg("push").run();
    match Run::tool(context, "sync-claude-config").and_then(run) {
        Ok(ended) if ended.ok() => context.note(format!("[OK] the settings were brought to {there}")),
        Ok(ended) => warn(context, there, &ended.complaint()),
        Err(refusal) => warn(context, there, &refusal.message),
    }
}

fn warn(context: &Context, there: &str, reason: &str) {
    context.note(format!("[WARN] the settings could not be brought to {there}: {reason}"));
}

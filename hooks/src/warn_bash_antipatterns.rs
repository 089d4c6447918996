//! hook-warn-bash-antipatterns: before a shell command runs, names the agent's own tool that does the same better. Advice
//! only, each once a session. Called by the agent (PreToolUse, Bash).

use std::ffi::OsString;

use clap::CommandFactory as _;
use crewkit_hook::command_line::{self, Command, Operator};
use crewkit_hook::{Event, Plain};
use crewkit_tool::{Answer, Context, Kind, Outcome, Tool, text};

use crate::entry;
use crate::marks::Mark;

/// hook-warn-bash-antipatterns.
pub const TOOL: Tool = Tool {
    name: "hook-warn-bash-antipatterns",
    summary: "names the agent's own tool that does better than a shell command",
    kind: Kind::Hook,
    command: Args::command,
    run,
};

/// The table of its settings.
const TABLE: &str = "warn-bash-antipatterns";

/// Reads a hook event from standard input. Names the tool to use in place of find (Glob), grep (Grep), cat, head, tail
/// (Read), sed -i, awk (Edit), echo > FILE and cat << EOF (Write). Never blocks; says each thing once a session.
///
/// `WARN_BASH_ANTIPATTERNS=off` silences it, `always` says it every time; else `mode` under [warn-bash-antipatterns] in
/// crewkit.toml (default: once).
#[derive(clap::Parser)]
#[command(name = TOOL.name, disable_version_flag = true)]
struct Args {}

/// A kind of command, the tool that does better, and why.
struct Rule {
    tool: &'static str,
    reason: &'static str,
    fits: fn(Command<'_>) -> bool,
}

/// The first that fits a command of the line speaks.
const RULES: [Rule; 5] = [
    Rule { tool: "Glob", reason: "finds files by name", fits: |command| command.program() == "find" },
    Rule {
        tool: "Grep",
        reason: "searches in files",
        fits: |command| matches!(command.program(), "grep" | "egrep" | "fgrep" | "rg"),
    },
    Rule { tool: "Read", reason: "reads files, in parts too", fits: reads },
    Rule { tool: "Edit", reason: "changes a file and shows what changed", fits: edits },
    Rule { tool: "Write", reason: "writes a file whole", fits: writes },
];

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    entry::run::<Args>(context, arguments, answer)
}

/// The answer to `event`; silent for anything but a shell command that is to run.
///
/// # Errors
/// Never.
pub fn answer(context: &Context, event: &Event) -> Answer {
    let Some(command) = entry::command_to_run(event) else { return Ok(Outcome::silent()) };
    let line = command_line::read(command);
    let found = RULES.iter().find_map(|rule| Some((rule, line.commands().find(|one| (rule.fits)(*one))?)));
    let Some((rule, command)) = found else { return Ok(Outcome::silent()) };
    let variable = context.variable("WARN_BASH_ANTIPATTERNS");
    let mode = variable.as_deref().or_else(|| event.settings(context).text(TABLE, "mode")).unwrap_or("once");
    // A subagent does not see what was said to the agent that called it.
    let word = || format!("{} {}", text::one_line(command.program()), text::one_line(event.agent_id().unwrap_or("-")));
    let said = || Mark::of(context, event, "advice").is_some_and(|mark| mark.has_or_add(&word()));
    if mode == "off" || (mode != "always" && said()) {
        return Ok(Outcome::silent());
    }
    let source = command.source().lines().next().unwrap_or_default();
    let advice = format!(
        "The {} tool {} better than {} in the shell does.\ncommand: {}",
        rule.tool,
        rule.reason,
        text::one_line(command.program()),
        text::one_line(&text::cut(source, 200))
    );
    Ok(event.advise(&advice, Plain::Stdout))
}

/// Whether files are shown as they are: to the agent, not to another program or a file.
fn reads(command: Command<'_>) -> bool {
    if command.substituted() || command.piped_from() {
        return false;
    }
    match command.program() {
        "cat" => {
            let redirected = |operator| !matches!(operator, Operator::Duplicate);
            let to_us = command
                .redirections()
                .all(|one| one.descriptor.is_some_and(|number| number > 1) || !redirected(one.operator));
            !command.piped_to() && to_us && command.arguments().iter().any(|word| !word.starts_with('-'))
        }
        "head" | "tail" => command.output_file().is_none(),
        _ => false,
    }
}

/// Whether a file is changed in place, or text taken apart that a file holds.
fn edits(command: Command<'_>) -> bool {
    match command.program() {
        "sed" | "gsed" => command.arguments().iter().any(|word| {
            let letters = word.strip_prefix('-').unwrap_or_default();
            let before = letters.trim_start_matches(['n', 'E', 'r', 's', 'u', 'z']);
            before.starts_with('i') || word.starts_with("--in-place")
        }),
        "awk" | "gawk" | "mawk" | "nawk" => !command.piped_from() && !command.substituted(),
        _ => false,
    }
}

/// Whether text of the command line goes into a file.
fn writes(command: Command<'_>) -> bool {
    match command.program() {
        "echo" | "printf" => command.output_file().is_some(),
        "cat" => {
            let document = command.redirections().any(|one| one.operator == Operator::HereDocument);
            document && !command.piped_to() && !command.substituted()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_tool::{Clock, Script};
    use serde_json::json;

    fn ask(home: &std::path::Path, variables: &[(&str, &str)], event: &serde_json::Value) -> String {
        let pairs = [("HOME", home.to_str().unwrap())];
        let context = Context::scripted(Script {
            environment: pairs.iter().chain(variables).map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            directory: home.to_owned(),
            clock: Clock::System,
            stdin: Vec::new(),
        });
        let outcome = answer(&context, &Event::parse(event.to_string().as_bytes()).unwrap()).unwrap();
        assert_eq!((outcome.code, outcome.stderr.len()), (0, 0));
        String::from_utf8(outcome.stdout).unwrap()
    }

    fn bare(command: &str) -> serde_json::Value {
        json!({"tool_name": "Bash", "tool_input": {"command": command}})
    }

    #[test]
    fn a_line_with_the_tool_and_one_with_the_command() {
        let home = tempfile::tempdir().unwrap();
        let said = ask(home.path(), &[], &bare("cd x && find . -name 'a\nb' | sort"));
        let lines: Vec<_> = said.lines().collect();
        assert!(lines.len() == 2 && lines[0].contains("Glob") && lines[1] == "command: find . -name 'a", "{said}");
        assert!(!home.path().join(".claude").exists(), "without a session nothing is kept");
    }

    #[test]
    fn each_advice_once_a_session() {
        let home = tempfile::tempdir().unwrap();
        let ask = |session: &str, command: &str, variables: &[(&str, &str)]| {
            let mut event = bare(command);
            event["session_id"] = session.into();
            event["hook_event_name"] = "PreToolUse".into();
            ask(home.path(), variables, &event)
        };
        assert!(ask("a", "find .", &[]).contains("additionalContext"));
        assert_eq!(ask("a", "find x", &[]), "");
        assert!(ask("a", "grep x", &[]).contains("Grep"));
        assert!(ask("b", "find .", &[]).contains("Glob"));
        let mode = "WARN_BASH_ANTIPATTERNS";
        assert!(ask("a", "find .", &[(mode, "always")]).contains("Glob"));
        assert_eq!(ask("c", "find .", &[(mode, "off")]), "");
        std::fs::write(home.path().join(".claude/crewkit.toml"), "[warn-bash-antipatterns]\nmode = 'always'\n")
            .unwrap();
        assert!(ask("a", "find .", &[]).contains("Glob"));
    }
}

//! hook-prefer-ci-summary: before a shell command runs, steers from commands that print much to the tools that say the
//! same in a few lines. Called by the agent (PreToolUse, Bash).
//!
//! Every command of the line is held against a table of rules, people's own first. A command is refused only where what
//! is to be used instead is installed; else the agent is only told.

mod pattern;
mod rules;

use std::ffi::OsString;

use clap::CommandFactory as _;
use crewkit_hook::command_line::{self, Command};
use crewkit_hook::{Dialect, Event, Plain, Settings};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, text};

use crate::entry;
use crate::marks::Mark;
use pattern::Call;
use rules::{Mode, RULES, Rule, UNREADABLE};

/// hook-prefer-ci-summary.
pub const TOOL: Tool = Tool {
    name: "hook-prefer-ci-summary",
    summary: "steers from verbose commands to the compact tools",
    kind: Kind::Hook,
    command: Args::command,
    run,
};

/// The table of its settings.
const TABLE: &str = "prefer-ci-summary";

/// Tools of the set that count as installed wherever this hook is, also where the installation does not hold them yet.
const OF_THE_SET: [&str; 3] = ["service-digest", "pr-ops", "ci-digest"];

/// Options of a project's own ci-summary.sh that keep it short.
const SUMMARY_OPTIONS: [&str; 10] =
    ["--quick", "--full", "--all", "--lint", "--types", "--build", "--unit", "--i18n", "--e2e", "--a11y"];

/// Reads a hook event from standard input. Blocks commands that print more than an agent should read (git status, git
/// log, npm test, gh run view --log...) and names the compact tool to use instead; where none is installed, it only
/// says so. What it does not block it says once a session.
///
/// `PREFER_CI_SUMMARY`, else `mode` under [prefer-ci-summary] in crewkit.toml, says what becomes of such commands: off,
/// warn, block (default: as each rule says). `PREFER_CI_SUMMARY_OFF`, `_WARN` and `_BLOCK`, else the lists `off`, `warn`
/// and `block`, name rules for which it is otherwise; the name of a rule stands in its message. Rules of one's own are
/// lines of the list `rules`: "NAME: PATTERN => COMMAND", without a command to let something pass.
#[derive(clap::Parser)]
#[command(name = TOOL.name, disable_version_flag = true)]
struct Args {}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    entry::run::<Args>(context, arguments, answer)
}

/// The answer to `event`; silent for anything but a shell command that is to run.
///
/// # Errors
/// When the directory it would run in cannot be told.
pub fn answer(context: &Context, event: &Event) -> Answer {
    let Some(command) = entry::command_to_run(event) else { return Ok(Outcome::silent()) };
    let line = command_line::read(command);
    if line.commands().len() == 0 && line.is_complete() {
        return Ok(Outcome::silent());
    }
    let settings = event.settings(context);
    let own = own_rules(context, settings);
    let (mut advice, mut hint) = (None, false);
    for command in line.commands() {
        let call = Call::of(command);
        if wants_hint(&call) {
            hint = true;
            continue;
        }
        let Some(rule) = own.iter().chain(RULES).find(|rule| call.matches(rule.pattern)) else { continue };
        let passes = call.has_option("--help") || (rule.file_passes && command.output_file().is_some());
        if passes || rule.instead.is_empty() {
            continue;
        }
        match mode(context, settings, rule) {
            Mode::Off => {}
            mode => match verdict(context, event, rule, command, &call, mode)? {
                (Mode::Block, reason) => return Ok(event.block(&reason)),
                (Mode::Warn, text) if advice.is_none() => advice = Some((rule.name, text)),
                _ => {}
            },
        }
    }
    if !line.is_complete() {
        let told = format!("{}\n(rule {})", entry::UNREADABLE, UNREADABLE.name);
        match mode(context, settings, &UNREADABLE) {
            Mode::Off => {}
            Mode::Warn => {
                advice = advice.or(Some((UNREADABLE.name, told.replace("BLOCKED", "WARNING"))));
            }
            Mode::Block => return Ok(event.block(&told)),
        }
    }
    Ok(match advice {
        Some((rule, _)) if was_told(context, event, rule) => Outcome::silent(),
        Some((_, advice)) => event.advise(&advice, Plain::Stderr),
        None if hint => {
            let hint = "ci-summary.sh without an option runs everything; --quick is enough for most changes";
            let said = event.advise(hint, Plain::Stderr);
            if event.dialect() == Dialect::Claude { said.with_note(hint) } else { said }
        }
        None => Outcome::silent(),
    })
}

/// Whether the agent was told of `rule` in this session before; a subagent has not heard what others were told.
fn was_told(context: &Context, event: &Event, rule: &str) -> bool {
    let word = format!("{TABLE} {rule} {}", text::one_line(event.agent_id().unwrap_or("-")));
    Mark::of(context, event, "advice").is_some_and(|mark| mark.has_or_add(&word))
}

/// Rules that people added. One that cannot be read is noted.
fn own_rules<'s>(context: &Context, settings: &'s Settings) -> Vec<Rule<'s>> {
    let texts = settings.list(TABLE, "rules").unwrap_or_default();
    let mut rules = Vec::with_capacity(texts.len());
    for text in texts {
        match Rule::parse(text) {
            Some(rule) => rules.push(rule),
            None => context.note(format!("not a rule (NAME: PATTERN => COMMAND): {}", text::cut(text, 80))),
        }
    }
    rules
}

/// Whether `call` runs the project's own summary without saying how much of it.
fn wants_hint(call: &Call<'_>) -> bool {
    let script = call.program == "ci-summary" && !SUMMARY_OPTIONS.iter().any(|option| call.has_option(option));
    script || call.matches("npm|pnpm|yarn|bun run|run-script ci:summary")
}

/// What becomes of commands that `rule` fits, by what people set: the environment before the files, a rule's own switch
/// before the general one.
fn mode(context: &Context, settings: &Settings, rule: &Rule<'_>) -> Mode {
    let switches = [("off", Mode::Off), ("warn", Mode::Warn), ("block", Mode::Block)];
    let by_variable = |(name, _): &&(&str, Mode)| {
        let variable = context.variable(&format!("PREFER_CI_SUMMARY_{}", name.to_ascii_uppercase()));
        variable.is_some_and(|names| names.split(',').any(|one| one.trim() == rule.name))
    };
    let by_file =
        |(name, _): &&(&str, Mode)| settings.list(TABLE, name).is_some_and(|names| names.contains(&rule.name));
    if let Some((_, mode)) = switches.iter().find(by_variable) {
        return *mode;
    }
    let named = |name: &str| {
        let mode = Mode::named(name);
        if mode.is_none() {
            context.note(format!("the mode '{}' is none of off, warn, block", text::cut(name, 20)));
        }
        mode
    };
    // A rule that is off unless asked for stays so.
    let general = |mode: Mode| if rule.mode == Mode::Off { Mode::Off } else { mode };
    if let Some(mode) = context.variable("PREFER_CI_SUMMARY").and_then(|name| named(&name)).map(general) {
        return mode;
    }
    if let Some((_, mode)) = switches.iter().find(by_file) {
        return *mode;
    }
    settings.text(TABLE, "mode").and_then(named).map_or(rule.mode, general)
}

/// What becomes of `command`, which `rule` fits, and what the agent is told. It is blocked only where there is a way on,
/// and warned of where there is one or it would be blocked.
fn verdict(
    context: &Context,
    event: &Event,
    rule: &Rule<'_>,
    command: Command<'_>,
    call: &Call<'_>,
    mode: Mode,
) -> Result<(Mode, String), Refusal> {
    let shown = text::one_line(&text::cut(command.source().lines().next().unwrap_or_default(), 80));
    let mut instead: Vec<String> = Vec::new();
    if !rule.script.is_empty() && event.directory(context)?.join("scripts/ci-summary.sh").is_file() {
        instead.push(format!("./scripts/ci-summary.sh {}", rule.script));
    }
    let all = rule.replacements(call);
    instead.extend(all.iter().filter_map(|line| callable(context, line)));
    if instead.is_empty() && mode == Mode::Warn {
        // Advice that cannot be followed is none.
        return Ok((Mode::Off, String::new()));
    }
    let (mode, opening, lines) = if instead.is_empty() {
        (Mode::Warn, "prints more than needed. Not installed here, but made for it:", all)
    } else if mode == Mode::Block {
        (Mode::Block, "prints more than needed. Use instead:", instead)
    } else {
        (Mode::Warn, "prints more than needed. Shorter:", instead)
    };
    let mark = if mode == Mode::Block { "BLOCKED: " } else { "" };
    let lines: String = lines.iter().map(|line| format!("\n  {}", text::one_line(line))).collect();
    Ok((mode, format!("{mark}{shown} {opening}{lines}\n(rule {})", text::one_line(rule.name))))
}

/// `line` as it can be called here, or `None` when its program is not there.
fn callable(context: &Context, line: &str) -> Option<String> {
    let (program, rest) = line.split_once(' ').unwrap_or((line, ""));
    if context.find_program(program).is_some() {
        return Some(line.to_owned());
    }
    if !context.has_tool(program) {
        return OF_THE_SET.contains(&program).then(|| line.to_owned());
    }
    let script = context.claude_home().ok()?.join(format!("scripts/{program}.sh"));
    if script.is_file() {
        let script = context.shorten_home(&script);
        return Some(format!("{} {rest}", script.display()).trim_end().to_owned());
    }
    Some(line.to_owned())
}

#[cfg(test)]
mod tests;

//! hook-track-tokens: enters what an agent used, as agents and people tell it, and the events of a team. Called by
//! agents, people, and the agent's TeammateIdle and TaskCompleted hooks. A database is not made for it.

use std::ffi::OsString;
use std::path::Path;

use clap::CommandFactory as _;
use crewkit_hook::Event;
use crewkit_store::token_usage::GivenUse;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code, text};
use crewkit_transcript::project_of;
use serde_json::Value;

/// hook-track-tokens.
pub const TOOL: Tool = Tool {
    name: "hook-track-tokens",
    summary: "enters tokens that an agent used, and the events of a team",
    kind: Kind::Hook,
    command: Args::command,
    run,
};

/// Enters a row of token usage: from arguments, else from variables, else from JSON on standard input.
///
/// Variables: PROJECT_ID, AGENT, MODEL (all three needed), PLAN_ID, WAVE_ID, TASK_ID, INPUT_TOKENS, OUTPUT_TOKENS,
/// COST_USD. JSON: project_id, agent, model, input_tokens, output_tokens, cost_usd, plan_id, wave_id, task_id,
/// session_id. With `teammate-idle` or `task-completed` as the only argument, or an event of that name, standard input
/// names the agent (agent_name or teammate_name) and the project, and the row counts the event.
#[derive(clap::Parser)]
#[command(name = TOOL.name, disable_version_flag = true)]
#[command(
    override_usage = "hook-track-tokens [PROJECT AGENT MODEL INPUT OUTPUT [COST] | teammate-idle | task-completed]"
)]
#[command(after_help = "Exit codes: 0 entered, or nothing to enter; 1 a number that is none, a missing argument.")]
struct Args {
    /// Project, agent, model, tokens read, tokens written, and what they cost in dollars; or an event of a team.
    #[arg(value_name = "WORD", allow_hyphen_values = true)]
    words: Vec<String>,
}

/// Whose input is wrong; the frame ends a hook's refusals with 0, this one ends with 1.
fn wrong(line: &str) -> Outcome {
    Outcome::silent().with_note(format!("{}: {line}", TOOL.name)).with_code(exit_code::REFUSED)
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    if arguments.is_empty() {
        return from_surroundings(context);
    }
    let words = match args::parse::<Args>(arguments) {
        Ok(read) => read.words,
        Err(args::Instead::Help(help)) => return Ok(help),
        Err(args::Instead::Wrong(refusal)) => return Ok(wrong(&refusal.to_string())),
    };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [event @ ("teammate-idle" | "task-completed")] => team_event(context, &Event::from_stdin(context)?, event),
        [project, agent, model, input, output] => from_words(context, [project, agent, model, input, output, ""]),
        [project, agent, model, input, output, cost] => {
            from_words(context, [project, agent, model, input, output, cost])
        }
        _ => Ok(wrong(&format!("{} arguments: PROJECT AGENT MODEL INPUT OUTPUT [COST] wanted", words.len()))),
    }
}

/// Enters what `event` tells; silent for events of another kind.
///
/// # Errors
/// When the database cannot be read or written.
pub fn answer(context: &Context, event: &Event) -> Answer {
    match event.name() {
        Some("TeammateIdle") => team_event(context, event, "teammate-idle"),
        Some("TaskCompleted") => team_event(context, event, "task-completed"),
        Some(_) => Ok(Outcome::silent()),
        None => from_json(context, event),
    }
}

fn team_event(context: &Context, event: &Event, kind: &str) -> Answer {
    let agent = event.text("agent_name").or_else(|| event.text("teammate_name")).unwrap_or("unknown");
    let Some(store) = context.existing_store()? else { return Ok(Outcome::silent()) };
    // An agent's own event names no project.
    let project = match (event.text("project"), event.cwd().filter(|_| event.name().is_some())) {
        (Some(project), _) => project.to_owned(),
        (None, Some(directory)) => project_of(context, store, Path::new(directory))?,
        (None, None) => "unknown".to_owned(),
    };
    let given = GivenUse {
        project,
        agent: format!("{agent}:{kind}"),
        model: "team-event".to_owned(),
        session: event.session_id().map(ToOwned::to_owned),
        ..GivenUse::default()
    };
    store.token_usage().add(&given, &context.host(), &context.now())?;
    Ok(Outcome::silent())
}

fn from_surroundings(context: &Context) -> Answer {
    let variable = |name: &str| context.variable(name).unwrap_or_default();
    let needed = ["PROJECT_ID", "AGENT", "MODEL"].map(|name| (name, context.variable(name)));
    if let [(_, Some(project)), (_, Some(agent)), (_, Some(model))] = needed {
        return enter(
            context,
            Words {
                project,
                agent,
                model,
                plan: variable("PLAN_ID"),
                wave: variable("WAVE_ID"),
                task: variable("TASK_ID"),
                session: None,
                input: variable("INPUT_TOKENS"),
                output: variable("OUTPUT_TOKENS"),
                cost: variable("COST_USD"),
            },
        );
    }
    if context.stdin_is_terminal() {
        return Err(Refusal::new("nothing to enter: no arguments, no PROJECT_ID, AGENT and MODEL, no JSON"));
    }
    answer(context, &Event::from_stdin(context)?)
}

fn from_words(context: &Context, words: [&str; 6]) -> Answer {
    let [project, agent, model, input, output, cost] = words.map(ToOwned::to_owned);
    enter(context, Words { project, agent, model, input, output, cost, ..Words::default() })
}

/// Keys of which one at least is in what is meant for this hook.
const KEYS: [&str; 4] = ["project_id", "input_tokens", "output_tokens", "cost_usd"];

fn from_json(context: &Context, event: &Event) -> Answer {
    if !KEYS.iter().any(|key| event.field(key).is_some()) {
        return Ok(Outcome::silent());
    }
    let word = |key: &str| match event.field(key) {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let words = Words {
        project: word("project_id"),
        agent: word("agent"),
        model: word("model"),
        plan: word("plan_id"),
        wave: word("wave_id"),
        task: word("task_id"),
        session: event.session_id().map(ToOwned::to_owned),
        input: word("input_tokens"),
        output: word("output_tokens"),
        cost: word("cost_usd"),
    };
    enter(context, words)
}

/// A row as it was given, before its numbers are read.
#[derive(Default)]
struct Words {
    project: String,
    agent: String,
    model: String,
    plan: String,
    wave: String,
    task: String,
    session: Option<String>,
    input: String,
    output: String,
    cost: String,
}

fn enter(context: &Context, words: Words) -> Answer {
    for (name, word) in [("project", &words.project), ("agent", &words.agent), ("model", &words.model)] {
        if word.trim().is_empty() {
            return Ok(wrong(&format!("no {name} given")));
        }
    }
    let numbers = || {
        let plan = if words.plan.is_empty() { None } else { Some(whole("plan", &words.plan)?) };
        Ok((plan, whole("input tokens", &words.input)?, whole("output tokens", &words.output)?, money(&words.cost)?))
    };
    let (plan, input, output, cost_usd) = match numbers() {
        Ok(numbers) => numbers,
        Err(line) => {
            let line: String = line;
            return Ok(wrong(&line));
        }
    };
    let Some(store) = context.existing_store()? else { return Ok(Outcome::silent()) };
    let said = format!("Recorded: {input} + {output} tokens ({})", text::one_line(&words.agent));
    let Words { project, agent, model, wave, task, session, .. } = words;
    let given = GivenUse { project, plan, wave, task, session, agent, model, input, output, cost_usd };
    store.token_usage().add(&given, &context.host(), &context.now())?;
    Ok(Outcome::text(said))
}

/// A whole number that is not negative; 0 where none is given.
fn whole(name: &str, word: &str) -> Result<i64, String> {
    if word.is_empty() {
        return Ok(0);
    }
    let digits = word.bytes().all(|byte| byte.is_ascii_digit());
    word.parse().ok().filter(|_| digits).ok_or_else(|| format!("{name}: '{word}' is no whole number"))
}

/// An amount of dollars; 0 where none is given.
fn money(word: &str) -> Result<f64, String> {
    if word.is_empty() {
        return Ok(0.0);
    }
    let plain = word.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'-' | b'+'));
    let amount = word.parse::<f64>().ok().filter(|amount| plain && amount.is_finite() && *amount >= 0.0);
    amount.ok_or_else(|| format!("cost: '{word}' is no amount of dollars"))
}

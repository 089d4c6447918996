//! token-report: what agents used and what it cost, by task, wave, plan, agent, model, branch, day and more. Called by
//! people, and with `--json` by other programs.
//!
//! The rows come from hook-session-end-tokens and hook-track-tokens; `--scan` reads the transcripts that no hook has.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{CommandFactory as _, Parser, ValueEnum};
use crewkit_store::Store;
use crewkit_store::token_usage::{By, Filter, Key, Used};
use crewkit_tool::args::RowId;
use crewkit_tool::{Answer, Clock, Context, Kind, Outcome, Refusal, Tool, args, exit_code, text};
use crewkit_transcript::{Transcript, record};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// token-report.
pub const TOOL: Tool = Tool {
    name: "token-report",
    summary: "what agents used and what it cost, by task, plan, model, day and more",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Sums up what agents used: tokens read anew (input), written (output), kept for later (cache write), read again (cache
/// read), and their cost at list prices.
///
/// What has no known price is counted apart and never as 0. Days are UTC.
#[derive(Debug, Parser)]
#[command(name = "token-report", disable_version_flag = true)]
#[command(after_help = "Exit codes: 0 told; 1 refused, or a transcript that cannot be read.")]
struct Arguments {
    /// What is summed up together.
    #[arg(long, value_enum, value_name = "WHAT", default_value = "model")]
    by: Sort,
    /// Only what was used for this plan.
    #[arg(long, value_name = "PLAN_ID")]
    plan: Option<RowId>,
    /// Only what was used in this project.
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Only what was used on this day, YYYY-MM-DD, and later.
    #[arg(long, value_name = "DATE")]
    since: Option<String>,
    /// Only what was used on this day, YYYY-MM-DD, and before.
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// Only the last so many days, today among them.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500), conflicts_with = "since")]
    days: Option<u32>,
    /// First counts what the transcripts of the agent's folder (~/.claude/projects) or of this one hold; what was counted
    /// before is not counted again.
    #[arg(long, value_name = "FOLDER", num_args = 0..=1)]
    #[expect(clippy::option_option, reason = "an option, and its optional value")]
    scan: Option<Option<PathBuf>>,
    /// JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Sort {
    /// Task of a plan.
    Task,
    /// Wave of a plan.
    Wave,
    /// Plan.
    Plan,
    /// Agent; subagents by their kind.
    Agent,
    /// Model.
    Model,
    /// Branch that was checked out.
    Branch,
    /// Day, UTC, the newest first.
    Day,
    /// Project.
    Project,
    /// Session.
    Session,
    /// Computer.
    Host,
}

impl Sort {
    fn by(self) -> By {
        match self {
            Self::Task => By::Task,
            Self::Wave => By::Wave,
            Self::Plan => By::Plan,
            Self::Agent => By::Agent,
            Self::Model => By::Model,
            Self::Branch => By::Branch,
            Self::Day => By::Day,
            Self::Project => By::Project,
            Self::Session => By::Session,
            Self::Host => By::Host,
        }
    }

    fn word(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| report(context, &arguments))
}

fn report(context: &Context, arguments: &Arguments) -> Answer {
    let filter = filter(context, arguments)?;
    let store = match &arguments.scan {
        Some(folder) => {
            let store = context.store()?;
            scan(context, store, folder.as_deref())?;
            Some(store)
        }
        None => context.existing_store()?,
    };
    let mut told = Told { total: Used { cost_usd: Some(0.0), ..Used::default() }, ..Told::default() };
    if let Some(store) = store {
        let usage = store.token_usage();
        told.rows = usage.used(Some(arguments.by.by()), &filter)?;
        told.total = usage.used(None, &filter)?.pop().unwrap_or(told.total);
        told.unpriced_models = usage.unpriced_models(&filter)?;
    }
    Ok(if arguments.json { as_json(arguments.by, &filter, &told) } else { Outcome::text(as_text(arguments.by, &told)) })
}

fn filter(context: &Context, arguments: &Arguments) -> Result<Filter, Refusal> {
    for (name, day) in [("--since", &arguments.since), ("--until", &arguments.until)] {
        if let Some(day) = day
            && (day.len() != 10 || Clock::parse(&format!("{day} 00:00:00")).is_none())
        {
            return Err(Refusal::new(format!("{name}: '{day}' is no day, YYYY-MM-DD")));
        }
    }
    let first = |days: u32| {
        let back = Duration::from_secs(u64::from(days - 1) * 86_400);
        let day = context.clock.now().checked_sub(back).map(|at| Clock::Fixed(at).utc()).unwrap_or_default();
        day.get(..10).unwrap_or_default().to_owned()
    };
    Ok(Filter {
        plan: arguments.plan.map(|plan| plan.0),
        project: arguments.project.clone(),
        since: arguments.days.map(first).or_else(|| arguments.since.clone()),
        until: arguments.until.clone(),
    })
}

/// Counts what the transcripts in `folder` hold: files of sessions in it or in its folders.
fn scan(context: &Context, store: &Store, folder: Option<&Path>) -> Result<(), Refusal> {
    let folder = match folder {
        Some(folder) => context.absolute(&context.expand_home(folder))?,
        None => context.claude_home()?.join("projects"),
    };
    let mut found = Vec::new();
    for path in entries(&folder)? {
        if path.is_dir() {
            found.append(&mut entries(&path)?);
        } else {
            found.push(path);
        }
    }
    found.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl") && path.is_file());
    // The older first: a session that begins with a copy of another's lines keeps what is its own.
    found.sort_by_cached_key(|path| (fs::metadata(path).and_then(|data| data.modified()).ok(), path.clone()));
    for path in found {
        record(context, store, &Transcript { session: None, path, directory: None, subagent: None })?;
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Refusal> {
    let cannot = |fault: std::io::Error| Refusal::new(format!("{}: {fault}", folder.display()));
    fs::read_dir(folder).map_err(cannot)?.map(|entry| entry.map(|entry| entry.path()).map_err(cannot)).collect()
}

/// What is reported.
#[derive(Default)]
struct Told {
    rows: Vec<Used>,
    total: Used,
    unpriced_models: Vec<String>,
}

#[derive(Serialize)]
struct Sums {
    input_tokens: i64,
    output_tokens: i64,
    cache_write_tokens: i64,
    cache_read_tokens: i64,
    /// Of all four kinds.
    total_tokens: i64,
    /// Of what has a price.
    cost_usd: Option<f64>,
    unpriced_tokens: i64,
    sessions: i64,
}

impl From<&Used> for Sums {
    fn from(used: &Used) -> Self {
        Self {
            input_tokens: used.input,
            output_tokens: used.output,
            cache_write_tokens: used.cache_write,
            cache_read_tokens: used.cache_read,
            total_tokens: used.input + used.output + used.cache_write + used.cache_read,
            // Sums of floats: what is beyond a millionth of a cent is rounding.
            cost_usd: used.cost_usd.map(|cost| (cost * 1e8).round() / 1e8),
            unpriced_tokens: used.unpriced,
            sessions: used.sessions,
        }
    }
}

fn as_json(by: Sort, filter: &Filter, told: &Told) -> Outcome {
    let row = |used: &Used| {
        let mut row = Map::new();
        for (name, key) in &used.keys {
            row.insert((*name).to_owned(), json!(key));
        }
        if let Value::Object(sums) = json!(Sums::from(used)) {
            row.extend(sums);
        }
        row
    };
    Outcome::json(&json!({
        "by": by.word(),
        "plan_id": filter.plan,
        "project": filter.project,
        "since": filter.since,
        "until": filter.until,
        "rows": told.rows.iter().map(row).collect::<Vec<_>>(),
        "total": Sums::from(&told.total),
        "unpriced_models": told.unpriced_models,
    }))
}

fn as_text(by: Sort, told: &Told) -> String {
    let Told { rows, total, unpriced_models } = told;
    if total.rows == 0 {
        return "Nothing was used.".to_owned();
    }
    let mut lines: Vec<[String; 6]> = vec![
        [by.word(), "input".into(), "output".into(), "cache write".into(), "cache read".into(), "cost".into()]
            .map(|head| head.to_uppercase()),
    ];
    lines.extend(rows.iter().map(|used| line(&name(used), used)));
    if rows.len() > 1 {
        lines.push(line("total", total));
    }
    let widths: Vec<usize> =
        (0..6).map(|at| lines.iter().map(|line| text::width(&line[at])).max().unwrap_or(0)).collect();
    let mut out = String::new();
    for line in &lines {
        out += &text::pad(&line[0], widths[0]);
        for (cell, width) in line.iter().zip(&widths).skip(1) {
            out += &" ".repeat(2 + width - text::width(cell));
            out += cell;
        }
        out.push('\n');
    }
    if total.unpriced > 0 {
        let models: Vec<String> = unpriced_models.iter().map(|model| text::one_line(model)).collect();
        let _ = writeln!(out, "No price is known for {} tokens: {}", short(total.unpriced), models.join(", "));
    }
    out
}

fn line(name: &str, used: &Used) -> [String; 6] {
    let cost = match used.cost_usd {
        None => "?".to_owned(),
        Some(cost) => format!("{}{}", dollars(cost), if used.unpriced > 0 { " + ?" } else { "" }),
    };
    [text::one_line(name), short(used.input), short(used.output), short(used.cache_write), short(used.cache_read), cost]
}

/// The name of a sum: `3 Shop W1 T1-02`, or `-` where it is not known.
fn name(used: &Used) -> String {
    let words = used.keys.iter().filter_map(|(_, key)| match key {
        Key::None => None,
        Key::Number(number) => Some(number.to_string()),
        Key::Text(text) => Some(text.clone()),
    });
    let name = words.collect::<Vec<_>>().join(" ");
    if name.is_empty() { "-".to_owned() } else { name }
}

fn dollars(cost: f64) -> String {
    if cost < 1.0 { format!("${cost:.4}") } else { format!("${cost:.2}") }
}

/// A number of tokens in three digits or so: `999`, `42.1K`, `1.5M`.
#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn short(number: i64) -> String {
    let mut value = number as f64;
    for unit in ["", "K", "M", "G"] {
        if value.abs() < 999.95 || unit == "G" {
            return if unit.is_empty() { number.to_string() } else { format!("{value:.1}{unit}") };
        }
        value /= 1000.0;
    }
    number.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        for (number, wanted) in [
            (0, "0"),
            (999, "999"),
            (1000, "1.0K"),
            (42_140, "42.1K"),
            (999_960, "1.0M"),
            (1_500_000, "1.5M"),
            (12_345_678_901_234, "12345.7G"),
        ] {
            assert_eq!(short(number), wanted);
        }
        assert_eq!(
            (dollars(0.0), dollars(0.03375), dollars(12.345)),
            ("$0.0000".into(), "$0.0338".into(), "$12.35".into())
        );
    }
}

//! add-wave, add-task.

use std::ffi::OsString;

use clap::{CommandFactory as _, Parser};
use crewkit_store::plans::{NewTask, NewWave};
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code};

use super::Subcommand;
use super::words::{hours, json, line, words};

pub(super) const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand { name: "add-wave", command: AddWave::command, run: add_wave },
    Subcommand { name: "add-task", command: AddTask::command, run: add_task },
];

/// The kinds of work that a task can be: those of the command line and those of the specs' schema.
pub(crate) const KINDS: [&str; 9] =
    ["bug", "feature", "chore", "doc", "test", "fix", "refactor", "config", "documentation"];
/// The models that add-task knows by their bare names.
const MODELS: [&str; 3] = ["haiku", "sonnet", "opus"];

/// Add a wave to a plan; its row id goes to standard output
#[derive(Debug, Parser)]
#[command(name = "add-wave", bin_name = "plan-db add-wave", args_override_self = true)]
struct AddWave {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
    /// Code of the wave, such as W1; unique in the plan
    #[arg(value_name = "CODE", value_parser = line)]
    code: String,
    /// Name of the wave
    #[arg(value_name = "NAME", value_parser = line, allow_hyphen_values = true)]
    name: String,
    /// Who has it; a bare word is the same
    #[arg(value_name = "ASSIGNEE")]
    more: Vec<String>,
    /// Who has it
    #[arg(long, value_name = "NAME", value_parser = line)]
    assignee: Option<String>,
    /// When it is to begin
    #[arg(long, value_name = "TIME", value_parser = line)]
    planned_start: Option<String>,
    /// When it is to end
    #[arg(long, value_name = "TIME", value_parser = line)]
    planned_end: Option<String>,
    /// How long it takes
    #[arg(long, value_name = "N", default_value = "8", value_parser = hours, allow_negative_numbers = true)]
    estimated_hours: f64,
    /// Codes of the waves it waits for, separated by commas
    #[arg(long, value_name = "CODES", value_parser = words)]
    depends_on: Option<String>,
    /// Conditions that have to hold before it begins (see evaluate-wave)
    #[arg(long, value_name = "JSON", value_parser = json)]
    precondition: Option<String>,
}

/// Add a task to a wave; its row id goes to standard output
#[derive(Debug, Parser)]
#[command(name = "add-task", bin_name = "plan-db add-task", args_override_self = true)]
struct AddTask {
    /// Row id of the wave
    #[arg(value_name = "WAVE_DB_ID")]
    wave: RowId,
    /// Code of the task, such as T1-01; unique in the wave
    #[arg(value_name = "CODE", value_parser = line)]
    code: String,
    /// Title of the task
    #[arg(value_name = "TITLE", value_parser = line, allow_hyphen_values = true)]
    title: String,
    /// In any order: priority (P0 to P3), type (bug feature chore doc test fix refactor config documentation), model
    /// (haiku sonnet opus); the first other word is the assignee
    #[arg(value_name = "WORDS")]
    more: Vec<String>,
    /// Model that is to work on it
    #[arg(long, value_name = "MODEL", value_parser = line)]
    model: Option<String>,
    /// Effort
    #[arg(long, value_name = "1-3", default_value = "1", value_parser = effort, allow_negative_numbers = true)]
    effort: i64,
    /// What is to be done; the title when not given
    #[arg(long, value_name = "TEXT", value_parser = words, allow_hyphen_values = true)]
    description: Option<String>,
    /// How it is tested, {"verify": [...]}
    #[arg(long, value_name = "JSON", value_parser = words, allow_hyphen_values = true)]
    test_criteria: Option<String>,
    /// Agent that is to work on it
    #[arg(long, value_name = "AGENT", value_parser = line)]
    executor_agent: Option<String>,
}

fn effort(given: &str) -> Result<i64, String> {
    match given {
        "1" => Ok(1),
        "2" => Ok(2),
        "3" => Ok(3),
        _ => Err("not 1, 2 or 3".to_owned()),
    }
}

fn add_wave(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<AddWave>(arguments, exit_code::REFUSED, |args| {
        let mut bare = args.more.into_iter();
        let assignee = args.assignee.or_else(|| bare.next()).unwrap_or_default();
        let ignored: Vec<String> = bare.collect();
        let new = NewWave {
            code: args.code,
            name: args.name,
            assignee,
            planned_start: args.planned_start,
            planned_end: args.planned_end,
            estimated_hours: args.estimated_hours,
            depends_on: args.depends_on.filter(|codes| !codes.trim().is_empty()),
            precondition: args.precondition,
        };
        let wave = context.store()?.plans().add_wave(args.plan.0, &new, &context.now())?;
        let answer = Outcome::text(wave.to_string()).with_note(format!("[OK] Added wave: {} (ID: {wave})", new.name));
        Ok(name_ignored(answer, &ignored))
    })
}

fn add_task(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<AddTask>(arguments, exit_code::REFUSED, |args| {
        let words = Words::read(&args.more)?;
        if let Some(criteria) = &args.test_criteria
            && json(criteria).is_err()
        {
            context.note("[WARN] --test-criteria is no JSON; kept as it was given");
        }
        let description = args.description.unwrap_or_else(|| args.title.clone());
        let new = NewTask {
            code: args.code,
            requirements: requirements_in(&description),
            description,
            priority: words.priority.unwrap_or("P1").to_owned(),
            kind: words.kind.unwrap_or("feature").to_owned(),
            assignee: words.assignee.unwrap_or_default().to_owned(),
            test_criteria: args.test_criteria,
            model: args.model.or(words.model.map(str::to_owned)).unwrap_or_else(|| "sonnet".to_owned()),
            executor_agent: args.executor_agent,
            effort: args.effort,
            files: None,
            title: args.title,
        };
        let task = context.store()?.plans().add_task(args.wave.0, &new, &context.now())?;
        let answer = Outcome::text(task.to_string()).with_note(format!("[OK] Added task: {} (ID: {task})", new.title));
        Ok(name_ignored(answer, &words.ignored))
    })
}

fn name_ignored<T: AsRef<str>>(answer: Outcome, ignored: &[T]) -> Outcome {
    ignored.iter().fold(answer, |answer, word| answer.with_note(format!("[WARN] ignored: '{}'", word.as_ref())))
}

/// The bare words behind a task's title.
#[derive(Debug, Default)]
struct Words<'a> {
    priority: Option<&'a str>,
    kind: Option<&'a str>,
    model: Option<&'a str>,
    assignee: Option<&'a str>,
    ignored: Vec<&'a str>,
}

impl<'a> Words<'a> {
    fn read(given: &'a [String]) -> Result<Self, Refusal> {
        let mut words = Self::default();
        for word in given.iter().map(String::as_str) {
            let digits = word.strip_prefix('P').filter(|digits| !digits.is_empty());
            if digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())) {
                if !matches!(word, "P0" | "P1" | "P2" | "P3") {
                    return Err(Refusal::new(format!("priority '{word}' is none of P0, P1, P2, P3")));
                }
                words.priority = Some(word);
            } else if KINDS.contains(&word) {
                words.kind = Some(word);
            } else if MODELS.contains(&word) {
                words.model = Some(word);
            } else if words.assignee.is_none() {
                words.assignee = Some(word);
            } else {
                words.ignored.push(word);
            }
        }
        Ok(words)
    }
}

/// The requirements named at the end of a description, ` | Ref: F-01`; several are separated by commas or blanks.
pub(crate) fn requirements_in(description: &str) -> Vec<String> {
    description.rsplit_once(" | Ref: ").map(|(_, named)| requirement_ids(named)).unwrap_or_default()
}

/// The ids in a list of requirements.
pub(crate) fn requirement_ids(named: &str) -> Vec<String> {
    let ids = named.split(|c: char| c == ',' || c == ';' || c.is_whitespace());
    ids.filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_words_are_told_apart_in_any_order() {
        let given: Vec<String> = ["bob", "refactor", "P0", "opus", "late"].map(String::from).to_vec();
        let words = Words::read(&given).unwrap();
        assert_eq!((words.priority, words.kind, words.model), (Some("P0"), Some("refactor"), Some("opus")));
        assert_eq!((words.assignee, words.ignored), (Some("bob"), vec!["late"]));
        assert!(Words::read(&["P4".to_owned()]).unwrap_err().to_string().contains("P4"));
        assert_eq!(Words::read(&["Paul".to_owned()]).unwrap().assignee, Some("Paul"));
    }

    #[test]
    fn requirements_stand_at_the_end() {
        assert_eq!(requirements_in("Do it | Files: a | Ref: F-01, F-02"), ["F-01", "F-02"]);
        assert!(requirements_in("Do it").is_empty());
    }
}

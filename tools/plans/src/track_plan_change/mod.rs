//! track-plan-change: writes a change of a plan to its history, for learning how plans change. Planners and people call it.

mod commit;
mod look;

use std::ffi::OsString;

use clap::{CommandFactory, Parser};
use crewkit_store::plans::PlanChange;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code};
use serde::Serialize;

use crate::plan_db::create::file_name;
use crate::plan_db::words::{count, line, words};

/// track-plan-change.
pub const TOOL: Tool = Tool {
    name: "track-plan-change",
    summary: "writes a change of a plan to its history",
    kind: Kind::Tool,
    command: Args::command,
    run,
};

/// The kinds of change.
const KINDS: [&str; 8] =
    ["created", "user_edit", "scope_add", "scope_remove", "blocker", "replan", "task_split", "completed"];

/// Writes a change of a plan to its history
///
/// created makes the plan where the project has none of that name; completed completes it when its tasks are finished and
/// it is validated. Where the agent's folder (~/.claude) is a git repository, the project's plan files are committed.
#[derive(Debug, Parser)]
#[command(name = TOOL.name, disable_version_flag = true, args_override_self = true)]
struct Args {
    /// The project
    #[arg(value_name = "PROJECT_ID", value_parser = line, required_unless_present_any = ["list", "stats"])]
    project: Option<String>,
    /// The plan's name
    #[arg(value_name = "PLAN_NAME", value_parser = line, allow_hyphen_values = true, required_unless_present_any = ["list", "stats"])]
    plan: Option<String>,
    /// What kind of change
    #[arg(value_name = "TYPE", value_parser = KINDS, required_unless_present_any = ["list", "stats"])]
    kind: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = words, allow_hyphen_values = true)]
    reason: Option<String>,
    /// The number of tasks before
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    tasks_before: Option<i64>,
    /// The number of tasks after
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    tasks_after: Option<i64>,
    /// What changed
    #[arg(long, value_name = "TEXT", value_parser = words, allow_hyphen_values = true)]
    diff: Option<String>,
    /// Prints the history of PROJECT_ID (of PLAN_NAME alone where given) as a JSON list instead
    #[arg(long, conflicts_with_all = ["reason", "tasks_before", "tasks_after", "diff", "kind", "stats"])]
    list: bool,
    /// Prints the number of changes by type, in all and for each plan, of PROJECT_ID or of all projects instead
    #[arg(long, conflicts_with_all = ["reason", "tasks_before", "tasks_after", "diff", "kind"])]
    stats: bool,
}

#[derive(Debug, Serialize)]
struct Tracked<'a> {
    status: &'static str,
    project_id: &'a str,
    plan_name: &'a str,
    version: i64,
    change_type: &'a str,
    reason: Option<&'a str>,
    git_commit: Option<String>,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Args>(arguments, exit_code::REFUSED, |args| {
        if args.list {
            return look::list(context, args.project.as_deref(), args.plan.as_deref());
        }
        if args.stats {
            return look::stats(context, args.project.as_deref(), args.plan.as_deref());
        }
        let (Some(project), Some(plan), Some(kind)) = (&args.project, &args.plan, &args.kind) else {
            return Err(Refusal::new("missing argument: PROJECT_ID, PLAN_NAME and TYPE are needed"));
        };
        track(context, &args, project, plan, kind)
    })
}

fn track(context: &Context, args: &Args, project: &str, plan: &str, kind: &str) -> Answer {
    if matches!(project, "." | "..") || project.contains(['/', '\0']) {
        return Err(Refusal::new(format!("PROJECT_ID '{project}' is no name of a folder")));
    }
    let folder = context.claude_home()?.join("plans").join(file_name(project));
    let kept = context.shorten_home(&folder);
    let kept = kept.to_str().ok_or_else(|| Refusal::new(format!("the path is not UTF-8: {}", kept.display())))?;
    let file = format!("{kept}/{}.md", file_name(plan));
    let reason = args.reason.as_deref().filter(|reason| !reason.trim().is_empty());
    let change = PlanChange {
        project,
        plan,
        kind,
        reason,
        tasks_before: args.tasks_before,
        tasks_after: args.tasks_after,
        diff: args.diff.as_deref(),
        markdown: (&file, kept),
    };
    let plans = context.store()?.plans();
    let recorded = plans.record(&change, &context.host(), &context.now(), &context.clock.utc_iso())?;
    if let Some(why) = &recorded.not_completed {
        context.note(format!("[WARN] the plan is left as it is: {why}"));
    }
    let subject = format!("plan({project}): {kind} - {plan} v{}", recorded.version);
    let git_commit = commit::plan_files(context, &folder, &subject, reason).unwrap_or_else(|refusal| {
        context.note(format!("[WARN] the plan's files are not committed: {refusal}"));
        None
    });
    if let Some(commit) = &git_commit {
        plans.set_commit(recorded.row, commit)?;
    }
    Ok(Outcome::json(&Tracked {
        status: "success",
        project_id: project,
        plan_name: plan,
        version: recorded.version,
        change_type: kind,
        reason,
        git_commit,
    }))
}

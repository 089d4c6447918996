//! `cluster-status`, `cluster-tasks`, `remote-status`: this computer and the second one together.
//!
//! The other computer is asked through ssh only when one is set up (`REMOTE_HOST` in the environment or in
//! `config/sync-db.conf`). It answers with `plan-db cluster-local`, or, where crewkit is not installed, with sqlite3.

mod ask;
mod merge;

use std::ffi::OsString;

use clap::{CommandFactory, Parser};
use serde::Serialize;

use crewkit_tool::remote::{Remote, Reply};
use crewkit_tool::{Answer, Context, Outcome, Refusal, args, exit_code, text};

use super::{Subcommand, show};
use ask::{Half, Other};
use merge::Line;

pub(super) const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand { name: "remote-status", command: RemoteStatus::command, run: remote_status },
    Subcommand { name: "cluster-status", command: ClusterStatus::command, run: cluster_status },
    Subcommand { name: "cluster-tasks", command: ClusterTasks::command, run: cluster_tasks },
    Subcommand { name: "cluster-local", command: ClusterLocal::command, run: cluster_local },
];

/// Shows the other computer's `status`
#[derive(Parser)]
#[command(name = "remote-status", bin_name = "plan-db remote-status")]
struct RemoteStatus {
    /// Only this project
    #[arg(value_name = "PROJECT_ID")]
    project: Option<String>,
    /// A JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct RemoteStatusJson<'a> {
    host: &'a str,
    status: serde_json::Value,
}

fn remote_status(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<RemoteStatus>(arguments, exit_code::REFUSED, |args| {
        let Some(remote) = Remote::configured(context)? else {
            let place = context.claude_home()?.join("config/sync-db.conf");
            return Err(Refusal::new(format!(
                "no second computer is set up: set REMOTE_HOST in the environment or in {}",
                place.display()
            )));
        };
        let host = remote.name();
        let ended = match remote.ask(context, &ask::status_script(&remote, args.project.as_deref(), args.json))? {
            Reply::Said(ended) => ended,
            Reply::Unreachable(reason) => {
                return Err(Refusal::new(format!("{host} cannot be reached: {}", reason.trim())));
            }
        };
        if !ended.ok() {
            return Err(Refusal::new(format!("the status of {host} failed there: {}", ended.complaint())));
        }
        if args.json {
            let status = serde_json::from_slice(&ended.stdout)
                .map_err(|_| Refusal::new(format!("{host} did not answer in JSON: its plan-db is an older one")))?;
            return Ok(Outcome::json(&RemoteStatusJson { host, status }));
        }
        let mut out = format!("=== Remote Status: {} ===\n", text::one_line(host));
        for line in ended.text().lines() {
            out.push_str(&text::one_line(line));
            out.push('\n');
        }
        Ok(Outcome::text(out))
    })
}

/// Shows the open plans of both computers, each plan once
#[derive(Parser)]
#[command(name = "cluster-status", bin_name = "plan-db cluster-status")]
struct ClusterStatus {
    /// A JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct ClusterStatusJson {
    host: String,
    remote: Option<String>,
    online: Option<bool>,
    plans: Vec<Line>,
}

fn cluster_status(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<ClusterStatus>(arguments, exit_code::REFUSED, |args| {
        let here = Half::here(context)?;
        let other = Other::ask(context)?;
        let host = context.host();
        let lines = merge::plans(&here, &host, other.as_ref().and_then(Other::half));
        if args.json {
            let remote = other.as_ref().map(|other| other.name.clone());
            let online = other.as_ref().map(Other::online);
            return Ok(Outcome::json(&ClusterStatusJson { host, remote, online, plans: lines }));
        }
        let beside = match &other {
            None => "none set up".to_owned(),
            Some(other) => format!("{} [{}]", other.name, if other.online() { "ONLINE" } else { "OFFLINE" }),
        };
        let mut out = text::one_line(&format!("Local: {host} | Remote: {beside}"));
        out.push_str("\n\n");
        if lines.is_empty() {
            out.push_str("(no open plans)\n");
            return Ok(Outcome::text(out));
        }
        let mut rows = vec![["HOST", "ID", "PLAN", "PROG", "STATUS"].map(str::to_owned).to_vec()];
        rows.extend(lines.into_iter().map(|line| {
            let progress = show::progress(line.tasks_done, line.tasks_total);
            vec![line.host, line.id.to_string(), text::cut(&line.name, 24), progress, line.status]
        }));
        out.push_str(&text::columns(&rows));
        Ok(Outcome::text(out))
    })
}

/// Shows the tasks in progress on both computers
#[derive(Parser)]
#[command(name = "cluster-tasks", bin_name = "plan-db cluster-tasks")]
struct ClusterTasks {
    /// A JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct ClusterTasksJson {
    hosts: Vec<HostTasks>,
}

#[derive(Serialize)]
struct HostTasks {
    host: String,
    remote: bool,
    /// `None` when the computer could not be asked.
    tasks: Option<Vec<ask::Task>>,
}

fn cluster_tasks(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<ClusterTasks>(arguments, exit_code::REFUSED, |args| {
        let here = Half::here(context)?;
        let mut hosts = vec![HostTasks { host: context.host(), remote: false, tasks: Some(here.tasks) }];
        if let Some(other) = Other::ask(context)? {
            hosts.push(HostTasks { host: other.name, remote: true, tasks: other.half.map(|half| half.tasks) });
        }
        if args.json {
            return Ok(Outcome::json(&ClusterTasksJson { hosts }));
        }
        let parts: Vec<String> = hosts
            .into_iter()
            .map(|HostTasks { host, remote, tasks }| {
                let Some(tasks) = tasks else { return format!("{}: UNREACHABLE\n", text::one_line(&host)) };
                let place = if remote { "remote" } else { "local" };
                let rows: Vec<_> = tasks
                    .into_iter()
                    .map(|task| vec![task.code, task.title, task.wave, task.host.unwrap_or_else(|| "-".to_owned())])
                    .collect();
                show::section(&format!("{} ({place}):", text::one_line(&host)), &rows, usize::MAX)
            })
            .collect();
        Ok(Outcome::text(parts.join("\n")))
    })
}

/// Prints this computer's plans and running tasks as a JSON object: what cluster-status asks the other computer for
#[derive(Parser)]
#[command(name = "cluster-local", bin_name = "plan-db cluster-local")]
struct ClusterLocal {}

fn cluster_local(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<ClusterLocal>(arguments, exit_code::REFUSED, |ClusterLocal {}| {
        let Some(store) = context.existing_store()? else {
            return Err(Refusal::new(format!("no database at {}", context.database_path()?.display())));
        };
        Ok(Outcome::json(&Half {
            host: Some(context.host()),
            ..Half::parse(store.plan_views().cluster()?.as_bytes())?
        }))
    })
}

//! watch, history: the changes of a plan as they come, and those of a task as they were.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant};

use clap::{CommandFactory as _, Parser};
use crewkit_store::change_log::{ChangeLog, LOGGED, Snapshot};
use crewkit_store::{Change, Store};
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code, text};
use rustix::event::{PollFd, PollFlags};
use serde::Serialize;

use super::update::find_task;
use super::{Subcommand, show};

pub(super) const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand { name: "watch", command: Watch::command, run: watch },
    Subcommand { name: "history", command: History::command, run: history },
];

/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(250);
/// Characters of a value that a line for people shows.
const SHOWN: usize = 60;

/// Print the changes of a plan, its waves and tasks, as they come: one JSON object a line
///
/// Keys: id, at (UTC), kind (plan, wave, task), row_id, plan_id, code, wave, change (added, changed, removed), field,
/// before, after, host, agent. Lines without an id are differences that another program made past this tool. Ends when
/// nobody reads any more.
#[derive(Debug, Parser)]
#[command(name = "watch", bin_name = "plan-db watch")]
struct Watch {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
    /// Begin with the changes after this id, instead of now: a watcher that was interrupted misses nothing
    #[arg(long, value_name = "ID")]
    after: Option<u32>,
    /// End after so many seconds; 0 prints what there is
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u32>,
}

/// Show who changed what of a task, and when
#[derive(Debug, Parser)]
#[command(name = "history", bin_name = "plan-db history")]
struct History {
    /// Row id of the task, or its code (T1-01, W1/T1-01) when exactly one open plan has it
    #[arg(value_name = "TASK")]
    task: String,
    /// Plan in which to look for the code
    #[arg(long, value_name = "PLAN_ID")]
    plan: Option<RowId>,
    /// A JSON list instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    id: Option<i64>,
    at: &'a str,
    kind: &'a str,
    row_id: i64,
    plan_id: Option<i64>,
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wave: Option<&'a str>,
    change: &'a str,
    field: Option<&'a str>,
    before: Option<&'a str>,
    after: Option<&'a str>,
    host: Option<&'a str>,
    agent: Option<&'a str>,
}

impl<'a> From<&'a Change> for Line<'a> {
    fn from(change: &'a Change) -> Self {
        // What is gone, or added and gone, has its code in the log alone.
        let own = if change.change == "changed" { None } else { change.before.as_deref().or(change.after.as_deref()) };
        Self {
            id: Some(change.id),
            at: &change.at,
            kind: &change.kind,
            row_id: change.row_id,
            plan_id: change.plan_id,
            code: change.code.as_deref().or(own),
            wave: change.wave.as_deref(),
            change: &change.change,
            field: change.field.as_deref(),
            before: change.before.as_deref(),
            after: change.after.as_deref(),
            host: change.host.as_deref(),
            agent: change.agent.as_deref(),
        }
    }
}

fn watch(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Watch>(arguments, exit_code::REFUSED, |args| {
        let store = context.store()?;
        let plan = args.plan;
        store.plan_views().name(plan.0)?.ok_or_else(|| show::no_plan(plan))?;
        let log = store.change_log();
        log.begin()?;
        let end = args.timeout.map(|seconds| Instant::now() + Duration::from_secs(seconds.into()));
        let mut watcher = Watcher::new(context, store, plan.0, args.after.map(i64::from))?;
        loop {
            if let Some(end) = watcher.look()? {
                return Ok(end);
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(Outcome::silent());
            }
            if reader_is_gone(left.map_or(PAUSE, |left| left.min(PAUSE)))? {
                return Ok(Outcome::silent().with_code(exit_code::CLOSED_PIPE));
            }
        }
    })
}

/// A place in the log of a plan that moves on with it.
struct Watcher<'a> {
    context: &'a Context,
    store: &'a Store,
    log: ChangeLog<'a>,
    plan: i64,
    last: i64,
    /// As it was at the last look; none before the first.
    rows: Option<Snapshot>,
    version: Option<i64>,
    file: Option<(u64, u64)>,
}

impl<'a> Watcher<'a> {
    fn new(context: &'a Context, store: &'a Store, plan: i64, after: Option<i64>) -> Result<Self, Refusal> {
        let log = store.change_log();
        let last = after.map_or_else(|| log.last(), Ok)?;
        let mut watcher = Self { context, store, log, plan, last, rows: None, version: None, file: None };
        watcher.file = watcher.file();
        Ok(watcher)
    }

    fn file(&self) -> Option<(u64, u64)> {
        fs::metadata(self.store.path()).ok().map(|data| (data.dev(), data.ino()))
    }

    /// Prints what changed since the last look; how to end, when there is nothing more to come.
    fn look(&mut self) -> Result<Option<Outcome>, Refusal> {
        if self.file() != self.file {
            let (path, last) = (self.store.path().display(), self.last);
            return Err(Refusal::new(format!("{path} was replaced by another file; the last change was {last}")));
        }
        // Asked before the rows are read: what comes between is seen now and looked at once more.
        let version = self.log.data_version()?;
        if self.version == Some(version) {
            return Ok(None);
        }
        self.version = Some(version);
        let (changes, rows) = self.log.of_plan(self.plan, self.last)?;
        let mut out = Vec::new();
        let mut before = self.rows.take();
        let mut added = BTreeSet::new();
        for change in &changes {
            self.last = change.id;
            if let Some(Unlogged(was)) = before.as_mut().and_then(|before| apply(before, change, &rows, &mut added)) {
                let line = Line { id: None, host: None, agent: None, before: was.as_deref(), ..Line::from(change) };
                out.extend(Outcome::json(&Line { after: change.before.as_deref(), ..line }).stdout);
            }
            out.extend(Outcome::json(&Line::from(change)).stdout);
        }
        if let Some(before) = before {
            let now = self.context.now();
            for line in differences(&before, &rows, self.plan, &now) {
                out.extend(Outcome::json(&line).stdout);
            }
        }
        let gone = !rows.contains_key(&(0, self.plan));
        self.rows = Some(rows);
        if !out.is_empty()
            && let Err(fault) = self.context.stream(&out)
        {
            if fault.kind() == ErrorKind::BrokenPipe {
                return Ok(Some(Outcome::silent().with_code(exit_code::CLOSED_PIPE)));
            }
            return Err(Refusal::new(format!("standard output cannot be written: {fault}")));
        }
        Ok(gone.then(|| Outcome::silent().with_note(format!("[WARN] plan {} is gone", self.plan))))
    }
}

/// A value of a field that another program changed past this tool.
struct Unlogged(Option<String>);

/// Makes the rows of the last look what they were after a logged change. Comes back with the field's value before, when that
/// is not the one that the change found.
fn apply(rows: &mut Snapshot, change: &Change, now: &Snapshot, added: &mut BTreeSet<(usize, i64)>) -> Option<Unlogged> {
    let place = LOGGED.iter().position(|logged| logged.kind == change.kind)?;
    let key = (place, change.row_id);
    match change.change.as_str() {
        "removed" => {
            rows.remove(&key);
            None
        }
        "added" => {
            if let Some(values) = now.get(&key) {
                rows.insert(key, values.clone());
                added.insert(key);
            }
            None
        }
        // A row that was added in the same look stands there as it is now.
        _ if added.contains(&key) => None,
        _ => {
            let field = LOGGED[place].fields.iter().position(|field| Some(*field) == change.field.as_deref())?;
            let value = rows.get_mut(&key)?.get_mut(field)?;
            let found = std::mem::replace(value, change.after.clone());
            (found != change.before).then_some(Unlogged(found))
        }
    }
}

/// What differs between two states of a plan that the log does not tell.
fn differences<'a>(before: &'a Snapshot, after: &'a Snapshot, plan: i64, now: &'a str) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let logged = &LOGGED[key.0];
        let (was, got) = (before.get(key), after.get(key));
        let code = got.or(was).and_then(|values| logged.code(values));
        let line = |change, field, before, after| Line {
            id: None,
            at: now,
            kind: logged.kind,
            row_id: key.1,
            plan_id: Some(plan),
            code,
            wave: None,
            change,
            field,
            before,
            after,
            host: None,
            agent: None,
        };
        match (was, got) {
            (None, _) => lines.push(line("added", None, None, code)),
            (_, None) => lines.push(line("removed", None, code, None)),
            (Some(was), Some(got)) => {
                let fields = logged.fields.iter().zip(was.iter().zip(got)).filter(|(_, (was, got))| was != got);
                lines.extend(
                    fields.map(|(field, (was, got))| line("changed", Some(*field), was.as_deref(), got.as_deref())),
                );
            }
        }
    }
    lines
}

/// Waits; whether the reader of a pipe went away meanwhile.
fn reader_is_gone(time: Duration) -> Result<bool, Refusal> {
    let out = rustix::stdio::stdout();
    let mut waiting = [PollFd::new(&out, PollFlags::empty())];
    let limit = rustix::event::Timespec::try_from(time).ok();
    match rustix::event::poll(&mut waiting, limit.as_ref()) {
        Ok(0) | Err(rustix::io::Errno::INTR) => Ok(false),
        Ok(_) if waiting[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) => Ok(true),
        // A descriptor that cannot be waited for answers at once.
        Ok(_) => {
            std::thread::sleep(time);
            Ok(false)
        }
        Err(fault) => Err(Refusal::new(format!("waiting for changes failed: {fault}"))),
    }
}

fn history(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<History>(arguments, exit_code::REFUSED, |args| {
        let id = find_task(context, &args.task, args.plan)?;
        let store = context.store()?;
        let changes = store.change_log().of_task(id)?;
        let task = store.plan_views().task_result(id)?;
        if task.is_none() && changes.is_empty() {
            return Err(Refusal::new(format!("task {id} not found")));
        }
        if changes.first().is_none_or(|first| first.change != "added") {
            context.note("[INFO] What came before the log of changes was begun is not known");
        }
        if args.json {
            return Ok(Outcome::json(&changes.iter().map(Line::from).collect::<Vec<_>>()));
        }
        let mut out = match &task {
            Some(task) => format!(
                "Task {} ({id}): {}, {}\n",
                text::one_line(&task.code),
                text::one_line(&task.title),
                text::one_line(&task.status)
            ),
            None => format!("Task {id} is gone\n"),
        };
        if !changes.is_empty() {
            let mut rows = vec![["at", "who", "what", "before", "after"].map(str::to_owned).to_vec()];
            rows.extend(changes.iter().map(cells));
            out.push('\n');
            out.push_str(&text::columns(&rows));
        }
        Ok(Outcome::text(out))
    })
}

fn cells(change: &Change) -> Vec<String> {
    let who = match (&change.agent, &change.host) {
        (Some(agent), Some(host)) => format!("{agent}@{host}"),
        (None, Some(host)) => host.clone(),
        (Some(agent), None) => agent.clone(),
        (None, None) => "-".to_owned(),
    };
    let value = |value: &Option<String>| match value {
        None => "-".to_owned(),
        Some(value) => text::cut(&text::one_line(value), SHOWN),
    };
    let what = change.field.clone().unwrap_or_else(|| change.change.clone());
    vec![change.at.clone(), who, what, value(&change.before), value(&change.after)]
}

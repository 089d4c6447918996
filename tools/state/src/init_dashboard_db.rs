//! init-dashboard-db: makes the shared database, once per computer; people call it, and cleanup-empty-dbs points to it.
//! It also looks a database over (`--check`), starts over (`--force`) and puts a copy in its place (`--restore`).

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser};
use crewkit_store::migrate::{self, Inspection, Kind as Shape, Report};
use crewkit_store::{Counts, Store};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code, text};
use serde::Serialize;

/// init-dashboard-db.
pub const TOOL: Tool = Tool {
    name: "init-dashboard-db",
    summary: "makes the shared database, checks it, starts it over",
    kind: Kind::Tool,
    command: Args::command,
    run,
};

/// Makes the shared database when there is none; one that is there stays as it is.
#[derive(Debug, Parser)]
#[command(
    name = "init-dashboard-db",
    disable_version_flag = true,
    after_help = "Exit codes: 0 done or nothing to do, 1 refused or not sound."
)]
struct Args {
    /// Start over: the database that is there is kept as a copy, and a new one made.
    #[arg(long, conflicts_with_all = ["check", "restore"])]
    force: bool,
    /// Change nothing; say which shape the database has, whether it is sound, and what an upgrade would do.
    #[arg(long, conflicts_with = "restore")]
    check: bool,
    /// Put the content of this copy in place of the present one, which is kept as a copy itself.
    #[arg(long, value_name = "COPY")]
    restore: Option<PathBuf>,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Args>(arguments, exit_code::REFUSED, |args| {
        if args.check {
            return check(context, args.json);
        }
        let done = match &args.restore {
            Some(copy) => restore(context, copy)?,
            None => init(context, args.force)?,
        };
        Ok(if args.json { Outcome::json(&done) } else { Outcome::text(done.for_people()) })
    })
}

/// What became of the database.
#[derive(Debug, Serialize)]
struct Done {
    /// `created`, `exists`, `recreated`, `restored`.
    status: &'static str,
    /// The database.
    path: String,
    /// Where the one before it is kept.
    copy: Option<String>,
    #[serde(flatten)]
    counts: Counts,
}

impl Done {
    fn for_people(&self) -> String {
        let path = text::one_line(&self.path);
        let mut lines = match self.status {
            "created" => vec![format!("Database created: {path}")],
            "exists" => vec![
                format!("Database already exists: {path}"),
                "Use --force to start over (the old one is kept as a copy)".to_owned(),
            ],
            "recreated" => vec![format!("Database made new: {path}")],
            _ => vec![format!("Database restored: {path}")],
        };
        lines.extend(self.copy.as_ref().map(|copy| format!("Backup of the old one: {}", text::one_line(copy))));
        let Counts { projects, snapshots, metrics } = self.counts;
        lines.push(format!("Projects: {projects}\nSnapshots: {snapshots}\nMetrics: {metrics}"));
        lines.join("\n")
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn done(context: &Context, status: &'static str, copy: Option<PathBuf>) -> Result<Done, Refusal> {
    let store = context.store()?;
    let counts = store.state().counts()?;
    Ok(Done { status, path: shown(store.path()), copy: copy.as_deref().map(shown), counts })
}

fn init(context: &Context, force: bool) -> Result<Done, Refusal> {
    let (status, copy) = if force {
        let settings = context.store_settings()?;
        let there = migrate::is_there(&settings.path)?;
        if there { ("recreated", Some(Store::start_over(&settings)?)) } else { ("created", None) }
    } else if context.existing_store()?.is_some() {
        return done(context, "exists", None);
    } else {
        ("created", None)
    };
    enter_agents_folder(context)?;
    done(context, status, copy)
}

/// The agent's folder is a project too, when it is there.
fn enter_agents_folder(context: &Context) -> Result<(), Refusal> {
    let folder = context.claude_home()?;
    let store = context.store()?;
    match folder.to_str() {
        _ if !folder.is_dir() => {}
        Some(path) => store.state().enter_project("claude-config", "Claude Config", path, &context.now())?,
        None => context.note(format!("{} is no UTF-8 and was not entered as a project", folder.display())),
    }
    Ok(())
}

fn restore(context: &Context, copy: &Path) -> Result<Done, Refusal> {
    let settings = context.store_settings()?;
    let copy = context.absolute(copy)?;
    if copy == settings.path {
        return Err(Refusal::new(format!("--restore: {} is the database itself", copy.display())));
    }
    let kept = Store::restore(&settings, &copy)?;
    done(context, "restored", kept)
}

/// What `--check` found.
#[derive(Debug, Serialize)]
struct Check {
    path: String,
    /// Whether the tools can work with it as it is or after their upgrade.
    sound: bool,
    shape: Shape,
    half_way: Vec<migrate::HalfWay>,
    /// The schema's version as this crewkit counts it; 0 in every older shape.
    version: i64,
    /// The version that older tools wrote down.
    written_version: Option<String>,
    /// What SQLite complains of.
    integrity: Vec<String>,
    upgrade: Option<Upgrade>,
}

/// What an upgrade would do.
#[derive(Debug, Default, Serialize)]
struct Upgrade {
    tables: Vec<String>,
    columns: Vec<String>,
    rebuilt: Vec<String>,
    warnings: Vec<String>,
    /// Why it would be undone.
    fault: Option<String>,
}

fn check(context: &Context, json: bool) -> Answer {
    let settings = context.store_settings()?;
    let Inspection { kind, half_way, version, written_version, complaints, .. } = migrate::inspect(&settings.path)?;
    let older = !matches!(kind, Shape::Missing | Shape::Current | Shape::Later | Shape::Foreign);
    let upgrade = older.then(|| match migrate::rehearse(&settings) {
        Ok(report) => upgrade(report.unwrap_or_default()),
        Err(error) => Upgrade { fault: Some(error.to_string()), ..Upgrade::default() },
    });
    let fits = !matches!(kind, Shape::Missing | Shape::Foreign | Shape::Later);
    let upgrades = upgrade.as_ref().is_none_or(|upgrade| upgrade.fault.is_none());
    let sound = fits && complaints.is_empty() && upgrades;
    let path = shown(&settings.path);
    let found = Check { path, sound, shape: kind, half_way, version, written_version, integrity: complaints, upgrade };
    let outcome = if json { Outcome::json(&found) } else { Outcome::text(found.for_people()) };
    Ok(outcome.with_code(if sound { exit_code::DONE } else { exit_code::REFUSED }))
}

fn upgrade(report: Report) -> Upgrade {
    let columns = report.added.iter().map(|(table, column)| format!("{table}.{column}")).collect();
    Upgrade { tables: report.made, columns, rebuilt: report.rebuilt, warnings: report.warnings, fault: None }
}

impl Check {
    fn for_people(&self) -> String {
        let mut rows = vec![
            vec!["Database:".to_owned(), self.path.clone()],
            vec!["Shape:".to_owned(), self.shape.to_string()],
            vec!["Version:".to_owned(), self.version.to_string()],
        ];
        if let Some(written) = &self.written_version {
            rows.push(vec!["Written version:".to_owned(), written.clone()]);
        }
        let mut list = |head: &str, lines: &[String]| {
            for (at, line) in lines.iter().enumerate() {
                rows.push(vec![if at == 0 { head.to_owned() } else { String::new() }, line.clone()]);
            }
        };
        let states: Vec<String> = self
            .half_way
            .iter()
            .filter_map(|state| Some(serde_json::to_value(state).ok()?.as_str()?.to_owned()))
            .collect();
        list("Half way:", &states);
        let sound = ["ok".to_owned()];
        let unread = matches!(self.shape, Shape::Missing);
        list("Integrity:", if self.integrity.is_empty() && !unread { &sound } else { &self.integrity });
        match &self.upgrade {
            None if self.shape == Shape::Current => list("Upgrade:", &["nothing to do".to_owned()]),
            None => {}
            Some(upgrade) => {
                let named =
                    |verb: &str, names: &[String]| (!names.is_empty()).then(|| format!("{verb} {}", names.join(", ")));
                let steps = [
                    named("makes", &upgrade.tables),
                    named("adds", &upgrade.columns),
                    named("makes anew", &upgrade.rebuilt),
                    upgrade.fault.as_ref().map(|fault| format!("would fail: {fault}")),
                ];
                let steps: Vec<String> = steps.into_iter().flatten().chain(upgrade.warnings.iter().cloned()).collect();
                list("Upgrade:", &steps);
            }
        }
        text::columns(&rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_tool::{Clock, Script};

    fn context(home: &Path) -> Context {
        Context::scripted(Script {
            environment: [("HOME".into(), home.into()), ("HOSTNAME".into(), "desk".into())].into(),
            directory: home.to_owned(),
            clock: Clock::Fixed("2026-01-02T03:04:05Z".parse().unwrap()),
            stdin: Vec::new(),
        })
    }

    fn call(home: &Path, arguments: &[&str]) -> Answer {
        (TOOL.run)(&context(home), &arguments.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn made_found_and_made_new() {
        let home = tempfile::tempdir().unwrap();
        let said = |arguments: &[&str]| String::from_utf8(call(home.path(), arguments).unwrap().stdout).unwrap();
        let path = home.path().join(".claude/data/dashboard.db");
        let path = path.display();
        assert_eq!(said(&[]), format!("Database created: {path}\nProjects: 1\nSnapshots: 0\nMetrics: 0\n"));
        assert!(said(&[]).starts_with(&format!("Database already exists: {path}\n")));
        let new = said(&["--force"]);
        assert!(new.contains(&format!("Backup of the old one: {path}.backup.1767323045\n")), "{new}");
        assert!(said(&["--check"]).contains("nothing to do"));
    }

    #[test]
    fn a_check_makes_nothing() {
        let home = tempfile::tempdir().unwrap();
        let outcome = call(home.path(), &["--check", "--json"]).unwrap();
        let found: serde_json::Value = serde_json::from_slice(&outcome.stdout).unwrap();
        assert_eq!((outcome.code, &found["shape"], &found["sound"]), (1, &"missing".into(), &false.into()));
        assert!(!home.path().join(".claude").exists());
    }

    #[test]
    fn force_and_restore_are_not_given_together() {
        let home = tempfile::tempdir().unwrap();
        let refusal = call(home.path(), &["--force", "--restore", "x"]).unwrap_err();
        assert_eq!(refusal.code, 1);
        assert!(!home.path().join(".claude").exists());
    }
}

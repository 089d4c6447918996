//! memory-save: notes that outlive a session, one file each. Called by agents and people; the next session reads the
//! latest.

mod notes;
mod template;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;

use clap::{CommandFactory, Parser};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code, text};

use notes::Notes;

/// memory-save.
pub const TOOL: Tool = Tool {
    name: "memory-save",
    summary: "notes that outlive a session, one file each",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Days after which a note is put away.
const DAYS: u64 = 90;
/// Most bytes of a note's text from standard input.
const MOST_BYTES: u64 = 4 << 20;

/// What the words mean.
const USAGE: &str = "\
memory-save PROJECT \"description\"  a new note; its path is printed
memory-save list [PROJECT]         the projects, or a project's notes, newest first
memory-save latest PROJECT         the path of the newest
memory-save archive [DAYS]         puts away notes older than DAYS (90)
memory-save search WORD...         notes that hold all the words";

/// Keeps a note for the next session, or finds earlier ones, in ~/.claude/memory/PROJECT.
///
/// Ends with 0; 1 when a note of that name exists, there is none to show, or something is wrong.
#[derive(Parser, Debug)]
#[command(name = TOOL.name, disable_version_flag = true, after_help = USAGE)]
struct Arguments {
    /// What to do, and with what
    #[arg(value_name = "ARGUMENT")]
    words: Vec<String>,
    /// The project, when its name is list, latest, archive or search
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// With a new note: its sections are read from standard input instead of made as an empty form
    #[arg(long)]
    stdin: bool,
    /// With a new note: the plan it belongs to (PLAN_ID of the environment)
    #[arg(long, value_name = "ID")]
    plan: Option<String>,
    /// With latest: the note's text instead of its path
    #[arg(long)]
    cat: bool,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| act(context, &arguments))
}

fn act(context: &Context, arguments: &Arguments) -> Answer {
    let notes = Notes::new(context.claude_home()?.join("memory"));
    let words: Vec<&str> = arguments.words.iter().map(String::as_str).collect();
    if let Some(project) = &arguments.project {
        return match words[..] {
            ["list"] => list(&notes, Some(project)),
            ["latest"] => latest(&notes, project, arguments.cat),
            [description] => save(context, &notes, project, description, arguments),
            _ => Err(Refusal::new("--project NAME goes with list, latest or one description")),
        };
    }
    match words[..] {
        [] => Err(Refusal::new("nothing to do").with_help(Arguments::command().render_help().to_string())),
        ["list"] => list(&notes, None),
        ["list", project] => list(&notes, Some(project)),
        ["latest"] => Err(Refusal::new("latest: of which project?")),
        ["latest", project] => latest(&notes, project, arguments.cat),
        ["archive"] => archive(context, &notes, DAYS),
        ["archive", days] => {
            let days = days.parse().map_err(|_| Refusal::new(format!("archive: '{days}' is no number of days")))?;
            archive(context, &notes, days)
        }
        ["search"] => Err(Refusal::new("search: which words?")),
        ["search", ref wanted @ ..] => search(&notes, wanted),
        [project, description] => save(context, &notes, project, description, arguments),
        [project] => Err(Refusal::new(format!("'{project}': the description is missing"))),
        [_, _, extra, ..] => Err(Refusal::new(format!("'{extra}' is one argument too many: quote the description"))),
    }
}

fn save(context: &Context, notes: &Notes, project: &str, description: &str, arguments: &Arguments) -> Answer {
    if description.trim().is_empty() {
        return Err(Refusal::new("the description is empty"));
    }
    let date = context.clock.local_millis();
    let name = format!("{}-{}.md", &date[..10], notes::slug(description));
    let body = if arguments.stdin {
        Some(String::from_utf8_lossy(&context.read_stdin(MOST_BYTES)?).into_owned())
    } else {
        None
    };
    let facts = template::Facts::gather(context, arguments.plan.clone().or_else(|| context.variable("PLAN_ID")))?;
    let text = template::render(project, description, &facts, body.as_deref());
    let path = notes.create(project, &name, &text)?;
    Ok(Outcome::text(format!("Created: {}", shown(&path))))
}

fn list(notes: &Notes, project: Option<&str>) -> Answer {
    let mut out = String::new();
    match project {
        None => {
            for (project, files) in notes.projects()? {
                if let Some(latest) = files.first() {
                    let name = latest.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                    let _ = writeln!(
                        out,
                        "{} ({} files, latest: {})",
                        text::one_line(&project),
                        files.len(),
                        text::one_line(&name)
                    );
                }
            }
            if out.is_empty() {
                out.push_str("No memory files\n");
            }
        }
        Some(project) => {
            for file in notes.of(project)? {
                let _ = writeln!(out, "{}", shown(&file));
            }
            if out.is_empty() {
                let _ = writeln!(out, "No memory files for {}", text::one_line(project));
            }
        }
    }
    Ok(Outcome::text(out))
}

fn latest(notes: &Notes, project: &str, cat: bool) -> Answer {
    let files = notes.of(project)?;
    let latest = files.first().ok_or_else(|| Refusal::new(format!("No memory files for {project}")))?;
    if cat {
        let text = std::fs::read(latest).map_err(|fault| Refusal::new(format!("{}: {fault}", latest.display())))?;
        return Ok(Outcome { stdout: text, ..Outcome::default() });
    }
    Ok(Outcome::text(shown(latest)))
}

fn archive(context: &Context, notes: &Notes, days: u64) -> Answer {
    let mut out = String::new();
    let (moved, failed) = notes.archive(days, context.clock.seconds())?;
    for path in &moved {
        let _ = writeln!(out, "Archived: {}", shown(path));
    }
    let _ = writeln!(out, "Archived {} files older than {days} days", moved.len());
    let mut outcome = Outcome::text(out);
    for fault in &failed {
        outcome = outcome.with_note(format!("memory-save: {fault}")).with_code(exit_code::REFUSED);
    }
    Ok(outcome)
}

fn search(notes: &Notes, wanted: &[&str]) -> Answer {
    let wanted: Vec<String> = wanted.iter().map(|word| word.to_lowercase()).collect();
    let mut out = String::new();
    for (_, files) in notes.projects()? {
        for file in files {
            let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap_or_default()).into_owned();
            let small = text.to_lowercase();
            if !wanted.iter().all(|word| small.contains(word)) {
                continue;
            }
            let line = text.lines().find(|line| wanted.iter().any(|word| line.to_lowercase().contains(word)));
            let _ = writeln!(out, "{}: {}", shown(&file), text::cut(&text::one_line(line.unwrap_or("")), 200));
        }
    }
    if out.is_empty() {
        return Err(Refusal::new("no note holds these words"));
    }
    Ok(Outcome::text(out))
}

fn shown(path: &Path) -> String {
    text::one_line(&path.to_string_lossy())
}

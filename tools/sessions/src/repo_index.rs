//! repo-index: five small files that tell an agent what a repository holds. Called by people and agents, at the start.

mod dependencies;
mod entry_points;
mod files;
mod languages;
mod routes;
mod symbols;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code};
use serde::Serialize;

use files::Files;

/// repo-index.
pub const TOOL: Tool = Tool {
    name: "repo-index",
    summary: "five small files that tell an agent what a repository holds",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Writes repo-info.md, symbols.txt, entry-points.md, api-patterns.md and dependencies.md about the current folder.
///
/// Ignored files, version control's own and the output folder are left out. Ends with 0; 1 when the folder cannot be made.
#[derive(Parser, Debug)]
#[command(name = TOOL.name, disable_version_flag = true)]
struct Arguments {
    /// Where the files go; made if missing
    #[arg(value_name = "OUTPUT_DIR", default_value = ".claude")]
    output: PathBuf,
    /// The files made, as one line of JSON
    #[arg(long)]
    json: bool,
    /// Most lines of each file; what is left out is counted in its last line
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(10..))]
    max_lines: u32,
}

#[derive(Serialize)]
struct Report {
    folder: String,
    files: Vec<String>,
    symbols: usize,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| index(context, &arguments))
}

fn index(context: &Context, arguments: &Arguments) -> Answer {
    let root = context.directory()?;
    let output = context.absolute(&arguments.output)?;
    fs::create_dir_all(&output)
        .map_err(|fault| Refusal::new(format!("{} cannot be made: {fault}", output.display())))?;
    let files = Files::walk(root, &output);
    let symbols = symbols::of(context, root, &files)?;
    let count = symbols.lines().filter(|line| !line.starts_with("!_")).count();
    let texts = [
        ("repo-info.md", languages::info(&files, &root_name(root), &context.clock.utc_iso())),
        ("symbols.txt", symbols),
        ("entry-points.md", entry_points::of(&files)),
        ("api-patterns.md", routes::of(root, &files)),
        ("dependencies.md", dependencies::of(root)),
    ];
    let folder = arguments.output.to_string_lossy().trim_end_matches('/').to_owned();
    let mut report = Report { folder: folder.clone(), files: Vec::new(), symbols: count };
    let mut out = String::new();
    for (name, text) in texts {
        write_whole(&output.join(name), &capped(&text, arguments.max_lines as usize))?;
        report.files.push(format!("{folder}/{name}"));
        let note = if name == "symbols.txt" { format!(" ({count} symbols)") } else { String::new() };
        let _ = writeln!(out, "Created: {folder}/{name}{note}");
    }
    let _ = writeln!(out, "Index complete: 5 files in {folder}/, which git does not know of: commit or ignore it");
    if arguments.json {
        return Ok(Outcome::json(&report));
    }
    Ok(Outcome::text(out))
}

fn root_name(root: &Path) -> String {
    root.file_name().map_or_else(|| "/".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// At most `most` lines; the last one says how many are left out.
fn capped(text: &str, most: usize) -> String {
    let total = text.lines().count();
    if total <= most {
        return text.to_owned();
    }
    let mut out: String = text.lines().take(most - 1).flat_map(|line| [line, "\n"]).collect();
    let _ = writeln!(out, "({} more lines)", total - (most - 1));
    out
}

/// Writes a file in one step, so that a reader never sees a half of it.
fn write_whole(path: &Path, text: &str) -> Result<(), Refusal> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", std::process::id()));
    let draft = PathBuf::from(draft);
    fs::write(&draft, text).and_then(|()| fs::rename(&draft, path)).map_err(|fault| {
        let _ = fs::remove_file(&draft);
        Refusal::new(format!("{} cannot be written: {fault}", path.display()))
    })
}

/// A heading and its list; a dash where the list is empty.
fn section(out: &mut String, heading: &str, lines: &[String]) {
    let _ = writeln!(out, "\n## {heading}");
    for line in lines {
        let _ = writeln!(out, "- {line}");
    }
    if lines.is_empty() {
        *out += "(none found)\n";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_cut_and_says_so() {
        let text = "x\n".repeat(20);
        assert_eq!(capped(&text, 20), text);
        let cut = capped(&text, 10);
        assert_eq!((cut.lines().count(), cut.lines().last()), (10, Some("(11 more lines)")));
    }
}

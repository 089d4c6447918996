//! context-check: how many tokens an assistant's configuration puts before every session. Called by people.

pub(crate) mod imports;
mod split;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use crewkit_scan::line_limit;
use crewkit_tool::text::one_line;
use crewkit_tool::{Answer, Context, Kind, Outcome, Tool, args, exit_code};
use serde::Serialize;

use crate::walk;

/// context-check.
pub const TOOL: Tool = Tool {
    name: "context-check",
    summary: "how many tokens the assistant's configuration loads at every start",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Most bytes of CLAUDE.md.
const MOST_MAIN: u64 = 5000;
/// Most bytes of all rules.
const MOST_RULES: u64 = 30_000;
/// Most lines of a document.
const MOST_LINES: usize = 250;
/// How many long documents are named.
const NAMED: usize = 5;
/// Tokens from which the total is remarked on.
const MANY_TOKENS: u64 = 10_000;
/// Bytes a token, on average.
const BYTES_A_TOKEN: u64 = 4;

/// Folders of the agent's folder that hold what is not loaded.
const NOT_LOADED: &[&str] =
    &["plugins", "projects", "cache", "node_modules", ".git", "todos", "shell-snapshots", "file-history"];

/// Tells how much of the assistant's context CLAUDE.md and the rules take at every start, and what could be shorter.
///
/// A token is counted as four bytes. Files that CLAUDE.md and the rules import (`@file`) are loaded as well; they are
/// counted by themselves.
#[derive(Debug, Parser)]
#[command(name = "context-check", disable_version_flag = true)]
#[command(after_help = "Exit codes: 0; 1 for wrong usage, and with --fail-over when more tokens are loaded.")]
struct Arguments {
    /// Also proposes how CLAUDE.md could be split; writes nothing.
    #[arg(long)]
    fix: bool,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
    /// Ends with 1 when more than N tokens are loaded, imports included.
    #[arg(long, value_name = "N")]
    fail_over: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Report {
    claude_md_bytes: u64,
    rules_bytes: u64,
    /// File names that stand more than once below the rules, with their places.
    equal_names: BTreeMap<String, Vec<String>>,
    /// All documents over the limit, the longest first.
    long_files: Vec<LongFile>,
    /// Of CLAUDE.md and the rules.
    tokens: u64,
    imports: Vec<imports::Import>,
    /// With the imports.
    tokens_with_imports: u64,
    issues: usize,
    optimization: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    split: Option<Vec<split::Section>>,
}

#[derive(Debug, Serialize)]
struct LongFile {
    file: String,
    lines: usize,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| {
        let home = context.claude_home()?;
        let report = look(context, &home, arguments.fix);
        let over = arguments.fail_over.is_some_and(|most| report.tokens_with_imports > most);
        let outcome = if arguments.json { Outcome::json(&report) } else { Outcome::text(report.text()) };
        Ok(outcome.with_code(if over { exit_code::REFUSED } else { exit_code::DONE }))
    })
}

fn look(context: &Context, home: &Path, fix: bool) -> Report {
    let main = home.join("CLAUDE.md");
    let rules = home.join("rules");
    let is_document = |path: &Path| path.extension().is_some_and(|ending| ending == "md");
    let below_rules: Vec<PathBuf> = walk::files(&rules, usize::MAX, &[]);
    let loaded: Vec<PathBuf> = below_rules
        .iter()
        .filter(|path| path.components().count() == 1 && is_document(path))
        .map(|path| rules.join(path))
        .collect();
    let claude_md_bytes = bytes(&main);
    let rules_bytes = loaded.iter().map(|path| bytes(path)).sum();

    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in &below_rules {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        names.entry(name).or_default().push(path.to_string_lossy().into_owned());
    }
    names.retain(|_, places| places.len() > 1);

    let documents = walk::files(home, usize::MAX, NOT_LOADED).into_iter().filter(|path| is_document(path));
    let mut long_files: Vec<LongFile> = documents
        .filter_map(|path| {
            let lines = line_limit::count(fs::read(home.join(&path)).ok()?);
            (lines > MOST_LINES).then(|| LongFile { file: path.to_string_lossy().into_owned(), lines })
        })
        .collect();
    long_files.sort_by(|one, other| (other.lines, &one.file).cmp(&(one.lines, &other.file)));

    let imports = imports::follow(context, std::iter::once(main.clone()).chain(loaded));
    let imported: u64 = imports.iter().filter_map(|import| import.bytes).sum();
    let tokens = (claude_md_bytes + rules_bytes) / BYTES_A_TOKEN;
    let found = [claude_md_bytes > MOST_MAIN, rules_bytes > MOST_RULES, !names.is_empty(), !long_files.is_empty()];
    let issues = found.into_iter().filter(|issue| *issue).count();
    Report {
        claude_md_bytes,
        rules_bytes,
        equal_names: names,
        long_files,
        tokens,
        tokens_with_imports: (claude_md_bytes + rules_bytes + imported) / BYTES_A_TOKEN,
        imports,
        issues,
        optimization: if issues == 0 { "good" } else { "issues" },
        split: fix.then(|| split::sections(&main)),
    }
}

fn bytes(path: &Path) -> u64 {
    fs::metadata(path).ok().filter(fs::Metadata::is_file).map_or(0, |data| data.len())
}

impl Report {
    fn text(&self) -> String {
        let mut out = String::new();
        let over = |bytes: u64, most: u64| {
            if bytes > most { format!("  <- over {most}") } else { String::new() }
        };
        let _ = writeln!(out, "1. CLAUDE.md: {} bytes{}", self.claude_md_bytes, over(self.claude_md_bytes, MOST_MAIN));
        let _ = writeln!(out, "2. rules: {} bytes{}", self.rules_bytes, over(self.rules_bytes, MOST_RULES));
        let _ = writeln!(out, "3. equal names below rules: {}", none_or(self.equal_names.len()));
        for (name, places) in &self.equal_names {
            let _ = writeln!(out, "   {}: {}", one_line(name), one_line(&places.join(", ")));
        }
        let _ = writeln!(out, "4. documents over {MOST_LINES} lines: {}", none_or(self.long_files.len()));
        for long in self.long_files.iter().take(NAMED) {
            let _ = writeln!(out, "   {}: {}", one_line(&long.file), long.lines);
        }
        let many = if self.tokens > MANY_TOKENS { "  <- much for every start" } else { "" };
        let _ = writeln!(out, "5. loaded at every start: ~{} tokens{many}", self.tokens);
        for import in &self.imports {
            let size = import.bytes.map_or_else(|| "not there".to_owned(), |bytes| format!("{bytes} bytes"));
            let _ = writeln!(out, "   imported: {}: {size}", one_line(&import.file));
        }
        if !self.imports.is_empty() {
            let _ = writeln!(out, "   with imports: ~{} tokens", self.tokens_with_imports);
        }
        if let Some(sections) = self.split.as_ref().filter(|sections| !sections.is_empty()) {
            out.push_str(
                "Sections of CLAUDE.md, the largest first; what only some work needs can move to a file of its own:\n",
            );
            for section in sections {
                let _ = writeln!(out, "   {} bytes: {}", section.bytes, one_line(&section.heading));
            }
        }
        let _ = writeln!(out, "Total: {} bytes, ~{} tokens", self.claude_md_bytes + self.rules_bytes, self.tokens);
        if self.issues == 0 {
            out.push_str("OPTIMIZATION: GOOD\n");
        } else {
            let _ = writeln!(out, "OPTIMIZATION: {} issues found", self.issues);
            out.push_str("Tips: keep in CLAUDE.md what every session needs; move the rest to files that it names; state each rule once.\n");
        }
        out
    }
}

fn none_or(count: usize) -> String {
    if count == 0 { "none".to_owned() } else { count.to_string() }
}

#[cfg(test)]
mod tests;

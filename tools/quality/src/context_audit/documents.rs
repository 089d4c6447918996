//! CLAUDE.md, rules and agents.

use std::path::Path;

use crewkit_scan::line_limit;
use crewkit_tool::Context;

use super::{Line, Verdict};
use crate::context_check::imports;
use crate::hardening_check::project::text;
use crate::walk;

const MAIN: &str = "CLAUDE.md";
const RULES: &str = "Rules";
const AGENTS: &str = "Agents";

/// Most lines of a file of rules.
const MOST_RULE_LINES: usize = 30;
/// Most lines of an agent's file.
const MOST_AGENT_LINES: usize = 200;
/// How many lines of each file of rules are looked for in CLAUDE.md.
const COMPARED: usize = 5;
/// The fewest characters of such a line.
const FEWEST_CHARACTERS: usize = 20;
/// How many repeated lines are let pass.
const MOST_REPEATED: usize = 3;

/// What is thought of a memory file's length: over 100 lines, over 150.
pub(super) fn by_length(lines: usize) -> Verdict {
    match lines {
        0..=100 => Verdict::Pass,
        101..=150 => Verdict::Warn,
        _ => Verdict::Fail,
    }
}

/// The user's CLAUDE.md, and the documents that it sends its reader to.
pub(super) fn main_file(context: &Context, home: &Path) -> Vec<Line> {
    let Some(text) = text(&home.join("CLAUDE.md")) else {
        return vec![Line::new(MAIN, Verdict::Fail, "CLAUDE.md is not there")];
    };
    let lines = line_limit::count(&text);
    let mut found = vec![Line::new(MAIN, by_length(lines), format!("CLAUDE.md: {lines} lines"))];
    for name in referred(&text) {
        let path = context.expand_home(Path::new(&name));
        let path = if name.starts_with("~/.claude") {
            home.join(path.strip_prefix(context.home().unwrap_or_default().join(".claude")).unwrap_or(&path))
        } else {
            home.join(path)
        };
        if !path.exists() {
            found.push(Line::new(MAIN, Verdict::Warn, format!("it refers to {name}, which is not there")));
        }
    }
    found
}

/// The documents that a text imports, or names by a path in the agent's folder, each once.
fn referred(text: &str) -> Vec<String> {
    let mut names = imports::names(text);
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, '`' | '(' | ')' | '"' | '\'' | ',' | '|'));
    let own = words.map(|word| word.trim_start_matches('@').trim_end_matches(['.', ':', ';']));
    names.extend(own.filter(|word| word.starts_with("~/.claude/") && is_document(Path::new(word))).map(str::to_owned));
    names.retain(|name| !name.contains(['*', '<', '{', '$']));
    names.sort();
    names.dedup();
    names
}

fn is_document(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "md")
}

/// The files of rules: their length, and what of them CLAUDE.md says as well.
pub(super) fn rules(home: &Path) -> Vec<Line> {
    let folder = home.join("rules");
    let main = text(&home.join("CLAUDE.md")).unwrap_or_default();
    let (mut found, mut repeated, mut count) = (Vec::new(), 0, 0);
    for name in walk::files(&folder, 1, &[]).into_iter().filter(|name| is_document(name)) {
        let Some(text) = text(&folder.join(&name)) else { continue };
        count += 1;
        let lines = line_limit::count(&text);
        if lines > MOST_RULE_LINES {
            let body = format!("rules/{}: {lines} lines, at most {MOST_RULE_LINES}", name.display());
            found.push(Line::new(RULES, Verdict::Warn, body));
        }
        repeated += text
            .lines()
            .map(str::trim)
            .filter(|line| is_sentence(line))
            .take(COMPARED)
            .filter(|line| main.contains(line))
            .count();
    }
    if repeated > MOST_REPEATED {
        found.push(Line::new(
            RULES,
            Verdict::Warn,
            format!("{repeated} lines of the rules stand in CLAUDE.md as well"),
        ));
    }
    if found.is_empty() {
        found.push(Line::new(RULES, Verdict::Pass, format!("{count} files, {repeated} lines that CLAUDE.md repeats")));
    }
    found
}

/// Whether a line is neither blank nor a heading, an item, a fence, or too short to tell.
fn is_sentence(line: &str) -> bool {
    let numbered = line
        .split_once(['.', ')'])
        .is_some_and(|(number, _)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    let marked = ["#", "- ", "* ", "+ ", "```", "~~~"].iter().any(|mark| line.starts_with(mark));
    !marked && !numbered && line.chars().count() >= FEWEST_CHARACTERS
}

/// The agents' files.
pub(super) fn agents(home: &Path) -> Vec<Line> {
    let folder = home.join("agents");
    let files: Vec<_> = walk::files(&folder, usize::MAX, &["node_modules", ".git"])
        .into_iter()
        .filter(|name| is_document(name))
        .collect();
    let long = files.iter().filter_map(|name| {
        let lines = line_limit::count(text(&folder.join(name))?);
        let body = || format!("agents/{}: {lines} lines, at most {MOST_AGENT_LINES}", name.display());
        (lines > MOST_AGENT_LINES).then(|| Line::new(AGENTS, Verdict::Warn, body()))
    });
    let mut found: Vec<Line> = long.collect();
    let count = format!("{} agent files", files.len());
    found.push(Line::new(AGENTS, if found.is_empty() { Verdict::Pass } else { Verdict::None }, count));
    found
}

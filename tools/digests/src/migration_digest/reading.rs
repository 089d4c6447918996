//! A migration tool's output, read line by line.

use std::collections::BTreeSet;

use crewkit_digest::{Ends, Reader, Source, answer::Capped};
use crewkit_tool::text::head;

use super::tool::Orm;
use super::words;

/// Most lines kept of each kind, and most characters of each.
const MOST: usize = 200;
const LONGEST: usize = 200;
/// Lines of the end of the output.
const TAIL: usize = 10;

/// What names on the lines that follow a heading are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    None,
    Pending,
    Failed,
    /// Applied by somebody whose migrations are not here.
    Elsewhere,
    /// Tables that Prisma's text diff lists, with the sign of their heading.
    Tables(char),
}

/// What was said.
#[derive(Debug)]
pub(super) struct Reading {
    orm: Orm,
    is_status: bool,
    list: List,
    pub(super) tables: BTreeSet<String>,
    pub(super) pending: BTreeSet<String>,
    pub(super) failed: BTreeSet<String>,
    /// Migrations that the tool has found, and those it says are applied.
    found: Option<usize>,
    ticked: usize,
    /// Whether the tool has said how things stand.
    pub(super) told: bool,
    pub(super) destructive: Capped,
    pub(super) plain_errors: Capped,
    pub(super) errors: Capped,
    /// A file of SQL that drizzle says it has written.
    pub(super) written: Option<String>,
    pub(super) ends: Ends,
}

impl Reading {
    pub(super) fn new(orm: Orm, command: &str) -> Self {
        Self {
            orm,
            is_status: command == "status",
            list: List::None,
            tables: BTreeSet::new(),
            pending: BTreeSet::new(),
            failed: BTreeSet::new(),
            found: None,
            ticked: 0,
            told: false,
            destructive: Capped::new(MOST),
            plain_errors: Capped::new(MOST),
            errors: Capped::new(MOST),
            written: None,
            ends: Ends::new(0, TAIL, LONGEST),
        }
    }

    /// Migrations that are applied.
    pub(super) fn applied(&self) -> usize {
        match self.found {
            Some(found) => found.saturating_sub(self.pending.len() + self.failed.len()),
            None => self.ticked,
        }
    }

    /// SQL that the tool has written to a file: its tables and what it drops.
    pub(super) fn sql(&mut self, text: &str) {
        for line in text.lines() {
            self.tables.extend(words::table(line));
            if words::is_destructive(line) && !line.trim_start().starts_with("--") {
                self.destructive.push(head(line, LONGEST).to_owned());
            }
        }
    }

    /// Takes a line of a status; says whether it names a migration, whose words mean nothing.
    fn status_line(&mut self, text: &str) -> bool {
        match self.orm {
            Orm::Prisma => return self.prisma_status(text),
            Orm::Diesel | Orm::Django => {
                let ticked = text.strip_prefix("[X] ").or_else(|| text.strip_prefix("[x] "));
                return self.tick(ticked.is_some(), text.strip_prefix("[ ] "));
            }
            Orm::Sqlx => {
                let state = text.split_once('/').filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()));
                let state = state.map_or("", |(_, rest)| rest);
                return self.tick(state.starts_with("installed"), state.starts_with("pending").then_some(text));
            }
            Orm::Alembic => {
                let Some((_, rest)) = text.split_once(" -> ") else { return false };
                // Newest first: what stands above the current one is pending, it and all below is applied.
                let is_current = rest.contains("(current)");
                self.told = true;
                if is_current || self.ticked > 0 {
                    self.ticked += 1;
                } else {
                    self.pending.insert(rest.split([' ', ',']).next().unwrap_or_default().to_owned());
                }
            }
            Orm::Drizzle => return false,
        }
        true
    }

    fn tick(&mut self, is_applied: bool, pending: Option<&str>) -> bool {
        let is_entry = is_applied || pending.is_some();
        self.told |= is_entry;
        self.ticked += usize::from(is_applied);
        self.pending.extend(pending.map(str::to_owned));
        is_entry
    }

    fn prisma_status(&mut self, text: &str) -> bool {
        let mut words = text.split(' ');
        let first = words.next().unwrap_or_default();
        if let (Some("migration" | "migrations"), Some("found")) = (words.next(), words.next()) {
            self.found = if first == "No" { Some(0) } else { first.parse().ok() };
        } else if text.ends_with("not yet been applied:") {
            (self.list, self.told) = (List::Pending, true);
        } else if text.ends_with("have failed:") || text.ends_with("has failed:") {
            (self.list, self.told) = (List::Failed, true);
        } else if text.contains("not found locally") {
            (self.list, self.told) = (List::Elsewhere, true);
        } else if text.contains("is up to date") {
            self.told = true;
        } else if text.contains(' ') || text.ends_with(':') {
            // Not the name of a migration's folder: the list is over.
            self.list = List::None;
        } else {
            let name = text.to_owned();
            match self.list {
                List::Pending => drop(self.pending.insert(name)),
                List::Failed => drop(self.failed.insert(name)),
                List::Elsewhere => self.errors.push(format!("in the database and not found locally: {name}")),
                List::None | List::Tables(_) => return false,
            }
            return true;
        }
        false
    }

    /// Prisma's text diff: `[+]` Added tables, then   - User; `[*]` Changed the `Post` table.
    fn diff_line(&mut self, line: &str) {
        let text = line.trim();
        let sign =
            |text: &str| text.strip_prefix('[').and_then(|rest| rest.chars().next()).filter(|c| "+-*".contains(*c));
        if let Some(sign) = sign(text).filter(|_| text.get(2..3) == Some("]")) {
            let is_top = !line.starts_with(' ');
            let said = text[3..].trim();
            if is_top && said.ends_with("tables") {
                self.list = List::Tables(sign);
            } else if let Some(name) = said.strip_prefix("Changed the `").and_then(|rest| rest.strip_suffix("` table"))
            {
                self.list = List::None;
                self.tables.insert(format!("[*] {name}"));
            } else if is_top {
                self.list = List::None;
            }
        } else if let (List::Tables(sign), Some(name)) = (self.list, text.strip_prefix("- ")) {
            self.tables.insert(format!("[{sign}] {name}"));
        }
    }
}

impl Reader for Reading {
    fn line(&mut self, _: Source, line: &str) {
        self.ends.push(line);
        let text = line.trim();
        if text.is_empty() {
            self.list = List::None;
            return;
        }
        if self.is_status && self.status_line(text) {
            return;
        }
        if self.orm == Orm::Prisma {
            self.diff_line(line);
        }
        if let Some((_, path)) = text.split_once("SQL migration file ➜ ") {
            self.written = path.split_whitespace().next().map(str::to_owned);
        }
        self.tables.extend(words::table(line));
        if words::is_destructive(line) {
            self.destructive.push(head(line, LONGEST).to_owned());
        }
        if words::is_plain_error(line) {
            self.plain_errors.push(head(line, LONGEST).to_owned());
        }
        if words::speaks_of_error(line) {
            self.errors.push(head(line, LONGEST).to_owned());
        }
    }
}

//! The test anything protocol (<https://testanything.org>), as node's runner, bats and many others print it.

use super::super::pieces::{is_own, number, place};
use super::super::report::{Failure, Report};
use super::TextReader;
use super::node::Totals;

/// Most lines of a message kept.
const MOST_LINES: usize = 8;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Tap {
    report: Report,
    plan: Option<usize>,
    seen_at_top: usize,
    version: bool,
    counts: [usize; 3],
    /// The indent of the last test: one that stands further out sums up those before it.
    indent: Option<usize>,
    titles: Vec<String>,
    open: Option<Open>,
    totals: Totals,
    /// The first error among the remarks since the last file that could not be run.
    error: Option<String>,
    duration: String,
}

/// A test that failed, while its details come.
#[derive(Debug, Default)]
struct Open {
    failure: Failure,
    is_parent: bool,
    /// The message goes on in the lines that stand further in than this.
    block: Option<usize>,
    in_stack: bool,
    placed: bool,
    lines: Vec<String>,
    /// How the process of a whole file ended.
    ended: Option<String>,
}

impl TextReader for Tap {
    fn line(&mut self, line: &str) {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        match text.as_bytes().first() {
            Some(b'o' | b'n') => {
                let (ok, rest) = match (text.strip_prefix("ok "), text.strip_prefix("not ok ")) {
                    (Some(rest), _) => (true, rest),
                    (_, Some(rest)) => (false, rest),
                    _ => return self.detail(text, indent),
                };
                if let Some((_, rest)) = number(rest) {
                    return self.test(ok, rest, indent);
                }
            }
            Some(b'1') if indent == 0 => {
                if let Some((count, rest)) = text.strip_prefix("1..").and_then(number) {
                    self.close();
                    self.plan = Some(self.plan.unwrap_or(0) + count);
                    let reason = rest.trim();
                    self.report.skipped += usize::from(count == 0 && reason.to_ascii_lowercase().starts_with("# skip"));
                    return;
                }
            }
            Some(b'T') if text.starts_with("TAP version ") => {
                self.version = true;
                return;
            }
            Some(b'B') if indent == 0 && text.starts_with("Bail out!") => {
                self.close();
                self.report.fault(Failure { msg: text.to_owned(), ..Failure::default() });
                return;
            }
            Some(b'#') => {
                if let Some(title) = text.strip_prefix("# Subtest: ") {
                    self.titles.truncate(indent / 4);
                    self.titles.push(title.to_owned());
                    return;
                }
                if indent == 0
                    && let Some(rest) = text.strip_prefix("# ")
                {
                    self.totals.line(rest, &mut self.duration);
                    self.comment(rest);
                    return;
                }
            }
            _ => {}
        }
        self.detail(text, indent);
    }

    fn report(mut self: Box<Self>) -> Option<Report> {
        self.close();
        let said = self.version || self.plan.is_some();
        if !said || (self.seen_at_top == 0 && self.plan.unwrap_or(0) > 0 && !self.version) {
            return None;
        }
        let mut report = std::mem::take(&mut self.report);
        report.framework = "tap";
        report.duration = std::mem::take(&mut self.duration);
        if self.totals.tell(&mut report) {
            report.framework = "node";
            return Some(report);
        }
        let [passed, failed, skipped] = self.counts;
        report.count(passed, failed, skipped);
        match self.plan {
            Some(plan) if plan == self.seen_at_top => report.complete = true,
            Some(plan) => {
                let msg = format!("{plan} tests were planned, {} ended", self.seen_at_top);
                report.fault(Failure { msg, ..Failure::default() });
            }
            None => {}
        }
        Some(report)
    }
}

impl Tap {
    fn test(&mut self, ok: bool, rest: &str, indent: usize) {
        self.close();
        let is_parent = self.indent.is_some_and(|last| indent < last);
        self.indent = Some(indent);
        self.seen_at_top += usize::from(indent == 0);
        let rest = rest.trim().strip_prefix("- ").unwrap_or(rest.trim());
        let (name, directive) = rest.rsplit_once(" # ").unwrap_or((rest, ""));
        let directive = directive.to_ascii_lowercase();
        let left_out = directive.starts_with("skip") || directive.starts_with("todo");
        if !is_parent {
            self.counts[if left_out { 2 } else { usize::from(!ok) }] += 1;
        }
        if ok || left_out {
            return;
        }
        let mut names: Vec<&str> = self.titles.iter().take(indent / 4).map(String::as_str).collect();
        names.push(name);
        let failure = Failure { test: names.join(" "), ..Failure::default() };
        self.open = Some(Open { failure, is_parent, ..Open::default() });
    }

    /// A line of a failed test's details in YAML.
    fn detail(&mut self, text: &str, indent: usize) {
        let Some(open) = &mut self.open else { return };
        if text == "..." || text == "---" {
            if text == "..." {
                self.close();
            }
            return;
        }
        if let Some(block) = open.block {
            if indent > block || text.is_empty() {
                if open.in_stack {
                    if let Some((path, line)) = frame(text).filter(|(path, _)| !open.placed && is_own(path)) {
                        open.placed = true;
                        path.clone_into(&mut open.failure.file);
                        open.failure.line = Some(line);
                    }
                } else if open.lines.len() < MOST_LINES && !text.is_empty() {
                    open.lines.push(text.to_owned());
                }
                return;
            }
            open.block = None;
        }
        let Some((key, value)) = text.split_once(':') else { return };
        let value = value.trim();
        let plain = value.trim_matches(['\'', '"']);
        let is_block = value.starts_with('|') || value.starts_with('>');
        match key {
            "error" | "message" if is_block => (open.block, open.in_stack) = (Some(indent), false),
            "error" | "message" => open.lines.push(plain.to_owned()),
            "stack" if is_block => (open.block, open.in_stack) = (Some(indent), true),
            "location" | "at" => {
                if let Some((path, line)) = place(plain) {
                    path.clone_into(&mut open.failure.file);
                    open.failure.line = Some(line);
                }
            }
            "signal" | "exitCode" if plain != "~" => open.ended = Some(format!("{key} {plain}")),
            "failureType" => open.is_parent |= plain == "subtestsFailed",
            _ => {}
        }
    }

    /// A remark after a failed test: bats tells place and output in them.
    fn comment(&mut self, text: &str) {
        if self.error.is_none() && text.split_once(": ").is_some_and(|(name, _)| name.ends_with("Error")) {
            self.error = Some(text.to_owned());
        }
        let Some(open) = &mut self.open else { return };
        let said = text.trim_start_matches(['(', ' ']);
        if let Some((path, rest)) = said
            .strip_prefix("in test file ")
            .or_else(|| said.split_once("in test file ").map(|(_, rest)| rest))
            .and_then(|rest| rest.split_once(", line "))
        {
            path.clone_into(&mut open.failure.file);
            open.failure.line = number(rest).and_then(|(line, _)| u32::try_from(line).ok());
        } else if open.lines.len() < MOST_LINES && !said.starts_with("from function") {
            open.lines.push(text.trim().to_owned());
        }
    }

    fn close(&mut self) {
        let Some(Open { mut failure, is_parent, lines, ended, .. }) = self.open.take() else { return };
        if is_parent {
            return;
        }
        failure.msg = lines.join("\n");
        if let Some(ended) = ended {
            // A file that could not be run: the reason came as remarks before it.
            failure.msg = match self.error.take() {
                Some(error) => error,
                None => format!("{} ({ended})", failure.msg),
            };
        }
        self.report.push(failure);
    }
}

/// The place in a line of node's stack, which has no `at` here.
fn frame(text: &str) -> Option<(&str, u32)> {
    let inner = text.rsplit_once('(').map_or(text, |(_, inner)| inner);
    place(inner.trim_end_matches(')'))
}

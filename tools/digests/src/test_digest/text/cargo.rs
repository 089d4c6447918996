//! `cargo test`: the text of Rust's own test harness, one report a test binary, and compile errors before them.
//!
//! The format: <https://doc.rust-lang.org/rustc/tests/index.html>.

use super::super::pieces::{number, place};
use super::super::report::{Failure, Report};
use super::TextReader;
use super::panics::{Panic, Panics};
use super::rustc::Errors;

/// Most names of failed tests and most lines of one test's output that are kept.
const MOST_NAMES: usize = 2_000;
const MOST_LINES: usize = 200;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Cargo {
    report: Report,
    seen: bool,
    suites: usize,
    suite: String,
    /// Tests that the running binary announced, and those of them that have not ended.
    announced: usize,
    open: Option<usize>,
    /// Tests named so far, and whether they are named before they run, as a single thread without captured output does:
    /// then the end comes when all of them were named.
    named: usize,
    before: bool,
    /// What the running binary said of its end. It counts when nothing more comes of that binary: a test may print such
    /// a line too.
    ended: Option<Totals>,
    failed: Vec<String>,
    blocks: Vec<Failure>,
    place: Place,
    block: Block,
    inline: Panics,
    errors: Errors,
    crashed: Vec<String>,
    /// What comes after "error: test failed".
    cause: bool,
    seconds: f64,
    /// A binary did not come to its end: nobody knows how many tests passed.
    lost: bool,
}

/// Where in a binary's report a line stands.
#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
enum Place {
    #[default]
    Tests,
    /// After `failures:`.
    Outputs,
    /// After the second `failures:`.
    Names,
}

/// A line `test result: `.
#[derive(Debug, Clone, Copy)]
struct Totals {
    passed: usize,
    failed: usize,
    ignored: usize,
    seconds: f64,
}

/// The output of a failed test.
#[derive(Debug, Default)]
struct Block {
    test: String,
    panics: Panics,
    lines: Vec<String>,
}

impl TextReader for Cargo {
    fn line(&mut self, line: &str) {
        if self.place == Place::Outputs && self.open.is_some() {
            self.output(line);
            return;
        }
        match line.as_bytes().first() {
            Some(b' ') => self.indented(line),
            Some(b't' | b'r' | b'f' | b'e' | b'C') => self.plain(line),
            // The list of names was a test's own words: outputs go on.
            Some(b'-') if self.place == Place::Names && titled(line).is_some() => {
                self.place = Place::Outputs;
                self.output(line);
            }
            _ => {}
        }
        self.inline.line(line);
    }

    fn report(mut self: Box<Self>) -> Option<Report> {
        self.end();
        let mut report = std::mem::take(&mut self.report);
        report.framework = "cargo";
        self.errors.tell(&mut report);
        if !self.seen && report.faults == 0 {
            return None;
        }
        if self.suites <= 1 {
            report.failures.iter_mut().for_each(|failure| failure.suite.clear());
        }
        report.complete = self.seen;
        if self.lost {
            (report.total, report.passed) = (None, None);
        }
        if self.seen && report.total.is_some() {
            report.duration = format!("{:.2}s", self.seconds);
        }
        Some(report)
    }
}

impl Cargo {
    fn indented(&mut self, line: &str) {
        let text = line.trim_start();
        if let Some(rest) = text.strip_prefix("Running ") {
            if let Some((_, binary)) = rest.rsplit_once(" (") {
                let name = binary.trim_end_matches(')').rsplit('/').next().unwrap_or_default();
                let name = name.rsplit_once('-').map_or(name, |(name, _)| name);
                self.begin(name.to_owned());
            }
        } else if let Some(name) = text.strip_prefix("Doc-tests ") {
            self.begin(format!("{name} (doc)"));
        } else if self.cause && text.starts_with("process didn't exit successfully") {
            self.cause = false;
            if let Some((_, signal)) = line.rsplit_once("(signal: ") {
                self.crash(signal.trim_end_matches(')'));
            }
        } else {
            self.errors.line(line);
        }
    }

    fn plain(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("running ")
            && let Some((count, "" | " test" | " tests")) = number(rest)
        {
            self.end();
            self.seen = true;
            self.announced = count;
            (self.named, self.before) = (0, false);
            self.open = Some(count);
            self.place = Place::Tests;
        } else if let Some(rest) = line.strip_prefix("test result: ") {
            if self.open.is_some() {
                self.result(rest);
            }
        } else if let Some(rest) = line.strip_prefix("test ") {
            if let (Some(_), Some((name, ended))) = (self.open, rest.rsplit_once(" ...")) {
                self.test(name, ended.trim_start());
            }
        } else if line == "failures:" {
            self.place = if self.place == Place::Tests { Place::Outputs } else { Place::Names };
        } else if let Some(rest) = line.strip_prefix("thread '") {
            if let Some((name, _)) = rest.split_once('\'').filter(|_| line.ends_with("has overflowed its stack")) {
                self.crashed.push(name.to_owned());
            }
        } else if line == "Caused by:" {
            self.cause = true;
        } else {
            self.errors.line(line);
        }
    }

    fn begin(&mut self, suite: String) {
        self.end();
        self.suites += 1;
        self.suite = suite;
    }

    fn test(&mut self, name: &str, ended: &str) {
        let left = self.open.map(|left| left.saturating_sub(1));
        // Tests go on: what looked like the end was printed by one of them.
        self.ended = None;
        self.place = Place::Tests;
        self.named += 1;
        if ended == "FAILED" {
            if self.failed.len() < MOST_NAMES {
                self.failed.push(name.strip_suffix(" - should panic").unwrap_or(name).to_owned());
            }
            self.open = left;
        } else if ended == "ok" || ended.starts_with("ignored") {
            self.open = left;
        } else {
            self.before = true;
        }
    }

    /// A line among the outputs of failed tests.
    fn output(&mut self, line: &str) {
        if let Some(name) = titled(line) {
            self.close();
            name.clone_into(&mut self.block.test);
        } else if line == "failures:" {
            self.close();
            self.place = Place::Names;
        } else if !self.block.test.is_empty() {
            self.block.panics.line(line);
            if self.block.lines.len() < MOST_LINES && !line.trim().is_empty() {
                self.block.lines.push(line.to_owned());
            }
        }
    }

    /// The end of a test's output.
    fn close(&mut self) {
        let block = std::mem::take(&mut self.block);
        if block.test.is_empty() {
            return;
        }
        let suite = self.suite.clone();
        let failure = match block.panics.all.first() {
            Some(panic) => of_panic(panic, &block.test),
            None => of_lines(&block.lines, &block.test),
        };
        self.blocks.push(Failure { suite, ..in_document(failure) });
    }

    fn result(&mut self, rest: &str) {
        let Some((_, counts)) = rest.split_once(". ") else { return };
        let count = |word: &str| {
            counts
                .split("; ")
                .find_map(|part| part.strip_suffix(word).and_then(|part| part.trim().parse().ok()))
                .unwrap_or(0)
        };
        let totals = Totals {
            passed: count("passed") + count("measured"),
            failed: count("failed"),
            ignored: count("ignored"),
            seconds: counts
                .split("finished in ")
                .nth(1)
                .and_then(|time| time.trim_end_matches('s').parse().ok())
                .unwrap_or(0.0),
        };
        let all = totals.passed + totals.failed + totals.ignored;
        let is_end = all == self.announced && (!self.before || self.named >= self.announced);
        if is_end || rest.starts_with("FAILED") {
            self.ended = Some(totals);
        }
    }

    /// The end of a binary's report.
    fn end(&mut self) {
        self.close();
        if self.open.is_none() {
            return;
        }
        let Some(totals) = self.ended.take() else { return self.cut_off() };
        let named = self.failed.len().max(self.blocks.len());
        self.report.count(totals.passed, totals.failed.max(named), totals.ignored);
        self.seconds += totals.seconds;
        self.tell_failures();
        self.open = None;
        self.place = Place::Tests;
    }

    fn tell_failures(&mut self) {
        let blocks = std::mem::take(&mut self.blocks);
        let names = std::mem::take(&mut self.failed);
        self.inline.end();
        for name in names.iter().filter(|name| !blocks.iter().any(|block| block.test == **name)) {
            let panic = self.inline.all.iter().find(|panic| panic.thread == *name);
            let failure = panic
                .map_or_else(|| Failure { test: name.clone(), ..Failure::default() }, |panic| of_panic(panic, name));
            self.report.push(Failure { suite: self.suite.clone(), ..in_document(failure) });
        }
        self.inline = Panics::default();
        for block in blocks {
            self.report.push(block);
        }
    }

    /// A binary that did not come to its end.
    fn cut_off(&mut self) {
        self.close();
        let left = self.open.take().unwrap_or(0);
        let failed = self.failed.len().max(self.blocks.len());
        self.report.failed += failed;
        self.report.ran = true;
        self.lost = true;
        self.tell_failures();
        self.place = Place::Tests;
        if self.report.faults == 0 {
            let msg = format!("the run ended with {left} tests unfinished");
            self.report.fault(Failure { suite: self.suite.clone(), msg, ..Failure::default() });
        }
    }

    fn crash(&mut self, signal: &str) {
        let suite = self.suite.clone();
        let mut names = std::mem::take(&mut self.crashed);
        let msg = |why: &str| format!("{why} (signal {signal})");
        if names.is_empty() {
            self.report.fault(Failure { suite, msg: msg("the test binary crashed"), ..Failure::default() });
            return;
        }
        names.dedup();
        for test in names {
            self.report.fault(Failure { suite: suite.clone(), test, msg: msg("stack overflow"), ..Failure::default() });
        }
    }
}

/// The test whose output begins: `---- tests::a stdout ----`.
fn titled(line: &str) -> Option<&str> {
    let title = line.strip_prefix("---- ")?.strip_suffix(" ----")?;
    title.strip_suffix(" stdout").or_else(|| title.strip_suffix(" stderr"))
}

fn of_panic(panic: &Panic, test: &str) -> Failure {
    let (file, line) = panic.place.clone().map_or((String::new(), None), |(file, line)| (file, Some(line)));
    Failure { test: test.to_owned(), file, line, msg: panic.message(), ..Failure::default() }
}

/// A test that failed without a panic: an error returned, a panic that did not come, a document that does not compile.
pub(super) fn of_lines(lines: &[String], test: &str) -> Failure {
    let telling =
        |line: &&String| ["Error: ", "note: test did not panic", "error"].iter().any(|word| line.starts_with(word));
    let msg = lines.iter().find(telling).or_else(|| lines.last()).cloned().unwrap_or_default();
    let msg = msg.strip_prefix("note: ").unwrap_or(&msg);
    let at = msg.rsplit_once(" at ").and_then(|(before, at)| Some((before, place(at)?)));
    match at {
        Some((before, (file, line))) => Failure {
            test: test.to_owned(),
            file: file.to_owned(),
            line: Some(line),
            msg: before.to_owned(),
            ..Failure::default()
        },
        None => Failure { test: test.to_owned(), msg: msg.to_owned(), ..Failure::default() },
    }
}

/// A test in a document names its place itself: `src/lib.rs - add (line 3)`.
fn in_document(failure: Failure) -> Failure {
    let named = failure.test.split_once(" - ").and_then(|(file, rest)| {
        let line = rest.rsplit_once("(line ")?.1.split(')').next()?.parse().ok()?;
        Some((file.to_owned(), line))
    });
    match named {
        Some((file, line)) => Failure { file, line: Some(line), ..failure },
        None => failure,
    }
}

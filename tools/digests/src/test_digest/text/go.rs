//! `go test`, its text and the events of `go test -json` (<https://pkg.go.dev/cmd/test2json>).

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use serde::Deserialize;

use super::super::pieces::{is_own, place};
use super::super::report::{Failure, Report};
use super::TextReader;

/// Most lines kept of a test's output, and most tests whose output is kept.
const MOST_LINES: usize = 60;
const MOST_OPEN: usize = 10_000;

/// An event of test2json.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    action: String,
    #[serde(default)]
    package: String,
    #[serde(default)]
    import_path: String,
    #[serde(default)]
    test: String,
    #[serde(default)]
    output: String,
    elapsed: Option<f64>,
}

type Key = (String, String);

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Go {
    report: Report,
    seen: bool,
    by_events: bool,
    counts: [usize; 3],
    outputs: HashMap<Key, Vec<String>>,
    parents: HashSet<Key>,
    packages: HashSet<String>,
    /// Packages that have begun and not ended.
    running: HashSet<String>,
    /// Tests that have begun and not ended.
    unfinished: BTreeSet<Key>,
    failed_in: HashSet<String>,
    seconds: f64,
    /// The text form: tests that failed and their lines, until the package's own line.
    open: Vec<(String, Vec<String>)>,
    loose: VecDeque<String>,
    verbose: bool,
    /// With -v: the test whose lines come, and the lines of each test that has not ended.
    current: Option<String>,
    said: HashMap<String, Vec<String>>,
}

impl TextReader for Go {
    fn line(&mut self, line: &str) {
        if line.starts_with('{') {
            if (line.starts_with("{\"Time\":") || line.contains("\"Action\":\""))
                && let Ok(event) = serde_json::from_str::<Event>(line)
            {
                self.event(event);
            }
        } else if !self.by_events {
            self.text(line);
        }
    }

    fn report(mut self: Box<Self>) -> Option<Report> {
        if !self.seen {
            return None;
        }
        self.report.framework = "go";
        // Cut off: a package that never ended, a test's failure or a panic that no package's line followed.
        let left = !self.running.is_empty() || !self.open.is_empty() || self.loose.iter().any(|line| is_panic(line));
        if left {
            self.report.complete = false;
            for (test, lines) in std::mem::take(&mut self.open) {
                self.counts[1] += 1;
                self.report.push(failure("", &test, &lines));
            }
            if let Some(at) = self.loose.iter().position(|line| is_panic(line)) {
                self.report.fault(failure("", "", &self.loose.make_contiguous()[at..]));
            }
        }
        if self.by_events || self.verbose {
            let [passed, failed, skipped] = self.counts;
            self.report.count(passed, failed, skipped);
        } else {
            self.report.failed += self.counts[1];
        }
        if self.packages.len() <= 1 {
            self.report.failures.iter_mut().for_each(|failure| failure.suite.clear());
        }
        if self.seconds > 0.0 {
            self.report.duration = format!("{:.3}s", self.seconds);
        }
        Some(self.report)
    }
}

impl Go {
    fn event(&mut self, event: Event) {
        self.by_events = true;
        self.seen = true;
        let package = if event.package.is_empty() { event.import_path } else { event.package };
        let key = (package, event.test);
        match event.action.as_str() {
            "start" => drop(self.running.insert(key.0)),
            "run" => {
                self.unfinished.insert(key.clone());
                if let Some((parent, _)) = key.1.rsplit_once('/') {
                    self.parents.insert((key.0, parent.to_owned()));
                }
            }
            "output" | "build-output" => self.output(key, &event.output),
            "pass" | "skip" | "fail" if key.1.is_empty() => self.package_end(&key, &event.action, event.elapsed),
            action @ ("pass" | "skip" | "fail") => {
                self.unfinished.remove(&key);
                let lines = self.outputs.remove(&key).unwrap_or_default();
                if action == "fail" {
                    self.failed_in.insert(key.0.clone());
                }
                if self.parents.remove(&key) && (action != "fail" || told(&lines).is_none()) {
                    return;
                }
                let at = ["pass", "fail", "skip"].iter().position(|word| *word == action).unwrap_or(0);
                self.counts[at] += 1;
                if action == "fail" {
                    self.report.push(failure(&key.0, &key.1, &lines));
                }
            }
            _ => {}
        }
    }

    fn output(&mut self, key: Key, text: &str) {
        if self.outputs.len() >= MOST_OPEN && !self.outputs.contains_key(&key) {
            return;
        }
        let lines = self.outputs.entry(key).or_default();
        if lines.len() < MOST_LINES {
            lines.push(text.trim_end().to_owned());
        }
    }

    fn package_end(&mut self, key: &Key, action: &str, elapsed: Option<f64>) {
        self.report.complete = true;
        self.packages.insert(key.0.clone());
        self.running.remove(&key.0);
        self.seconds += elapsed.unwrap_or(0.0);
        let mut lines = self.outputs.remove(key).unwrap_or_default();
        let left: Vec<Key> = self.unfinished.iter().filter(|test| test.0 == key.0).cloned().collect();
        for test in left {
            self.unfinished.remove(&test);
            if self.parents.remove(&test) {
                continue;
            }
            // It went down with its package: timed out, panicked, exited.
            let lines = self.outputs.remove(&test).unwrap_or_default();
            self.failed_in.insert(test.0.clone());
            self.counts[1] += 1;
            let mut failure = failure(&test.0, &test.1, &lines);
            if failure.msg.is_empty() {
                "did not end".clone_into(&mut failure.msg);
            }
            self.report.push(failure);
        }
        if action == "fail" && !self.failed_in.contains(&key.0) {
            // A build's output goes under its own name: `pkg [pkg.test]`.
            let builds: Vec<Key> =
                self.outputs.keys().filter(|(name, _)| name.split(' ').next() == Some(&key.0)).cloned().collect();
            for build in builds {
                lines.splice(0..0, self.outputs.remove(&build).unwrap_or_default());
            }
            self.report.fault(failure(&key.0, "", &lines));
        }
    }

    fn text(&mut self, line: &str) {
        let text = line.trim_start();
        if let Some(rest) = text.strip_prefix("--- ") {
            let Some((status, rest)) = rest.split_once(": ") else { return };
            let name = rest.rsplit_once(" (").map_or(rest, |(name, _)| name);
            match status {
                "FAIL" => {
                    self.open.retain(|(parent, lines)| !(name.starts_with(&format!("{parent}/")) && lines.is_empty()));
                    self.open.push((name.to_owned(), self.said.remove(name).unwrap_or_default()));
                }
                "PASS" | "SKIP" => {
                    self.said.remove(name);
                    self.counts[if status == "PASS" { 0 } else { 2 }] += 1;
                }
                _ => {}
            }
            self.current = None;
        } else if let Some(rest) = line.strip_prefix("=== ") {
            self.verbose |= rest.starts_with("RUN ");
            let name = rest.split_once(' ').map_or("", |(_, name)| name.trim());
            self.current = (!name.is_empty()).then(|| name.to_owned());
        } else if let Some(rest) = line.strip_prefix("ok  \t") {
            self.package(rest, true);
        } else if let Some(rest) = line.strip_prefix("FAIL\t") {
            self.package(rest, false);
        } else if line.starts_with("?   \t") {
            self.seen = true;
            self.report.complete = true;
        } else if let Some(test) = self.current.as_ref().filter(|_| line != "FAIL" && line != "PASS") {
            if self.said.len() < MOST_OPEN || self.said.contains_key(test) {
                let lines = self.said.entry(test.clone()).or_default();
                if lines.len() < MOST_LINES && !text.is_empty() {
                    lines.push(line.to_owned());
                }
            }
        } else if let Some((_, lines)) = self.open.last_mut() {
            if lines.len() < MOST_LINES && !text.is_empty() {
                lines.push(line.to_owned());
            }
        } else if !line.is_empty() && line != "FAIL" {
            let in_panic = self.loose.front().is_some_and(|first| is_panic(first));
            if is_panic(line) && !in_panic {
                self.loose.clear();
            }
            if self.loose.len() < MOST_LINES {
                self.loose.push_back(line.to_owned());
            } else if !in_panic && let Some(mut oldest) = self.loose.pop_front() {
                // It gives its memory to the one that comes in.
                line.clone_into(&mut oldest);
                self.loose.push_back(oldest);
            }
        }
    }

    /// The line of a package: `example.com/demo\t0.001s [no tests to run]`.
    fn package(&mut self, rest: &str, ok: bool) {
        let mut words = rest.split(['\t', ' ']);
        let name = words.next().unwrap_or_default();
        let time = words.find_map(|word| word.strip_suffix('s')?.parse::<f64>().ok());
        if ok && time.is_none() && !rest.contains("(cached)") {
            // Cut off in the middle of the line.
            return;
        }
        self.seen = true;
        self.report.complete = true;
        self.packages.insert(name.to_owned());
        self.seconds += time.unwrap_or(0.0);
        self.report.ran |= !rest.contains("[no tests to run]") && !rest.contains("[build failed]");
        let open = std::mem::take(&mut self.open);
        let mut loose: Vec<String> = std::mem::take(&mut self.loose).into();
        // A test that never ended has the panic, or the reason of the timeout, among its lines.
        let said = std::mem::take(&mut self.said);
        if let Some(lines) = self.current.take().and_then(|test| said.into_iter().find(|(name, _)| *name == test)) {
            loose.extend(lines.1);
        }
        if ok {
            return;
        }
        if open.is_empty() {
            let mut fault = failure(name, "", &loose);
            if fault.msg.is_empty() {
                // `[build failed]`, `[setup failed]`.
                let why = rest.rsplit_once('[').map_or("", |(_, why)| why.trim_end_matches(']'));
                why.clone_into(&mut fault.msg);
            }
            self.report.fault(fault);
        }
        for (test, lines) in open {
            self.counts[1] += 1;
            self.report.push(failure(name, &test, &lines));
        }
    }
}

/// What the output of a test says of its failure: message and place.
fn told(lines: &[String]) -> Option<(String, Option<(String, u32)>)> {
    if let Some(at) = lines.iter().position(|line| line.starts_with("panic: ")) {
        let frame = |line: &String| {
            let (path, line) = place(line.strip_prefix('\t')?)?;
            (is_own(path) && path != "_testmain.go").then(|| (path.to_owned(), line))
        };
        let msg = lines[at].split(" [recovered").next().unwrap_or_default().to_owned();
        return Some((msg, lines[at..].iter().find_map(frame)));
    }
    let placed = lines.iter().enumerate().find_map(|(at, line)| {
        let text = line.trim();
        let (path, number) = place(text)?;
        let msg = text.split_once(": ").map_or("", |(_, msg)| msg);
        is_go(path).then(|| (at, msg.to_owned(), (path.to_owned(), number)))
    });
    if let Some((at, mut msg, place)) = placed {
        for more in lines[at + 1..].iter().take(6) {
            // What belongs to a message stands further in.
            if !more.starts_with("        ") || more.trim().starts_with("---") {
                break;
            }
            msg.push(' ');
            msg.push_str(more.trim());
        }
        return Some((msg, Some(place)));
    }
    None
}

fn failure(suite: &str, test: &str, lines: &[String]) -> Failure {
    let suite = suite.split(' ').next().unwrap_or_default().to_owned();
    let (msg, at) = told(lines).unwrap_or_else(|| {
        let noise = ["=== ", "--- ", "FAIL", "PASS", "exit status", "# "];
        let useful =
            |line: &&String| !line.trim().is_empty() && !noise.iter().any(|word| line.trim().starts_with(word));
        let line = lines.iter().rev().find(useful).or_else(|| lines.iter().find(|line| line.starts_with("FAIL\t")));
        (line.map(|line| line.trim().to_owned()).unwrap_or_default(), None)
    });
    let (file, line) = at.map_or((String::new(), None), |(file, line)| (file, Some(line)));
    // A timeout's panic names the tests that were running.
    let running = lines.iter().position(|line| line.trim() == "running tests:").and_then(|at| lines.get(at + 1));
    let running = running.filter(|_| test.is_empty()).and_then(|line| line.trim().split(" (").next());
    let test = running.unwrap_or(test);
    Failure { suite, test: test.to_owned(), file, line, msg }
}

fn is_panic(line: &str) -> bool {
    line.starts_with("panic: ") || line.starts_with("fatal error: ")
}

fn is_go(path: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|ending| ending == "go")
}

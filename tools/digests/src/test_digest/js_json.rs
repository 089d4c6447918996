//! The JSON reports of jest and vitest (<https://jestjs.io/docs/cli#--json>) and of Playwright
//! (<https://playwright.dev/docs/api/class-testreporter>, `JSONReport`).

use std::fmt;
use std::io::Read;
use std::marker::PhantomData;

use crewkit_digest::text;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, SeqAccess, Visitor};

use super::pieces::{is_own, js_frame};
use super::report::{Failure, Report};

/// Most entries of a list that are kept.
const MOST: usize = 1_000;

/// Everything that either report can hold at its top.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Whole {
    num_total_tests: Option<usize>,
    num_passed_tests: Option<usize>,
    num_failed_tests: Option<usize>,
    num_pending_tests: Option<usize>,
    num_todo_tests: Option<usize>,
    num_runtime_error_test_suites: Option<usize>,
    success: Option<bool>,
    #[serde(deserialize_with = "kept")]
    test_results: Option<Vec<File>>,
    stats: Option<Stats>,
    #[serde(deserialize_with = "kept")]
    suites: Option<Vec<Suite>>,
    #[serde(deserialize_with = "kept")]
    errors: Option<Vec<Message>>,
}

/// Whether an entry of a list is worth its memory.
trait Keep {
    fn is_kept(&self) -> bool;
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct File {
    name: Option<String>,
    message: Option<String>,
    status: Option<String>,
    #[serde(deserialize_with = "kept")]
    assertion_results: Option<Vec<Assertion>>,
}

impl Keep for File {
    fn is_kept(&self) -> bool {
        self.status.as_deref() == Some("failed") || self.assertion_results.as_ref().is_some_and(|list| !list.is_empty())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Assertion {
    full_name: Option<String>,
    title: Option<String>,
    status: Option<String>,
    failure_messages: Option<Vec<String>>,
}

impl Keep for Assertion {
    fn is_kept(&self) -> bool {
        self.status.as_deref() == Some("failed")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Stats {
    expected: usize,
    unexpected: usize,
    skipped: usize,
    flaky: usize,
    duration: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Suite {
    title: Option<String>,
    file: Option<String>,
    #[serde(deserialize_with = "kept")]
    specs: Option<Vec<Spec>>,
    #[serde(deserialize_with = "kept")]
    suites: Option<Vec<Suite>>,
}

impl Keep for Suite {
    fn is_kept(&self) -> bool {
        let has = |count: usize| count > 0;
        has(self.specs.as_ref().map_or(0, Vec::len)) || has(self.suites.as_ref().map_or(0, Vec::len))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    title: Option<String>,
    ok: Option<bool>,
    file: Option<String>,
    line: Option<u32>,
    tests: Option<Vec<Test>>,
}

impl Keep for Spec {
    fn is_kept(&self) -> bool {
        self.ok != Some(true)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Test {
    status: Option<String>,
    results: Option<Vec<Attempt>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Attempt {
    status: Option<String>,
    error: Option<Message>,
    errors: Option<Vec<Message>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message {
    message: Option<String>,
    value: Option<String>,
}

impl Keep for Message {
    fn is_kept(&self) -> bool {
        true
    }
}

/// Reads a list (or null) entry by entry and keeps those worth it, so that a long report costs little memory.
fn kept<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Keep,
{
    struct Entries<T>(PhantomData<T>);
    impl<'de, T: DeserializeOwned + Keep> Visitor<'de> for Entries<T> {
        type Value = Option<Vec<T>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut kept = Vec::new();
            while let Some(entry) = list.next_element::<T>()? {
                if kept.len() < MOST && entry.is_kept() {
                    kept.push(entry);
                }
            }
            Ok(Some(kept))
        }
    }
    deserializer.deserialize_any(Entries(PhantomData))
}

/// The report at the beginning of `reader`, and the number of its bytes; `None` when there is none.
pub(crate) fn read(reader: impl Read, framework: Option<&'static str>) -> Option<(Report, u64)> {
    let mut values = serde_json::Deserializer::from_reader(reader).into_iter::<Whole>();
    let whole = values.next()?.ok()?;
    let length = values.byte_offset() as u64;
    let report = if whole.stats.is_some() {
        of_playwright(whole)
    } else if whole.num_total_tests.is_some() {
        of_jest(whole, framework)
    } else {
        return None;
    };
    Some((report, length))
}

fn of_jest(whole: Whole, framework: Option<&'static str>) -> Report {
    let named = if whole.num_runtime_error_test_suites.is_some() { "jest" } else { "vitest" };
    let mut report = Report::of(framework.filter(|name| matches!(*name, "jest" | "vitest")).unwrap_or(named));
    report.complete = true;
    report.total = whole.num_total_tests;
    report.passed = whole.num_passed_tests;
    report.failed = whole.num_failed_tests.unwrap_or(0);
    report.skipped = whole.num_pending_tests.unwrap_or(0) + whole.num_todo_tests.unwrap_or(0);
    report.ran = report.passed.unwrap_or(0) + report.failed > 0;
    for file in whole.test_results.unwrap_or_default() {
        let name = text::clean_lines(&file.name.unwrap_or_default());
        let assertions = file.assertion_results.unwrap_or_default();
        if assertions.is_empty() {
            let msg = text::clean_lines(&file.message.unwrap_or_default());
            let at = msg.lines().filter_map(js_frame).find(|(path, _)| is_own(path));
            let line = at.filter(|(path, _)| name.ends_with(path)).map(|(_, line)| line);
            let msg = without_code(msg.trim_start().strip_prefix("● Test suite failed to run").unwrap_or(&msg));
            report.fault(Failure { file: name, line, msg, ..Failure::default() });
            continue;
        }
        for assertion in assertions {
            let messages = assertion.failure_messages.unwrap_or_default();
            let msg = text::clean_lines(messages.first().map(String::as_str).unwrap_or_default());
            let at = msg.lines().filter_map(js_frame).find(|(path, _)| is_own(path));
            let line = at.filter(|(path, _)| *path == name).map(|(_, line)| line);
            let test = text::clean_lines(&assertion.full_name.or(assertion.title).unwrap_or_default());
            report.push(Failure { test: test.trim().to_owned(), file: name.clone(), line, msg, ..Failure::default() });
        }
    }
    if whole.success == Some(false) && !report.is_bad() {
        // Something outside the tests: a threshold of coverage, an error nobody handled.
        report.faults += 1;
    }
    report
}

/// A message up to the code around the place, which jest puts into it.
fn without_code(msg: &str) -> String {
    let is_code = |line: &&str| {
        let text = line.trim_start().trim_start_matches("> ");
        text.split_once(" |").is_some_and(|(number, _)| number.trim().parse::<u32>().is_ok())
    };
    msg.trim().lines().take_while(|line| !is_code(line)).collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

fn of_playwright(whole: Whole) -> Report {
    let mut report = Report::of("playwright");
    let stats = whole.stats.unwrap_or_default();
    report.complete = true;
    report.count(stats.expected + stats.flaky, stats.unexpected, stats.skipped);
    report.flaky = stats.flaky;
    if let Some(millis) = stats.duration {
        report.duration = format!("{:.3} s", millis / 1000.0);
    }
    for suite in whole.suites.unwrap_or_default() {
        let file = suite.file.clone().or_else(|| suite.title.clone()).unwrap_or_default();
        // The outermost suite is the file.
        tell_suite(&mut report, suite, &file, &[]);
    }
    for error in whole.errors.unwrap_or_default() {
        report.fault(Failure { msg: error.text(), ..Failure::default() });
    }
    report
}

fn tell_suite(report: &mut Report, suite: Suite, file: &str, titles: &[String]) {
    for spec in suite.specs.unwrap_or_default() {
        let title = spec.title.unwrap_or_default();
        let mut names: Vec<&str> = titles.iter().map(String::as_str).collect();
        names.push(&title);
        let test = text::clean_lines(&names.join(" "));
        let file = spec.file.unwrap_or_else(|| file.to_owned());
        for run in spec.tests.unwrap_or_default() {
            if matches!(run.status.as_deref(), Some("expected" | "flaky" | "skipped")) {
                continue;
            }
            let attempts = run.results.unwrap_or_default();
            let bad = |attempt: &&Attempt| !matches!(attempt.status.as_deref(), Some("passed" | "skipped"));
            if let Some(attempt) = attempts.iter().rev().find(bad) {
                let msg = attempt.text();
                report.push(Failure {
                    test: test.clone(),
                    file: file.clone(),
                    line: spec.line,
                    msg,
                    ..Failure::default()
                });
            }
        }
    }
    for inner in suite.suites.unwrap_or_default() {
        let mut names = titles.to_vec();
        names.extend(inner.title.clone().filter(|title| !title.is_empty()));
        tell_suite(report, inner, file, &names);
    }
}

impl Attempt {
    fn text(&self) -> String {
        let error = self.error.as_ref().or_else(|| self.errors.as_ref().and_then(|errors| errors.first()));
        error.map_or_else(|| self.status.clone().unwrap_or_default(), Message::text)
    }
}

impl Message {
    fn text(&self) -> String {
        text::clean_lines(self.message.as_deref().or(self.value.as_deref()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_failing_attempt_speaks_and_flaky_ones_passed() {
        let text = r#"{"stats":{"expected":1,"unexpected":1,"flaky":1,"skipped":0,"duration":1234.5},
            "errors":[{"message":"\u001b[31mno server\u001b[0m"}],
            "suites":[{"title":"a.spec.ts","file":"a.spec.ts","specs":[
              {"title":"x","ok":false,"line":3,"tests":[{"status":"unexpected","results":[
                {"status":"failed","error":{"message":"first"}},{"status":"timedOut","errors":[{"message":"second"}]}]}]},
              {"title":"y","ok":true,"tests":[{"status":"flaky","results":[{"status":"failed"},{"status":"passed"}]}]}]}]} tail"#;
        let (report, length) = read(text.as_bytes(), None).unwrap();
        assert_eq!(&text[usize::try_from(length).unwrap()..], " tail");
        assert_eq!((report.total, report.passed, report.failed, report.flaky), (Some(3), Some(2), 1, 1));
        let told: Vec<_> =
            report.failures.iter().map(|failure| (failure.test.as_str(), failure.msg.as_str())).collect();
        assert_eq!(told, [("x", "second"), ("", "no server")]);
        assert_eq!((report.duration.as_str(), report.faults), ("1.234 s", 1));
    }

    #[test]
    fn nulls_and_strangers_are_no_obstacle() {
        let text = r#"{"numTotalTests":1,"numPassedTests":null,"numFailedTests":1,"testResults":[{"name":null,"status":"failed",
            "assertionResults":null,"message":null,"x":[{}]}],"success":false}"#;
        let (report, _) = read(text.as_bytes(), Some("jest")).unwrap();
        assert_eq!((report.framework, report.failed, report.faults), ("jest", 1, 1));
        assert!(read(&b"{\"config\":1}"[..], None).is_none() && read(&b"{\"stats\":3}"[..], None).is_none());
    }
}

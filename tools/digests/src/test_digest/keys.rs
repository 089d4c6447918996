//! The answer's form: its keys, and failures as they are told.

use std::collections::HashMap;

use crewkit_digest::cut;
use crewkit_tool::text::head;
use serde::Serialize;

use super::answer::Status;
use super::report::Failure;
use super::terse;

/// Most characters of a name and of a message.
const LONGEST_TEST: usize = 100;
pub(super) const LONGEST_MESSAGE: usize = 200;

#[derive(Debug, Serialize)]
#[expect(clippy::option_option, reason = "left out, null, and a value are three answers")]
pub(super) struct Answer<'a> {
    pub(super) framework: &'a str,
    pub(super) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exit_code: Option<Option<i32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) total: Option<Option<usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) passed: Option<Option<usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failed: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) skipped: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) flaky: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) duration: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failures: Option<Vec<Entry<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failures_total: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) others: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) more: Option<usize>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) timed_out: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) log: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) log_bytes: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Entry<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) suite: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) test: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<u32>,
    /// File and line in one, where few keys are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) msg: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) also: Vec<String>,
}

/// A failure and those that failed for the same reason at the same place.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) failure: Failure,
    pub(super) also: Vec<Failure>,
}

impl Told {
    pub(super) fn of(failure: Failure) -> Self {
        Self { failure, also: Vec::new() }
    }

    pub(super) fn entry(
        &self,
        all: bool,
        longest: usize,
        take: &mut impl FnMut(Vec<String>) -> Vec<String>,
    ) -> Entry<'_> {
        let Failure { suite, test, file, line, msg } = &self.failure;
        let given = |text: String| (all || !text.is_empty()).then_some(text);
        let msg = if all {
            head(&terse::without_foreign_frames(msg), longest).to_owned()
        } else {
            cut::short(&cut::fold(msg), longest)
        };
        Entry {
            suite,
            test: given(head(test, if all { LONGEST_TEST } else { LONGEST_MESSAGE }).to_owned()),
            file: all.then_some(file),
            line: line.filter(|_| all),
            at: (!all && !file.is_empty()).then(|| line.map_or_else(|| file.clone(), |line| format!("{file}:{line}"))),
            msg: given(msg),
            also: take(self.also.iter().map(name_of).collect()),
        }
    }
}

/// Whether a time as runners print it is a second or more.
pub(super) fn is_long(time: &str) -> bool {
    !time.is_empty() && !time.starts_with("0.") && !time.ends_with("ms")
}

pub(super) fn name_of(failure: &Failure) -> String {
    let name = if failure.test.is_empty() { &failure.file } else { &failure.test };
    let name = if name.is_empty() { &failure.msg } else { name };
    let name = head(name, LONGEST_TEST);
    if failure.suite.is_empty() { name.to_owned() } else { format!("{} {name}", failure.suite) }
}

pub(super) fn plain(failures: &[Failure]) -> Vec<Told> {
    failures.iter().cloned().map(Told::of).collect()
}

/// Failures with the same message at the same place as one.
pub(super) fn folded(failures: impl Iterator<Item = Failure>) -> Vec<Told> {
    let mut told: Vec<Told> = Vec::new();
    let mut known: HashMap<(String, String, Option<u32>), usize> = HashMap::new();
    for mut failure in failures {
        let key = (failure.msg.clone(), failure.file.clone(), failure.line);
        match known.get(&key) {
            Some(at) if !failure.msg.is_empty() && !failure.test.is_empty() => {
                if failure.suite == told[*at].failure.suite {
                    failure.suite.clear();
                }
                told[*at].also.push(failure);
            }
            _ => {
                known.insert(key, told.len());
                told.push(Told::of(failure));
            }
        }
    }
    told
}

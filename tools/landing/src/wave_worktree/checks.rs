//! The checks of a pull request: reading them, waiting for them.

use std::path::Path;
use std::time::{Duration, Instant};

use crewkit_tool::{Context, Refusal};
use serde_json::Value;

use super::github::{Fault, Github};
use super::merge::say;

/// How long the first pause between two looks is; each is twice the one before, up to [`LONGEST`].
const FIRST: Duration = Duration::from_secs(1);

/// The longest pause between two looks.
const LONGEST: Duration = Duration::from_secs(10);

/// How many looks in a row may fail.
const FAILURES: u32 = 3;

/// What became of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Passed,
    /// It failed, or was stopped: it will not pass by waiting.
    Failed,
    Pending,
}

/// A check of a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) verdict: Verdict,
}

impl Check {
    /// Reads the answer of `gh pr checks`, JSON (`name`, `bucket`, `state`) or lines of columns separated by tabs (name,
    /// bucket, ...). `None` when it is neither.
    pub(super) fn read(answer: &[u8]) -> Option<Vec<Self>> {
        if let Ok(Value::Array(rows)) = serde_json::from_slice(answer) {
            return rows.iter().map(Self::of_json).collect();
        }
        let text = String::from_utf8_lossy(answer);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        (!lines.is_empty()).then(|| lines.into_iter().map(Self::of_line).collect())?
    }

    fn of_json(row: &Value) -> Option<Self> {
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        row.is_object().then(|| Self { name: text("name").to_owned(), verdict: verdict(text("bucket"), text("state")) })
    }

    fn of_line(line: &str) -> Option<Self> {
        let mut columns = line.split('\t');
        let (name, bucket) = (columns.next()?, columns.next()?);
        Some(Self { name: name.to_owned(), verdict: verdict(bucket, "") })
    }
}

/// What a bucket of gh says, else what the state of GitHub says. A word that is not known is pending: it never passes.
fn verdict(bucket: &str, state: &str) -> Verdict {
    match bucket {
        "pass" | "skipping" => return Verdict::Passed,
        "fail" | "cancel" => return Verdict::Failed,
        "pending" => return Verdict::Pending,
        _ => {}
    }
    match state.to_ascii_uppercase().as_str() {
        "SUCCESS" | "NEUTRAL" | "SKIPPED" => Verdict::Passed,
        "FAILURE" | "ERROR" | "CANCELLED" | "TIMED_OUT" | "ACTION_REQUIRED" | "STARTUP_FAILURE" | "STALE" => {
            Verdict::Failed
        }
        _ => Verdict::Pending,
    }
}

/// How checks are waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// How long; `None`: one look.
    pub(super) most: Option<Duration>,
    /// Whether a request without any check may pass.
    pub(super) none_is_fine: bool,
}

/// Waits until all checks of a request have passed.
///
/// # Errors
/// When one failed, when the time is up, when they cannot be read.
pub(super) fn wait(context: &Context, github: &Github<'_>, number: i64, patience: Patience) -> Result<(), Refusal> {
    let started = Instant::now();
    let (mut pause, mut failures, mut told) = (FIRST, 0, String::new());
    loop {
        let waiting = match github.checks(number) {
            Err(Fault::Failed(reason)) => {
                failures += 1;
                if failures >= FAILURES || patience.most.is_none() {
                    return Err(Refusal::new(reason));
                }
                reason
            }
            Err(fault) => return Err(fault.into()),
            Ok(checks) => {
                failures = 0;
                let names = |wanted: Verdict| {
                    let found = checks.iter().filter(|check| check.verdict == wanted);
                    found.map(|check| check.name.as_str()).collect::<Vec<_>>().join(", ")
                };
                let (failed, pending) = (names(Verdict::Failed), names(Verdict::Pending));
                if checks.iter().any(|check| check.verdict == Verdict::Failed) {
                    return Err(Refusal::new(format!("CI checks of pull request #{number} failed: {failed}")));
                }
                let unfinished = checks.iter().any(|check| check.verdict == Verdict::Pending);
                if !checks.is_empty() && !unfinished {
                    say(context, &format!("5 {} checks passed", checks.len()));
                    return Ok(());
                }
                if checks.is_empty() && patience.none_is_fine {
                    say(context, "5 no checks: the branch has no workflow");
                    return Ok(());
                }
                if unfinished { format!("pending: {pending}") } else { "none reported yet".to_owned() }
            }
        };
        let waited = started.elapsed();
        let Some(left) = patience.most.and_then(|most| most.checked_sub(waited)).filter(|left| !left.is_zero()) else {
            let line =
                format!("CI checks of pull request #{number} have not passed after {} s ({waiting})", waited.as_secs());
            return Err(Refusal::new(line));
        };
        if waiting != told {
            say(context, &format!("5 waiting for CI checks of #{number}: {waiting}"));
            told = waiting;
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(LONGEST);
    }
}

/// Whether a branch brings workflows of GitHub along: then checks will come.
pub(super) fn has_workflows(worktree: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(worktree.join(".github/workflows")) else { return false };
    let ending = |path: &Path| path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml");
    entries.flatten().any(|entry| ending(&entry.path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(answer: &str) -> Option<Vec<Verdict>> {
        Check::read(answer.as_bytes()).map(|checks| checks.into_iter().map(|check| check.verdict).collect())
    }

    #[test]
    fn both_forms_of_the_answer_are_read_alike() {
        use Verdict::{Failed, Passed, Pending};
        let rows = [("pass", Passed), ("skipping", Passed), ("fail", Failed), ("cancel", Failed), ("pending", Pending)];
        for (bucket, wanted) in rows {
            let json = format!(r#"[{{"name":"fail\tpending","bucket":"{bucket}","state":"X"}}]"#);
            assert_eq!(verdicts(&json), Some(vec![wanted]), "{bucket}");
            assert_eq!(verdicts(&format!("never fail\t{bucket}\t1m\thttps://x\n")), Some(vec![wanted]), "{bucket}");
        }
        for (state, wanted) in [("SUCCESS", Passed), ("timed_out", Failed), ("IN_PROGRESS", Pending), ("", Pending)] {
            assert_eq!(verdicts(&format!(r#"[{{"name":"x","state":"{state}"}}]"#)), Some(vec![wanted]), "{state}");
        }
    }

    #[test]
    fn what_is_no_answer_is_none() {
        assert_eq!(verdicts("[]"), Some(vec![]));
        for odd in ["", "\n", "[1]", "some words", "{\"name\":\"x\"}"] {
            assert_eq!(verdicts(odd), None, "{odd}");
        }
    }
}

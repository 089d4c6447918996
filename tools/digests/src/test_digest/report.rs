//! What a runner said of its tests, whatever the runner.

use crewkit_digest::cut;

/// Most failures that are kept with their messages; the rest is counted.
const MOST_FAILURES: usize = 1_000;
/// Most characters kept of a message before it is made fit for the answer.
const LONGEST_MESSAGE: usize = 4_000;

/// Why something failed: a test, a file that could not be loaded, a compile error, a crash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The crate, package or runner, where a run has several.
    pub(crate) suite: String,
    /// The full name of the test; empty when it is no test's failure.
    pub(crate) test: String,
    /// The file of the test, or the first one of the project in the trace; empty when unknown.
    pub(crate) file: String,
    /// The line in it.
    pub(crate) line: Option<u32>,
    /// The first message.
    pub(crate) msg: String,
}

/// Counts and failures of a run. A count that the runner does not give is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// The runner.
    pub(crate) framework: &'static str,
    /// All tests, the skipped ones among them.
    pub(crate) total: Option<usize>,
    /// Those that passed, the flaky ones among them.
    pub(crate) passed: Option<usize>,
    /// Those that failed.
    pub(crate) failed: usize,
    /// Those that were left out.
    pub(crate) skipped: usize,
    /// Those that passed only at a later attempt.
    pub(crate) flaky: usize,
    /// Why it failed.
    pub(crate) failures: Vec<Failure>,
    /// Errors that are no test's: compiling, loading, collecting, a crash.
    pub(crate) faults: usize,
    /// How long it took, as printed.
    pub(crate) duration: String,
    /// Whether the runner itself said how it ended.
    pub(crate) complete: bool,
    /// Whether any test was run.
    pub(crate) ran: bool,
}

impl Report {
    /// An empty report of `framework`.
    pub(crate) fn of(framework: &'static str) -> Self {
        Self { framework, ..Self::default() }
    }

    /// Sets the counts of a runner that gives all of them.
    pub(crate) fn count(&mut self, passed: usize, failed: usize, skipped: usize) {
        self.passed = Some(self.passed.unwrap_or(0) + passed);
        self.failed += failed;
        self.skipped += skipped;
        self.total = Some(self.total.unwrap_or(0) + passed + failed + skipped);
        self.ran |= passed + failed > 0;
    }

    /// One more failure; one that was told before is passed over.
    pub(crate) fn push(&mut self, mut failure: Failure) {
        failure.msg = cut::short(failure.msg.trim(), LONGEST_MESSAGE);
        let known = |other: &Failure| {
            (&other.suite, &other.test, &other.file, &other.msg)
                == (&failure.suite, &failure.test, &failure.file, &failure.msg)
        };
        if self.failures.len() < MOST_FAILURES && !self.failures.iter().rev().take(64).any(known) {
            self.failures.push(failure);
        }
    }

    /// One more failure that is no test's.
    pub(crate) fn fault(&mut self, failure: Failure) {
        self.faults += 1;
        self.push(failure);
    }

    /// Whether it says that something went wrong.
    pub(crate) fn is_bad(&self) -> bool {
        self.failed > 0 || self.faults > 0 || !self.failures.is_empty()
    }

    /// Several reports of one run as one: counts are added, failures tell their runner.
    pub(crate) fn join(mut reports: Vec<Self>) -> Option<(String, Self)> {
        if reports.len() <= 1 {
            let report = reports.pop()?;
            return Some((report.framework.to_owned(), report));
        }
        let names: Vec<&str> = reports.iter().map(|report| report.framework).collect();
        let names = names.join("+");
        let mut all = Self { total: Some(0), passed: Some(0), complete: true, ..Self::default() };
        for report in reports {
            all.total = all.total.zip(report.total).map(|(one, other)| one + other);
            all.passed = all.passed.zip(report.passed).map(|(one, other)| one + other);
            all.failed += report.failed;
            all.skipped += report.skipped;
            all.flaky += report.flaky;
            all.faults += report.faults;
            all.complete &= report.complete;
            all.ran |= report.ran;
            for failure in report.failures {
                let suite = match failure.suite.as_str() {
                    "" => report.framework.to_owned(),
                    suite => format!("{} {suite}", report.framework),
                };
                all.push(Failure { suite, ..failure });
            }
        }
        Some((names, all))
    }
}

//! The shape of the answer, and how it gets smaller.

use serde::Serialize;

/// What a build came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// Exit code 0 and no error seen.
    Ok,
    /// It failed.
    Error,
    /// Exit code and output contradict each other, or there is no exit code and nothing was said of the end.
    Unsure,
}

/// How much detail an answer has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    pub(super) errors: usize,
    pub(super) error: usize,
    pub(super) warnings: usize,
    pub(super) warning: usize,
    pub(super) details: usize,
    pub(super) tail: usize,
}

impl Level {
    /// A level with less: shorter warnings, fewer of them, shorter errors, and fewer errors only at the end.
    pub(super) fn next(self) -> Option<Self> {
        if self.warnings > 0 {
            let warning = self.warning * 2 / 3;
            return Some(if warning > 60 {
                Self { warning, ..self }
            } else {
                Self { warnings: self.warnings - 1, ..self }
            });
        }
        if self.error > 80 {
            return Some(Self { error: self.error * 3 / 4, ..self });
        }
        if self.details > 3 {
            return Some(Self { details: self.details - 1, ..self });
        }
        if self.tail > 0 {
            return Some(Self { tail: self.tail - 1, ..self });
        }
        let details = self.details.saturating_sub(1);
        (self.errors > 1).then_some(Self { errors: (self.errors * 3 / 4).max(1), details, ..self })
    }
}

/// The object.
#[derive(Debug, Serialize)]
#[expect(clippy::option_option, reason = "left out, null, and a value are three answers")]
pub(super) struct Answer<'a> {
    pub(super) framework: &'a str,
    pub(super) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exit_code: Option<Option<i32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) routes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bundle_size: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) build_time: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ts_errors: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) errors: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) errors_total: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) more: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) details: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) warnings: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) warnings_total: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tail: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) timed_out: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) log: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) log_bytes: Option<u64>,
}

//! Why there is no answer.

use crewkit_tool::Refusal;
use serde_json::Value;

/// Why GitHub did not do or tell what it was asked. No message holds the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing could be asked: no token, an address that is none.
    Setup(String),
    /// Nobody answered, or not in time.
    Silent(String),
    /// It answered with an error of HTTP; the reason in its words.
    Status {
        /// The status.
        status: u16,
        /// What it said.
        reason: String,
    },
    /// It answered something else than its documentation tells.
    Odd(String),
}

impl Fault {
    /// The status of HTTP, if it answered with an error.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Setup(reason) | Self::Silent(reason) | Self::Odd(reason) => f.write_str(reason),
            Self::Status { status, reason } => write!(f, "{reason} (HTTP {status})"),
        }
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::new(fault.to_string())
    }
}

/// Fails when an answer of GraphQL holds errors: its data are then not whole.
pub(crate) fn graphql_errors(answer: &Value) -> Result<(), Fault> {
    let Some(errors) = answer.get("errors").and_then(Value::as_array).filter(|errors| !errors.is_empty()) else {
        return Ok(());
    };
    let said = errors.iter().find_map(|error| error.get("message")?.as_str()).unwrap_or("an error without a message");
    Err(Fault::Odd(format!("GitHub: {said}")))
}

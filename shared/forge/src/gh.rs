//! GitHub through its command-line program, `gh api` (<https://cli.github.com/manual/gh_api>).

use std::time::Duration;

use crewkit_tool::process::Run;
use crewkit_tool::{Context, text};
use serde_json::{Deserializer, Map, Value};

use crate::fault::{Fault, graphql_errors};

/// How long one call may take, all pages of a list too.
const LIMIT: Duration = Duration::from_mins(3);

/// Most characters of a reason that gh gives.
const REASON_CHARACTERS: usize = 300;

#[derive(Debug)]
pub(crate) struct Gh<'a> {
    context: &'a Context,
}

impl<'a> Gh<'a> {
    /// Whether a program of that name is in PATH.
    pub(crate) fn is_there(context: &Context) -> bool {
        let path = context.environment.get("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join("gh").is_file())
    }

    pub(crate) fn new(context: &'a Context) -> Self {
        Self { context }
    }

    pub(crate) fn get(&self, path: &str) -> Result<Value, Fault> {
        one(self.call([path])?)
    }

    pub(crate) fn list(&self, path: &str) -> Result<Vec<Value>, Fault> {
        let sign = if path.contains('?') { '&' } else { '?' };
        let pages = self.call([&format!("{path}{sign}per_page=100"), "--paginate"])?;
        let mut entries = Vec::new();
        for page in pages {
            let Value::Array(rows) = page else { return Err(Fault::Odd(format!("gh: {path} is no list"))) };
            entries.extend(rows);
        }
        Ok(entries)
    }

    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<Value, Fault> {
        let mut arguments = vec![path.to_owned()];
        for (key, value) in fields {
            arguments.extend(["-f".to_owned(), format!("{key}={value}")]);
        }
        one(self.call(&arguments)?)
    }

    pub(crate) fn query(&self, query: &str, variables: &Map<String, Value>) -> Result<Value, Fault> {
        let mut arguments = vec!["graphql".to_owned(), "-f".to_owned(), format!("query={query}")];
        for (key, value) in variables {
            match value {
                // Nothing given is null.
                Value::Null => {}
                Value::String(text) => arguments.extend(["-f".to_owned(), format!("{key}={text}")]),
                other => arguments.extend(["-F".to_owned(), format!("{key}={other}")]),
            }
        }
        one(self.call(&arguments)?)
    }

    /// The values that `gh api ARGUMENTS` prints: one, or one a page.
    fn call(&self, arguments: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Vec<Value>, Fault> {
        let mut run = Run::new(self.context, "gh")
            .variable("GH_PROMPT_DISABLED", "1")
            .variable("GH_NO_UPDATE_NOTIFIER", "1")
            .variable("NO_COLOR", "1")
            .without_variable("CLICOLOR_FORCE")
            .without_variable("GH_FORCE_TTY")
            .without_variable("GH_DEBUG")
            .arg("api")
            .limit(LIMIT);
        for argument in arguments {
            run = run.arg(argument.as_ref());
        }
        let ended = run.run().map_err(|refusal| Fault::Silent(refusal.message))?;
        if ended.timed_out {
            return Err(Fault::Silent(format!("gh gave no answer within {} s", LIMIT.as_secs())));
        }
        let values: Result<Vec<Value>, _> = Deserializer::from_slice(&ended.stdout).into_iter().collect();
        if !ended.ok() {
            // gh prints the body of an error, and ends in complaint of it.
            if let Some(Err(fault)) = values.ok().and_then(|values| values.first().map(graphql_errors)) {
                return Err(fault);
            }
            return Err(failure(&ended.complaint()));
        }
        values.map_err(|fault| Fault::Odd(format!("gh's answer is no JSON: {fault}")))
    }
}

fn one(values: Vec<Value>) -> Result<Value, Fault> {
    values.into_iter().next().ok_or_else(|| Fault::Odd("gh's answer is empty".to_owned()))
}

/// What gh complained of: `gh: REASON (HTTP STATUS)`, or anything else.
fn failure(complaint: &str) -> Fault {
    let reason = text::cut(complaint, REASON_CHARACTERS);
    let status = complaint.rsplit_once("HTTP ").and_then(|(_, rest)| rest.trim_end_matches(')').trim().parse().ok());
    match status {
        Some(status) => {
            let reason = reason.rsplit_once(" (HTTP").map_or(reason.as_str(), |(reason, _)| reason).to_owned();
            Fault::Status { status, reason: if reason.starts_with("gh") { reason } else { format!("gh: {reason}") } }
        }
        None => Fault::Silent(if reason.starts_with("gh") { reason } else { format!("gh: {reason}") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_read_out_of_a_complaint() {
        let fault = failure("gh: Resource not accessible by integration (HTTP 403)");
        assert_eq!(fault.status(), Some(403));
        assert_eq!(fault.to_string(), "gh: Resource not accessible by integration (HTTP 403)");
        assert_eq!(failure("error connecting to api.github.com").status(), None);
        assert_eq!(failure("HTTP 502").status(), Some(502));
    }
}

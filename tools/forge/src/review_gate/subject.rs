//! Which pull request is meant, and which of its commits.

use std::fs;

use crewkit_forge::{Fault, Github, Name};
use crewkit_tool::{Context, Refusal};
use serde_json::Value;

use super::Args;

/// Most bytes of an event's file.
const MOST_BYTES: u64 = 64 << 20;

/// A pull request and the commit that gets the status.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) name: Name,
    pub(super) number: u64,
    pub(super) commit: String,
    /// The address for people.
    pub(super) address: String,
    /// Whether it comes from another repository, as far as was told.
    pub(super) is_fork: bool,
}

impl Subject {
    /// The pull request that the arguments name, else that of the event; `None` when the event has none.
    /// GitHub is asked only for a commit that nobody told.
    pub(super) fn find(
        context: &Context,
        github: &Result<Github<'_>, Fault>,
        args: &Args,
    ) -> Result<Option<Self>, Refusal> {
        let event = match context.variable_path("GITHUB_EVENT_PATH") {
            Some(path) => Some(read(&context.absolute(&path)?)?),
            None if args.pr.is_some() => None,
            None => return Err(Refusal::new("no pull request: neither --pr nor GITHUB_EVENT_PATH is given")),
        };
        let told = event.as_ref().and_then(pull_request);
        let Some(number) = args.pr.or_else(|| told?.get("number")?.as_u64().filter(|number| *number > 0)) else {
            return Ok(None);
        };
        // What the event tells is of its own pull request alone.
        let told = told.filter(|told| told.get("number").and_then(Value::as_u64) == Some(number));
        let name = repository(context, args, event.as_ref())?;
        let (commit, fetched) = match (&args.sha, told.and_then(head)) {
            (Some(given), _) => (given.clone(), None),
            (None, Some(told)) => {
                (commit(told).map_err(|why| Refusal::new(format!("the event's head.sha is {why}")))?, None)
            }
            (None, None) => {
                let request = github
                    .as_ref()
                    .map_err(|fault| Refusal::from(fault.clone()))?
                    .get(&format!("repos/{name}/pulls/{number}"))
                    .map_err(|fault| Refusal::new(format!("{name}#{number} cannot be read: {fault}")))?;
                let head = head(&request).and_then(|sha| commit(sha).ok());
                (head.ok_or_else(|| Refusal::new(format!("{name}#{number} has no head commit")))?, Some(request))
            }
        };
        let told = fetched.as_ref().or(told);
        Ok(Some(Self {
            address: address(context, told, &name, number),
            is_fork: told.is_some_and(|told| is_fork(told, &name)),
            name,
            number,
            commit,
        }))
    }
}

fn read(path: &std::path::Path) -> Result<Value, Refusal> {
    let fault = |why: &dyn std::fmt::Display| Refusal::new(format!("GITHUB_EVENT_PATH: {}: {why}", path.display()));
    let length = fs::metadata(path).map_err(|why| fault(&why))?.len();
    if length > MOST_BYTES {
        return Err(fault(&format!("longer than {MOST_BYTES} bytes")));
    }
    serde_json::from_slice(&fs::read(path).map_err(|why| fault(&why))?).map_err(|why| fault(&format!("no JSON: {why}")))
}

/// The pull request of an event; a comment on one names it as an issue.
fn pull_request(event: &Value) -> Option<&Value> {
    let of_comment = || event.get("issue").filter(|issue| issue.get("pull_request").is_some_and(Value::is_object));
    event.get("pull_request").filter(|request| request.is_object()).or_else(of_comment)
}

fn head(request: &Value) -> Option<&str> {
    request.pointer("/head/sha")?.as_str()
}

fn repository(context: &Context, args: &Args, event: Option<&Value>) -> Result<Name, Refusal> {
    if let Some(name) = &args.repo {
        return Ok(name.clone());
    }
    let given = context.variable("GITHUB_REPOSITORY");
    let told = || Some(event?.pointer("/repository/full_name")?.as_str()?.to_owned());
    let text = given.or_else(told).ok_or_else(|| Refusal::new("no repository: GITHUB_REPOSITORY is not set"))?;
    text.parse().map_err(|why| Refusal::new(format!("GITHUB_REPOSITORY: '{text}' is {why}")))
}

/// The address that GitHub gives, else the one it has on the server.
fn address(context: &Context, told: Option<&Value>, name: &Name, number: u64) -> String {
    let given = told.and_then(|told| told.get("html_url")?.as_str());
    if let Some(given) =
        given.filter(|given| given.starts_with("https://") && given.chars().all(|c| c.is_ascii_graphic()))
    {
        return given.to_owned();
    }
    let server = context.variable("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
    format!("{}/{name}/pull/{number}", server.trim_end_matches('/'))
}

fn is_fork(request: &Value, name: &Name) -> bool {
    let head = request.pointer("/head/repo/full_name").and_then(Value::as_str);
    head.is_some_and(|head| !head.eq_ignore_ascii_case(&name.to_string()))
}

/// A commit's id, as it may stand in a path.
pub(super) fn commit(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !text.is_empty() && text.len() <= 64 && text.bytes().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("not a commit's id".to_owned())
    }
}

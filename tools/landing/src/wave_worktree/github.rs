//! The calls of gh (<https://cli.github.com/manual>), each with a time limit, none with a shell, and what they answer.

use std::path::PathBuf;
use std::time::Duration;

use crewkit_repo::without_repository;
use crewkit_tool::process::{Ended, Run};
use crewkit_tool::{Context, Refusal, exit_code};
use serde::Deserialize;
use serde_json::Value;

use super::checks::Check;

/// How long a question to GitHub may take.
const ASK: Duration = Duration::from_mins(1);

/// How long a merge may take.
const MERGE: Duration = Duration::from_mins(3);

/// Most pages of review threads that are read, 100 threads each.
const PAGES: usize = 50;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// gh is not installed.
    Missing,
    /// gh failed, or said something else than its manual tells.
    Failed(String),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Missing => Self::new("gh is not installed"),
            Fault::Failed(reason) => Self::new(reason),
        }
    }
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) number: i64,
    pub(super) url: String,
}

impl Request {
    /// The request that `number` and `url` name, if they fit together: `https://HOST/OWNER/REPOSITORY/pull/NUMBER`.
    pub(super) fn new(number: i64, url: &str) -> Option<Self> {
        let request = Self { number, url: url.to_owned() };
        let plain = url.chars().all(|c| c.is_ascii_graphic());
        (number > 0 && plain && request.place()?.3 == number.to_string()).then_some(request)
    }

    /// The request at an address.
    fn at(url: &str) -> Option<Self> {
        Self::new(url.rsplit('/').next()?.parse().ok()?, url)
    }

    /// Host, owner, repository and number of the address.
    fn place(&self) -> Option<(&str, &str, &str, &str)> {
        let rest = self.url.strip_prefix("https://").or_else(|| self.url.strip_prefix("http://"))?;
        let mut parts = rest.split('/');
        let place = (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let (host, owner, repository, pull, number) = place;
        let whole = parts.next().is_none() && pull == "pull";
        (whole && [host, owner, repository].iter().all(|part| !part.is_empty()))
            .then_some((host, owner, repository, number))
    }
}

/// What GitHub tells of a pull request; what it did not tell is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct View {
    /// `OPEN`, `CLOSED`, `MERGED`.
    pub(super) state: String,
    /// Whether it is a draft.
    pub(super) is_draft: Option<bool>,
    /// `MERGEABLE`, `CONFLICTING`, `UNKNOWN` (being found out).
    pub(super) mergeable: Option<String>,
    /// `CLEAN`, `BLOCKED`, `BEHIND`...
    pub(super) merge_state_status: Option<String>,
    /// `APPROVED`, `CHANGES_REQUESTED`, `REVIEW_REQUIRED`, empty.
    pub(super) review_decision: Option<String>,
    /// Its newest commit; ask [`View::head`].
    pub(super) head_ref_oid: Option<String>,
    /// The branch it goes to.
    pub(super) base_ref_name: Option<String>,
}

/// The fields of [`View`], as gh calls them.
const FIELDS: &str = "number,url,state,isDraft,mergeable,mergeStateStatus,reviewDecision,headRefOid,baseRefName";

impl View {
    /// The full id of its newest commit; `None` when that was not told, or is no full id.
    pub(super) fn head(&self) -> Option<&str> {
        let whole = |id: &&str| id.len() >= 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.head_ref_oid.as_deref().filter(whole)
    }

    pub(super) fn is_merged(&self) -> bool {
        self.state == "MERGED"
    }

    pub(super) fn is_open(&self) -> bool {
        self.state == "OPEN"
    }
}

/// gh in a folder of the repository.
pub(super) struct Github<'a> {
    pub(super) context: &'a Context,
    pub(super) directory: PathBuf,
}

impl Github<'_> {
    fn call<'b>(&self, arguments: impl IntoIterator<Item = &'b str>, limit: Duration) -> Result<Ended, Fault> {
        let run = without_repository(Run::new(self.context, "gh"))
            .directory(&self.directory)
            .variable("GH_PROMPT_DISABLED", "1")
            .variable("GH_NO_UPDATE_NOTIFIER", "1")
            .variable("NO_COLOR", "1")
            .without_variable("CLICOLOR_FORCE")
            .without_variable("GH_FORCE_TTY")
            .args(arguments)
            .limit(limit);
        match run.run() {
            Ok(ended) if ended.timed_out => {
                Err(Fault::Failed(format!("gh gave no answer within {} s", limit.as_secs())))
            }
            Ok(ended) => Ok(ended),
            Err(refusal) if refusal.code == exit_code::NOT_FOUND => Err(Fault::Missing),
            Err(refusal) => Err(Fault::Failed(refusal.message)),
        }
    }

    /// A call that has to succeed; `what` names it in a complaint.
    fn ask<'b>(&self, what: &str, arguments: impl IntoIterator<Item = &'b str>) -> Result<Ended, Fault> {
        let ended = self.call(arguments, ASK)?;
        if ended.ok() { Ok(ended) } else { Err(Fault::Failed(format!("{what}: {}", ended.complaint()))) }
    }

    /// The open pull request of `branch`, if there is one.
    pub(super) fn open_request(&self, branch: &str) -> Result<Option<Request>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            number: i64,
            url: String,
        }
        let what = "pull requests cannot be listed";
        let ended = self.ask(what, ["pr", "list", "--head", branch, "--state", "open", "--json", "number,url"])?;
        let rows: Vec<Row> = json(what, &ended.stdout)?;
        Ok(rows.iter().find_map(|row| Request::new(row.number, &row.url)))
    }

    /// Opens a pull request.
    pub(super) fn open(&self, base: &str, head: &str, title: &str, body: &str) -> Result<Request, Fault> {
        let what = "the pull request cannot be opened";
        let arguments = ["pr", "create", "--base", base, "--head", head, "--title", title, "--body", body];
        let ended = self.ask(what, arguments)?;
        let said = ended.text();
        let found = said.lines().rev().find_map(|line| Request::at(line.trim()));
        // One that is open all the same is found by its branch.
        match found {
            Some(request) => Ok(request),
            None => self
                .open_request(head)?
                .ok_or_else(|| Fault::Failed(format!("{what}: gh gives no address, but '{}'", ended.complaint()))),
        }
    }

    /// What GitHub tells of a pull request.
    pub(super) fn view(&self, number: i64) -> Result<View, Fault> {
        let what = format!("pull request #{number} cannot be read");
        let ended = self.ask(&what, ["pr", "view", &number.to_string(), "--json", FIELDS])?;
        let view: View = json(&what, &ended.stdout)?;
        if ["OPEN", "CLOSED", "MERGED"].contains(&view.state.as_str()) {
            return Ok(view);
        }
        Err(Fault::Failed(format!("{what}: its state is '{}'", view.state)))
    }

    /// The checks of a pull request; none when GitHub knows of none.
    pub(super) fn checks(&self, number: i64) -> Result<Vec<Check>, Fault> {
        let id = number.to_string();
        let mut ended = self.call(["pr", "checks", &id, "--json", "name,bucket,state"], ASK)?;
        let says = |ended: &Ended, words: &str| String::from_utf8_lossy(&ended.stderr).to_lowercase().contains(words);
        if !ended.ok() && (says(&ended, "unknown flag") || says(&ended, "unknown json field")) {
            ended = self.call(["pr", "checks", &id], ASK)?;
        }
        if let Some(checks) = Check::read(&ended.stdout) {
            return Ok(checks);
        }
        if says(&ended, "no checks reported") || says(&ended, "no commit found") {
            return Ok(Vec::new());
        }
        Err(Fault::Failed(format!("the checks of #{number} cannot be read: {}", ended.complaint())))
    }

    /// The number of review threads that are not resolved.
    pub(super) fn open_threads(&self, request: &Request) -> Result<usize, Fault> {
        let what = format!("the review threads of #{} cannot be read", request.number);
        let odd = || Fault::Failed(format!("{what}: GitHub's answer has another form"));
        let (host, owner, repository, number) = request.place().ok_or_else(odd)?;
        let query = "query($owner: String!, $name: String!, $number: Int!, $after: String) { \
                     repository(owner: $owner, name: $name) { pullRequest(number: $number) { \
                     reviewThreads(first: 100, after: $after) { nodes { isResolved } \
                     pageInfo { hasNextPage endCursor } } } } }";
        let fields = [
            format!("query={query}"),
            format!("owner={owner}"),
            format!("name={repository}"),
            format!("number={number}"),
        ];
        let mut after: Option<String> = None;
        let mut open = 0;
        for _ in 0..PAGES {
            let mut arguments = vec!["api", "graphql", "-f", &fields[0], "-f", &fields[1], "-f", &fields[2]];
            arguments.extend(["-F", &fields[3]]);
            if let Some(after) = &after {
                arguments.extend(["-f", after]);
            }
            if host != "github.com" {
                arguments.extend(["--hostname", host]);
            }
            let answer: Value = json(&what, &self.ask(&what, arguments)?.stdout)?;
            let threads = &answer["data"]["repository"]["pullRequest"]["reviewThreads"];
            let nodes = threads["nodes"].as_array().ok_or_else(odd)?;
            // One that does not say that it is resolved is not.
            open += nodes.iter().filter(|node| node["isResolved"] != Value::Bool(true)).count();
            let page = &threads["pageInfo"];
            if page["hasNextPage"] != Value::Bool(true) {
                return Ok(open);
            }
            after = Some(format!("after={}", page["endCursor"].as_str().ok_or_else(odd)?));
        }
        Err(Fault::Failed(format!("{what}: there are more than {} of them", PAGES * 100)))
    }

    /// Squashes a pull request into its base, if it still is at `head`, and deletes its branch. How gh ended says
    /// nothing certain: look at the request afterwards.
    pub(super) fn merge(&self, request: &Request, head: &str) -> Result<Ended, Fault> {
        let (number, at) = (request.number.to_string(), format!("--match-head-commit={head}"));
        let mut arguments = vec!["pr", "merge", &number, "--squash", "--delete-branch", &at];
        // With a repository named, gh leaves branches and worktrees here alone.
        let repository = request.place().map(|(host, owner, name, _)| format!("--repo={host}/{owner}/{name}"));
        arguments.extend(repository.as_deref());
        self.call(arguments, MERGE)
    }
}

fn json<T: serde::de::DeserializeOwned>(what: &str, text: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(text)
        .map_err(|fault| Fault::Failed(format!("{what}: gh's answer is no JSON of it: {fault}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_number_and_its_address_are_a_request() {
        let url = "https://github.com/o/r.js/pull/42";
        assert_eq!(Request::at(url), Request::new(42, url));
        assert_eq!(Request::at(url).unwrap().place(), Some(("github.com", "o", "r.js", "42")));
        for (number, url) in [
            (41, url),
            (0, "https://github.com/o/r/pull/0"),
            (42, "a pull request already exists: https://github.com/o/r/pull/42"),
            (42, "https://github.com/o/r/issues/42"),
            (42, "https://github.com/r/pull/42"),
            (42, "ftp://github.com/o/r/pull/42"),
            (42, "https://github.com/o/r/pull/42/files"),
            (42, "https://github.com//r/pull/42"),
            (42, "https://github.com/o/\u{1b}r/pull/42"),
        ] {
            assert_eq!(Request::new(number, url), None, "{number} {url}");
        }
        assert_eq!(Request::at("nothing"), None);
    }

    #[test]
    fn a_view_keeps_what_was_not_told_apart() {
        let view: View = serde_json::from_str(r#"{"number":1,"state":"OPEN","reviewDecision":""}"#).unwrap();
        assert_eq!((view.mergeable.clone(), view.is_draft, view.review_decision.as_deref()), (None, None, Some("")));
        assert!(view.is_open() && !view.is_merged());
    }
}

//! digest-stats: what digests saved, against what an agent would have been shown without them. People and dashboards ask
//! it; it reads what digests write down at each run and runs nothing.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::{CommandFactory, Parser, ValueEnum};
use crewkit_digest::saving::{self, Saving};
use crewkit_tool::{Answer, Clock, Context, Kind, Outcome, Refusal, Tool, args, exit_code, text};
use serde::Serialize;

/// digest-stats.
pub const TOOL: Tool = Tool {
    name: "digest-stats",
    summary: "tokens that digests saved, by tool, day or repository",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Most characters that Claude Code shows an agent of a command that succeeded, and of one that failed.
const SHOWN_OF_SUCCESS: u64 = 30_000;
const SHOWN_OF_FAILURE: u64 = 10_000;
/// Bytes of output, and of an answer in JSON, that make a token: both so that the saving comes out rather too small.
const BYTES_OF_OUTPUT: u64 = 4;
const BYTES_OF_ANSWER: u64 = 3;
/// Most sessions told.
const MOST_SESSIONS: usize = 20;

/// Tells what digests saved in tokens.
///
/// Counted is not the raw output but what the agent would have been shown of it: of a success at most 30,000 characters,
/// of a failure 10,000 (also where it is unknown which it was). Tokens are estimated: 4 bytes of output, 3 of an answer.
/// Where a session's tokens have been counted (see token-report), the share of them that it would have used more is told.
#[derive(Parser, Debug)]
#[command(name = "digest-stats", disable_version_flag = true)]
#[command(after_help = "Exit codes: 0 told; 1 refused, or the file of savings cannot be read.")]
struct Arguments {
    /// What is summed up together
    #[arg(long, value_enum, value_name = "WHAT", default_value = "tool")]
    by: By,
    /// Only runs of this day, YYYY-MM-DD (UTC), and later
    #[arg(long, value_name = "DATE")]
    since: Option<String>,
    /// JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// Digest
    Tool,
    /// Day, UTC
    Day,
    /// Repository, its work trees together
    Repo,
}

/// Runs summed up, in tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
struct Sum {
    runs: u64,
    /// Bytes of the raw outputs.
    raw_bytes: u64,
    /// What an agent would have been shown of them.
    without: u64,
    /// What it was shown.
    shown: u64,
    /// The difference; below 0 where the answers were larger.
    saved: i64,
}

impl Sum {
    fn add(&mut self, saving: &Saving) {
        let most = if saving.code == Some(0) { SHOWN_OF_SUCCESS } else { SHOWN_OF_FAILURE };
        let without = saving.raw.min(most).div_ceil(BYTES_OF_OUTPUT);
        let shown = saving.shown.div_ceil(BYTES_OF_ANSWER);
        self.runs += 1;
        self.raw_bytes = self.raw_bytes.saturating_add(saving.raw);
        self.without += without;
        self.shown = self.shown.saturating_add(shown);
        self.saved = self.saved.saturating_add_unsigned(without).saturating_sub_unsigned(shown);
    }

    /// The saved part of what would have been shown, in percent; `None` where that was nothing.
    fn percent(&self) -> Option<i64> {
        let without = i64::try_from(self.without).ok().filter(|without| *without > 0)?;
        Some(self.saved.saturating_mul(100) / without)
    }
}

#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    name: BTreeMap<&'static str, Option<String>>,
    #[serde(flatten)]
    sum: Sum,
    percent: Option<i64>,
}

/// A session whose tokens are known.
#[derive(Debug, Serialize)]
struct Session {
    #[serde(rename = "session")]
    id: String,
    runs: u64,
    saved: i64,
    /// Tokens that it used, of all kinds but those that were read again from the cache.
    tokens: i64,
    /// The saved ones, in percent of what it would have used.
    percent: i64,
}

#[derive(Debug, Serialize)]
struct Report {
    by: &'static str,
    rows: Vec<Row>,
    total: Row,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sessions: Vec<Session>,
    #[serde(skip_serializing_if = "Option::is_none")]
    more_sessions: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unread_lines: Option<usize>,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| {
        let report = report(context, &arguments)?;
        Ok(if arguments.json { Outcome::json(&report) } else { Outcome::text(table(&report)) })
    })
}

fn report(context: &Context, arguments: &Arguments) -> Result<Report, Refusal> {
    if let Some(day) = &arguments.since
        && (day.len() != 10 || Clock::parse(&format!("{day} 00:00:00")).is_none())
    {
        return Err(Refusal::new(format!("--since: '{day}' is no day, YYYY-MM-DD")));
    }
    let (mut savings, unread) = saving::read(context)?;
    if let Some(day) = &arguments.since {
        savings.retain(|saving| saving.time.as_str() >= day.as_str());
    }
    let (mut sums, mut total) = (BTreeMap::<Option<String>, Sum>::new(), Sum::default());
    for saving in &savings {
        let name = match arguments.by {
            By::Tool => Some(saving.tool.clone()),
            By::Day => saving.time.get(..10).map(str::to_owned),
            By::Repo => saving.repository.clone(),
        };
        sums.entry(name).or_default().add(saving);
        total.add(saving);
    }
    let by = match arguments.by {
        By::Tool => "tool",
        By::Day => "day",
        By::Repo => "repo",
    };
    let mut rows: Vec<Row> =
        sums.into_iter().map(|(name, sum)| Row { name: [(by, name)].into(), sum, percent: sum.percent() }).collect();
    match arguments.by {
        By::Day => rows.reverse(),
        By::Tool | By::Repo => rows.sort_by_key(|row| std::cmp::Reverse(row.sum.saved)),
    }
    let mut sessions = sessions(context, &savings)?;
    let more = sessions.len().saturating_sub(MOST_SESSIONS);
    sessions.truncate(MOST_SESSIONS);
    Ok(Report {
        by,
        rows,
        total: Row { name: BTreeMap::new(), sum: total, percent: total.percent() },
        sessions,
        more_sessions: (more > 0).then_some(more),
        unread_lines: (unread > 0).then_some(unread),
    })
}

/// The sessions of these runs whose tokens have been counted, those that saved most first.
fn sessions(context: &Context, savings: &[Saving]) -> Result<Vec<Session>, Refusal> {
    let mut sums = BTreeMap::<&str, Sum>::new();
    for saving in savings {
        if let Some(session) = &saving.session {
            sums.entry(session).or_default().add(saving);
        }
    }
    if sums.is_empty() {
        return Ok(Vec::new());
    }
    let store = match context.existing_store() {
        Ok(Some(store)) => store,
        Ok(None) => return Ok(Vec::new()),
        Err(refusal) => {
            context.note(format!("no sessions are told: {refusal}"));
            return Ok(Vec::new());
        }
    };
    let mut found: Vec<Session> = Vec::new();
    for (session, tokens) in store.token_usage().of_sessions(&sums.keys().copied().collect::<Vec<_>>())? {
        let Some(sum) = sums.get(session.as_str()) else { continue };
        let would = tokens.saturating_add(sum.saved);
        if tokens > 0 && would > 0 {
            let percent = sum.saved.saturating_mul(100) / would;
            found.push(Session { id: session, runs: sum.runs, saved: sum.saved, tokens, percent });
        }
    }
    found.sort_by_key(|session| std::cmp::Reverse(session.saved));
    Ok(found)
}

fn table(report: &Report) -> String {
    if report.rows.is_empty() {
        return "nothing has been written down yet\n".to_owned();
    }
    let percent = |percent: Option<i64>| percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent}%"));
    let cells = |name: &str, row: &Row| {
        let Sum { runs, without, shown, saved, .. } = row.sum;
        let numbers =
            [runs.to_string(), without.to_string(), shown.to_string(), saved.to_string(), percent(row.percent)];
        [name.to_owned()].into_iter().chain(numbers).collect::<Vec<_>>()
    };
    let heading = [report.by, "runs", "without", "shown", "saved", "saved %"].map(str::to_owned).to_vec();
    let mut rows = vec![heading];
    for row in &report.rows {
        let name = row.name.values().next().cloned().flatten();
        rows.push(cells(name.as_deref().unwrap_or("unknown"), row));
    }
    rows.push(cells("total", &report.total));
    let mut out = text::columns(&rows);
    if !report.sessions.is_empty() {
        let heading = ["session", "runs", "saved", "tokens used", "saved %"].map(str::to_owned).to_vec();
        let lines = report.sessions.iter().map(|one| {
            let numbers =
                [one.runs.to_string(), one.saved.to_string(), one.tokens.to_string(), format!("{}%", one.percent)];
            [one.id.clone()].into_iter().chain(numbers).collect::<Vec<_>>()
        });
        let rows: Vec<Vec<String>> = std::iter::once(heading).chain(lines).collect();
        out.push('\n');
        out += &text::columns(&rows);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_tool::Script;
    use serde_json::{Value, json};
    use std::fs;

    fn context(lines: &str) -> (tempfile::TempDir, Context) {
        let home = tempfile::tempdir().unwrap();
        let context = Context::scripted(Script {
            environment: [("HOME".into(), home.path().into())].into(),
            directory: home.path().to_owned(),
            clock: Clock::System,
            stdin: Vec::new(),
        });
        let [path, _] = saving::files(&context).unwrap();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, lines).unwrap();
        (home, context)
    }

    fn told(context: &Context, arguments: &[&str]) -> Value {
        let arguments: Vec<OsString> = ["--json"].iter().chain(arguments).map(OsString::from).collect();
        serde_json::from_slice(&run(context, &arguments).unwrap().stdout).unwrap()
    }

    const LINES: &str = "2026-01-01 10:00:00\ttest-digest\t1000000\t300\t0\ts1\t/app\n\
         2026-01-01 11:00:00\ttest-digest\t1000000\t300\t1\ts1\t/app\n\
         2026-01-02 10:00:00\tnpm-digest\t20\t300\t0\t\t/lib\n\
         2026-01-02 10:00:00\tgit-digest\t4000\t300\n2026-01-02 10:0";

    #[test]
    fn what_would_have_been_shown_counts_not_the_raw_output() {
        let (_home, context) = context(LINES);
        let report = told(&context, &[]);
        assert_eq!(
            report["rows"][0],
            json!({"tool":"test-digest","runs":2,"raw_bytes":2_000_000,"without":10_000,"shown":200,"saved":9_800,"percent":98})
        );
        assert_eq!(report["rows"][2]["saved"], -95);
        assert_eq!((&report["total"]["runs"], &report["total"]["saved"]), (&json!(4), &json!(9_800 - 95 + 900)));
        assert_eq!(report["unread_lines"], 1);
    }

    #[test]
    fn sums_go_by_day_and_repository() {
        let (_home, context) = context(LINES);
        let days = told(&context, &["--by", "day"]);
        assert_eq!((&days["rows"][0]["day"], &days["rows"][1]["runs"]), (&json!("2026-01-02"), &json!(2)));
        let repositories = told(&context, &["--by", "repo", "--since", "2026-01-02"]);
        assert_eq!(repositories["rows"][0]["repo"], Value::Null);
        assert_eq!((&repositories["rows"][1]["repo"], &repositories["total"]["runs"]), (&json!("/lib"), &json!(2)));
    }

    #[test]
    fn a_table_for_people_and_nothing_yet() {
        let (_home, context_of_lines) = context(LINES);
        let text = String::from_utf8(run(&context_of_lines, &[]).unwrap().stdout).unwrap();
        assert!(text.starts_with("tool") && text.contains("test-digest  2     10000    200    9800   98%"), "{text}");
        let (_home, context) = context("");
        assert_eq!(run(&context, &[]).unwrap().stdout, b"nothing has been written down yet\n");
        let refusal = run(&context, &["--since".into(), "soon".into()]).unwrap_err();
        assert!(refusal.message.contains("soon"));
    }

    #[test]
    fn a_sessions_tokens_give_its_share() {
        let (_home, context) = context(LINES);
        let given = crewkit_store::token_usage::GivenUse {
            session: Some("s1".into()),
            model: "m".into(),
            input: 80_000,
            output: 10_200,
            ..Default::default()
        };
        context.store().unwrap().token_usage().add(&given, "host", &context.now()).unwrap();
        let report = told(&context, &[]);
        assert_eq!(report["sessions"], json!([{"session":"s1","runs":2,"saved":9800,"tokens":90_200,"percent":9}]));
    }
}

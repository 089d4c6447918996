//! `token-report`: what the crew's work cost.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};
use serde::Serialize;

use crewkit_tool::{Answer, Context, Outcome, args, exit_code, text};

use super::Subcommand;

pub(super) const SUBCOMMANDS: &[Subcommand] =
    &[Subcommand { name: "token-report", command: TokenReport::command, run }];

/// Shows tokens, cost in US dollars and calls by project and computer, the dearest first, and in all
#[derive(Parser)]
#[command(name = "token-report", bin_name = "plan-db token-report")]
struct TokenReport {
    /// A JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    usage: Vec<Usage>,
    total: Total,
}

#[derive(Serialize)]
struct Usage {
    project_id: String,
    host: String,
    #[serde(flatten)]
    sum: Total,
}

#[derive(Debug, Default, Clone, Copy, Serialize)]
struct Total {
    input_tokens: i64,
    output_tokens: i64,
    cost_usd: f64,
    calls: i64,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<TokenReport>(arguments, exit_code::REFUSED, |args| {
        let mut total = Total::default();
        let mut usage = Vec::new();
        for row in context.store()?.plan_views().token_use()? {
            total.input_tokens += row.input;
            total.output_tokens += row.output;
            total.cost_usd += row.cost;
            total.calls += row.calls;
            let sum =
                Total { input_tokens: row.input, output_tokens: row.output, cost_usd: row.cost, calls: row.calls };
            usage.push(Usage { project_id: row.project, host: row.host, sum });
        }
        if args.json {
            return Ok(Outcome::json(&Report { usage, total }));
        }
        let mut rows = vec![["PROJECT", "HOST", "INPUT", "OUTPUT", "COST", "CALLS"].map(str::to_owned).to_vec()];
        rows.extend(usage.into_iter().map(|Usage { project_id, host, sum }| {
            let cost = format!("${:.2}", sum.cost_usd);
            let numbers = [sum.input_tokens.to_string(), sum.output_tokens.to_string(), cost, sum.calls.to_string()];
            [project_id, host].into_iter().chain(numbers).collect()
        }));
        let Total { input_tokens, output_tokens, cost_usd, calls } = total;
        let line = format!("Input: {input_tokens} | Output: {output_tokens} | Cost: ${cost_usd:.2} | Calls: {calls}");
        Ok(Outcome::text(format!("{}\nTotal:\n  {line}\n", text::columns(&rows))))
    })
}

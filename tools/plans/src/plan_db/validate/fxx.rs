//! validate-fxx: are all requirements of the plan verified?

use std::ffi::OsString;
use std::fmt::Write as _;

use clap::Parser;
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code, text};
use serde_json::json;

use crate::requirements::{self, Requirement, Requirements, State};

/// Check that every requirement F-xx in the plan's Markdown file has its box checked
#[derive(Debug, Parser)]
#[command(
    name = "validate-fxx",
    bin_name = "plan-db validate-fxx",
    after_help = "A row of a table counts when one of its cells is F- and digits and it has a box: [x] verified,\n\
    [ ] pending, [-] with a reason left out on purpose. A checked row whose table has a column Evidence\n\
    is pending while that cell is empty.\n\
    Exit codes: 0 none pending; 1 pending, no file, unknown plan."
)]
pub(super) struct Arguments {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
    /// A JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub(super) fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |args| {
        let found = of_plan(context, args.plan.0)?;
        let pending = found.count(State::Pending);
        let code = u8::from(pending > 0);
        let uncovered = uncovered(context, args.plan.0, &found)?;
        if args.json {
            let whole = json!({
                "plan_id": args.plan.0, "file": found.path, "verified": found.count(State::Verified), "pending": pending,
                "left_out": found.count(State::LeftOut), "passed": pending == 0, "requirements": found.rows,
                "uncovered": uncovered,
            });
            return Ok(Outcome::json(&whole).with_code(code));
        }
        let mut answer = Outcome::text(lines(&found)).with_code(code);
        if found.rows.is_empty() {
            answer = answer.with_note("[WARN] the file has no requirement with a box");
        }
        for line in uncovered {
            answer = answer.with_note(format!("[WARN] {line}"));
        }
        Ok(answer)
    })
}

/// The requirements of a plan of the database.
///
/// # Errors
/// An unknown plan; no file.
pub(crate) fn of_plan(context: &Context, plan: i64) -> Result<Requirements, Refusal> {
    let place = context.store()?.plans().markdown(plan)?;
    requirements::read(context, &place.name, place.path.as_deref(), place.folder.as_deref())
}

/// The requirements as lines, with the verdict at the end.
pub(crate) fn lines(found: &Requirements) -> String {
    let mut out = format!("{}\n", text::one_line(&found.path.display().to_string()));
    for row in &found.rows {
        let mark = match row.state {
            State::Verified => "[x]",
            State::Pending => "[ ]",
            State::LeftOut => "[-]",
        };
        let remark = if row.remark.is_empty() { String::new() } else { format!(" ({})", row.remark) };
        let _ = writeln!(out, "  {mark} {} {}", row.id, text::one_line(&format!("{}{remark}", row.text)));
    }
    let (verified, pending) = (found.count(State::Verified), found.count(State::Pending));
    let _ = write!(out, "Verified: {verified} | Pending: {pending}");
    let left_out = found.count(State::LeftOut);
    if left_out > 0 {
        let _ = write!(out, " | Left out: {left_out}");
    }
    let verdict = if pending == 0 { "PASSED".to_owned() } else { format!("FAILED: {pending} pending") };
    let _ = write!(out, "\n{verdict}");
    out
}

/// What the tasks say against it: requirements that no task serves, or whose tasks are not all validated. Nothing where no
/// task of the plan names a requirement.
fn uncovered(context: &Context, plan: i64, found: &Requirements) -> Result<Vec<String>, Refusal> {
    let served = context.store()?.plans().served_requirements(plan)?;
    if served.is_empty() {
        return Ok(Vec::new());
    }
    let said = |row: &Requirement| match served.iter().find(|(id, ..)| *id == row.id) {
        None => Some(format!("{} has no task", row.id)),
        Some((_, tasks, validated)) if validated < tasks => {
            Some(format!("{}: {validated} of {tasks} tasks validated", row.id))
        }
        Some(_) => None,
    };
    Ok(found.rows.iter().filter(|row| row.state != State::LeftOut).filter_map(said).collect())
}

//! check-readiness: what an executor needs before a plan is begun, each lack named.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::path::Path;

use clap::Parser;
use crewkit_store::plans::{PlanBrief, WorkPlan, WorkTask, WorkWave};
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code, text};
use serde_json::{Value, json};

use crate::plan_db::spec::code_list;
use crate::wave_conditions::{self, Ready};

/// Check that a plan has what an executor needs: waves in order, source, worktree, described tasks with criteria
#[derive(Debug, Parser)]
#[command(
    name = "check-readiness",
    bin_name = "plan-db check-readiness",
    after_help = "Exit codes: 0 READY; 1 BLOCKED, unknown plan or wave."
)]
pub(super) struct Arguments {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
    /// Code or row id of a wave: only its tasks, and it has to be READY or SKIP
    #[arg(value_name = "WAVE")]
    wave: Option<String>,
    /// With the commands that would set what is missing
    #[arg(long)]
    fix: bool,
    /// A JSON object instead of text
    #[arg(long)]
    json: bool,
}

struct Check {
    name: &'static str,
    /// What is wrong; `None` when nothing is.
    fault: Option<String>,
    fix: String,
}

pub(super) fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |args| {
        let plans = context.store()?.plans();
        let brief = plans.brief(args.plan.0)?;
        let work = plans.work(args.plan.0)?;
        let wave = args.wave.as_deref().map(|given| find_wave(&work, given, args.plan.0)).transpose()?;
        let gates = plans.gates(args.plan.0)?;
        let (mut checks, cycle) = checks(&brief, &work, wave, &gates.worktrees);
        if let Some(wave) = wave {
            checks.push(evaluated(&work, wave));
        }
        let failed = checks.iter().filter(|check| check.fault.is_some()).count();
        let code = u8::from(failed > 0);
        let mut answer = if args.json {
            let list: Vec<Value> = checks
                .iter()
                .map(|check| json!({"check": check.name, "ok": check.fault.is_none(), "issue": check.fault, "fix": check.fix}))
                .collect();
            let result = if failed == 0 { "READY" } else { "BLOCKED" };
            Outcome::json(&json!({"plan_id": brief.id, "result": result, "issues": failed, "checks": list}))
        } else {
            let line = |check: &Check| match &check.fault {
                None => format!("OK    {}\n", check.name),
                Some(fault) if args.fix => {
                    text::one_line(&format!("FAIL  {}: {fault}; {}", check.name, check.fix)) + "\n"
                }
                Some(fault) => text::one_line(&format!("FAIL  {}: {fault}", check.name)) + "\n",
            };
            let verdict = if failed == 0 { "READY".to_owned() } else { format!("BLOCKED: {failed} issues") };
            Outcome::text(checks.iter().map(line).collect::<String>() + &verdict)
        };
        if let Some(cycle) = cycle {
            answer = answer.with_note(format!("CYCLE DETECTED: {cycle}"));
        }
        for path in gates.worktrees.iter().filter(|path| !context.expand_home(Path::new(path)).is_dir()) {
            answer = answer.with_note(format!("[WARN] worktree {path} is not there"));
        }
        Ok(answer.with_code(code))
    })
}

/// The wave that `given`, a code or a row id, names in the plan `plan`.
///
/// # Errors
/// When there is none.
pub(crate) fn find_wave<'a>(work: &'a WorkPlan, given: &str, plan: i64) -> Result<&'a WorkWave, Refusal> {
    let number = given.parse::<RowId>().ok();
    let by_code = work.waves.iter().find(|wave| wave.code == given);
    let found = by_code.or_else(|| work.waves.iter().find(|wave| number.is_some_and(|id| id.0 == wave.id)));
    found.ok_or_else(|| Refusal::new(format!("WAVE '{given}' is not in plan {plan}")))
}

fn checks(
    brief: &PlanBrief,
    work: &WorkPlan,
    wave: Option<&WorkWave>,
    worktrees: &[String],
) -> (Vec<Check>, Option<String>) {
    let id = brief.id;
    let waits: Vec<Vec<String>> = work.waves.iter().map(waits_for).collect();
    let cycle = cycle(work, &waits);
    let known: HashSet<&str> = work.waves.iter().map(|wave| wave.code.as_str()).collect();
    let mut unknown: Vec<String> = Vec::new();
    for (wave, codes) in work.waves.iter().zip(&waits) {
        let missing = codes.iter().filter(|code| !known.contains(code.as_str()));
        unknown.extend(missing.map(|code| format!("{} waits for {code}", wave.code)));
    }
    let tasks: Vec<&WorkTask> =
        work.tasks.iter().filter(|task| wave.is_none_or(|wave| task.wave == Some(wave.id))).collect();
    let pending = || tasks.iter().filter(|task| task.status == "pending");
    let undescribed = pending().filter(|task| task.description.trim().is_empty()).count();
    let without_criteria = pending().filter(|task| !has_criteria(&task.test_criteria)).count();
    let number = |count: usize, what: &str| (count > 0).then(|| format!("{count} pending tasks without {what}"));
    let checks = vec![
        Check {
            name: "cycles",
            fault: cycle.as_ref().map(|cycle| format!("waves wait for each other: {cycle}")),
            fix: "change depends_on or precondition of one of them (plan-db import of a corrected spec)".to_owned(),
        },
        Check {
            name: "unknown waves",
            fault: (!unknown.is_empty()).then(|| unknown.join(", ")),
            fix: format!("plan-db add-wave {id} CODE NAME"),
        },
        Check {
            name: "source_file",
            fault: brief.source_file.is_none().then(|| "not set".to_owned()),
            fix: format!("plan-db import {id} SPEC_FILE, or create the plan with --source-file"),
        },
        Check {
            name: "worktree",
            fault: worktrees.is_empty().then(|| "neither the plan nor a wave has one".to_owned()),
            fix: format!("plan-db set-worktree {id} PATH, or wave-worktree create {id} WAVE_DB_ID"),
        },
        Check {
            name: "tasks",
            fault: tasks.is_empty().then(|| "there are none".to_owned()),
            fix: "plan-db add-task WAVE_DB_ID CODE TITLE".to_owned(),
        },
        Check {
            name: "description",
            fault: number(undescribed, "description"),
            fix: "add tasks with --description".to_owned(),
        },
        Check {
            name: "test_criteria",
            fault: number(without_criteria, "test_criteria"),
            fix: "add tasks with --test-criteria '{\"verify\":[...]}'".to_owned(),
        },
    ];
    (checks, cycle)
}

fn evaluated(work: &WorkPlan, wave: &WorkWave) -> Check {
    let fault = match wave_conditions::conditions(work, wave).map(|judged| wave_conditions::ready(&judged)) {
        None => Some("its precondition cannot be read".to_owned()),
        Some(Ready::No(what)) => Some(format!("{} waits for {what}", wave.code)),
        Some(Ready::Yes | Ready::Skip) => None,
    };
    Check { name: "evaluate-wave", fault, fix: format!("plan-db evaluate-wave {} --explain", wave.id) }
}

/// The codes that a wave waits for, each once.
fn waits_for(wave: &WorkWave) -> Vec<String> {
    let mut codes = code_list(&wave.depends_on);
    let own = wave_conditions::precondition(wave).unwrap_or_default();
    codes.extend(own.iter().flat_map(wave_conditions::waves_named));
    let mut seen = HashSet::new();
    codes.retain(|code| seen.insert(code.clone()));
    codes
}

/// Waves that wait for each other, `A -> B -> A`, from the first one by position.
fn cycle(work: &WorkPlan, waits: &[Vec<String>]) -> Option<String> {
    let places: BTreeMap<&str, usize> =
        work.waves.iter().enumerate().rev().map(|(place, wave)| (wave.code.as_str(), place)).collect();
    let next = |place: usize| waits[place].iter().filter_map(|code| places.get(code.as_str()).copied());
    (0..work.waves.len()).find_map(|start| {
        // The shortest way back to the start: a wave reached before is not looked at again.
        let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(place) = queue.pop_front() {
            for to in next(place) {
                if to == start {
                    let mut way = vec![start];
                    let mut at = place;
                    while at != start {
                        way.push(at);
                        at = came_from.get(&at).copied().unwrap_or(start);
                    }
                    way.push(start);
                    way.reverse();
                    let names: Vec<&str> = way.iter().map(|&place| work.waves[place].code.as_str()).collect();
                    return Some(names.join(" -> "));
                }
                if let Entry::Vacant(free) = came_from.entry(to) {
                    free.insert(place);
                    queue.push_back(to);
                }
            }
        }
        None
    })
}

/// Whether criteria hold anything to verify.
fn has_criteria(criteria: &str) -> bool {
    let criteria = criteria.trim();
    match serde_json::from_str::<Value>(criteria) {
        Err(_) => !criteria.is_empty(),
        Ok(Value::Object(object)) => match object.get("verify") {
            Some(Value::Array(list)) => !list.is_empty(),
            Some(Value::Null) => false,
            Some(_) => true,
            None => !object.is_empty(),
        },
        Ok(Value::Array(list)) => !list.is_empty(),
        Ok(Value::Null) => false,
        Ok(Value::String(text)) => !text.trim().is_empty(),
        Ok(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(waves: &[(&str, &str)]) -> WorkPlan {
        let wave = |(code, depends_on): &(&str, &str)| WorkWave {
            code: (*code).to_owned(),
            depends_on: (*depends_on).to_owned(),
            ..WorkWave::default()
        };
        WorkPlan { waves: waves.iter().map(wave).collect(), ..WorkPlan::default() }
    }

    #[test]
    fn the_cycle_begins_with_the_first_wave_in_it() {
        for (waves, wanted) in [
            (&[("W1", ""), ("W2", "W1")][..], None),
            (&[("W1", "W1")], Some("W1 -> W1")),
            (&[("W1", "W2"), ("W2", "W1")], Some("W1 -> W2 -> W1")),
            (&[("W1", ""), ("W2", "W1, W3"), ("W3", "W1 W2")], Some("W2 -> W3 -> W2")),
            (&[("A", "B"), ("B", "C"), ("C", "A")], Some("A -> B -> C -> A")),
            (&[("A", "B,C"), ("B", "D"), ("C", "D"), ("D", "A")], Some("A -> B -> D -> A")),
            (&[("A", "B"), ("B", "C"), ("C", "B")], Some("B -> C -> B")),
            (&[("a/../b", "x/y"), ("x/y", "")], None),
        ] {
            let plan = plan(waves);
            let waits: Vec<_> = plan.waves.iter().map(waits_for).collect();
            assert_eq!(cycle(&plan, &waits).as_deref(), wanted, "{waves:?}");
        }
    }

    #[test]
    fn criteria_have_something_to_verify() {
        for (criteria, wanted) in [
            ("", false),
            ("null", false),
            (r#"{"verify":[]}"#, false),
            (r#"{"verify":["cargo test"]}"#, true),
            ("[]", false),
            (r#"["x"]"#, true),
            ("cargo test passes", true),
            ("{}", false),
        ] {
            assert_eq!(has_criteria(criteria), wanted, "{criteria}");
        }
    }
}

//! One wave of a plan.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use crewkit_tool::{Context, Refusal};

use super::{Arguments, Step, Whole, built, criteria, given_project, sized};
use crate::gates::requirements_of;
use crate::judgement;
use crate::plan_db::validate::readiness::find_wave;
use crate::plan_db::validate::{fxx, wave as rows};
use crate::requirements::State;

/// Looks at the wave that `given` names; it becomes done when all steps pass.
pub(super) fn look(context: &Context, args: &Arguments, given: &str) -> Result<Whole, Refusal> {
    let began = Instant::now();
    let (plan, plans) = (args.plan.0, context.store()?.plans());
    let brief = plans.brief(plan)?;
    let wave = find_wave(&plans.work(plan)?, given, plan)?.id;
    let facts = plans.wave_facts(wave)?;
    let worktree = facts.worktree.clone().or(brief.worktree).map(|path| context.expand_home(Path::new(&path)));
    let project = match (given_project(context)?, worktree) {
        (Some(path), _) => path,
        (None, Some(path)) if path.is_dir() => path,
        (None, _) => context.directory()?.to_owned(),
    };
    let against = rows::standing_against(&facts).lines().map(str::to_owned).collect();
    let mut steps = vec![Step::of("database", !facts.is_valid(), against)];
    let done = || facts.tasks.iter().filter(|task| task.status == "done").map(|task| task.id);
    let mut wanted = BTreeSet::new();
    for task in done() {
        wanted.extend(requirements_of(&plans.task_evidence(task)?));
    }
    steps.push(requirements(context, plan, &wanted));
    steps.push(built(context, &project, args.full));
    steps.push(sized(context, &project));
    if args.run_verify {
        steps.push(criteria(context, done())?);
    }
    let mut whole = Whole::of(plan, steps, facts.status.clone());
    whole.wave_id = Some(facts.code.clone());
    if whole.passed && !args.no_stamp {
        match plans.validate_wave(wave, false, &context.now())?.status {
            Some(status) => {
                (whole.stamped, whole.status) = (true, status);
                judgement::log_wave(context, facts.plan, &facts.code, "thor", &[], began);
            }
            None => whole.outdated(),
        }
    }
    Ok(whole)
}

/// The requirements that the wave's tasks serve: each has to have its box checked.
fn requirements(context: &Context, plan: i64, wanted: &BTreeSet<String>) -> Step {
    const NAME: &str = "requirements";
    if wanted.is_empty() {
        return Step::skipped(NAME, "no task of the wave names one");
    }
    let found = match fxx::of_plan(context, plan) {
        Ok(found) => found,
        Err(refusal) => return Step::of(NAME, true, vec![refusal.to_string()]),
    };
    let open = wanted.iter().filter_map(|id| {
        let mut rows = found.rows.iter().filter(|row| row.id == *id).peekable();
        if rows.peek().is_none() {
            return Some(format!("{id} is not in {}", found.path.display()));
        }
        rows.any(|row| row.state == State::Pending).then(|| format!("{id} is pending"))
    });
    let open: Vec<String> = open.collect();
    Step::of(NAME, !open.is_empty(), open)
}

//! The gates of a task, on its declared files.

use crewkit_store::plans::TaskEvidence;
use crewkit_tool::Context;

use super::changes::{self, Ground, Scope};
use super::{
    CONSTITUTION, CREDENTIALS, Gate, Mode, PATTERNS, QUALITY, REPOSITORY, Settings, TESTS_FIRST, Verdict, compliance,
    constitution, credentials, patterns, tests_first,
};
use crate::task_files;

/// The verdicts on a task.
#[derive(Debug)]
pub(crate) struct Judged {
    /// Each gate's, in order.
    pub(crate) gates: Vec<Gate>,
    /// The requirements that the task serves.
    pub(crate) requirements: Vec<String>,
    /// Whether a gate looked into code.
    pub(crate) saw_code: bool,
}

/// Runs the gates on `task` as `settings` ask for.
pub(crate) fn judge(context: &Context, settings: &Settings, task: &TaskEvidence) -> Judged {
    let requirements = compliance::requirements(task);
    let over_code = [CREDENTIALS, PATTERNS, TESTS_FIRST, CONSTITUTION];
    if settings.mode == Mode::Off {
        let all = [super::COMPLIANCE, QUALITY, CREDENTIALS, REPOSITORY, PATTERNS, TESTS_FIRST, CONSTITUTION];
        let gates = all.map(|name| Gate::skipped(name, "THOR_GATES=off")).to_vec();
        return Judged { gates, requirements, saw_code: false };
    }
    let declared = task_files::declared(&task.files, &task.description);
    let ground = changes::ground(context, task.worktree.as_deref(), Scope::Declared(&declared));
    let mut gates =
        vec![criteria(context, settings, task), Gate::skipped(QUALITY, "judged at wave level (validate-wave --full)")];
    let saw_code = matches!(ground, Ground::Changes(_));
    let [third, pattern, tests, ninth] = match &ground {
        Ground::None(why) => over_code.map(|name| Gate::skipped(name, format!("not judged: {why}"))),
        Ground::Unknown(why) => over_code.map(|name| Gate::cannot_tell(name, why)),
        Ground::Changes(changes) => [
            credentials::judge(changes),
            patterns::judge(context, changes),
            tests_first::judge(changes, Some(&task.kind)),
            constitution::judge(context, changes, Some(&task.kind)),
        ],
    };
    gates.push(third);
    gates.push(Gate::pass(REPOSITORY, "naming, structure and idioms are a reviewer's"));
    gates.extend([pattern, tests, ninth]);
    if settings.mode == Mode::Warn {
        soften(&mut gates);
    }
    Judged { gates, requirements, saw_code }
}

/// Runs gate 1 alone, with the task's criteria as `settings` ask for.
pub(crate) fn criteria(context: &Context, settings: &Settings, task: &TaskEvidence) -> Gate {
    let worktree = task.worktree.as_deref().map(|path| context.expand_home(path)).filter(|path| path.is_dir());
    compliance::judge(context, task, settings.run_verify, worktree.as_deref())
}

/// Takes rejections for matters of a person: what `THOR_GATES=warn` asks for.
pub(super) fn soften(gates: &mut [Gate]) {
    for gate in gates.iter_mut().filter(|gate| gate.result == Verdict::Reject) {
        gate.result = Verdict::Person;
        gate.findings.iter_mut().for_each(|finding| finding.rejects = false);
    }
}

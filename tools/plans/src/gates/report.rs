//! A verdict in words: the report that the database keeps, the block of a rejection, a reading for people.

use std::fmt::Write as _;

use crewkit_tool::text;
use serde::Serialize;
use serde_json::Value;

use super::{Finding, Gate, Mode, QUALITY, Settings, Verdict};

/// What the verdicts of all gates come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Outcome {
    /// Nothing rejects, and nothing is left to a person.
    Approved,
    /// Hard evidence.
    Rejected,
    /// Evidence is missing, or a person must judge.
    Challenged,
    /// Rejected so often that a person decides.
    Escalated,
}

/// What the verdicts come to.
pub(crate) fn outcome(gates: &[Gate]) -> Outcome {
    let any = |result| gates.iter().any(|gate| gate.result == result);
    match (any(Verdict::Reject), any(Verdict::Person)) {
        (true, _) => Outcome::Rejected,
        (false, true) => Outcome::Challenged,
        (false, false) => Outcome::Approved,
    }
}

/// The report on a task or wave.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report<'a> {
    /// The outcome.
    pub(crate) verdict: Outcome,
    /// The round that this is.
    pub(crate) round: i64,
    /// How strict the gates were.
    pub(crate) mode: Mode,
    /// Each gate's verdict.
    pub(crate) gates: &'a [Gate],
    /// Who judged.
    pub(crate) validated_by: &'a str,
    /// When, UTC.
    pub(crate) at: &'a str,
}

impl Report<'_> {
    /// As JSON text, with `given`, JSON text of a validator's own, under `report` as it is.
    pub(crate) fn json(&self, given: Option<&str>) -> String {
        // Names and texts alone cannot fail to be written.
        let mut whole = serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned());
        if let Some(given) = given {
            whole.pop();
            let _ = write!(whole, ",\"report\":{}}}", given.trim());
        }
        whole
    }
}

/// The names of the gates that passed and of those that rejected, as the audit log has them.
pub(crate) fn by_result(gates: &[Gate]) -> (Vec<Value>, Vec<Value>) {
    let of = |result| -> Vec<Value> {
        gates.iter().filter(|gate| gate.result == result).map(|gate| Value::String(gate.name.whole())).collect()
    };
    (of(Verdict::Pass), of(Verdict::Reject))
}

/// How sure a verdict is, from 0 to 1: rejections and whole approvals are; what is left to a person halves it.
pub(crate) fn confidence(outcome: Outcome, mode: Mode) -> f64 {
    match (mode, outcome) {
        (Mode::Off, _) => 0.0,
        (_, Outcome::Challenged) => 0.5,
        _ => 1.0,
    }
}

/// A rejected task.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rejected<'a> {
    /// Its code.
    pub(crate) task: &'a str,
    /// Rejections so far.
    pub(crate) round: i64,
    /// The settings that it was judged by.
    pub(crate) settings: &'a Settings,
    /// Each gate's verdict.
    pub(crate) gates: &'a [Gate],
    /// The requirements that it serves.
    pub(crate) requirements: &'a [String],
}

impl Rejected<'_> {
    /// The block that agents parse: YAML, texts quoted as JSON quotes them.
    pub(crate) fn block(&self) -> String {
        let quoted = |text: &str| Value::String(text::one_line(text)).to_string();
        let mut out = format!("THOR_REJECT:\n  round: {}/{}\n  failed_tasks:\n", self.round, self.settings.most);
        let all = self.gates.iter().flat_map(|gate| gate.findings.iter().map(move |finding| (gate, finding)));
        for (gate, finding) in all.filter(|(_, finding)| finding.rejects) {
            let issue = format!("gate {}: {}", gate.name.whole(), finding.issue);
            let _ = write!(
                out,
                "    - task_id: {}\n      issue: {}\n      evidence: {}\n      fix: {}\n",
                quoted(self.task),
                quoted(&issue),
                quoted(&finding.place()),
                quoted(&finding.fix)
            );
        }
        let build = match self.gates.iter().find(|gate| gate.name == QUALITY).map(|gate| gate.result) {
            Some(Verdict::Pass) => "PASS",
            Some(Verdict::Reject) => "FAIL",
            _ => "SKIPPED",
        };
        let is_plain =
            |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let requirements: Vec<String> =
            self.requirements.iter().map(|name| if is_plain(name) { name.clone() } else { quoted(name) }).collect();
        let _ = write!(out, "  build_status: {build}\n  blocking_fxx: [{}]\n", requirements.join(", "));
        out
    }
}

/// What the gates left to a person, a line each.
pub(crate) fn left_to_people(gates: &[Gate]) -> Vec<String> {
    let mut lines = Vec::new();
    for gate in gates {
        let told = gate.findings.iter().filter(|finding| !finding.rejects).map(Finding::whole);
        let bare = gate.evidence.iter().filter(|_| gate.result == Verdict::Person && gate.findings.is_empty()).cloned();
        lines.extend(told.chain(bare).map(|line| format!("[WARN] gate {}: {line}", gate.name.whole())));
    }
    lines
}

/// The verdicts for people: a line a gate, what it rests on below it.
pub(crate) fn explain(heading: &str, gates: &[Gate]) -> String {
    let mut out = format!("{}: {}\n", text::one_line(heading), word(outcome(gates)));
    for gate in gates {
        let result = match gate.result {
            Verdict::Pass => "pass",
            Verdict::Reject => "REJECT",
            Verdict::Person => "person",
            Verdict::Skipped => "skipped",
        };
        let _ = writeln!(out, "  {:<4}{:<16} {result}", gate.name.0, gate.name.1);
        if gate.findings.is_empty() {
            for line in &gate.evidence {
                let _ = writeln!(out, "      {}", text::one_line(line));
            }
        }
        for finding in &gate.findings {
            let _ = writeln!(
                out,
                "      {}\n        -> {}",
                text::one_line(&finding.whole()),
                text::one_line(&finding.fix)
            );
        }
    }
    out
}

/// The word for an outcome.
pub(crate) fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Approved => "APPROVED",
        Outcome::Rejected => "REJECTED",
        Outcome::Challenged => "CHALLENGED",
        Outcome::Escalated => "ESCALATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::CONSTITUTION;

    #[test]
    fn the_block_stays_readable_whatever_a_text_holds() {
        let settings = Settings { mode: Mode::Enforce, most: 3, run_verify: false, auto: true };
        let finding = Finding::at("a\n: b.ts", Some(3), "TODO: \"x\" in a comment", "settle it now");
        let gates = [Gate::of(CONSTITUTION, vec![finding], Vec::new(), "")];
        let requirements = ["F-01", "F-02: a]b", "", "x, y"].map(str::to_owned);
        let rejected =
            Rejected { task: "T1", round: 1, settings: &settings, gates: &gates, requirements: &requirements };
        let wanted = "THOR_REJECT:\n  round: 1/3\n  failed_tasks:\n    - task_id: \"T1\"\n      issue: \"gate 9 constitution: \
                      TODO: \\\"x\\\" in a comment\"\n      evidence: \"a\\\\n: b.ts:3\"\n      fix: \"settle it now\"\n  \
                      build_status: SKIPPED\n  blocking_fxx: [F-01, \"F-02: a]b\", \"\", \"x, y\"]\n";
        assert_eq!(rejected.block(), wanted);
    }
}

//! The report as SARIF 2.1.0 (OASIS, <https://docs.oasis-open.org/sarif/sarif/v2.1.0/>), for code hosts and editors.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::checks::{CHECKS, Severity};
use super::report::{Finding, Report};

/// The rule under which files over the line limit are listed.
const LINE_LIMIT: &str = "line_limit";

/// The whole log.
pub(super) fn log(report: &Report) -> Value {
    let mut rules: Vec<Value> = CHECKS.iter().map(|check| rule(check.name, check.summary)).collect();
    rules.push(rule(LINE_LIMIT, "a file has more lines than the limit"));
    let findings = report.results.iter().flat_map(|result| {
        let level = match result.severity {
            Severity::P1 => "error",
            Severity::P2 => "warning",
            Severity::P3 => "note",
        };
        result
            .findings
            .iter()
            .map(move |finding| entry(result.check, level, &message(finding), &finding.file, finding.line))
    });
    let mut results: Vec<Value> = findings.collect();
    results.extend(report.line_limit.findings.iter().map(|long| {
        let message = format!("{} lines, at most {}", long.lines, report.line_limit.max_lines);
        entry(LINE_LIMIT, "error", &message, &long.file, None)
    }));
    results.extend(report.waived.iter().map(|waived| {
        let summary = CHECKS.iter().find(|check| check.name == waived.check).map_or("", |check| check.summary);
        let mut result = entry(waived.check, "note", summary, &waived.file, waived.line);
        result["suppressions"] = json!([{"kind": "inSource", "justification": waived.reason}]);
        result
    }));
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "code-pattern-check",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(name: &str, summary: &str) -> Value {
    json!({"id": name, "shortDescription": {"text": summary}})
}

fn message(finding: &Finding) -> String {
    let place = finding.line.map_or_else(String::new, |line| format!("{}:{line}:", finding.file));
    finding.body.strip_prefix(&place).unwrap_or(&finding.body).trim().to_owned()
}

fn entry(rule: &str, level: &str, message: &str, file: &str, line: Option<usize>) -> Value {
    let mut location = json!({"artifactLocation": {"uri": uri(file)}});
    if let Some(line) = line {
        location["region"] = json!({"startLine": line});
    }
    json!({"ruleId": rule, "level": level, "message": {"text": message}, "locations": [{"physicalLocation": location}]})
}

/// A path as a relative reference (RFC 3986, 4.2).
fn uri(path: &str) -> String {
    path.trim_start_matches("./").bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

//! Audits of Node.js's package managers: npm 7 and later, the older report that pnpm still writes, Yarn, Bun.

use std::collections::{HashSet, VecDeque};

use serde_json::{Map, Value};

use super::finding::{Audit, Finding, Severity, Totals};

/// Most packages of a path.
const LONGEST_PATH: usize = 8;

/// The report of npm 7 and later (`auditReportVersion` 2): one entry a package, whose `via` holds advisories, or the names
/// of packages that it comes through. `None` without totals.
pub(super) fn npm(report: &Value) -> Option<Audit> {
    let totals = totals(report)?;
    let packages = report["vulnerabilities"].as_object()?;
    let mut fixable = 0;
    let findings = packages.iter().map(|(name, entry)| {
        let fix = &entry["fixAvailable"];
        fixable += usize::from(*fix == Value::Bool(true));
        let first = entry["via"].as_array().and_then(|via| {
            let title = via.iter().find_map(|one| one["title"].as_str());
            title.or_else(|| via.iter().find_map(Value::as_str))
        });
        let direct = entry["isDirect"].as_bool();
        Finding {
            title: first.unwrap_or_default().to_owned(),
            fixable: if fix.is_boolean() || fix.is_object() { fix.clone() } else { Value::Null },
            range: text(entry, "range"),
            direct,
            path: if direct == Some(false) { path_to(name, packages) } else { Vec::new() },
            ..Finding::new(name, Severity::of(&text(entry, "severity")))
        }
    });
    let findings = findings.collect();
    Some(Audit { fixable: Some(fixable), ..Audit::of(findings, Some(totals)) })
}

/// The shortest way from a package that the project asks for to `name`, both included, over the packages it affects.
fn path_to(name: &str, packages: &Map<String, Value>) -> Vec<String> {
    let mut waiting = VecDeque::from([vec![name]]);
    let mut seen = HashSet::from([name]);
    while let Some(way) = waiting.pop_front() {
        let Some(entry) = way.last().and_then(|last| packages.get(*last)) else { continue };
        if way.len() > 1 && entry["isDirect"] == Value::Bool(true) {
            return way.into_iter().rev().map(str::to_owned).collect();
        }
        if way.len() < LONGEST_PATH {
            for above in entry["effects"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                if seen.insert(above) {
                    waiting.push_back(way.iter().copied().chain([above]).collect());
                }
            }
        }
    }
    Vec::new()
}

/// `metadata.vulnerabilities`: without it no audit took place.
fn totals(report: &Value) -> Option<Totals> {
    let counts = report["metadata"]["vulnerabilities"].as_object()?;
    totals_of(counts)
}

fn totals_of(counts: &Map<String, Value>) -> Option<Totals> {
    let count = |name: &str| counts.get(name).and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok());
    let (critical, high, moderate, low) = (count("critical")?, count("high")?, count("moderate")?, count("low")?);
    let info = count("info").unwrap_or(0);
    let sum = [critical, high, moderate, low, info].into_iter().fold(0_usize, usize::saturating_add);
    let total = count("total").unwrap_or(sum);
    Some(Totals { critical, high, moderate, low, info, unrated: total.saturating_sub(sum), total })
}

/// The report of npm 6, which pnpm and Yarn 2 and 3 write too: advisories by number.
pub(super) fn advisories(report: &Value) -> Option<Audit> {
    let totals = totals(report)?;
    let found = report["advisories"].as_object()?.values().map(advisory).collect();
    Some(Audit::of(found, Some(totals)))
}

fn advisory(entry: &Value) -> Finding {
    let patched = text(entry, "patched_versions");
    let none = patched == "<0.0.0";
    let mut path = Vec::new();
    if let Some(first) = entry["findings"][0]["paths"][0].as_str() {
        let parts = first.split('>').map(str::trim).filter(|part| !part.is_empty() && *part != ".");
        path = parts.take(LONGEST_PATH).map(str::to_owned).collect();
    }
    let direct = (!path.is_empty()).then_some(path.len() == 1);
    if path.len() == 1 {
        path.clear();
    }
    Finding {
        title: text(entry, "title"),
        fixable: if none { Value::Bool(false) } else { Value::Null },
        fix: if none { String::new() } else { patched },
        range: text(entry, "vulnerable_versions"),
        direct,
        path,
        ..Finding::new(&text(entry, "module_name"), Severity::of(&text(entry, "severity")))
    }
}

/// Yarn 1: an object a line, the totals in the last one.
pub(super) fn yarn(values: &[Value]) -> Option<Audit> {
    let of = |kind: &'static str| values.iter().filter(move |value| value["type"] == kind).map(|value| &value["data"]);
    let totals = totals_of(of("auditSummary").next_back()?["vulnerabilities"].as_object()?)?;
    // The same advisory comes once for each way to its package.
    let mut seen = HashSet::new();
    let found = of("auditAdvisory")
        .filter(|data| seen.insert((data["advisory"]["id"].to_string(), text(&data["advisory"], "module_name"))))
        .map(|data| advisory(&data["advisory"]));
    Some(Audit::of(found.collect(), Some(totals)))
}

/// Yarn 4: an object a line for each advisory, and nothing where there is none.
pub(super) fn berry(values: &[Value]) -> Option<Audit> {
    let found: Option<Vec<Finding>> = values
        .iter()
        .map(|value| {
            let of = value["children"].as_object()?;
            let of = |name: &str| of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let range = of("Vulnerable Versions");
            Some(Finding {
                title: of("Issue"),
                range,
                ..Finding::new(value["value"].as_str()?, Severity::of(&of("Severity")))
            })
        })
        .collect();
    Some(Audit::of(found?, None))
}

/// Bun: for each package a list of the registry's advisories; an empty object where there is none.
pub(super) fn bun(report: &Value) -> Option<Audit> {
    let mut found = Vec::new();
    for (name, advisories) in report.as_object()? {
        for entry in advisories.as_array()? {
            let severity = Severity::of(entry["severity"].as_str()?);
            let (title, range) = (text(entry, "title"), text(entry, "vulnerable_versions"));
            found.push(Finding { title, range, ..Finding::new(name, severity) });
        }
    }
    Some(Audit::of(found, None))
}

/// Why a manager made no report: npm's and pnpm's `error` object, Yarn's error line.
pub(super) fn reason(values: &[Value]) -> Option<String> {
    values.iter().rev().find_map(|value| {
        if value["type"] == "error" {
            return value["data"].as_str().map(str::to_owned);
        }
        let error = value.get("error").filter(|error| !error.is_null())?;
        let said = [&error["summary"], &error["message"], &value["message"], &error["detail"], &error["code"], error];
        said.into_iter().filter_map(Value::as_str).find(|text| !text.is_empty()).map(str::to_owned)
    })
}

/// The text of a key; empty where there is none.
pub(super) fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

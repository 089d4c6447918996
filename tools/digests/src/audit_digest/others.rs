//! Audits of crates (cargo audit) and of Python packages (pip-audit).

use serde_json::Value;

use super::cvss;
use super::finding::{Audit, Finding, Severity};
use super::node::text;

/// `cargo audit --json`: `vulnerabilities.list`, and warnings by kind.
pub(super) fn cargo(report: &Value) -> Option<Audit> {
    let list = report["vulnerabilities"]["list"].as_array()?;
    let found = list.iter().map(|entry| {
        let advisory = &entry["advisory"];
        let versions = |key: &str| {
            let list = entry["versions"][key].as_array().into_iter().flatten().filter_map(Value::as_str);
            list.collect::<Vec<_>>().join(", ")
        };
        let patched = versions("patched");
        let severity = match advisory["cvss"].as_str().and_then(cvss::base_score) {
            Some(score) => Severity::of_score(score),
            None => Severity::of(advisory["severity"].as_str().unwrap_or_default()),
        };
        Finding {
            title: format!("{} {}", text(advisory, "id"), text(advisory, "title")).trim().to_owned(),
            fixable: if patched.is_empty() { Value::Bool(false) } else { Value::Null },
            fix: patched,
            range: text(&entry["package"], "version"),
            ..Finding::new(&text(&entry["package"], "name"), severity)
        }
    });
    let mut audit = Audit::of(found.collect(), None);
    let counted = report["vulnerabilities"]["count"].as_u64();
    audit.contradicts |= counted.is_some_and(|count| count != list.len() as u64);
    for (kind, list) in report["warnings"].as_object().into_iter().flatten() {
        audit.warnings.insert(kind.clone(), list.as_array().map_or(0, Vec::len));
    }
    audit.warnings.retain(|_, count| *count > 0);
    Some(audit)
}

/// `pip-audit -f json`: a list of packages with their holes, which have no severity; some could not be looked up.
pub(super) fn pip(report: &Value) -> Option<Audit> {
    let packages = report["dependencies"].as_array()?;
    let (mut found, mut skipped) = (Vec::new(), Vec::new());
    for package in packages {
        let name = text(package, "name");
        if let Some(why) = package["skip_reason"].as_str() {
            // The project's own code is nobody's to look up.
            if !why.contains("editable") {
                skipped.push(name);
            }
            continue;
        }
        for hole in package["vulns"].as_array()? {
            let fixes: Vec<&str> =
                hole["fix_versions"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let said = text(hole, "description");
            let sentence = said.lines().next().unwrap_or_default();
            found.push(Finding {
                title: format!("{} {sentence}", text(hole, "id")).trim().to_owned(),
                fixable: if fixes.is_empty() { Value::Bool(false) } else { Value::Null },
                fix: fixes.join(", "),
                range: text(package, "version"),
                ..Finding::new(&name, Severity::Unrated)
            });
        }
    }
    Some(Audit { skipped, ..Audit::of(found, None) })
}

/// `uv audit --output-format json` (a preview of uv's): a list of holes without severity, and their number.
pub(super) fn uv(report: &Value) -> Option<Audit> {
    let counted = report["summary"]["vulnerabilities"].as_u64()?;
    report["summary"]["audited_packages"].as_u64()?;
    let list = report["vulnerabilities"].as_array()?;
    let found = list.iter().map(|hole| {
        let fixes: Vec<&str> =
            hole["fix_versions"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let said = [text(hole, "summary"), text(hole, "description")].into_iter().find(|said| !said.is_empty());
        let sentence = said.as_deref().and_then(|said| said.lines().next()).unwrap_or_default().to_owned();
        Finding {
            title: format!("{} {sentence}", text(hole, "id")).trim().to_owned(),
            fixable: if fixes.is_empty() { Value::Bool(false) } else { Value::Null },
            fix: fixes.join(", "),
            range: text(&hole["dependency"], "version"),
            ..Finding::new(&text(&hole["dependency"], "name"), Severity::Unrated)
        }
    });
    let mut audit = Audit::of(found.collect(), None);
    audit.contradicts |= counted != list.len() as u64;
    Some(audit)
}

//! Output of pip and uv.

use super::report::{Report, number_before};

/// One line of pip's.
pub(super) fn pip(report: &mut Report, line: &str) {
    let text = line.trim();
    if let Some(names) = text.strip_prefix("Successfully installed ") {
        report.end_block();
        report.came.extend(names.split(' ').filter_map(name_of_file).map(str::to_owned));
        report.packages = Some(report.packages.unwrap_or(0) + report.came.len());
        settle(report);
    } else if let Some(name) = text.strip_prefix("Successfully uninstalled ") {
        report.end_block();
        report.went.extend(name_of_file(name).map(str::to_owned));
        settle(report);
    } else if text.starts_with("Requirement already satisfied: ") {
        report.end_block();
        report.packages = Some(report.packages.unwrap_or(0) + 1);
        settle(report);
    } else if text.starts_with("ERROR: ") || text.starts_with("error: ") || text.starts_with("× ") {
        report.error_block(text);
    } else if is_step(text) {
        report.end_block();
    } else if text.starts_with("DEPRECATION: ") {
        report.deprecated += 1;
    } else if !is_frame(text) {
        report.follows(text);
    }
}

/// pip's words of what it is doing, which end an error.
fn is_step(text: &str) -> bool {
    let steps = [
        "Collecting ",
        "Downloading ",
        "Looking in ",
        "Processing ",
        "Using cached ",
        "Installing ",
        "Building ",
        "WARNING: ",
        "INFO: ",
        "[notice]",
        "Preparing ",
        "Getting requirements ",
        "Obtaining ",
        "Found existing ",
        "Attempting ",
        "Uninstalling ",
        "Stored in ",
        "Created wheel ",
    ];
    steps.iter().any(|step| text.starts_with(step)) && !text.contains("did not run successfully")
}

/// The box that pip draws around another program's output.
fn is_frame(text: &str) -> bool {
    matches!(text, "[end of output]" | "│" | "╰─> See above for output.")
        || text.starts_with("note: This error originates")
        || text.starts_with('━')
}

/// The project of `requests-2.20.0` or `requests 2.20.0`.
fn name_of_file(text: &str) -> Option<&str> {
    let name = text.trim().rsplit_once('-').map_or(text.trim(), |(name, _)| name);
    (!name.is_empty()).then_some(name)
}

/// One line of uv's.
pub(super) fn uv(report: &mut Report, line: &str) {
    let text = line.trim();
    let counted = |verb: &str| text.strip_prefix(verb).and_then(|rest| number_before(rest, "package"));
    if text.starts_with("error:") || text.starts_with("× ") || text.starts_with("error[") {
        report.error_block(text);
    } else if let Some(count) = counted("Resolved ").or_else(|| counted("Checked ").or_else(|| counted("Audited "))) {
        report.end_block();
        report.packages = Some(report.packages.unwrap_or(0).max(count));
        settle(report);
    } else if counted("Installed ").or_else(|| counted("Uninstalled ")).or_else(|| counted("Prepared ")).is_some() {
        report.end_block();
    } else if let Some((sign, name)) = listed(line) {
        match sign {
            '+' => drop(report.came.insert(name)),
            '-' => drop(report.went.insert(name)),
            _ => {
                report.came.insert(name.clone());
                report.went.insert(name);
            }
        }
        settle(report);
    } else if text.starts_with("warning:") {
        report.end_block();
    } else {
        report.follows(text);
    }
}

/// ` + requests==2.34.2`: the sign and the name.
fn listed(line: &str) -> Option<(char, String)> {
    let rest = line.strip_prefix(' ')?;
    let sign = rest.chars().next().filter(|c| matches!(c, '+' | '-' | '~'))?;
    let name = rest[1..].strip_prefix(' ')?;
    let end = name.find(['=', ' ', '@']).unwrap_or(name.len());
    (end > 0 && (name.contains("==") || name.contains(" @ "))).then(|| (sign, name[..end].to_owned()))
}

/// What came and went, as counts.
fn settle(report: &mut Report) {
    let changed = report.came.intersection(&report.went).count();
    report.added = Some(report.came.len() - changed);
    report.removed = Some(report.went.len() - changed);
    report.changed = Some(changed);
    report.complete = true;
}

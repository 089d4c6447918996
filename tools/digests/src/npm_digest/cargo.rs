//! Output of Cargo where it fetches, adds, updates and removes crates.

use super::report::{Report, number_before};

/// One line of it.
pub(super) fn line(report: &mut Report, line: &str) {
    let text = line.trim();
    if text.starts_with("error:") || text.starts_with("error[") {
        report.error_block(text);
        return;
    }
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    let is_crate = rest.split(' ').nth(1).is_some_and(is_version);
    match verb {
        "Locking" => {
            report.end_block();
            report.added = number_before(rest, "package");
            (report.changed, report.removed, report.complete) =
                (report.changed.or(Some(0)), report.removed.or(Some(0)), true);
        }
        "Adding" => {
            // Listed after "Locking N packages", of which they are a part, or by `cargo add`.
            report.end_block();
            if !rest.contains("available:") && rest.contains(" to ") {
                report.added = Some(report.added.unwrap_or(0).max(1));
            }
        }
        "Updating" | "Downgrading" if is_crate && rest.contains(" -> ") => {
            report.end_block();
            report.changed = Some(report.changed.unwrap_or(0) + 1);
            report.added = report.added.map(|added| added.saturating_sub(1));
        }
        "Removing" => {
            report.end_block();
            report.removed = Some(report.removed.unwrap_or(0) + 1);
            report.complete = true;
        }
        "Downloaded" => {
            report.end_block();
            let counted = number_before(rest, "crate");
            report.packages = counted.or_else(|| Some(report.packages.unwrap_or(0) + 1));
            report.complete = true;
        }
        "Installed" | "Replaced" | "Finished" => {
            report.end_block();
            report.complete = true;
        }
        "Updating" | "Downloading" | "Compiling" | "Blocking" | "Fetch" | "Features:" | "Checking" | "note:"
        | "warning:" => {
            report.end_block();
        }
        _ => drop(report.follows(text)),
    }
}

fn is_version(word: &str) -> bool {
    word.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

//! npm's output (6 to 11).

use super::report::Report;

/// One line of it.
pub(super) fn line(report: &mut Report, line: &str) {
    let marked = |words: &[&str]| {
        words.iter().find_map(|word| {
            let rest = line.strip_prefix("npm ")?.strip_prefix(word)?;
            (rest.is_empty() || rest.starts_with(' ')).then(|| rest.strip_prefix(' ').unwrap_or(rest))
        })
    };
    if let Some(rest) = marked(&["error", "ERR!"]) {
        if !is_noise(report, rest) {
            report.error(line);
        }
    } else if let Some(rest) = marked(&["warn", "WARN"]) {
        if rest.starts_with("deprecated ") {
            report.deprecated += 1;
        } else if rest.to_ascii_lowercase().contains("peer") {
            report.peer_warnings.push(rest.to_owned());
        }
    } else if !line.starts_with("npm notice") && !summary(report, line.trim()) && report.errors_total() == 0 {
        report.unmarked(line);
    }
}

/// Whether a line of an error says nothing of the error: help on usage, places of npm's own reports, stack frames.
fn is_noise(report: &mut Report, rest: &str) -> bool {
    let text = rest.trim();
    if text == "Usage:" {
        report.in_usage = true;
    }
    let places =
        ["A complete log of this run", "For a full report see", "tarball, folder, http url", "Note that you can also"];
    let of_code = text.strip_prefix("404 ").unwrap_or(text);
    report.in_usage
        || matches!(text, "" | "}" | "Clean install a project")
        // The mark of a kind of error, with nothing after it: `enoent`, `404`.
        || text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        || places.iter().any(|place| of_code.starts_with(place))
        || (text.starts_with('/') && text.ends_with("-report.txt"))
        || rest.trim_start().starts_with("at ") && rest.starts_with("    ")
        || (text.ends_with(',') && rest.starts_with("  ") && text.split_once(": ").is_some_and(|(key, _)| is_word(key)))
}

fn is_word(text: &str) -> bool {
    text.chars().all(char::is_alphanumeric)
}

/// The summary: "added 312 packages, removed 2 packages, changed 5 packages, and audited 1024 packages in 9s", "up to
/// date in 700ms"; npm 6 puts "from 3 contributors" between.
fn summary(report: &mut Report, text: &str) -> bool {
    let first = text.split([' ', ',']).next().unwrap_or_default();
    let up_to_date = text.starts_with("up to date");
    if !up_to_date && !["added", "removed", "changed", "updated", "moved", "audited"].contains(&first) {
        return false;
    }
    let words: Vec<&str> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let mut found = up_to_date;
    let mut counts = [None; 4];
    for triple in words.windows(3) {
        let (verb, number, noun) = (triple[0], triple[1].parse::<usize>(), triple[2]);
        let Ok(number) = number else { continue };
        if !matches!(noun, "package" | "packages") {
            continue;
        }
        let at = match verb {
            "added" => 0,
            "removed" => 1,
            "changed" | "updated" => 2,
            "audited" => 3,
            _ => continue,
        };
        counts[at] = Some(number);
        found = true;
    }
    if found {
        let [added, removed, changed, audited] = counts;
        report.added = added.or(Some(0));
        report.removed = removed.or(Some(0));
        report.changed = changed.or(Some(0));
        report.packages = audited.or(added);
        report.complete = true;
    }
    found
}

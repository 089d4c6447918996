//! Output of pnpm (8 to 10), Yarn (1 and later) and Bun.

use super::report::{Report, number_before};

/// One line of pnpm's.
pub(super) fn pnpm(report: &mut Report, line: &str) {
    let text = line.trim();
    let begins = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
    if begins(&["ERR_PNPM", "[ERR_PNPM", "ELIFECYCLE", "ERROR "]) {
        report.peers_of = None;
        report.error_block(text);
        if text.contains("PEER_DEP") {
            report.peers_of = Some(String::new());
        }
    } else if let Some(said) = text.strip_prefix("WARN").or_else(|| text.strip_prefix("[WARN]")) {
        report.end_block();
        let said = said.trim_start();
        report.peers_of = said.contains("peer dependencies").then(String::new);
        if said.starts_with("deprecated ") {
            report.deprecated += 1;
        } else if said.contains("deprecated subdependencies") {
            report.deprecated += number_before(said, "deprecated").unwrap_or(0);
        }
    } else if let Some(counts) = text.strip_prefix("Packages: ") {
        report.end_block();
        for count in counts.split(' ') {
            match (count.strip_prefix('+'), count.strip_prefix('-')) {
                (Some(added), _) => report.added = added.parse().ok(),
                (_, Some(removed)) => report.removed = removed.parse().ok(),
                _ => {}
            }
        }
    } else if let Some(progress) = text.strip_prefix("Progress: resolved ") {
        report.end_block();
        report.packages = progress.split(',').next().and_then(|number| number.parse().ok());
    } else if begins(&["Already up to date", "Done in "]) {
        report.end_block();
        report.complete = true;
    } else if !peer_of_tree(report, text) && !is_progress_bar(text) {
        report.follows(line);
    }
}

fn is_progress_bar(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '+' | '-'))
}

/// pnpm's tree of peers that do not fit: the package on one line, its peers on the next ones.
fn peer_of_tree(report: &mut Report, text: &str) -> bool {
    let Some(of) = &report.peers_of else { return false };
    let is_branch = text.starts_with(['├', '└', '│']);
    let said = text.trim_start_matches(['├', '└', '│', '─', '┬', ' ']);
    if let Some(peer) = said.strip_prefix("✕ ") {
        let warning = if of.is_empty() { peer.to_owned() } else { format!("{of}: {peer}") };
        report.peer_warnings.push(warning);
        return true;
    }
    if is_branch {
        report.peers_of = Some(said.to_owned());
    }
    is_branch || text == "."
}

/// One line of Yarn's.
pub(super) fn yarn(report: &mut Report, line: &str) {
    let text = line.trim();
    if let Some(said) = text.strip_prefix("➤ YN") {
        berry(report, said);
        return;
    }
    if text.starts_with("error ") || text.starts_with("Error: ") || text.starts_with("Usage Error: ") {
        report.error_block(text);
    } else if let Some(warning) = text.strip_prefix("warning ") {
        report.end_block();
        if warning.contains(" peer ") {
            report.peer_warnings.push(warning.to_owned());
        } else if warning.contains("deprecated") || warning.contains("no longer supported") {
            report.deprecated += 1;
        }
    } else if let Some(success) = text.strip_prefix("success ") {
        report.end_block();
        report.complete = true;
        if success.starts_with("Saved ") && success.contains("new depend") {
            report.added = success.split(' ').nth(1).and_then(|number| number.parse().ok());
        }
    } else if text.starts_with("info ") || text.starts_with("Done in ") {
        report.end_block();
    } else if !text.starts_with(['[', '├', '└']) && !text.starts_with("yarn ") {
        report.follows(line);
    }
}

/// Yarn 2 and later: "➤ YN0028: │ The lockfile would have been modified by this install". What a code means:
/// <https://yarnpkg.com/advanced/error-codes>.
fn berry(report: &mut Report, said: &str) {
    let (code, rest) = said.split_once(": ").unwrap_or((said, ""));
    let rest = rest.trim_start_matches(['┌', '│', '└', '·', ' ']);
    match code {
        "0002" | "0060" | "0086" if rest.contains("peer") || code != "0086" => {
            report.peer_warnings.push(rest.to_owned());
        }
        "0061" => report.deprecated += 1,
        "0085" => {
            let more = rest.rsplit_once("and ").and_then(|(_, more)| number_before(more, "more")).unwrap_or(0);
            let named = |sign: &str| {
                rest.split(", ").filter(|part| !part.starts_with("and ")).any(|part| part.starts_with(sign))
            };
            let shown = rest.split(", ").filter(|part| !part.starts_with("and ")).count();
            if named("+") {
                report.added = Some(shown + more);
            } else if named("-") {
                report.removed = Some(shown + more);
            }
        }
        "0000" if rest.starts_with("Done") => report.complete = true,
        "0000" if rest.starts_with("Failed") => {
            report.complete = true;
            report.error(rest);
        }
        "0001" | "0009" | "0010" | "0014" | "0015" | "0016" | "0018" | "0020" | "0021" | "0022" | "0027" | "0028"
        | "0035" | "0041" | "0046" | "0047" | "0050" | "0057" | "0058" | "0066" | "0071" | "0075" | "0078" | "0082"
            // A lock file's difference is listed line by line before it is named.
            if !rest.starts_with(['+', '-']) =>
        {
            report.error(&format!("YN{code}: {rest}"));
        }
        _ => {}
    }
}

/// One line of Bun's.
pub(super) fn bun(report: &mut Report, line: &str) {
    let text = line.trim();
    let ends_in_time = text.ends_with("s]");
    if text.starts_with("error:") || text.starts_with("error ") {
        report.error_block(text);
    } else if let Some(warning) = text.strip_prefix("warn: ") {
        report.end_block();
        if warning.contains("peer") {
            report.peer_warnings.push(warning.to_owned());
        }
    } else if ends_in_time && (text.contains(" installed [") || text.contains(" removed [")) {
        report.end_block();
        let count = number_before(text, "package");
        if text.contains(" removed [") {
            report.removed = count;
        } else {
            report.added = count;
        }
        report.complete = true;
    } else if let Some(checked) = text.strip_prefix("Checked ") {
        report.end_block();
        report.packages = number_before(checked, "package");
        (report.added, report.complete) = (Some(0), true);
    } else {
        report.follows(line);
    }
}

//! Gate 9: nothing put off (markers, swallowed errors, suppressed checks) in changed lines, no file over the limit of lines.

use crewkit_scan::line_limit;
use crewkit_tool::Context;

use super::changes::{ChangedFile, Changes};
use super::comments::{self, COMMENT, Parts};
use super::{CONSTITUTION, Finding, Gate};

/// `kind` is the type of the task, `None` for a wave.
pub(super) fn judge(context: &Context, changes: &Changes, kind: Option<&str>) -> Gate {
    let (mut rejected, mut told) = (Vec::new(), changes.not_judged());
    for (file, text) in changes.texts() {
        if !crewkit_scan::names::is_minified(&file.path)
            && let Some(language) = comments::of_file(&file.name, &file.ending())
        {
            let parts = comments::read(text, language);
            rejected.extend(put_off(file, &parts));
            rejected.extend(swallowed(file, &parts.code));
        }
        let lines = line_limit::count(text);
        if lines > line_limit::DEFAULT && !line_limit::exempt(&file.path) {
            let issue = format!("{lines} lines, the limit is {}", line_limit::DEFAULT);
            let finding = |issue| Finding::at(&file.name, None, issue, "split it");
            match changes.lines_before(context, file) {
                Some(before) if before > line_limit::DEFAULT && lines <= before => {
                    told.push(finding(format!("{issue} (it had {before} before)")));
                }
                _ => rejected.push(finding(issue)),
            }
        }
        if kind.is_some_and(|kind| matches!(kind, "documentation" | "doc")) && is_decision(file) {
            told.extend(decision(file, text));
        }
    }
    Gate::of(CONSTITUTION, rejected, told, changes.looked_at())
}

/// Markers and suppressions in comments.
fn put_off(file: &ChangedFile, parts: &Parts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, comment) in parts.comments.iter().filter(|(line, _)| file.has(*line)) {
        for marker in ["TODO", "FIXME", "@ts-nocheck"] {
            if word(comment, marker).is_some() {
                let fix =
                    if marker.starts_with('@') { "take it out and settle what it hides" } else { "settle it now" };
                findings.push(Finding::at(&file.name, Some(*line), format!("{marker} in a comment"), fix));
            }
        }
        if let Some(behind) = word(comment, "@ts-ignore")
            && !comment[behind..].chars().any(char::is_alphanumeric)
        {
            let issue = "@ts-ignore without a reason";
            findings.push(Finding::at(&file.name, Some(*line), issue, "settle the error, or say why it stays"));
        }
    }
    findings
}

/// Where the first whole word `wanted` in `text` ends.
fn word(text: &str, wanted: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(wanted).map(|(at, _)| (at, at + wanted.len())).find_map(|(start, end)| {
        let before = text[..start].chars().next_back().is_some_and(is_part);
        let behind = text[end..].chars().next().is_some_and(is_part);
        (!before && !behind).then_some(end)
    })
}

/// Errors that are caught and dropped. A comment in the place of the handling counts as a reason.
fn swallowed(file: &ChangedFile, code: &str) -> Vec<Finding> {
    let found = match file.ending().as_str() {
        "py" => passes(code).into_iter().map(|(first, last)| (first, last, "except with nothing but pass")).collect(),
        "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" | "java" | "kt" | "kts" | "cs" | "php"
        | "swift" | "dart" | "scala" | "groovy" | "cc" | "cpp" | "cxx" | "hpp" => {
            catches(code).into_iter().map(|(first, last)| (first, last, "empty catch")).collect()
        }
        _ => Vec::new(),
    };
    let changed = found.into_iter().filter(|(first, last, _)| file.has_any(*first, *last));
    let finding = |(line, _, issue)| Finding::at(&file.name, Some(line), issue, "handle the error, or let it pass on");
    changed.map(finding).collect()
}

/// The first and last line of each `catch` with an empty body.
fn catches(code: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("catch") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '$')) {
            continue;
        }
        let mut rest = code[at + "catch".len()..].trim_start();
        if rest.starts_with('(') {
            let Some(end) = closing(rest) else { continue };
            rest = rest[end..].trim_start();
        }
        let Some(body) = rest.strip_prefix('{').map(str::trim_start) else { continue };
        if body.starts_with('}') {
            let line = |end: usize| 1 + code[..end].matches('\n').count();
            found.push((line(at), line(code.len() - body.len())));
        }
    }
    found
}

/// Behind the bracket that closes the one `text` begins with.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    text.char_indices().find_map(|(at, c)| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        (depth == 0).then_some(at + c.len_utf8())
    })
}

/// The first and last line of each `except` whose body is `pass` alone.
fn passes(code: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = code.lines().collect();
    let mut found = Vec::new();
    let indent = |line: &str| line.len() - line.trim_start().len();
    for (at, line) in lines.iter().enumerate() {
        let Some(rest) = line.trim_start().strip_prefix("except") else { continue };
        if !rest.starts_with([':', ' ', '(', '*']) || rest.contains(COMMENT) {
            continue;
        }
        let Some((_, body)) = rest.rsplit_once(':') else { continue };
        if body.trim() == "pass" {
            found.push((at + 1, at + 1));
            continue;
        }
        let mut behind = (at + 1..lines.len()).filter(|next| !lines[*next].trim().is_empty());
        let (Some(first), second) = (behind.next(), behind.next()) else { continue };
        let ends = second.is_none_or(|second| indent(lines[second]) < indent(lines[first]));
        if body.trim().is_empty() && lines[first].trim() == "pass" && ends {
            found.push((at + 1, first + 1));
        }
    }
    found
}

/// Whether a file is the record of a decision.
fn is_decision(file: &ChangedFile) -> bool {
    (file.name.starts_with("docs/adr/") || file.name.contains("/docs/adr/")) && file.ending() == "md"
}

/// What the record of a decision lacks.
fn decision(file: &ChangedFile, text: &str) -> Option<Finding> {
    let name = file.name.rsplit('/').next().unwrap_or_default().to_lowercase();
    if matches!(name.as_str(), "index.md" | "readme.md" | "template.md") {
        return None;
    }
    let small = text.to_lowercase();
    let has = |part: &&&str| {
        small.lines().any(|line| {
            let line = line.trim_start_matches(['#', '*', '-', ' ', '|', '_']);
            line.starts_with(**part)
        })
    };
    let missing: Vec<&str> =
        ["status", "context", "decision", "consequences"].iter().filter(|part| !has(part)).copied().collect();
    let issue = || format!("the decision lacks: {}", missing.join(", "));
    (!missing.is_empty()).then(|| Finding::at(&file.name, None, issue(), "add these parts"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(ending: &str, text: &str) -> String {
        comments::read(text, comments::of_file("x", ending).unwrap()).code
    }

    #[test]
    fn markers_are_whole_words() {
        for (text, found) in [
            ("// TODO: later", true),
            ("// TODO(al)", true),
            ("//TODO", true),
            ("// TODOs", false),
            ("// MY_TODO", false),
            ("// todo", false),
            ("// no TODOS, one TODO", true),
        ] {
            assert_eq!(word(text, "TODO").is_some(), found, "{text}");
        }
        assert_eq!(word("// @ts-ignore", "@ts-ignore"), Some(13));
    }

    #[test]
    fn an_empty_catch_is_one_without_even_a_comment() {
        for (text, wanted) in [
            ("try { a() } catch {}", &[(1, 1)][..]),
            ("try {\n a()\n} catch (e) {\n\n}", &[(3, 5)]),
            ("try { a() } catch (e: Error | f()) { }", &[(1, 1)]),
            ("try { a() } catch (e) { log(e) }", &[]),
            ("try { a() } catch { /* gone already */ }", &[]),
            ("a().catch(() => {})", &[]),
            ("const s = 'catch {}'", &[]),
            ("catchAll {}", &[]),
            ("recatch {}", &[]),
        ] {
            assert_eq!(catches(&code("ts", text)), wanted, "{text}");
        }
    }

    #[test]
    fn an_except_with_pass_alone() {
        for (text, wanted) in [
            ("try:\n    a()\nexcept:\n    pass\n", &[(3, 4)][..]),
            ("try:\n    a()\nexcept (A, B) as e: pass\n", &[(3, 3)]),
            ("try:\n    a()\nexcept A:\n\n    pass\n    b()\n", &[]),
            ("try:\n    a()\nexcept A:\n    # gone already\n    pass\n", &[]),
            ("try:\n    a()\nexcept A:\n    log()\n", &[]),
            ("exception: pass", &[]),
            ("if a:\n    pass\n", &[]),
        ] {
            assert_eq!(passes(&code("py", text)), wanted, "{text}");
        }
    }
}

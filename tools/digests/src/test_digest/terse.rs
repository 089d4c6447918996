//! Messages as short as they can be without losing what they say: no frames of traces, of a comparison's two sides only
//! what differs, paths from the project's folder on.

use crewkit_digest::cut;

use super::pieces;
use super::report::Failure;

/// Most characters of each side of a comparison of two values.
const LONGEST_SIDE: usize = 60;

/// `failure` with short paths and a short message. `folder` is the project's, with a slash at its end.
pub(super) fn of(failure: &Failure, folder: &str) -> Failure {
    let mut short = failure.clone();
    let has_folder = folder.len() > 1;
    if has_folder && let Some(file) = failure.file.strip_prefix(folder) {
        file.clone_into(&mut short.file);
    }
    let msg = [" // Object.is equality", " // deep equality"]
        .iter()
        .fold(failure.msg.clone(), |msg, remark| if msg.contains(remark) { msg.replacen(remark, "", 1) } else { msg });
    short.msg = if msg.contains('\n') { message(&msg) } else { msg };
    if has_folder && short.msg.contains(folder) {
        short.msg = short.msg.replace(folder, "");
    }
    short
}

/// `msg` without the frames of dependencies and of the runtime: a trace's first frames tell where the project is.
pub(super) fn without_foreign_frames(msg: &str) -> String {
    let is_foreign = |line: &&str| {
        line.trim_start().starts_with("at ")
            && (line.contains("(<") || pieces::js_frame(line).is_some_and(|(path, _)| !pieces::is_own(path)))
    };
    msg.lines().filter(|line| !is_foreign(line)).collect::<Vec<_>>().join("\n")
}

fn message(msg: &str) -> String {
    let is_frame =
        |line: &&str| line.trim_start().starts_with("at ") && (pieces::js_frame(line).is_some() || line.contains("(<"));
    let lines: Vec<&str> =
        msg.lines().filter(|line| !is_frame(line)).map(str::trim).filter(|line| !line.is_empty()).collect();
    // Chai's sentence holds both values, unless it had to shorten them.
    let says_all = lines.first().is_some_and(|first| first.contains("rror: expected ") && !first.contains('…'));
    if let Some(at) =
        lines.windows(2).position(|two| two[0].starts_with("- Expected") && two[1].starts_with("+ Received"))
    {
        let (head, diff) = (&lines[..at], &lines[at + 2..]);
        if says_all {
            return head.join("\n");
        }
        let differing = diff.iter().filter(|line| line.starts_with(['-', '+']));
        return head.iter().chain(differing).copied().collect::<Vec<_>>().join("\n");
    }
    let side = |name: &str| lines.iter().position(|line| line.starts_with(name));
    if let (Some(one), Some(other)) = (side("Expected: "), side("Received: ")) {
        let value = |at: usize| lines[at].split_once(": ").map_or("", |(_, value)| value);
        let (left, right) = cut::sides(value(one), value(other), LONGEST_SIDE);
        let mut short: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        (short[one], short[other]) = (format!("Expected: {left}"), format!("Received: {right}"));
        if says_all {
            short.truncate(one.min(other));
        }
        return short.join("\n");
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(msg: &str) -> String {
        cut::fold(&of(&Failure { msg: msg.to_owned(), ..Failure::default() }, "/app/").msg)
    }

    #[test]
    fn of_two_sides_only_what_differs_is_told() {
        assert_eq!(
            short(
                "Error: expect(received).toEqual(expected) // deep equality\n\n- Expected  - 1\n+ Received  + 1\n\n  Array [\n    \"a\",\n-   \"c\",\n+   \"b\",\n  ]\n    at x (/app/a.js:1:2)"
            ),
            "Error: expect(received).toEqual(expected) - \"c\", + \"b\","
        );
        assert_eq!(
            short("AssertionError: expected 3 to be 4 // Object.is equality\n- Expected\n+ Received\n- 4\n+ 3"),
            "AssertionError: expected 3 to be 4"
        );
        let long = |end: &str| format!("\"{}{end}\"", "a".repeat(300));
        let seen =
            short(&format!("expect(received).toBe(expected)\n\nExpected: {}\nReceived: {}", long("x"), long("y")));
        assert!(seen.len() < 200 && seen.contains("ax\"") && seen.contains("ay\""), "{seen}");
        let trace = "no\n    at f (/app/a.js:1:2)\n    at g (/app/node_modules/r/x.js:3:4)\n    at new Promise (<anonymous>)\nend";
        assert_eq!(without_foreign_frames(trace), "no\n    at f (/app/a.js:1:2)\nend");
        assert_eq!(short("Cannot find /app/src/gone.js"), "Cannot find src/gone.js");
    }
}

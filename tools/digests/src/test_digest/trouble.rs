//! What a shell, make, npm or a runtime says when something died, after a runner's own green summary. A wrapper may have
//! lost the exit code that went with it (`cargo test | tee log`, `a; b`).

/// Lines of the end of an output that are looked at.
pub(super) const LINES: usize = 30;

/// What such a line begins with.
const BEGINNINGS: [&str; 18] = [
    "make: *** ",
    "gmake: *** ",
    "npm error ",
    "npm ERR! ",
    "error Command failed with exit code ",
    "error: script \"",
    "error: could not compile",
    "error: test failed",
    "error: doctest failed",
    "error: test run failed",
    "Segmentation fault",
    "Bus error",
    "Illegal instruction",
    "Fatal Python error: ",
    "FATAL ERROR: ",
    "fatal error: ",
    "panic: ",
    "INTERNALERROR>",
];

/// Whether one of the last lines of an output says that something died. Where the exit code `is_known`, a program
/// that was ended is no sign: scripts end the servers that they started.
pub(super) fn after<'a>(mut lines: impl Iterator<Item = &'a str>, is_known: bool) -> bool {
    lines.any(|line| {
        let text = line.trim();
        let ended = ["Killed", "Terminated", "Aborted"]
            .iter()
            .any(|word| text.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest == " (core dumped)"));
        BEGINNINGS.iter().any(|beginning| text.starts_with(beginning))
            || text.starts_with("make[") && text.contains("]: *** ")
            || text.starts_with("ELIFECYCLE ") && text.contains("failed")
            || is_missing(text)
            || ended && !is_known
    })
}

/// `sh: 1: mocha: not found`, `bash: line 1: mocha: command not found`.
fn is_missing(text: &str) -> bool {
    ["sh: ", "bash: ", "/bin/sh: ", "zsh: "].iter().any(|shell| text.starts_with(shell)) && text.ends_with("not found")
}

#[cfg(test)]
mod tests {
    use super::after;

    #[test]
    fn words_of_shells_and_runtimes_are_known_at_the_beginning_of_a_line() {
        for line in [
            "make: *** [Makefile:2: test] Error 1",
            "make[2]: *** [test] Error 2",
            "npm error Lifecycle script `test` failed",
            " ELIFECYCLE  Test failed. See above for more details.",
            "Segmentation fault (core dumped)",
            "sh: 1: mocha: not found",
        ] {
            assert!(after(["fine", line].into_iter(), true), "{line}");
        }
        for line in ["test panic: handled ... ok", "no error: could not compile", "Terminated", "Killed by none"] {
            assert!(!after([line].into_iter(), true), "{line}");
        }
        assert!(after(["Killed"].into_iter(), false));
    }
}

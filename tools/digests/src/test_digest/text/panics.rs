//! Panics of Rust programs, with or without a backtrace.

use super::super::pieces::{is_own, place};

/// Most lines taken of a panic's message.
const MOST_LINES: usize = 12;
/// Most panics kept.
const MOST_PANICS: usize = 200;

/// A panic.
#[derive(Debug, Clone, Default)]
pub(super) struct Panic {
    /// The name of its thread: for a test, the test's.
    pub(super) thread: String,
    /// Where: the panic's own place when that is in the project, else the first frame that is.
    pub(super) place: Option<(String, u32)>,
    /// The message.
    pub(super) lines: Vec<String>,
    in_message: bool,
}

impl Panic {
    /// The message on one line, the sides of an assertion cut to where they differ.
    pub(super) fn message(&self) -> String {
        message(&self.lines)
    }
}

/// Collects panics out of lines.
#[derive(Debug, Default)]
pub(super) struct Panics {
    pub(super) all: Vec<Panic>,
}

impl Panics {
    /// One more line.
    pub(super) fn line(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("thread '")
            && let Some((thread, rest)) = rest.split_once("' ")
            && let Some((_, at)) = rest.split_once("panicked at ")
        {
            if self.all.len() < MOST_PANICS {
                self.all.push(begun(thread, at));
            }
            return;
        }
        let Some(panic) = self.all.last_mut() else { return };
        if line.starts_with("stack backtrace:") || line.starts_with("note: ") {
            panic.in_message = false;
        } else if panic.in_message {
            if panic.lines.len() < MOST_LINES {
                panic.lines.push(line.to_owned());
            }
        } else if panic.place.as_ref().is_none_or(|(path, _)| is_far(path))
            && let Some((path, number)) = line.trim_start().strip_prefix("at ").and_then(place)
            && !is_far(path)
        {
            panic.place = Some((path.to_owned(), number));
        }
    }

    /// The end of the lines that belong to the last panic.
    pub(super) fn end(&mut self) {
        if let Some(panic) = self.all.last_mut() {
            panic.in_message = false;
        }
    }
}

/// Whether the path is somewhere outside the project: cargo names files of the project by relative paths.
fn is_far(path: &str) -> bool {
    path.starts_with('/') || !is_own(path)
}

fn begun(thread: &str, at: &str) -> Panic {
    let thread = thread.to_owned();
    // Before Rust 1.73 the message stood before the place: 'message', src/lib.rs:1:2
    if let Some((message, at)) = at.strip_prefix('\'').and_then(|rest| rest.rsplit_once("', ")) {
        let place = place(at).map(|(path, line)| (path.to_owned(), line));
        return Panic { thread, place, lines: vec![message.to_owned()], in_message: false };
    }
    let place = place(at).map(|(path, line)| (path.to_owned(), line));
    Panic { thread, place, lines: Vec::new(), in_message: true }
}

fn message(lines: &[String]) -> String {
    use crewkit_digest::cut;
    let side = |name: &str| {
        lines.iter().find_map(|line| line.trim_start().strip_prefix(name).map(|text| text.trim().to_owned()))
    };
    let head: Vec<&str> = lines
        .iter()
        .map(|line| line.trim())
        .take_while(|line| !line.starts_with("left: "))
        .filter(|line| !line.is_empty())
        .collect();
    let head = cut::fold(&head.join(" "));
    match (side("left: "), side("right: ")) {
        (Some(left), Some(right)) => {
            let (left, right) = cut::sides(&left, &right, 60);
            let head = head.strip_prefix("assertion `").and_then(|rest| rest.split_once('`')).map_or_else(
                || head.clone(),
                |(what, rest)| format!("{what}{}", rest.strip_prefix(" failed").unwrap_or(rest)),
            );
            format!("{head}; left: {left}, right: {right}")
        }
        _ => head,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panic(text: &str) -> Panic {
        let mut panics = Panics::default();
        text.lines().for_each(|line| panics.line(line));
        panics.all.remove(0)
    }

    #[test]
    fn the_first_frame_of_the_project_is_the_place() {
        let seen = panic(
            "thread 'a' (1) panicked at /rustc/abc/library/core/src/x.rs:1:2:\nindex out of bounds\nstack backtrace:\n   0: f\n             at /rustc/abc/y.rs:3:4\n   1: g\n             at ./src/lib.rs:7:8\n             at ./src/main.rs:9:9",
        );
        assert_eq!((seen.message().as_str(), seen.place), ("index out of bounds", Some(("src/lib.rs".into(), 7))));
    }

    #[test]
    fn old_and_new_words_are_understood() {
        let seen = panic("thread 'main' panicked at 'no luck', src/a.rs:3:5\nnote: run with `RUST_BACKTRACE=1`");
        assert_eq!((seen.message().as_str(), seen.place), ("no luck", Some(("src/a.rs".into(), 3))));
        let seen = panic(
            "thread 't' panicked at src/a.rs:3:5:\nassertion `left == right` failed: totals\n  left: 3\n right: 4\nnote: x",
        );
        assert_eq!(seen.message(), "left == right: totals; left: 3, right: 4");
    }
}

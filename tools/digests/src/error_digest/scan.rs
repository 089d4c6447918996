//! Reads lines one at a time and keeps the errors in them: linear in time, and in memory bounded by what is kept.

use crewkit_tool::text::head;

use super::faults::{Fault, Faults};
use super::frames::{self, Frame, Place};
use super::heading::{self, Follow, Heading};
use super::words::{header, is_loud, speaks_of_assertion, without_margin};

/// Most lines about assertions kept.
const MOST_ASSERTIONS: usize = 5;
/// Most characters of a message.
pub(super) const LONGEST: usize = 200;
/// Lines after a heading in which its frames have to begin.
const PATIENCE: usize = 60;
/// Lines between the place that Node.js prints first and the error it belongs to.
const NEAR: usize = 8;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// The errors.
    pub(super) faults: Faults,
    /// Lines that speak of assertions.
    pub(super) assertions: Vec<String>,
}

/// An error whose frames may still come.
#[derive(Debug)]
struct Open {
    heading: Heading,
    /// A place that is used when no frame is the project's own.
    spare: Option<Place>,
    in_frames: bool,
    lines: usize,
}

/// A traceback of Python that is being read.
#[derive(Debug, Default)]
struct Traceback {
    /// The indentation of its first line.
    depth: usize,
    own: Option<Place>,
    /// The last frame in a dependency.
    foreign: Option<Place>,
}

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    faults: Faults,
    /// Lines that only sound like an error: they count when there is nothing better.
    loud: Faults,
    assertions: Vec<String>,
    open: Option<Open>,
    traceback: Option<Traceback>,
    /// The place that Node.js prints before the source line, and how many lines ago.
    header: Option<(Place, usize)>,
    /// The line before, where nothing was open.
    previous: String,
    /// What pytest says of a failure, before it names the type and the place.
    said: Option<String>,
}

impl Scanner {
    /// One more line, cleaned.
    pub(super) fn line(&mut self, line: &str) {
        if line.trim().is_empty() {
            self.blank();
            return;
        }
        self.assertion(line);
        if let Some(text) = line.strip_prefix("E   ") {
            self.said.get_or_insert_with(|| text.trim().to_owned());
        } else if self.said.is_some() && self.pytest(line) {
            return;
        }
        let line = without_margin(line);
        if self.message_of_panic(line) || self.in_traceback(line) {
            return;
        }
        if let Some((place, age)) = self.header.take().filter(|(_, age)| *age < NEAR) {
            self.header = Some((place, age + 1));
        }
        if let Some(heading) = heading::heading(line) {
            self.begin(heading);
            // Until its frames come, it may be nothing but a loud line.
            if self.open.as_ref().is_some_and(|open| open.heading.needs_place) {
                self.loud(line);
            }
            return;
        }
        self.loud(line);
        if self.follows(line) {
            return;
        }
        if let Some(place) = header(line) {
            self.header = Some((place, 0));
        }
        if let Some(frame) = frames::frame(line) {
            // The line before a frame is a heading, whatever the type is called.
            let previous = std::mem::take(&mut self.previous);
            if let Some((kind, msg)) = heading::above_stack(previous.trim()) {
                let msg = Some(msg.to_owned());
                let follow = Follow::Frames;
                self.begin(Heading { kind: kind.to_owned(), msg, place: None, follow, needs_place: false });
                self.take(frame);
            }
            return;
        }
        self.previous.clear();
        self.previous.push_str(line);
    }

    /// What was found.
    pub(super) fn finish(mut self) -> Findings {
        self.close();
        // `none of these`: loud lines speak only where no error did.
        let faults = if self.faults.count == 0 { self.loud } else { self.faults };
        Findings { faults, assertions: self.assertions }
    }

    fn blank(&mut self) {
        // A stack stands right under its error.
        self.previous.clear();
        if self.open.as_ref().is_some_and(|open| open.in_frames && open.heading.follow == Follow::Frames) {
            self.close();
        }
    }

    fn begin(&mut self, heading: Heading) {
        self.close();
        let spare = self.header.take().map(|(place, _)| place);
        self.open = Some(Open { heading, spare, in_frames: false, lines: 0 });
    }

    fn close(&mut self) {
        let Some(Open { heading, spare, .. }) = self.open.take() else { return };
        if heading.needs_place && heading.place.is_none() {
            return;
        }
        let place = heading.place.filter(|place| frames::is_own(&place.file)).or(spare);
        self.push(heading.kind, heading.msg.unwrap_or_default(), place);
    }

    fn push(&mut self, kind: String, msg: String, place: Option<Place>) {
        let msg = head(&msg, LONGEST).to_owned();
        self.faults.push(Fault { kind: head(&kind, LONGEST).to_owned(), msg, place });
    }

    /// A frame of the open error.
    fn take(&mut self, frame: Frame) {
        let Some(open) = &mut self.open else { return };
        open.in_frames = true;
        match frame {
            Frame::Own(place) => {
                let known = open.heading.place.as_ref().is_some_and(|place| frames::is_own(&place.file));
                if !known {
                    open.heading.place = Some(place);
                }
            }
            Frame::Foreign(place) => {
                // It is a stack, though none of ours.
                if open.heading.needs_place && open.heading.place.is_none() {
                    open.heading.place = place;
                }
            }
        }
    }

    /// Whether the line belongs to the open error.
    fn follows(&mut self, line: &str) -> bool {
        let Some(open) = &mut self.open else { return false };
        open.lines += 1;
        match open.heading.follow {
            Follow::Arrow => {
                if let Some(arrow) = line.trim_start().strip_prefix("--> ") {
                    open.heading.place = frames::located(arrow);
                    self.close();
                    return true;
                }
                if open.lines > 5 || open.heading.needs_place {
                    self.close();
                }
                false
            }
            Follow::Go => {
                if let Some(frame) = frames::go(line) {
                    // The first file line speaks where none is the project's own.
                    if let (Frame::Foreign(place), None) = (&frame, &open.spare) {
                        open.spare.clone_from(place);
                    }
                    self.take(frame);
                    return true;
                }
                if open.lines > PATIENCE {
                    self.close();
                }
                false
            }
            Follow::Frames | Follow::Panic => {
                if let Some(frame) = frames::frame(line) {
                    self.take(frame);
                    return true;
                }
                let ended = open.in_frames && open.heading.follow == Follow::Frames && !line.trim().starts_with("...");
                if ended || open.lines > PATIENCE {
                    self.close();
                }
                false
            }
        }
    }

    /// The line after a panic's place is its message.
    fn message_of_panic(&mut self, line: &str) -> bool {
        match &mut self.open {
            Some(Open { heading: heading @ Heading { msg: None, .. }, .. }) => {
                heading.msg = Some(line.trim().to_owned());
                true
            }
            _ => false,
        }
    }

    /// `path:3: NameError` under a failure of pytest.
    fn pytest(&mut self, line: &str) -> bool {
        let Some((place, kind)) = line.rsplit_once(": ") else { return false };
        let Some(place) = frames::located(place).filter(|_| heading::is_name(kind) && !line.starts_with(' ')) else {
            return false;
        };
        let msg = self.said.take().unwrap_or_default();
        let is_open = self.open.as_ref().is_some_and(|open| open.heading.kind == kind);
        match &mut self.open {
            Some(open) if is_open => open.heading.place = open.heading.place.take().or(Some(place)),
            _ => {
                self.close();
                self.push(kind.to_owned(), msg, Some(place));
            }
        }
        self.close();
        true
    }

    /// Whether the line belongs to a traceback of Python, or begins one.
    fn in_traceback(&mut self, line: &str) -> bool {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if text.starts_with("Traceback (most recent call last):") || text.starts_with("Exception Group Traceback (") {
            self.close();
            self.traceback = Some(Traceback { depth: indent, ..Traceback::default() });
            return true;
        }
        if let Some(frame) = frames::python(line) {
            // An error of syntax comes without the first line.
            let traceback = self
                .traceback
                .get_or_insert_with(|| Traceback { depth: indent.saturating_sub(2), ..Traceback::default() });
            match frame {
                Frame::Own(place) => traceback.own = Some(place),
                Frame::Foreign(place) => {
                    traceback.foreign = place.filter(|place| !place.file.starts_with('<')).or(traceback.foreign.take());
                }
            }
            return true;
        }
        let Some(traceback) = &self.traceback else { return false };
        if indent > traceback.depth {
            return true;
        }
        let Some(traceback) = self.traceback.take() else { return false };
        let Some((kind, msg)) = heading::any_name(text) else { return false };
        let is_dependency = |place: &Place| ["-packages/", "/gems/"].iter().any(|part| place.file.contains(part));
        let place = traceback.own.or(traceback.foreign.filter(is_dependency));
        self.close();
        self.push(kind.to_owned(), msg.to_owned(), place);
        true
    }

    fn loud(&mut self, line: &str) {
        if is_loud(line) {
            let (kind, msg) = ("Error".to_owned(), head(line.trim(), LONGEST).to_owned());
            self.loud.push(Fault { kind, msg, place: None });
        }
    }

    fn assertion(&mut self, line: &str) {
        if self.assertions.len() < MOST_ASSERTIONS && speaks_of_assertion(line) {
            let text = head(line.trim(), LONGEST);
            if !self.assertions.iter().any(|known| known == text) {
                self.assertions.push(text.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Type, message, place, times.
    type Seen = (String, String, Option<(String, u32)>, usize);

    fn faults(text: &str) -> Vec<Seen> {
        let mut scanner = Scanner::default();
        text.lines().for_each(|line| scanner.line(line));
        let kept = scanner.finish().faults.kept;
        kept.into_iter()
            .map(|(fault, times)| (fault.kind, fault.msg, fault.place.map(|place| (place.file, place.line)), times))
            .collect()
    }

    fn one(kind: &str, msg: &str, place: Option<(&str, u32)>) -> Seen {
        (kind.into(), msg.into(), place.map(|(file, line)| (file.to_owned(), line)), 1)
    }

    #[test]
    fn frames_come_also_after_further_lines_of_the_message() {
        let text = "Error: first\nsecond\n\nthird\n    at x (node:fs:1:2)\n    at f (/app/a.js:3:4)\n    at g (/app/b.js:5:6)\nlater\n  at h (/app/c.js:1:1)\n";
        assert_eq!(faults(text), [one("Error", "first", Some(("/app/a.js", 3)))]);
    }

    #[test]
    fn a_stack_without_a_frame_of_ours_has_no_place() {
        let text = "Error: x\n    at f (node:fs:1:2)\nlistening\n    at g (/app/b.js:5:6)\n";
        assert_eq!(faults(text), [one("Error", "x", None)]);
    }

    #[test]
    fn a_name_nobody_knows_is_an_error_when_frames_follow() {
        assert_eq!(faults("Oops: x\n    at f (/app/a.js:3:4)\n"), [one("Oops", "x", Some(("/app/a.js", 3)))]);
        assert_eq!(faults("Error\n    at f (/app/a.js:3:4)\n"), [one("Error", "", Some(("/app/a.js", 3)))]);
        assert_eq!(
            faults("Uncaught TypeError: x\n    at /app/a.js:3:4\n"),
            [one("TypeError", "x", Some(("/app/a.js", 3)))]
        );
        assert_eq!(faults("Uncaught TypeError: x\nbye\n"), [one("Error", "Uncaught TypeError: x", None)]);
        assert_eq!(faults("done: yes\nall fine\n"), []);
    }

    #[test]
    fn rust_and_go_name_their_places_otherwise() {
        let rust = "error[E0308]: mismatched types\n --> src/main.rs:5:29\n  |\nerror: expected `;`\n --> src/a.rs:1:2\nerror: could not compile `x`\n";
        let wanted = [
            one("error[E0308]", "mismatched types", Some(("src/main.rs", 5))),
            one("error", "expected `;`", Some(("src/a.rs", 1))),
        ];
        assert_eq!(faults(rust), wanted);
        let panic = "thread 'main' panicked at src/main.rs:4:5:\nError: of mine\nnote: run with\n";
        assert_eq!(faults(panic), [one("panic", "Error: of mine", Some(("src/main.rs", 4)))]);
        let go = "panic: runtime error: bad\n\ngoroutine 1 [running]:\npanic({0x1})\n\t/usr/local/go/src/runtime/panic.go:884 +0x1\nmain.f()\n\t/app/main.go:8 +0x1d\n";
        assert_eq!(faults(go), [one("panic", "runtime error: bad", Some(("/app/main.go", 8)))]);
        let deadlock = "fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [chan receive]:\nmain.main()\n\t/app/main.go:5 +0x2\n";
        assert_eq!(faults(deadlock)[0].2, Some(("/app/main.go".to_owned(), 5)));
        assert_eq!(faults("fatal error: x\n"), []);
    }

    #[test]
    fn loud_lines_speak_only_where_no_error_does() {
        assert_eq!(
            faults("FATAL: the disk is full\nnpm warn FAIL: x\n"),
            [one("Error", "FATAL: the disk is full", None)]
        );
        assert_eq!(faults("FATAL: x\nError: y\n"), [one("Error", "y", None)]);
        assert_eq!(faults("FAILOVER: done\nFAIL without\n"), []);
    }

    #[test]
    fn repeats_are_folded_and_counted() {
        let text = "Error: x\n    at f (/app/a.js:3:4)\n".repeat(500);
        let found = faults(&text);
        assert_eq!((found.len(), found[0].3), (1, 500));
    }
}

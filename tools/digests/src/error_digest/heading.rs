//! The line that names an error, in every shape.

use super::frames::{self, Place};

/// What kind of lines follow a heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follow {
    /// Frames, perhaps after further lines of the message.
    Frames,
    /// An arrow with the place.
    Arrow,
    /// The message, where it is still missing, and a backtrace.
    Panic,
    /// The goroutines.
    Go,
}

/// An error as its first line tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heading {
    /// The type.
    pub(super) kind: String,
    /// The first line of the message; `None` when the next line is.
    pub(super) msg: Option<String>,
    /// The place, where the line has it.
    pub(super) place: Option<Place>,
    /// What follows.
    pub(super) follow: Follow,
    /// Whether it counts only if what follows really comes.
    pub(super) needs_place: bool,
}

impl Heading {
    fn new(kind: &str, msg: &str, follow: Follow) -> Self {
        let msg = Some(msg.trim().to_owned());
        Self { kind: kind.to_owned(), msg, place: None, follow, needs_place: false }
    }
}

/// The heading in `line`, which may be indented.
pub(super) fn heading(line: &str) -> Option<Heading> {
    let text = line.trim();
    // Most lines of a log leave here.
    if !text.contains(':') {
        return None;
    }
    if let Some((kind, msg)) = named(text) {
        return Some(Heading::new(kind, msg, Follow::Frames));
    }
    for (start, needs_place) in [
        ("[cause]: ", false),
        ("Caused by: ", false),
        ("Unhandled exception. ", false),
        ("Uncaught (in promise) ", true),
        ("Uncaught ", true),
    ] {
        if let Some((kind, msg)) = text.strip_prefix(start).and_then(named) {
            return Some(Heading { needs_place, ..Heading::new(kind, msg, Follow::Frames) });
        }
    }
    if let Some(rest) = text.strip_prefix("Exception in thread \"") {
        let (_, rest) = rest.split_once("\" ")?;
        let (kind, msg) = rest.split_once(": ").unwrap_or((rest.trim_end_matches(':'), ""));
        return is_name(kind).then(|| Heading::new(kind, msg, Follow::Frames));
    }
    rust(text).or_else(|| go(line)).or_else(|| ruby(text))
}

/// `NameError: text`, `Error [CODE]: text`: the type with its code, and the text.
fn named(text: &str) -> Option<(&str, &str)> {
    let (head, msg) = text.split_once(':')?;
    let name = match head.split_once(" [") {
        Some((name, code)) if is_code(code) => name,
        Some(_) => return None,
        None => head,
    };
    let fits = (name.ends_with("Error") || name.ends_with("Exception")) && is_name(name);
    (fits && (msg.is_empty() || msg.starts_with([' ', '\t']))).then_some((head, msg))
}

/// What follows ` [` in front of the colon: a code and the bracket.
fn is_code(text: &str) -> bool {
    text.strip_suffix(']').is_some_and(|code| !code.is_empty() && !code.contains(['[', ' ']))
}

/// Whether `text` is the name of a type, dotted or not.
pub(super) fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '.');
    text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '$')
        && text.chars().all(inner)
        && !text.ends_with('.')
}

/// `Name: text`, or a bare `NameError`: what counts as a heading right above a stack.
pub(super) fn above_stack(text: &str) -> Option<(&str, &str)> {
    let (kind, msg) = any_name(text)?;
    let is_error = kind.ends_with("Error") || kind.ends_with("Exception");
    (is_error || (kind.starts_with(char::is_uppercase) && !msg.is_empty())).then_some((kind, msg))
}

/// `Name: text` or a bare `Name`, whatever the name: the line that ends a traceback of Python.
pub(super) fn any_name(text: &str) -> Option<(&str, &str)> {
    let (kind, msg) = text.split_once(':').unwrap_or((text, ""));
    (is_name(kind) && (msg.is_empty() || msg.starts_with(' '))).then_some((kind, msg.trim()))
}

fn rust(text: &str) -> Option<Heading> {
    if let Some(rest) = text.strip_prefix("error[") {
        let (code, msg) = rest.split_once("]: ")?;
        return Some(Heading::new(&format!("error[{code}]"), msg, Follow::Arrow));
    }
    if let Some(msg) = text.strip_prefix("error: ") {
        return Some(Heading { needs_place: true, ..Heading::new("error", msg, Follow::Arrow) });
    }
    let (thread, rest) = text.strip_prefix("thread '")?.split_once(" panicked at ")?;
    if !thread.contains('\'') {
        return None;
    }
    // Until Rust 1.72 the message stood in front of the place.
    let (msg, place) = match rest.strip_prefix('\'').and_then(|rest| rest.rsplit_once("', ")) {
        Some((msg, place)) => (Some(msg.to_owned()), place),
        None => (None, rest),
    };
    let place = frames::located(place);
    Some(Heading { kind: "panic".to_owned(), msg, place, follow: Follow::Panic, needs_place: false })
}

fn go(line: &str) -> Option<Heading> {
    if let Some(msg) = line.strip_prefix("panic: ") {
        return Some(Heading::new("panic", msg.split(" [recovered").next().unwrap_or(msg), Follow::Go));
    }
    let msg = line.strip_prefix("fatal error: ")?;
    Some(Heading { needs_place: true, ..Heading::new("panic", msg, Follow::Go) })
}

/// ``app.rb:3:in 'f': text (NameError)``; before Ruby 3.4 with a backtick.
fn ruby(text: &str) -> Option<Heading> {
    let (place, rest) = text.split_once(":in ")?;
    if !rest.starts_with(['\'', '`']) {
        return None;
    }
    let (_, rest) = rest.split_once("': ")?;
    let (msg, kind) = rest.strip_suffix(')')?.rsplit_once(" (")?;
    let is_type = kind.split("::").all(is_name) && kind.starts_with(char::is_uppercase);
    let place = frames::located(place).filter(|_| is_type)?;
    Some(Heading { place: Some(place), ..Heading::new(kind, msg, Follow::Frames) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<(String, String)> {
        heading(line).map(|heading| (heading.kind, heading.msg.unwrap_or_default()))
    }

    #[test]
    fn headings_of_every_shape_are_read() {
        for (line, kind, msg) in [
            ("TypeError: x is not a function", "TypeError", "x is not a function"),
            ("    Error: boom", "Error", "boom"),
            ("TypeError [ERR_X_Y]: bad: value", "TypeError [ERR_X_Y]", "bad: value"),
            ("requests.exceptions.ConnectionError: no", "requests.exceptions.ConnectionError", "no"),
            ("Error:", "Error", ""),
            ("  [cause]: RangeError: late", "RangeError", "late"),
            ("Caused by: java.io.IOException: gone", "java.io.IOException", "gone"),
            ("Exception in thread \"main\" java.lang.Error: a: b", "java.lang.Error", "a: b"),
            ("error[E0308]: mismatched types", "error[E0308]", "mismatched types"),
            ("thread 'main' panicked at src/main.rs:4:5:", "panic", ""),
            ("thread 'main' (77) panicked at src/main.rs:4:5:", "panic", ""),
            ("thread 'main' panicked at 'it's bad', src/main.rs:4:5", "panic", "it's bad"),
            ("panic: runtime error: index out of range [recovered]", "panic", "runtime error: index out of range"),
            (
                "app.rb:3:in `f': undefined method 'x' for nil (NoMethodError)",
                "NoMethodError",
                "undefined method 'x' for nil",
            ),
            ("a.rb:1:in 'Foo.bar': no (App::Missing)", "App::Missing", "no"),
        ] {
            assert_eq!(read(line), Some((kind.to_owned(), msg.to_owned())), "{line}");
        }
    }

    #[test]
    fn other_lines_are_no_headings() {
        for line in [
            "all 12 steps done",
            "12:30:01 listening",
            "see TypeError: for more",
            "http://x/Error:80",
            "ErrorHandler: ready",
            "const e = new Error: x",
            "Error [with blanks in it]: x",
            "src/a.ts(1,2): error TS2304: x",
            "app.rb:3:in 'f': text (see below)",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}

//! JUnit's XML, as written by nearly every runner (<https://github.com/testmoapp/junitxml>). Read tag by tag, so that a
//! report of any size takes little memory.

use std::io::{BufReader, Bytes, Read};

use crewkit_digest::text;

use super::pieces::{is_own, place};
use super::report::{Failure, Report};
use super::text::panic_in;

/// Most bytes of a tag and of a text that are kept.
const MOST_OF_TAG: usize = 64 << 10;
const MOST_OF_TEXT: usize = 8 << 10;

/// The report at the beginning of `reader`, and the number of its bytes; `None` when it is no JUnit report or not whole.
pub(crate) fn read(reader: impl Read) -> Option<(Report, u64)> {
    let mut xml = Xml { bytes: BufReader::new(reader).bytes(), read: 0 };
    let mut report = Report::of("junit");
    let (mut depth, mut suites, mut case): (usize, Vec<String>, Option<Case>) = (0, Vec::new(), None);
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    let mut seconds = 0.0;
    loop {
        let (text, tag) = xml.next()?;
        if let Some(case) = case.as_mut().filter(|case| case.in_failure) {
            case.text.push_str(&text);
        }
        if tag.starts_with(['?', '!']) {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            match name.trim() {
                "testcase" => {
                    if let Some(case) = case.take() {
                        case.tell(suites.last(), [&mut passed, &mut failed, &mut skipped], &mut report);
                    }
                }
                "failure" | "error" => {
                    if let Some(case) = &mut case {
                        case.in_failure = false;
                    }
                }
                "testsuite" | "testsuites" => {
                    depth = depth.saturating_sub(1);
                    suites.truncate(depth);
                    if depth == 0 {
                        break;
                    }
                }
                _ => {}
            }
            continue;
        }
        let (inner, closed) = tag.strip_suffix('/').map_or((tag.as_str(), false), |inner| (inner, true));
        let name = inner.split_whitespace().next().unwrap_or_default();
        match name {
            "testsuite" | "testsuites" => {
                if depth <= 1 && (name == "testsuites" || depth == 0 || seconds == 0.0) {
                    let time = attribute(inner, "time").and_then(|time| time.parse::<f64>().ok()).unwrap_or(0.0);
                    seconds = f64::max(seconds, time);
                }
                if closed {
                    if depth == 0 {
                        break;
                    }
                } else {
                    depth += 1;
                    suites.push(attribute(inner, "name").unwrap_or_default());
                }
            }
            "testcase" if depth > 0 => {
                let found = Case::of(inner);
                if closed {
                    found.tell(suites.last(), [&mut passed, &mut failed, &mut skipped], &mut report);
                } else {
                    case = Some(found);
                }
            }
            "failure" | "error" | "skipped" => {
                if let Some(case) = &mut case {
                    if name == "skipped" {
                        case.skipped = true;
                    } else if !case.failed {
                        case.failed = true;
                        case.in_failure = !closed;
                        case.message = attribute(inner, "message").unwrap_or_default();
                        case.kind = attribute(inner, "type").unwrap_or_default();
                    }
                } else if name == "error" {
                    report.faults += 1;
                }
            }
            // Something else than a report.
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    report.count(passed, failed, skipped);
    if let Some(first) = report.failures.first().map(|failure| failure.suite.clone())
        && report.failures.iter().all(|failure| failure.suite == first)
    {
        report.failures.iter_mut().for_each(|failure| failure.suite.clear());
    }
    if seconds > 0.0 {
        report.duration = format!("{seconds:.2}s");
    }
    report.complete = true;
    Some((report, xml.read))
}

#[derive(Debug, Default)]
struct Case {
    failure: Failure,
    class: String,
    message: String,
    /// The attribute `type` of the failure.
    kind: String,
    text: String,
    failed: bool,
    in_failure: bool,
    skipped: bool,
}

impl Case {
    fn of(tag: &str) -> Self {
        let failure = Failure {
            test: attribute(tag, "name").unwrap_or_default(),
            file: attribute(tag, "file").unwrap_or_default(),
            line: attribute(tag, "line").and_then(|line| line.parse().ok()),
            ..Failure::default()
        };
        Self { failure, class: attribute(tag, "classname").unwrap_or_default(), ..Self::default() }
    }

    fn tell(mut self, suite: Option<&String>, [passed, failed, skipped]: [&mut usize; 3], report: &mut Report) {
        if !self.failed {
            *(if self.skipped { skipped } else { passed }) += 1;
            return;
        }
        *failed += 1;
        let mut failure = std::mem::take(&mut self.failure);
        let panic = Some(&self.text).filter(|text| text.contains("panicked at ")).and_then(|text| panic_in(text));
        if let Some((msg, place)) = panic {
            failure.msg = msg;
            failure.line = place.as_ref().map(|(_, line)| *line);
            failure.file = place.map_or(failure.file, |(path, _)| path);
            self.finish(failure, suite, report);
            return;
        }
        let first = self.text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let message = [self.message.as_str(), first, &self.kind].into_iter().find(|text| !text.trim().is_empty());
        failure.msg = without_advice(message.unwrap_or_default());
        if failure.line.is_none()
            && let Some((path, line)) = self.text.lines().rev().find_map(own_place)
        {
            failure.line = Some(line);
            if failure.file.is_empty() {
                path.clone_into(&mut failure.file);
            }
        }
        self.finish(failure, suite, report);
    }

    fn finish(&self, mut failure: Failure, suite: Option<&String>, report: &mut Report) {
        if !self.class.is_empty() && !failure.test.contains(&self.class) {
            failure.test = format!("{} {}", self.class, failure.test);
        }
        failure.suite = suite.cloned().filter(|suite| !failure.test.contains(suite.as_str())).unwrap_or_default();
        report.push(failure);
    }
}

/// A place in the project that a line of a trace begins with.
fn own_place(line: &str) -> Option<(&str, u32)> {
    let line = line.trim();
    place(line.strip_prefix("at ").unwrap_or(line)).filter(|(path, _)| is_own(path))
}

/// A message without what pytest adds to an assertion beyond its two sides.
fn without_advice(message: &str) -> String {
    let advice = ["Omitting ", "Full diff", "Use -v", "Differing items"];
    let lines = message.lines().take_while(|line| !advice.iter().any(|word| line.trim_start().starts_with(word)));
    lines
        .filter(|line| !line.trim_start().starts_with("+  where "))
        .collect::<Vec<_>>()
        .join("\n")
        .trim_end()
        .to_owned()
}

/// The value of an attribute of a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let mut rest = tag;
    while let Some(at) = rest.find(name) {
        let before = rest[..at].chars().next_back();
        let after = rest[at + name.len()..].trim_start();
        rest = &rest[at + name.len()..];
        if before.is_some_and(char::is_whitespace)
            && let Some(value) = after.strip_prefix('=')
        {
            let value = value.trim_start();
            let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            return value[1..].split(quote).next().map(decoded);
        }
    }
    None
}

/// A text with its entities as characters, cleaned.
fn decoded(text: &str) -> String {
    if !text.contains('&') {
        return text::clean_lines(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(';').filter(|end| *end <= 10);
        let read = end.and_then(|end| {
            let c = match &rest[1..end] {
                "lt" => '<',
                "gt" => '>',
                "amp" => '&',
                "quot" => '"',
                "apos" => '\'',
                code => {
                    let code = code.strip_prefix('#')?;
                    let number = code
                        .strip_prefix('x')
                        .map_or_else(|| code.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok());
                    char::from_u32(number?)?
                }
            };
            Some((c, end + 1))
        });
        let (c, length) = read.unwrap_or(('&', 1));
        out.push(c);
        rest = &rest[length..];
    }
    out.push_str(rest);
    text::clean_lines(&out)
}

struct Xml<R> {
    bytes: Bytes<BufReader<R>>,
    read: u64,
}

impl<R: Read> Xml<R> {
    fn byte(&mut self) -> Option<u8> {
        let byte = self.bytes.next()?.ok()?;
        self.read += 1;
        Some(byte)
    }

    /// The text up to the next tag, and the tag without its brackets; CDATA is text, remarks are passed over.
    fn next(&mut self) -> Option<(String, String)> {
        let (mut text, mut plain) = (String::new(), Vec::new());
        loop {
            match self.byte()? {
                b'<' => {
                    text.push_str(&decoded(&String::from_utf8_lossy(&plain)));
                    plain.clear();
                }
                byte => {
                    if plain.len() + text.len() < MOST_OF_TEXT {
                        plain.push(byte);
                    }
                    continue;
                }
            }
            let tag = self.tag()?;
            if let Some(data) = tag.strip_prefix("![CDATA[") {
                text.push_str(&text::clean_lines(data.strip_suffix("]]").unwrap_or(data)));
            } else if !tag.starts_with("!--") {
                return Some((text, tag));
            }
        }
    }

    fn tag(&mut self) -> Option<String> {
        let (mut tag, mut quote) = (Vec::new(), None);
        let mut last = [0; 2];
        loop {
            let byte = self.byte()?;
            let inside = if tag.starts_with(b"![CDATA[") {
                last != *b"]]"
            } else if tag.starts_with(b"!--") {
                last != *b"--"
            } else {
                match (quote, byte) {
                    (None, b'"' | b'\'') => quote = Some(byte),
                    (Some(open), byte) if open == byte => quote = None,
                    _ => {}
                }
                quote.is_some()
            };
            if byte == b'>' && !inside {
                return Some(String::from_utf8_lossy(&tag).into_owned());
            }
            last = [last[1], byte];
            if tag.len() < MOST_OF_TAG {
                tag.push(byte);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_failures_and_entities_are_read() {
        let text = "<?xml version=\"1.0\"?>\n<!-- > --><testsuites time=\"1.5\">\n<testsuite name=\"s\" tests=\"4\">\n\
            <testcase classname=\"a.B\" name=\"ok\" time=\"0.1\"/>\n\
            <testcase classname=\"a.B\" name=\"bad\"><failure message=\"1 &lt; &#50; &amp; &quot;x&quot;\">tr\n  src/a.py:7: E</failure></testcase>\n\
            <testcase name=\"boom\" file=\"src/b.py\"><error><![CDATA[a > b]]></error><system-out>x</system-out></testcase>\n\
            <testcase name=\"late\"><skipped/></testcase></testsuite></testsuites> tail";
        let (report, length) = read(text.as_bytes()).unwrap();
        assert_eq!(&text[usize::try_from(length).unwrap()..], " tail");
        assert_eq!((report.total, report.passed, report.failed, report.skipped), (Some(4), Some(1), 2, 1));
        let told: Vec<_> = report
            .failures
            .iter()
            .map(|failure| (failure.test.as_str(), failure.file.as_str(), failure.line, failure.msg.as_str()))
            .collect();
        assert_eq!(told, [("a.B bad", "src/a.py", Some(7), "1 < 2 & \"x\""), ("boom", "src/b.py", None, "a > b")]);
        assert_eq!(report.duration, "1.50s");
    }

    #[test]
    fn what_is_not_whole_or_no_report_is_none() {
        for text in ["", "<testsuite", "<testsuite><testcase name='a'>", "<?xml version='1.0'?><html></html>"] {
            assert!(read(text.as_bytes()).is_none(), "{text}");
        }
        assert_eq!(read(&b"<testsuite/>"[..]).unwrap().0.total, Some(0));
    }
}

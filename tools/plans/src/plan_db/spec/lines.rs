//! Where the parts of a spec stand: the line of a JSON Pointer (RFC 6901) in JSON or YAML text that was read already.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser};

/// The lines, from 1 on, of `pointers` in `text`: of the field's name where it is one. A part that is not there stands where
/// the nearest part around it does.
pub(super) fn of(text: &[u8], pointers: &[&str]) -> Vec<usize> {
    let mut wanted = HashMap::new();
    for pointer in pointers {
        let mut part = *pointer;
        wanted.insert(part.to_owned(), None);
        while let Some((above, _)) = part.rsplit_once('/') {
            part = above;
            wanted.insert(part.to_owned(), None);
        }
    }
    let mut found = Found { wanted, pointer: String::new() };
    if super::is_json(text) {
        Json { text, at: 0, line: 1 }.value(&mut found, None);
    } else if let Ok(text) = str::from_utf8(text) {
        yaml(text, &mut found);
    }
    pointers.iter().map(|pointer| found.line(pointer)).collect()
}

/// The lines that are looked for, and the way to where the reader is.
struct Found {
    wanted: HashMap<String, Option<usize>>,
    pointer: String,
}

impl Found {
    /// Of a field that stands twice the last is what counts, as in reading.
    fn here(&mut self, line: usize) {
        if let Some(found) = self.wanted.get_mut(&self.pointer) {
            *found = Some(line);
        }
    }

    /// Goes down into a part; gives the way back.
    fn down(&mut self, part: &str) -> usize {
        let back = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&part.replace('~', "~0").replace('/', "~1"));
        back
    }

    fn line(&self, pointer: &str) -> usize {
        let mut part = pointer;
        loop {
            if let Some(line) = self.wanted.get(part).copied().flatten() {
                return line;
            }
            match part.rsplit_once('/') {
                Some((above, _)) => part = above,
                None => return 1,
            }
        }
    }
}

/// A reader of JSON that is known to be well-formed, and so to be nested no deeper than serde_json allows.
struct Json<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
}

impl Json<'_> {
    fn peek(&mut self) -> Option<u8> {
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'\n' => self.line += 1,
                b' ' | b'\t' | b'\r' | b',' | b':' => {}
                other => return Some(other),
            }
            self.at += 1;
        }
        None
    }

    fn value(&mut self, found: &mut Found, named_at: Option<usize>) {
        let first = self.peek();
        found.here(named_at.unwrap_or(self.line));
        match first {
            Some(b'{') => {
                self.at += 1;
                while let Some(byte) = self.peek() {
                    if byte != b'"' {
                        self.at += 1;
                        return;
                    }
                    let line = self.line;
                    let key = self.text();
                    let back = found.down(&serde_json::from_slice::<String>(key).unwrap_or_default());
                    self.value(found, Some(line));
                    found.pointer.truncate(back);
                }
            }
            Some(b'[') => {
                self.at += 1;
                let mut index = 0;
                while let Some(byte) = self.peek() {
                    if byte == b']' {
                        self.at += 1;
                        return;
                    }
                    let back = found.down(&index.to_string());
                    self.value(found, None);
                    found.pointer.truncate(back);
                    index += 1;
                }
            }
            Some(b'"') => {
                self.text();
            }
            _ => {
                let end = |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
                let rest = self.text.get(self.at..).unwrap_or_default();
                // Something is always taken, so that it comes to its end.
                self.at += rest.iter().position(end).unwrap_or(rest.len()).max(1);
            }
        }
    }

    /// A text with its quotes. It holds no line end.
    fn text(&mut self) -> &[u8] {
        let begin = self.at;
        self.at += 1;
        while let Some(&byte) = self.text.get(self.at) {
            self.at += match byte {
                b'\\' => 2,
                b'"' => break,
                _ => 1,
            };
        }
        self.at = (self.at + 1).min(self.text.len());
        self.text.get(begin..self.at).unwrap_or_default()
    }
}

/// A list or mapping of YAML that is not at its end yet, with the length of the pointer outside of the part it is at.
enum Open {
    List(usize),
    Mapping { key: bool, back: usize },
}

fn yaml(text: &str, found: &mut Found) {
    let mut open: Vec<(Open, usize)> = Vec::new();
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else { return };
        let line = span.start.line();
        let begins =
            matches!(event, Event::Scalar(..) | Event::Alias(_) | Event::SequenceStart(..) | Event::MappingStart(..));
        if begins {
            match open.last_mut() {
                None => found.here(line),
                Some((Open::List(index), back)) => {
                    found.pointer.truncate(*back);
                    found.down(&index.to_string());
                    *index += 1;
                    found.here(line);
                }
                Some((Open::Mapping { key, back }, _)) => {
                    *key = !*key;
                    if *key {
                        found.pointer.truncate(*back);
                        if let Event::Scalar(name, ..) = &event {
                            found.down(name);
                        }
                        found.here(line);
                    }
                }
            }
        }
        match event {
            Event::SequenceStart(..) => open.push((Open::List(0), found.pointer.len())),
            Event::MappingStart(..) => {
                let back = found.pointer.len();
                open.push((Open::Mapping { key: false, back }, back));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((_, back)) = open.pop() {
                    found.pointer.truncate(back);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::of;
    use proptest::prelude::*;

    #[test]
    fn parts_of_json_have_their_lines() {
        let text = "\n{\"waves\": [\n  {\"id\": \"W\\\"1\", \"tasks\":\n   [ 1,\n  {\"a\\u0062\":\n {}, \"n\": -1.5e3, \"x/y\":null}]}\n]}";
        let pointers = [
            "",
            "/waves",
            "/waves/0",
            "/waves/0/tasks",
            "/waves/0/tasks/0",
            "/waves/0/tasks/1/ab",
            "/waves/0/tasks/1/n",
            "/waves/0/tasks/1/x~1y",
            "/waves/0/tasks/1/missing",
            "/waves/9/id",
            "/none",
        ];
        assert_eq!(of(text.as_bytes(), &pointers), [2, 2, 3, 3, 4, 5, 6, 6, 5, 2, 2]);
    }

    #[test]
    fn parts_of_yaml_have_their_lines() {
        let text =
            "waves:\n- id: W1\n  tasks:\n  - id: T1\n    files: [a,\n      b]\n  - &x\n    do: y\n  - *x\nmore: z\n";
        let pointers = [
            "/waves/0",
            "/waves/0/id",
            "/waves/0/tasks/0/files",
            "/waves/0/tasks/0/files/1",
            "/waves/0/tasks/1/do",
            "/waves/0/tasks/2/do",
            "/waves/0/tasks/1/none",
            "/more",
        ];
        assert_eq!(of(text.as_bytes(), &pointers), [2, 2, 5, 6, 8, 9, 7, 10]);
    }

    proptest! {
        #[test]
        fn any_text_comes_to_an_end(text in "[\\[\\]{}\",:a1 \\n\\\\-]{0,60}") {
            prop_assert_eq!(of(text.as_bytes(), &["/a"]).len(), 1);
        }
    }
}

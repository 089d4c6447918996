//! One name declared at the margin of two of the files: class, function, interface, type, enum, or const that holds a
//! function; in Python class and def. Tests are left out, and so are files in different languages, and functions of Python
//! with a name that is told apart by its module, as `json.load` and `pickle.load` are.

use std::collections::HashMap;
use std::path::Path;

use super::unused_parameters::arrow_behind;
use crate::code_pattern_check::language::Language;
use crate::code_pattern_check::lexer::{is_word, word_end};
use crate::code_pattern_check::source::Source;

/// Names of functions that any module of Python may have.
const EVERYDAY: [&[u8]; 26] = [
    b"main",
    b"run",
    b"load",
    b"loads",
    b"dump",
    b"dumps",
    b"save",
    b"read",
    b"write",
    b"open",
    b"close",
    b"get",
    b"set",
    b"put",
    b"post",
    b"delete",
    b"update",
    b"create",
    b"init",
    b"setup",
    b"teardown",
    b"start",
    b"stop",
    b"parse",
    b"upgrade",
    b"downgrade",
];

/// A name declared at the margin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Declared {
    /// The name.
    pub(in super::super) name: String,
    /// Its line, from 0.
    pub(in super::super) line: usize,
}

/// A name that several files declare.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Duplicate {
    /// The name.
    pub(in super::super) name: String,
    /// The place of each file in the list, and the line from 0.
    pub(in super::super) places: Vec<(usize, usize)>,
}

/// The names that a file declares, each once.
pub(in super::super) fn declared(source: &Source) -> Vec<Declared> {
    if is_test(Path::new(&source.name)) {
        return Vec::new();
    }
    let mut found: Vec<Declared> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for line in 0..source.line_count() {
        let (from, _) = source.bounds(line);
        if !source.code.get(from).is_some_and(u8::is_ascii_alphabetic) {
            continue;
        }
        if let Some(name) = declaration(source, from)
            && seen.insert(name)
        {
            found.push(Declared { name: String::from_utf8_lossy(name).into_owned(), line });
        }
    }
    found
}

/// The names that more than one file declares, by the place of their second declaration.
pub(in super::super) fn duplicates(files: &[(Language, &[Declared])]) -> Vec<Duplicate> {
    let mut places: HashMap<(u8, &str), Vec<(usize, usize)>> = HashMap::new();
    for (file, (language, declared)) in files.iter().enumerate() {
        let family = if language.is_script() { 0 } else { *language as u8 };
        for one in *declared {
            places.entry((family, &one.name)).or_default().push((file, one.line));
        }
    }
    let several = places.into_iter().filter(|(_, places)| places.len() > 1);
    let mut list: Vec<Duplicate> =
        several.map(|((_, name), places)| Duplicate { name: name.to_owned(), places }).collect();
    list.sort_by(|one, other| (one.places[1], &one.name).cmp(&(other.places[1], &other.name)));
    list
}

/// The name that the statement at `from` declares.
fn declaration(source: &Source, from: usize) -> Option<&[u8]> {
    let code = &source.code;
    let mut at = from;
    let mut word = |code: &'_ [u8]| -> Option<(usize, usize)> {
        while matches!(code.get(at), Some(b' ' | b'\t' | b'*')) {
            at += 1;
        }
        let end = word_end(code, at);
        let range = (at, end);
        at = end;
        (end > range.0).then_some(range)
    };
    let name = |(from, to): (usize, usize)| {
        let name = &code[from..to];
        (!name[0].is_ascii_digit()).then_some(name)
    };
    loop {
        let (begin, end) = word(code)?;
        let python = source.language == Language::Python;
        match &code[begin..end] {
            b"export" | b"default" | b"declare" | b"abstract" | b"async" => {}
            b"class" => return name(word(code)?),
            b"def" if python => {
                return name(word(code)?).filter(|name| !is_told_apart(name));
            }
            _ if python => return None,
            b"function" | b"interface" | b"enum" => return name(word(code)?),
            b"type" => {
                let range = word(code)?;
                let next = code[range.1..].trim_ascii_start();
                return if matches!(next.first(), Some(b'=' | b'<' | b'{')) { name(range) } else { None };
            }
            b"const" => {
                let range = word(code)?;
                if &code[range.0..range.1] == b"enum" {
                    return name(word(code)?);
                }
                return if holds_function(source, range.1) { name(range) } else { None };
            }
            _ => return None,
        }
    }
}

/// Whether a function's name is one that any module of Python may have.
fn is_told_apart(name: &[u8]) -> bool {
    EVERYDAY.contains(&name) || name.starts_with(b"__") && name.ends_with(b"__")
}

/// Whether the constant whose name ends at `at` is a function.
fn holds_function(source: &Source, at: usize) -> bool {
    let code = &source.code;
    let line = crate::code_pattern_check::lexer::line_end(code, at);
    let Some(equals) = equals_sign(&code[at..line]) else { return false };
    let mut from = at + equals + 1;
    loop {
        let rest = &code[from..];
        from += rest.len() - rest.trim_ascii_start().len();
        match code.get(from) {
            Some(b'(') => return arrow_behind(source, from).is_some(),
            Some(byte) if is_word(*byte) => {
                let end = word_end(code, from);
                match &code[from..end] {
                    b"async" => from = end,
                    b"function" => return true,
                    _ => return code[end..].trim_ascii_start().starts_with(b"=>"),
                }
            }
            _ => return false,
        }
    }
}

/// The place of the sign that assigns, behind a type that may itself hold arrows.
fn equals_sign(code: &[u8]) -> Option<usize> {
    (0..code.len()).find(|&at| {
        let next = code.get(at + 1).copied().unwrap_or_default();
        code[at] == b'=' && next != b'>' && next != b'='
    })
}

/// Whether a file holds tests, by its name and folders.
pub(in super::super) fn is_test(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    let by_name = [".test.", ".spec.", ".tests.", ".stories."].iter().any(|part| name.contains(part))
        || stem.starts_with("test_")
        || stem.ends_with("_test")
        || stem == "conftest";
    let folder = |part: std::path::Component<'_>| {
        matches!(part.as_os_str().to_str(), Some("test" | "tests" | "__tests__" | "spec" | "__mocks__" | "e2e"))
    };
    by_name || path.parent().is_some_and(|parent| parent.components().any(folder))
}

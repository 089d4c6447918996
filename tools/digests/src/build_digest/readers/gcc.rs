//! gcc and clang: `path:3:7: error: text`; the linker; make, ninja and CMake around them.

use super::super::found::{Found, Level};
use super::super::pieces::{count_of, placed};
use super::LineReader;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Gcc {
    /// After a finding: its source follows.
    inside: bool,
    /// The text of CMake's error follows.
    cmake: Option<Cmake>,
}

#[derive(Debug)]
struct Cmake {
    file: String,
    line: Option<u32>,
    is_told: bool,
}

impl LineReader for Gcc {
    fn line(&mut self, line: &str, found: &mut Found) -> bool {
        if let Some(open) = &mut self.cmake {
            if line.starts_with("  ") {
                if open.is_told {
                    found.append(" ", line);
                } else {
                    found.push(Level::Error, "make", Some((&open.file, open.line)), line);
                    open.is_told = true;
                }
                return true;
            }
            if !line.is_empty() || open.is_told {
                self.cmake = None;
            }
            if line.is_empty() {
                return true;
            }
        }
        if let Some((file, number, text)) = placed(line)
            && let Some(told) = compiler(text)
        {
            if let Some((level, msg)) = told {
                found.push(level, "gcc", Some((file, Some(number))), msg);
            }
            self.inside = true;
            return true;
        }
        if self.inside
            && (line.starts_with(' ') || line.starts_with("In file included from ") || line.contains(": In "))
        {
            return true;
        }
        self.inside = false;
        make(line, found) || linker(line, found) || self.others(line, found)
    }
}

impl Gcc {
    fn others(&mut self, line: &str, found: &mut Found) -> bool {
        if let Some(rest) = line.strip_prefix("CMake Error") {
            // `CMake Error at CMakeLists.txt:3 (find_package):`
            let place = rest.strip_prefix(" at ").and_then(|rest| rest.split([' ', '(']).next()).unwrap_or_default();
            let (file, number) = place.split_once(':').unwrap_or((place, ""));
            if let Some(msg) = rest.strip_prefix(": ").filter(|msg| !msg.is_empty()) {
                found.push(Level::Error, "make", None, msg);
            } else {
                let line = number.trim_end_matches(':').parse().ok();
                self.cmake = Some(Cmake { file: file.to_owned(), line, is_told: false });
            }
            return true;
        }
        if line.starts_with("In file included from ") || line == "compilation terminated." {
            return true;
        }
        let generated = line.ends_with(" generated.") && line.starts_with(|c: char| c.is_ascii_digit());
        if generated && (count_of(line, "error") > 0 || count_of(line, "warning") > 0) {
            found.mark("clang");
            found.tell(count_of(line, "error"), count_of(line, "warning"));
            return true;
        }
        for (start, framework) in [
            ("gcc: ", "gcc"),
            ("g++: ", "gcc"),
            ("cc: ", "gcc"),
            ("clang: ", "clang"),
            ("cc1: ", "gcc"),
            ("cc1plus: ", "gcc"),
        ] {
            if let Some((level, msg)) = line.strip_prefix(start).and_then(compiler).flatten() {
                if msg.starts_with("linker command failed") {
                    found.mark(framework);
                    found.sum(line);
                } else {
                    found.push(level, framework, None, msg);
                }
                return true;
            }
        }
        false
    }
}

/// What a compiler says behind a place; the inner `None` is for notes.
#[expect(clippy::option_option, reason = "a note, and a line of another kind, are two answers")]
fn compiler(text: &str) -> Option<Option<(Level, &str)>> {
    for (start, level) in [
        ("error: ", Some(Level::Error)),
        ("fatal error: ", Some(Level::Error)),
        ("warning: ", Some(Level::Warning)),
        ("note: ", None),
        ("internal compiler error: ", Some(Level::Error)),
    ] {
        if let Some(msg) = text.strip_prefix(start) {
            return Some(level.map(|level| (level, msg)));
        }
    }
    None
}

fn make(line: &str, found: &mut Found) -> bool {
    let is_make = |start: &str| {
        let rest = line.strip_prefix(start)?;
        let rest = match rest.strip_prefix('[') {
            Some(rest) => rest.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix(']')?,
            None => rest,
        };
        rest.strip_prefix(": ")
    };
    let Some(text) = ["make", "gmake"].into_iter().find_map(is_make) else {
        if line.starts_with("ninja: build stopped") {
            found.mark("make");
            found.sum(line);
            return true;
        }
        return false;
    };
    found.mark("make");
    if let Some(text) = text.strip_prefix("*** ") {
        let is_recipe = text.starts_with('[') && text.contains("] ");
        if !is_recipe && !text.starts_with("Waiting for ") {
            found.push(Level::Error, "make", None, text);
        } else {
            found.sum(line);
        }
        return true;
    }
    if text.contains("Nothing to be done for ") || text.ends_with(" is up to date.") {
        found.success = true;
    }
    // `Error 1 (ignored)`, "Target 'all' not remade because of errors.", folders that are entered and left.
    true
}

fn linker(line: &str, found: &mut Found) -> bool {
    let from_ld = ["ld: ", "ld.lld: ", "ld.gold: ", "mold: "].iter().find_map(|start| {
        let at = line.find(start)?;
        let is_program = at == 0 || line[..at].ends_with('/');
        is_program.then(|| &line[at + start.len()..])
    });
    if line.starts_with("collect2: ") {
        found.mark("gcc");
        found.sum(line);
        return true;
    }
    let wrong = ["undefined reference to ", "multiple definition of ", "cannot find ", "undefined symbol: "];
    let text = from_ld.unwrap_or(line);
    if let Some(at) = wrong.iter().filter_map(|word| text.find(word)).min()
        && (from_ld.is_some() || text.contains(":(."))
    {
        let (before, msg) = text.split_at(at);
        // `l.c:(.text+0xa): `, or a line of the source where the object has debugging information.
        let file = before.split(":(").next().unwrap_or_default().trim_end_matches([':', ' ']);
        let file = file.rsplit(": ").next().unwrap_or(file);
        let file = file.strip_suffix(" error").unwrap_or(file);
        let (file, number) = match file.rsplit_once(':') {
            Some((path, number)) if number.parse::<u32>().is_ok() => (path, number.parse().ok()),
            _ => (file, None),
        };
        let file = if file == "error" { "" } else { file };
        found.push(Level::Error, "gcc", Some((file, number)), msg);
        return true;
    }
    let Some(text) = from_ld else { return false };
    if text.contains(": in function ") || text.contains("more undefined references") {
        return true;
    }
    match compiler(text).flatten() {
        Some((level, msg)) => found.push(level, "gcc", None, msg),
        None if text.starts_with("symbol(s) not found") => found.push(Level::Error, "clang", None, text),
        None if text.contains("warning: ") => found.push(Level::Warning, "gcc", None, text),
        None => found.push(Level::Error, "gcc", None, text),
    }
    true
}

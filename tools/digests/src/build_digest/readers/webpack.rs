//! webpack: `ERROR in ./path 1:0-28` and the text under it, up to an empty line.

use super::super::found::{Found, Level};
use super::super::pieces::{count_of, number, place};
use super::LineReader;
use super::tsc::parenthesised;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Webpack {
    open: Option<Open>,
    /// The rest of an entry that was told.
    inside: bool,
}

#[derive(Debug)]
struct Open {
    level: Level,
    file: String,
    line: Option<u32>,
}

impl LineReader for Webpack {
    fn line(&mut self, line: &str, found: &mut Found) -> bool {
        let text = line.trim();
        if text.is_empty() {
            self.close(found);
            self.inside = false;
            return false;
        }
        if let Some(rest) = line.strip_prefix("webpack ").filter(|rest| rest.contains(" compiled ")) {
            self.close(found);
            self.inside = false;
            found.mark("webpack");
            let errors = count_of(rest, "error");
            found.tell(errors, count_of(rest, "warning"));
            found.success |= errors == 0;
            return true;
        }
        let level = [("ERROR in ", Level::Error), ("WARNING in ", Level::Warning)];
        if let Some((rest, level)) = level.iter().find_map(|(start, level)| Some((line.strip_prefix(start)?, *level))) {
            self.close(found);
            self.begin(level, rest.trim(), found);
            return true;
        }
        let Some(open) = &mut self.open else { return self.inside };
        if let Some((file, line)) =
            text.strip_prefix("[tsl] ERROR in ").and_then(|rest| parenthesised(rest.strip_suffix(')')?))
        {
            (open.file, open.line) = (file.to_owned(), Some(line));
            return true;
        }
        let numbers = text.rsplit(' ').next().unwrap_or_default();
        if let Some(line) = columns(numbers) {
            open.line = open.line.or(Some(line));
            return true;
        }
        // The loader's name says less than the line after it.
        if text.starts_with("Module build failed")
            || text.starts_with("Module Error (from")
            || text.starts_with("Module Warning (from")
        {
            if !text.ends_with("):") {
                self.tell(text, found);
            }
            return true;
        }
        self.tell(text, found);
        true
    }
}

impl Webpack {
    fn begin(&mut self, level: Level, rest: &str, found: &mut Found) {
        self.inside = true;
        let (path, numbers) = rest.rsplit_once(' ').unwrap_or((rest, ""));
        let (file, line) = match (columns(numbers), place(rest)) {
            (Some(line), _) => (path, Some(line)),
            (None, Some((file, line))) => (file, Some(line)),
            (None, None) => (rest, None),
        };
        if file.contains(": ") || file.ends_with(':') {
            found.push(level, "webpack", None, file.trim_end_matches(':'));
            return;
        }
        self.open = Some(Open { level, file: file.to_owned(), line });
    }

    fn tell(&mut self, msg: &str, found: &mut Found) {
        if let Some(open) = self.open.take() {
            let msg = msg.replacen("Module not found: Error: ", "Module not found: ", 1);
            found.push(open.level, "webpack", Some((&open.file, open.line)), &msg);
        }
    }

    /// An entry without a text is told by its file alone.
    fn close(&mut self, found: &mut Found) {
        self.tell("", found);
    }
}

/// `1:0-28`, `3:7`, `1:0-2:4` as the line.
fn columns(text: &str) -> Option<u32> {
    let (line, rest) = number(text)?;
    let rest = rest.strip_prefix(':')?;
    rest.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b':')).then_some(line)
}

//! next build: `./path:3:7` on a line of its own, and what is wrong there on the next one.

use super::super::found::{Found, Level};
use super::super::pieces::place;
use super::LineReader;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Next {
    /// After "Failed to compile.".
    failed: bool,
    /// The file that was named, and its line.
    file: Option<(String, Option<u32>)>,
    /// After an error whose line is still unknown.
    open: bool,
}

/// How messages begin that need no heading before them.
const MESSAGES: [&str; 6] =
    ["Type error: ", "Module not found: ", "Syntax Error", "Error: ", "Parsing ", "Build Error"];

impl LineReader for Next {
    fn line(&mut self, line: &str, found: &mut Found) -> bool {
        let text = line.trim();
        if text.is_empty() {
            return false;
        }
        if text.starts_with("▲ Next.js") {
            found.mark("nextjs");
            return true;
        }
        if text.starts_with("Route (") && text.contains(')') {
            found.mark("nextjs");
            found.success = true;
            return true;
        }
        let is_next = found.framework() == Some("nextjs");
        if text == "Failed to compile." {
            (self.failed, self.file) = (true, None);
            found.failure = true;
            return is_next;
        }
        if is_next && (text == "> Build error occurred" || text.starts_with("Error: Turbopack build failed with ")) {
            found.failure = true;
            return true;
        }
        let is_noise = ["> Build failed because of ", "Next.js build worker exited with code: ", "Import trace for "]
            .iter()
            .any(|start| text.starts_with(start));
        if is_noise {
            (self.file, self.open) = (None, false);
            found.failure |= !text.starts_with("Import");
            return true;
        }
        if let Some((file, number)) = self.file.take()
            && (self.failed || MESSAGES.iter().any(|start| text.starts_with(start)))
            && !text.starts_with(|c: char| c.is_ascii_digit())
        {
            let msg = text.strip_prefix("Type error: ").or_else(|| text.strip_prefix("Error: ")).unwrap_or(text).trim();
            let msg = msg.strip_prefix("x ").or_else(|| msg.strip_prefix("× ")).unwrap_or(msg);
            found.push(Level::Error, "nextjs", Some((&file, number)), msg);
            self.open = number.is_none();
            return true;
        }
        if line.starts_with("./") && !line.contains(' ') {
            let (file, number) = place(line).map_or((line, None), |(file, number)| (file, Some(number)));
            self.file = Some((file.to_owned(), number));
            return false;
        }
        if self.open
            && let Some((_, rest)) = text.split_once("-[").or_else(|| text.split_once("─["))
            && let Some((_, number)) = rest.split_once(']').and_then(|(inner, _)| place(inner))
        {
            self.open = false;
            if let Some(last) = found.last() {
                last.line = Some(number);
            }
            return true;
        }
        false
    }
}

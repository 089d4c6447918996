//! go build and go vet: `./main.go:3:5: text` under a line `# package`; also golangci-lint, which prints alike.

use super::super::found::{Found, Level};
use super::super::pieces::{ends, placed};
use super::LineReader;

/// The reader.
#[derive(Debug, Default)]
pub(super) struct Go {
    /// After an error: lines behind a tab explain it.
    explains: bool,
}

impl LineReader for Go {
    fn line(&mut self, line: &str, found: &mut Found) -> bool {
        if line.starts_with('\t') && self.explains {
            let text = line.trim();
            if text.starts_with("have ") || text.starts_with("want ") || text.starts_with("go get ") {
                found.append(" ", text);
            }
            return true;
        }
        self.explains = false;
        let placed = placed(line.strip_prefix("vet: ").unwrap_or(line));
        if let Some((file, number, text)) = placed.filter(|(file, ..)| ends(file, &[".go"])) {
            if text.starts_with("note: ") {
                return true;
            }
            found.push(Level::Error, "go", Some((file, Some(number))), text);
            self.explains = true;
            return true;
        }
        if let Some(text) = line.strip_prefix("go: ") {
            const CALM: [&str; 10] = [
                "downloading ",
                "finding ",
                "extracting ",
                "added ",
                "upgraded ",
                "downgraded ",
                "removed ",
                "creating ",
                "to ",
                "warning: ",
            ];
            if CALM.iter().any(|start| text.starts_with(start)) {
                found.mark("go");
            } else {
                found.push(Level::Error, "go", None, text);
                self.explains = true;
            }
            return true;
        }
        if line.contains(": import cycle not allowed") {
            found.push(Level::Error, "go", None, line);
            return true;
        }
        if line == "too many errors" || line.ends_with(": too many errors") {
            found.failure = true;
            return true;
        }
        false
    }
}

//! Reads what `git diff` prints (git-diff(1), "GENERATING PATCH TEXT WITH -P"): each file's lines that are new, and,
//! as far as the diff gives context, those around them.
//!
//! Call git with `--no-color --no-ext-diff --no-textconv --no-renames --src-prefix=a/ --dst-prefix=b/`; names with
//! unusual bytes come quoted and are unquoted here, so no name is lost. Lines are counted by the numbers in the hunks'
//! heads, so no line of a file can pass for a head.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

/// A file of a diff as it is after the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File<'d> {
    /// Its path from the top of the repository.
    pub path: PathBuf,
    /// Its lines that the diff shows, in their order, without those that were removed.
    pub lines: Vec<Line<'d>>,
    /// Whether git holds it for binary, so that no lines are shown.
    pub binary: bool,
}

/// A line of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'d> {
    /// Its number in the new file, from 1.
    pub number: usize,
    /// Its bytes without the line end.
    pub text: &'d [u8],
    /// Whether it is new, rather than context.
    pub added: bool,
}

/// The files of the diff `text` that still exist after the change. What is no diff is passed over.
pub fn read(text: &[u8]) -> Vec<File<'_>> {
    let mut files: Vec<File<'_>> = Vec::new();
    let mut lines = text.split(|byte| *byte == b'\n');
    while let Some(line) = lines.next() {
        if line.starts_with(b"diff --git ") {
            files.push(File { path: name_in_head(line), lines: Vec::new(), binary: false });
            continue;
        }
        let Some(file) = files.last_mut() else { continue };
        if let Some(name) = line.strip_prefix(b"+++ ") {
            file.path = if name == b"/dev/null" { PathBuf::new() } else { path(name) };
        } else if line.starts_with(b"deleted file mode ") {
            file.path = PathBuf::new();
        } else if line.starts_with(b"Binary files ") || line == b"GIT binary patch" {
            file.binary = true;
        } else if let Some((mut old, mut number, mut new)) = hunk(line) {
            while old + new > 0 {
                let Some(line) = lines.next() else { break };
                match line.split_first() {
                    Some((b'+', text)) if new > 0 => {
                        file.lines.push(Line { number, text, added: true });
                        (number, new) = (number + 1, new - 1);
                    }
                    Some((b'-', _)) if old > 0 => old -= 1,
                    Some((b'\\', _)) => {}
                    // With diff.suppressBlankEmpty an empty line of context has no blank before it.
                    Some((b' ', text)) => {
                        file.lines.push(Line { number, text, added: false });
                        (number, new, old) = (number + 1, new.saturating_sub(1), old.saturating_sub(1));
                    }
                    None => {
                        file.lines.push(Line { number, text: b"", added: false });
                        (number, new, old) = (number + 1, new.saturating_sub(1), old.saturating_sub(1));
                    }
                    Some(_) => break,
                }
            }
        }
    }
    files.retain(|file| !file.path.as_os_str().is_empty());
    files
}

/// `@@ -A,B +C,D @@` as B, C and D.
fn hunk(line: &[u8]) -> Option<(usize, usize, usize)> {
    let text = line.strip_prefix(b"@@ -")?;
    let end = text.windows(3).position(|part| part == b" @@")?;
    let (old, new) = std::str::from_utf8(text.get(..end)?).ok()?.split_once(" +")?;
    let span = |text: &str| -> Option<(usize, usize)> {
        let (start, count) = text.split_once(',').unwrap_or((text, "1"));
        Some((start.parse().ok()?, count.parse().ok()?))
    };
    let ((_, old), (start, new)) = (span(old)?, span(new)?);
    Some((old, start, new))
}

/// The name in `diff --git a/NAME b/NAME`, for changes without hunks (an empty or binary file, another mode).
fn name_in_head(line: &[u8]) -> PathBuf {
    let names = line.get("diff --git ".len()..).unwrap_or_default();
    if names.ends_with(b"\"") {
        let start = names.windows(2).rposition(|part| part == b" \"").map_or(0, |at| at + 1);
        return path(names.get(start..).unwrap_or_default());
    }
    // Both names are the same, so the second begins behind the middle.
    path(names.get(names.len() / 2 + 1..).unwrap_or_default())
}

/// A name as git writes it, `b/` before it: quoted where it holds unusual bytes, and with a tab behind it where it
/// holds blanks.
fn path(name: &[u8]) -> PathBuf {
    let name = name.strip_suffix(b"\t").unwrap_or(name);
    let name = match name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")) {
        Some(quoted) => unquote(quoted),
        None => Cow::Borrowed(name),
    };
    PathBuf::from(OsStr::from_bytes(name.strip_prefix(b"b/").unwrap_or(&name)))
}

/// Takes the escapes of a C string out of `text`.
fn unquote(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'\\') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let escaped = if byte == b'\\' { bytes.next() } else { None };
        let Some(escaped) = escaped else {
            out.push(byte);
            continue;
        };
        out.push(match escaped {
            b'a' => 7,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 11,
            b'f' => 12,
            b'r' => b'\r',
            b'0'..=b'7' => {
                let mut value = u32::from(escaped - b'0');
                for _ in 0..2 {
                    let Some(digit) = bytes.next_if(|byte| (b'0'..=b'7').contains(byte)) else { break };
                    value = value * 8 + u32::from(digit - b'0');
                }
                value.to_le_bytes()[0]
            }
            other => other,
        });
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Shown = (String, Vec<(usize, String, bool)>);

    fn shown(text: &str) -> Vec<Shown> {
        read(text.as_bytes())
            .into_iter()
            .map(|file| {
                let line = |line: &Line<'_>| (line.number, String::from_utf8_lossy(line.text).into_owned(), line.added);
                (file.path.display().to_string(), file.lines.iter().map(line).collect())
            })
            .collect()
    }

    #[test]
    fn added_lines_have_the_numbers_of_the_new_file() {
        let text = "diff --git a/x.ini b/x.ini\nindex 1..2 100644\n--- a/x.ini\n+++ b/x.ini\n@@ -2 +2,2 @@ head\n-old\n+new\n\
                    +@@ -1 +1 @@\n@@ -9,0 +11 @@\n+++ b/y\n\\ No newline at end of file\n";
        let lines = vec![(2, "new".into(), true), (3, "@@ -1 +1 @@".into(), true), (11, "++ b/y".into(), true)];
        assert_eq!(shown(text), [("x.ini".to_owned(), lines)]);
    }

    #[test]
    fn context_is_told_from_what_is_new() {
        let text = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n\ndiff --git a/e b/e\nnew file mode 100644\n";
        let lines = vec![(1, "one".into(), false), (2, "2".into(), true), (3, String::new(), false)];
        assert_eq!(shown(text), [("a".to_owned(), lines), ("e".to_owned(), vec![])]);
    }

    #[test]
    fn names_with_blanks_quotes_and_other_bytes() {
        let text = "diff --git a/my conf b/my conf\n--- a/my conf\t\n+++ b/my conf\t\n@@ -0,0 +1 @@\n+x\n\
                    diff --git \"a/q\\\"\\303\\251\" \"b/q\\\"\\303\\251\"\n--- /dev/null\n+++ \"b/q\\\"\\303\\251\"\n@@ -0,0 +1 @@\n+y\n\
                    diff --git a/a b/c b/a b/c\nold mode 100644\nnew mode 100755\n\
                    diff --git \"a/\\377\" \"b/\\377\"\nBinary files /dev/null and \"b/\\377\" differ\n";
        let files = read(text.as_bytes());
        let names: Vec<_> = files.iter().map(|file| file.path.as_os_str().as_bytes().to_vec()).collect();
        assert_eq!(names, [b"my conf".to_vec(), "q\"é".as_bytes().to_vec(), b"a b/c".to_vec(), b"\xff".to_vec()]);
        assert!(files[3].binary && !files[0].binary);
    }

    #[test]
    fn what_is_gone_is_not_listed() {
        let text = "diff --git a/a b/a\ndeleted file mode 100644\n--- a/a\n+++ /dev/null\n@@ -1 +0,0 @@\n-password\n";
        assert_eq!(shown(text), []);
        assert_eq!(shown("warning: something else\n"), []);
        assert_eq!(shown("diff --git a/a b/a\n@@ -1 +1,9 @@\n+x\n").len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in r#"(diff --git |@@ -|\+\+\+ |"|[ab/0-9+\\ ,@\n-]){0,40}"#) {
            let _ = read(text.as_bytes());
        }
    }
}

//! Functions, classes and types with their file, in the format of tags files: by Universal Ctags where it is installed,
//! else by the words that begin a definition.

use std::path::Path;
use std::time::Duration;

use crewkit_tool::process::Run;
use crewkit_tool::{Context, Refusal};

use super::files::{Files, extension, shown, source};

/// How long ctags may take.
const LIMIT: Duration = Duration::from_mins(1);

/// The words before a name that define something, and the letter of what it is.
type Words = &'static [(&'static str, char)];

const RUST: Words =
    &[("fn ", 'f'), ("struct ", 's'), ("enum ", 'g'), ("trait ", 'i'), ("type ", 't'), ("mod ", 'n'), ("union ", 'u')];
const SCRIPT: Words =
    &[("function* ", 'f'), ("function ", 'f'), ("class ", 'c'), ("interface ", 'i'), ("type ", 't'), ("enum ", 'g')];
const PYTHON: Words = &[("def ", 'f'), ("class ", 'c')];
const GO: Words = &[("func ", 'f'), ("type ", 't')];
const JAVA: Words =
    &[("class ", 'c'), ("interface ", 'i'), ("enum ", 'g'), ("record ", 'c'), ("fun ", 'f'), ("object ", 'c')];
const RUBY: Words = &[("def ", 'f'), ("class ", 'c'), ("module ", 'm')];
const PHP: Words = &[("function ", 'f'), ("class ", 'c'), ("interface ", 'i'), ("trait ", 't')];
const C: Words = &[("struct ", 's'), ("enum ", 'g'), ("class ", 'c'), ("namespace ", 'n'), ("union ", 'u')];
const SWIFT: Words = &[("func ", 'f'), ("class ", 'c'), ("struct ", 's'), ("enum ", 'g'), ("protocol ", 'i')];

/// Words that may stand before the ones that define.
const BEFORE: [&str; 22] = [
    "pub",
    "export",
    "default",
    "async",
    "const",
    "unsafe",
    "extern",
    "public",
    "private",
    "protected",
    "static",
    "final",
    "abstract",
    "declare",
    "internal",
    "open",
    "override",
    "sealed",
    "data",
    "typedef",
    "local",
    "fileprivate",
];

/// The tags of all files, sorted.
///
/// # Errors
/// When ctags cannot be started although it was there.
pub(super) fn of(context: &Context, root: &Path, files: &Files) -> Result<String, Refusal> {
    if let Some(tags) = by_ctags(context, root, files)? {
        return Ok(tags);
    }
    let mut tags: Vec<String> = files.files.iter().flat_map(|path| extracted(root, path)).collect();
    tags.sort();
    tags.dedup();
    Ok(tags.into_iter().map(|tag| tag + "\n").collect())
}

/// What Universal Ctags finds; `None` where it is not installed, or is another make's.
fn by_ctags(context: &Context, root: &Path, files: &Files) -> Result<Option<String>, Refusal> {
    let call = || Run::new(context, "ctags").directory(root).limit(LIMIT);
    let is_universal =
        call().arg("--version").run().is_ok_and(|ended| ended.ok() && ended.text().contains("Universal Ctags"));
    if !is_universal {
        return Ok(None);
    }
    let list: String = files.files.iter().map(|path| format!("{}\n", path.display())).collect();
    let ended = call().args(["-L", "-", "--sort=yes", "-f", "-"]).stdin(list.into_bytes()).run()?;
    if !ended.ok() {
        context.note(format!("ctags failed, symbols are found without it: {}", ended.complaint()));
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&ended.stdout).into_owned()))
}

fn words_of(path: &Path) -> Option<Words> {
    Some(match extension(path).as_str() {
        "rs" => RUST,
        "ts" | "tsx" | "mts" | "js" | "jsx" | "mjs" | "cjs" | "vue" | "svelte" => SCRIPT,
        "py" => PYTHON,
        "go" => GO,
        "java" | "kt" | "scala" | "cs" => JAVA,
        "rb" => RUBY,
        "php" => PHP,
        "c" | "h" | "cc" | "cpp" | "hpp" => C,
        "swift" => SWIFT,
        _ => return None,
    })
}

fn extracted(root: &Path, path: &Path) -> Vec<String> {
    let Some(words) = words_of(path) else { return Vec::new() };
    let text = source(&root.join(path)).unwrap_or_default();
    let tag = |line: &str| {
        let (name, kind) = definition(line, words)?;
        // A tags file's search pattern (tags(5)): backslash and slash are escaped.
        let pattern = line.trim_end().replace('\\', "\\\\").replace('/', "\\/");
        let pattern: String = pattern.chars().filter(|c| !c.is_control()).take(200).collect();
        Some(format!("{name}\t{}\t/^{pattern}$/;\"\t{kind}", shown(path)))
    };
    text.lines().filter_map(tag).collect()
}

/// The name that a line defines, and the letter of what it is.
fn definition(line: &str, words: Words) -> Option<(&str, char)> {
    let mut rest = line.trim_start();
    loop {
        if let Some((after, kind)) = words.iter().find_map(|(word, kind)| Some((rest.strip_prefix(word)?, *kind))) {
            let after = after.trim_start();
            // A method of Go has its receiver before its name.
            let after =
                if kind == 'f' && after.starts_with('(') { after.split_once(')')?.1.trim_start() } else { after };
            let after = after.strip_prefix("self.").unwrap_or(after);
            let end = after.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(after.len());
            return (end > 0).then(|| (&after[..end], kind));
        }
        let (word, after) = rest.split_once(' ')?;
        // `pub(crate)` and `extern "C"`.
        let bare = word.split('(').next().unwrap_or(word);
        if !BEFORE.contains(&bare) && !word.starts_with('"') {
            return None;
        }
        rest = after.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_of_several_languages() {
        let cases = [
            ("pub(crate) async fn run(a: u8) {", RUST, Some(("run", 'f'))),
            ("    pub const fn x() {}", RUST, Some(("x", 'f'))),
            ("let f = function (x) {", SCRIPT, None),
            ("export default function handler() {}", SCRIPT, Some(("handler", 'f'))),
            ("export interface Cart<T> {", SCRIPT, Some(("Cart", 'i'))),
            ("func (s *Server) Start() error {", GO, Some(("Start", 'f'))),
            ("async def go(self):", PYTHON, Some(("go", 'f'))),
            ("public final class A {", JAVA, Some(("A", 'c'))),
            ("  def self.make", RUBY, Some(("make", 'f'))),
            ("// fn nothing()", RUST, None),
            ("fn", RUST, None),
            ("", RUST, None),
        ];
        for (line, words, wanted) in cases {
            assert_eq!(definition(line, words), wanted, "{line}");
        }
    }
}

//! Comments and code told apart, in the languages that people write: enough of each one's lexical rules that a marker in a
//! text is none, and one in a comment is.

mod reader;

pub(super) use reader::{COMMENT, Parts, read};

/// How a language writes comments and texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Language {
    /// What begins a comment that ends with its line.
    line: &'static [&'static str],
    /// What comments over several lines stand between.
    blocks: &'static [(&'static str, &'static str)],
    /// Quotes of texts that end with their line at the latest.
    quotes: &'static [u8],
    /// Quotes of texts that may go over several lines.
    long_quotes: &'static [u8],
    /// Whether three quotes begin a text over several lines.
    triple: bool,
    /// Words of the language that need rules of their own.
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Script,
    Rust,
    Shell,
    Markup,
}

const fn language(line: &'static [&'static str], quotes: &'static [u8]) -> Language {
    Language { line, blocks: &[], quotes, long_quotes: b"", triple: false, kind: Kind::Plain }
}

const SLASHES: &[&str] = &["//"];
const STARS: &[(&str, &str)] = &[("/*", "*/")];
const C: Language = Language { blocks: STARS, triple: true, ..language(SLASHES, b"\"'") };
const SCRIPT: Language = Language { triple: false, long_quotes: b"`", kind: Kind::Script, ..C };
const GO: Language = Language { triple: false, long_quotes: b"`", ..C };
const RUST: Language = Language { quotes: b"", triple: false, long_quotes: b"\"", kind: Kind::Rust, ..C };
const HASH: Language = Language { triple: true, ..language(&["#"], b"\"'") };
const SHELL: Language = Language { long_quotes: b"\"'", kind: Kind::Shell, ..language(&["#"], b"") };
const SQL: Language = Language { blocks: STARS, long_quotes: b"'", ..language(&["--"], b"\"") };
const LUA: Language = Language { blocks: &[("--[[", "]]")], ..language(&["--"], b"\"'") };
const CSS: Language = Language { blocks: STARS, ..language(&[], b"\"'") };
const MARKUP: Language = Language { blocks: &[("<!--", "-->")], kind: Kind::Markup, ..language(&[], b"") };
/// Markup with a script and a style in it.
const COMPONENT: Language = Language { blocks: &[("<!--", "-->"), ("/*", "*/")], ..SCRIPT };

/// The language of a file, by its name and its ending in small letters; `None` for one that is not known.
pub(super) fn of_file(name: &str, ending: &str) -> Option<Language> {
    let file = name.rsplit('/').next().unwrap_or(name);
    Some(match ending {
        "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" => SCRIPT,
        "java" | "kt" | "kts" | "c" | "h" | "cc" | "cpp" | "cxx" | "hpp" | "cs" | "swift" | "scala" | "dart"
        | "groovy" | "gradle" | "proto" | "scss" | "less" | "php" | "prisma" | "jsonc" | "json5" | "zig" => C,
        "go" => GO,
        "rs" => RUST,
        "py" | "rb" | "yaml" | "yml" | "toml" | "pl" | "r" | "ex" | "exs" | "tf" | "cmake" | "mk" | "graphql"
        | "nix" | "cfg" | "conf" | "ini" => HASH,
        "sh" | "bash" | "zsh" | "fish" | "ksh" => SHELL,
        "sql" => SQL,
        "lua" => LUA,
        "css" => CSS,
        "vue" | "svelte" => COMPONENT,
        "html" | "htm" | "xml" | "md" | "mdx" => MARKUP,
        _ if matches!(file, "Dockerfile" | "Makefile" | "Justfile" | "justfile") => HASH,
        _ => return None,
    })
}

//! Languages by count of lines, and the folders.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::files::{Files, extension, shown};

/// Extensions and their languages.
const LANGUAGES: &[(&str, &str)] = &[
    ("rs", "Rust"),
    ("ts", "TypeScript"),
    ("tsx", "TypeScript"),
    ("mts", "TypeScript"),
    ("js", "JavaScript"),
    ("jsx", "JavaScript"),
    ("mjs", "JavaScript"),
    ("cjs", "JavaScript"),
    ("py", "Python"),
    ("go", "Go"),
    ("java", "Java"),
    ("kt", "Kotlin"),
    ("swift", "Swift"),
    ("c", "C"),
    ("h", "C"),
    ("cc", "C++"),
    ("cpp", "C++"),
    ("hpp", "C++"),
    ("cs", "C#"),
    ("rb", "Ruby"),
    ("php", "PHP"),
    ("sh", "Shell"),
    ("bash", "Shell"),
    ("sql", "SQL"),
    ("html", "HTML"),
    ("css", "CSS"),
    ("scss", "CSS"),
    ("vue", "Vue"),
    ("svelte", "Svelte"),
    ("md", "Markdown"),
    ("yml", "YAML"),
    ("yaml", "YAML"),
    ("toml", "TOML"),
    ("json", "JSON"),
    ("prisma", "Prisma"),
    ("proto", "Protocol Buffers"),
    ("tf", "Terraform"),
    ("lua", "Lua"),
    ("zig", "Zig"),
    ("ex", "Elixir"),
    ("exs", "Elixir"),
    ("scala", "Scala"),
    ("dart", "Dart"),
];

/// Most folders that are listed.
const MOST_FOLDERS: usize = 200;
/// Levels of folders.
const DEPTH: usize = 3;

/// The language of a file, by its extension.
pub(super) fn language(path: &Path) -> Option<&'static str> {
    let extension = extension(path);
    LANGUAGES.iter().find(|(known, _)| *known == extension).map(|(_, language)| *language)
}

pub(super) fn info(files: &Files, name: &str, time: &str) -> String {
    let mut out = format!("# Repository Info\n\nName: {}\nGenerated: {time}\n\n## Languages\n", shown(Path::new(name)));
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for path in &files.files {
        let Some(language) = language(path) else { continue };
        let lines = files.lines(path);
        let (count, total) = counts.entry(language).or_default();
        *count += 1;
        *total += lines;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, (_, lines))| std::cmp::Reverse(*lines));
    for (language, (count, lines)) in &counts {
        let _ = writeln!(out, "- {language}: {lines} lines in {count} files");
    }
    if counts.is_empty() {
        out += "(none found)\n";
    }
    out += "\n## Structure (top 3 levels)\n.\n";
    let folders: Vec<_> = files.folders.iter().filter(|path| path.components().count() <= DEPTH).collect();
    for folder in folders.iter().take(MOST_FOLDERS) {
        let count = files.files.iter().filter(|file| file.starts_with(folder)).count();
        let _ = writeln!(out, "./{} ({count} files)", shown(folder));
    }
    if folders.len() > MOST_FOLDERS {
        let _ = writeln!(out, "({} more folders)", folders.len() - MOST_FOLDERS);
    }
    if files.cut {
        out += "\n(more files than are looked at)\n";
    }
    out
}

//! Words of free text that look like a file.

/// The endings that make a word a file.
const ENDINGS: [&str; 18] = [
    "ts", "tsx", "js", "jsx", "py", "rs", "go", "sh", "sql", "css", "scss", "json", "md", "toml", "yaml", "yml",
    "prisma", "graphql",
];

/// What is called like a file and is none: products and sites.
const NO_FILES: [&str; 22] = [
    "alpine.js",
    "angular.js",
    "backbone.js",
    "chart.js",
    "d3.js",
    "discord.js",
    "docs.rs",
    "ember.js",
    "express.js",
    "knockout.js",
    "moment.js",
    "nest.js",
    "next.js",
    "node.js",
    "nuxt.js",
    "p5.js",
    "react.js",
    "solid.js",
    "svelte.js",
    "three.js",
    "vue.js",
    "bun.sh",
];

/// The files that `text` names: whole runs of letters, digits and `_ / . - @` that end in a known ending. Addresses of
/// the web, patterns (`*.ts`) and paths that begin with something to be filled in (`$DIR/a.ts`) are none.
pub(super) fn files_in(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().map(without_address).flat_map(runs).filter_map(|(before, run)| file(before, run))
}

/// `chunk` up to where the address of a site begins in it.
fn without_address(chunk: &str) -> &str {
    match chunk.find("://") {
        Some(at) => chunk[..at].trim_end_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-')),
        None => chunk,
    }
}

/// The runs in `chunk`, each with the character before it.
fn runs(chunk: &str) -> impl Iterator<Item = (Option<char>, &str)> {
    chunk.split_inclusive(|c: char| !is_part(c)).scan(None, |before, piece| {
        let run = piece.trim_end_matches(|c: char| !is_part(c));
        let after = piece[run.len()..].chars().next();
        Some((std::mem::replace(before, after), run))
    })
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '/' | '.' | '-' | '@')
}

fn file(before: Option<char>, run: &str) -> Option<&str> {
    // The end of a sentence is no part of the name.
    let run = run.trim_end_matches('.');
    let (stem, ending) = run.rsplit_once('.')?;
    let named = !stem.is_empty() && !stem.ends_with('/') && ENDINGS.contains(&ending);
    let cut_off =
        run.starts_with(['/', '.']) && before.is_some_and(|c| matches!(c, '*' | ']' | '}' | ')' | '$' | '~' | '%'));
    let product = NO_FILES.iter().any(|name| name.eq_ignore_ascii_case(run));
    (named && !cut_off && !product).then_some(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_with_a_known_ending_are_files() {
        for (text, wanted) in [
            ("edit src/a.ts, then `b/c_d.tsx` (and x.py).", &["src/a.ts", "b/c_d.tsx", "x.py"][..]),
            ("grep -q x src/@types/a.d.ts:12 && test -f \"db.sql\"", &["src/@types/a.d.ts", "db.sql"]),
            ("x.tsv a.jsonl b.mdx c.tsxx README.md", &["README.md"]),
            ("Node.js and next.js use package.json; see docs.rs", &["package.json"]),
            ("https://example.com/a.js http://x:80/b.js [c.md](https://x/d.md)", &["c.md"]),
            ("*.ts src/**/*.test.ts ${DIR}/a.ts ~/b.ts src/[id].ts .json", &[]),
            ("**src/a.ts** größe/ß.rs ../up.go", &["src/a.ts", "größe/ß.rs", "../up.go"]),
            ("no ending Makefile src/ a.", &[]),
            ("", &[]),
        ] {
            assert_eq!(files_in(text).collect::<Vec<_>>(), wanted, "{text}");
        }
    }
}

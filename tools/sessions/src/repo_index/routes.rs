//! Files with route definitions, and the paths of an API that stand in quotes.

use std::collections::BTreeSet;
use std::path::Path;

use super::files::{Files, extension, shown, source};
use super::section;

const VERBS: [&str; 7] = ["get", "post", "put", "delete", "patch", "head", "options"];
const KINDS: [&str; 14] = ["ts", "tsx", "js", "jsx", "mjs", "cjs", "py", "go", "rs", "java", "kt", "rb", "php", "cs"];
const MOST_FILES: usize = 10;
const MOST_PATHS: usize = 20;

pub(super) fn of(root: &Path, files: &Files) -> String {
    let (mut with_routes, mut paths) = (Vec::new(), BTreeSet::new());
    for path in files.files.iter().filter(|path| KINDS.contains(&extension(path).as_str())) {
        let Some(text) = source(&root.join(path)) else { continue };
        if with_routes.len() < MOST_FILES && text.lines().any(defines_a_route) {
            with_routes.push(shown(path));
        }
        paths.extend(quoted_paths(&text));
    }
    let paths: Vec<String> = paths.into_iter().take(MOST_PATHS).collect();
    let mut out = "# API Patterns\n".to_owned();
    section(&mut out, "Route definitions", &with_routes);
    section(&mut out, "API endpoints (sample)", &paths);
    out
}

fn defines_a_route(line: &str) -> bool {
    let line = line.trim_start();
    let verb_call =
        |rest: &str| VERBS.iter().any(|verb| rest.strip_prefix(verb).is_some_and(|rest| rest.starts_with('(')));
    let after = |object: &str| line.split(object).skip(1).any(verb_call);
    if after("app.") || line.contains("router.") || after("@app.") || line.contains("@router.") {
        return true;
    }
    line.strip_prefix('@').is_some_and(|name| {
        let word: String = name.chars().take_while(char::is_ascii_alphanumeric).collect();
        let word = word.strip_suffix("Mapping").unwrap_or(&word).to_lowercase();
        name.starts_with(char::is_uppercase)
            && (VERBS.contains(&word.as_str()) || word == "request" || word == "controller")
    }) || line.starts_with("#[get(")
        || line.starts_with("#[post(")
        || line.contains(".route(\"")
}

/// `/api/...` in quotes of any kind.
fn quoted_paths(text: &str) -> impl Iterator<Item = String> + '_ {
    text.match_indices("/api/").filter_map(|(at, _)| {
        let quote = text[..at].chars().next_back().filter(|quote| matches!(quote, '"' | '\'' | '`'))?;
        let end = text[at..].find(quote)?;
        let path = &text[at..at + end];
        let plain = path.len() <= 120 && !path.chars().any(|c| c.is_whitespace() || c.is_control());
        plain.then(|| path.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_of_several_frameworks() {
        for line in [
            "app.get(\"/x\", h)",
            "  router.post('/y')",
            "@app.post(\"/z\")",
            "@Get('list')",
            "@GetMapping(\"/a\")",
            "#[get(\"/b\")]",
            ".route(\"/c\", get(h))",
        ] {
            assert!(defines_a_route(line), "{line}");
        }
        for line in ["application.getter()", "@override", "map.get(key)", "let app = 1;", "@media print"] {
            assert!(!defines_a_route(line), "{line}");
        }
    }

    #[test]
    fn paths_stand_in_quotes() {
        let text = "fetch('/api/users') \"/api/a/:id\" /api/bare `/api/${x}` '/api/no end";
        assert_eq!(quoted_paths(text).collect::<Vec<_>>(), ["/api/users", "/api/a/:id", "/api/${x}"]);
    }
}

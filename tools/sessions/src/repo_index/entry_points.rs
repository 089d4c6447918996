//! Where to begin reading: manifests, main files, settings, tests.

use std::path::Path;

use super::files::{Files, extension, shown};
use super::section;

const MANIFESTS: [&str; 6] = ["package.json", "Cargo.toml", "pyproject.toml", "go.mod", "build.gradle", "pom.xml"];
const MAIN: [&str; 4] = ["main", "index", "app", "server"];
const MAIN_KINDS: [&str; 7] = ["ts", "tsx", "js", "jsx", "py", "go", "rs"];
const TESTS: [&str; 3] = ["test", "spec", "__tests__"];

/// Levels that are looked at for main files, and for settings and tests.
const DEEP: usize = 3;
const SHALLOW: usize = 2;

pub(super) fn of(files: &Files) -> String {
    let mut out = "# Entry Points\n".to_owned();
    let lists = |keep: &dyn Fn(&Path) -> bool, depth: usize, most: usize| -> Vec<String> {
        files.within(depth).filter(|path| keep(path)).take(most).map(|path| shown(path)).collect()
    };
    let named =
        |path: &Path, names: &[&str]| path.file_name().is_some_and(|name| names.iter().any(|known| name == *known));
    section(&mut out, "Package manifests", &lists(&|path| named(path, &MANIFESTS), 1, MANIFESTS.len()));
    let main = |path: &Path| {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
        MAIN.contains(&stem.as_str()) && MAIN_KINDS.contains(&extension(path).as_str())
    };
    section(&mut out, "Main/Index files", &lists(&main, DEEP, 20));
    section(&mut out, "Config files", &lists(&is_setting, SHALLOW, 10));
    let tests: Vec<String> = files
        .folders
        .iter()
        .filter(|path| path.components().count() <= SHALLOW)
        .filter(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
            TESTS.iter().any(|word| name.contains(word))
        })
        .take(5)
        .map(|path| format!("{}/", shown(path)))
        .collect();
    section(&mut out, "Test directories", &tests);
    out
}

fn is_setting(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    name.starts_with(".env")
        || name.contains("config")
        || name.contains("settings")
        || name == "env.ts"
        || name == "env.js"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_known_by_their_names() {
        for name in [".env", ".env.example", "config.json", "tsconfig.json", "src/settings.py", "vite.config.ts"] {
            assert!(is_setting(Path::new(name)), "{name}");
        }
        assert!(!is_setting(Path::new("environment.md")) && !is_setting(Path::new("main.rs")));
    }
}

//! What the manifests of the root depend on.

use std::fs;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::section;

/// Most names of each manifest.
const MOST: usize = 20;

/// The parts of a list, each with its heading.
type Parts = Vec<(&'static str, Vec<String>)>;

/// Reads a manifest; `None` when it is broken.
type Reader = fn(&str) -> Option<Parts>;

pub(super) fn of(root: &Path) -> String {
    let mut out = "# Dependencies\n".to_owned();
    let manifests: [(&str, Reader); 5] = [
        ("package.json", package_json),
        ("requirements.txt", requirements),
        ("pyproject.toml", pyproject),
        ("Cargo.toml", cargo),
        ("go.mod", go_mod),
    ];
    for (name, read) in manifests {
        let Ok(text) = fs::read(root.join(name)) else { continue };
        match read(&String::from_utf8_lossy(&text)) {
            None => section(&mut out, name, &["(cannot be read)".to_owned()]),
            Some(parts) => {
                for (part, names) in parts {
                    let more = names.len().saturating_sub(MOST);
                    let mut names: Vec<String> =
                        names.into_iter().take(MOST).map(|name| crewkit_tool::text::one_line(&name)).collect();
                    if more > 0 {
                        names.push(format!("({more} more)"));
                    }
                    section(&mut out, part, &names);
                }
            }
        }
    }
    out
}

fn package_json(text: &str) -> Option<Parts> {
    let manifest: serde_json::Value = serde_json::from_str(text).ok()?;
    let names = |key: &str| manifest[key].as_object().map(|table| table.keys().cloned().collect()).unwrap_or_default();
    let mut parts = vec![("npm (package.json)", names("dependencies"))];
    let development: Vec<String> = names("devDependencies");
    if !development.is_empty() {
        parts.push(("npm, development (package.json)", development));
    }
    Some(parts)
}

#[expect(clippy::unnecessary_wraps, reason = "one type for all readers")]
fn requirements(text: &str) -> Option<Parts> {
    let lines = text.lines().map(|line| line.split(" #").next().unwrap_or(line).trim());
    let names = lines.filter(|line| !line.is_empty() && !line.starts_with(['#', '-'])).map(str::to_owned).collect();
    Some(vec![("Python (requirements.txt)", names)])
}

fn pyproject(text: &str) -> Option<Parts> {
    let manifest = DeTable::parse(text).ok()?.into_inner();
    let standard = at(&manifest, &["project", "dependencies"]).and_then(DeValue::as_array);
    let mut names: Vec<String> =
        standard.into_iter().flatten().filter_map(|name| name.get_ref().as_str().map(str::to_owned)).collect();
    names.extend(keys(&manifest, &["tool", "poetry", "dependencies"]).into_iter().filter(|name| name != "python"));
    Some(vec![("Python (pyproject.toml)", names)])
}

fn cargo(text: &str) -> Option<Parts> {
    let manifest = DeTable::parse(text).ok()?.into_inner();
    let mut names = keys(&manifest, &["dependencies"]);
    names.extend(keys(&manifest, &["workspace", "dependencies"]));
    for target in keys(&manifest, &["target"]) {
        names.extend(keys(&manifest, &["target", &target, "dependencies"]));
    }
    let mut development = keys(&manifest, &["dev-dependencies"]);
    development.extend(keys(&manifest, &["build-dependencies"]));
    let mut parts = vec![("Rust (Cargo.toml)", names)];
    if !development.is_empty() {
        parts.push(("Rust, development and build (Cargo.toml)", development));
    }
    Some(parts)
}

/// The value at `path` of tables.
fn at<'a, 't>(table: &'a DeTable<'t>, path: &[&str]) -> Option<&'a DeValue<'t>> {
    let (last, folders) = path.split_last()?;
    let table = folders.iter().try_fold(table, |table, name| table.get(*name)?.get_ref().as_table())?;
    table.get(*last).map(toml::Spanned::get_ref)
}

/// The keys of the table at `path`.
fn keys(table: &DeTable<'_>, path: &[&str]) -> Vec<String> {
    let found = at(table, path).and_then(DeValue::as_table);
    found.into_iter().flat_map(DeTable::keys).map(|key| key.get_ref().to_string()).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "one type for all readers")]
fn go_mod(text: &str) -> Option<Parts> {
    let (mut names, mut inside) = (Vec::new(), false);
    for line in text.lines().map(str::trim) {
        match (inside, line) {
            (false, "require (") => inside = true,
            (true, ")") => inside = false,
            (true, line) if !line.is_empty() && !line.starts_with("//") => {
                names.extend(line.split_whitespace().next().map(str::to_owned));
            }
            (false, line) => {
                let module = line.strip_prefix("require ").and_then(|rest| rest.split_whitespace().next());
                names.extend(module.map(str::to_owned));
            }
            _ => {}
        }
    }
    Some(vec![("Go (go.mod)", names)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(parts: Option<Parts>) -> Vec<String> {
        parts.unwrap().remove(0).1
    }

    #[test]
    fn only_dependencies_count() {
        let text = "[package]\nname = \"x\"\n[dependencies]\nserde = \"1\"\n[dependencies.tokio]\nversion = \"1\"\n[features]\na = []";
        assert_eq!(first(cargo(text)), ["serde", "tokio"]);
        assert_eq!(first(package_json(r#"{"dependencies":{"zod":"1"},"scripts":{"test":"x"}}"#)), ["zod"]);
        assert_eq!(first(requirements("# c\nflask==3.0\n-r other\n\nnumpy # n\n")), ["flask==3.0", "numpy"]);
        assert_eq!(
            first(pyproject(
                "[project]\ndependencies = [\"a>1\"]\n[tool.poetry.dependencies]\npython = \"3\"\nb = \"1\""
            )),
            ["a>1", "b"]
        );
        assert_eq!(
            first(go_mod("module m\nrequire (\n\ta.com/b v1\n\t// c\n)\nrequire d.com/e v2\n")),
            ["a.com/b", "d.com/e"]
        );
    }

    #[test]
    fn a_broken_manifest_is_said() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("package.json"), "{").unwrap();
        assert!(of(folder.path()).contains("## package.json\n- (cannot be read)"));
        assert!(!of(folder.path()).contains("Rust"));
    }
}

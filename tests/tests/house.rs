//! The table of tools, their files, their documentation and their tests, held against each other.

use std::fs;
use std::path::{Path, PathBuf};

use crewkit_tests::{Crew, Value, program};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn tools() -> Vec<Value> {
    let crew = Crew::new();
    let list = crewkit_tests::finish(crew.command(program()).args(["list", "--json"]), None).code(0).json();
    list.as_array().unwrap().clone()
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap()
}

#[test]
fn every_tool_has_its_file_its_binary_and_its_line_in_the_readme() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    for row in tools() {
        let (name, family) = (text(&row, "name"), text(&row, "family"));
        let folder =
            if family == "hooks" { repository().join("hooks") } else { repository().join("tools").join(family) };
        let module = name.strip_prefix("hook-").unwrap_or(name).replace('-', "_");
        let source = folder.join("src").join(&module);
        assert!(
            source.with_extension("rs").is_file() || source.join("mod.rs").is_file(),
            "{name}: no {module}.rs in {family}"
        );
        let binary = folder.join("src/bin").join(format!("{name}.rs"));
        assert!(binary.is_file(), "{name}: no stand-alone binary");
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}: no [[bin]] in {family}/Cargo.toml");
        assert!(readme.contains(&format!("| `{name}` |")), "{name}: no row in README.md");
    }
}

#[test]
fn every_tool_answers_help_and_has_a_man_page() {
    let crew = Crew::new();
    for row in tools() {
        let name = text(&row, "name");
        let page = crewkit_tests::finish(crew.command(program()).args(["man", name]), None).code(0);
        assert!(page.stdout.contains(&format!(".TH {name} 1")), "{name}");
        if row["kind"] == "tool" {
            let help = crewkit_tests::finish(crew.command(program()).args([name, "--help"]), None).code(0);
            assert!(help.stdout.contains("Usage") && help.stderr.is_empty(), "{name}: {help:?}");
        }
        assert!(
            !text(&row, "summary").ends_with('.') && text(&row, "summary").len() < 90,
            "{name}: {}",
            text(&row, "summary")
        );
    }
}

#[test]
fn completions_name_every_tool() {
    let crew = Crew::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = crewkit_tests::finish(crew.command(program()).args(["completions", shell]), None).code(0).stdout;
        for row in tools() {
            assert!(script.contains(text(&row, "name")), "{shell}: {}", text(&row, "name"));
        }
        if let Ok(checker) = which(shell) {
            let file = crew.root().join(format!("completions.{shell}"));
            fs::write(&file, &script).unwrap();
            crewkit_tests::finish(crew.command(checker).arg("-n").arg(&file), None).code(0);
        }
    }
}

fn which(program: &str) -> Result<PathBuf, ()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file()).ok_or(())
}

#[test]
fn sql_stands_in_the_store_alone() {
    let verbs = ["SELECT ", "INSERT INTO", "INSERT OR", "UPDATE ", "DELETE FROM", "PRAGMA ", "BEGIN IMMEDIATE"];
    let mut open = vec![repository().join("tools"), repository().join("hooks"), repository().join("shared")];
    while let Some(folder) = open.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                if !path.ends_with("shared/store") && !path.ends_with("tests") {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let source = fs::read_to_string(&path).unwrap();
                let code = source.split("#[cfg(test)]").next().unwrap_or_default();
                for (number, line) in code.lines().enumerate() {
                    let found = verbs.iter().any(|verb| line.contains(&format!("\"{verb}")));
                    assert!(!found, "{}:{}: {line}", path.display(), number + 1);
                }
            }
        }
    }
}

//! The picture that stands for a project.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path};

/// Most bytes of CLAUDE.md that are looked at.
const MOST: u64 = 1 << 20;

/// The icon of the project in `folder`, relative to it: what a line `icon: PATH` of CLAUDE.md names, else the first of
/// the usual files. Empty when there is none.
pub(crate) fn icon(folder: &Path) -> String {
    named(folder).or_else(|| usual(folder)).unwrap_or_default()
}

fn named(folder: &Path) -> Option<String> {
    let path = folder.join("CLAUDE.md");
    if !path.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MOST).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    text.lines().find_map(|line| {
        let (key, value) = line.trim_start_matches(['-', '*', ' ', '\t']).split_once(':')?;
        let value = value.trim().trim_matches(['"', '\'', '`']);
        (key.trim().eq_ignore_ascii_case("icon") && !value.is_empty()).then(|| inside(folder, Path::new(value)))?
    })
}

/// `path` relative to `folder`; `None` when it leads out of it.
fn inside(folder: &Path, path: &Path) -> Option<String> {
    let path = if path.is_absolute() { path.strip_prefix(folder).ok()? } else { path };
    let path = path.strip_prefix(".").unwrap_or(path);
    let down = path.components().all(|part| matches!(part, Component::Normal(_)));
    (down && !path.as_os_str().is_empty()).then(|| path.to_str().map(str::to_owned))?
}

fn usual(folder: &Path) -> Option<String> {
    let places = [
        ("public", "logo", ".png"),
        ("public", "logo", ".svg"),
        ("assets", "icon", ".png"),
        (".claude", "icon.png", ""),
        ("", "favicon.", ""),
    ];
    places.into_iter().find_map(|(below, begin, end)| {
        let fits = |name: &str| {
            let whole = !end.is_empty() || begin.ends_with('.') || name == begin;
            whole && name.len() >= begin.len() + end.len() && name.starts_with(begin) && name.ends_with(end)
        };
        let mut names: Vec<String> = fs::read_dir(folder.join(below))
            .ok()?
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| fits(name) && folder.join(below).join(name).is_file())
            .collect();
        names.sort_unstable();
        let name = names.into_iter().next()?;
        Some(if below.is_empty() { name } else { format!("{below}/{name}") })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_places_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        for below in ["public", "assets", ".claude"] {
            fs::create_dir(at.join(below)).unwrap();
        }
        assert_eq!(icon(at), "");
        for path in [
            "favicon.ico",
            ".claude/icon.png",
            "assets/icon-2.png",
            "assets/icon-1.png",
            "public/logo.svg",
            "public/logo-b.png",
        ] {
            fs::write(at.join(path), "x").unwrap();
            let wanted = if path == "public/logo.svg" { "public/logo.svg" } else { path };
            assert_eq!(icon(at), wanted);
        }
    }

    #[test]
    fn a_line_of_claude_md_wins_unless_it_leads_out() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::write(at.join("favicon.svg"), "x").unwrap();
        for (text, wanted) in [
            ("# Demo\nicon: docs/icon.svg\nicon: other.svg\n", "docs/icon.svg"),
            ("- Icon: \"./a b.png\"\r\n", "a b.png"),
            ("icon: ../secret\n", "favicon.svg"),
            ("icon: /etc/passwd\n", "favicon.svg"),
            ("icon:\n", "favicon.svg"),
            ("the icon: x.png\n", "favicon.svg"),
        ] {
            fs::write(at.join("CLAUDE.md"), text).unwrap();
            assert_eq!(icon(at), wanted, "{text}");
        }
        fs::write(at.join("CLAUDE.md"), format!("icon: {}/x.png\n", at.display())).unwrap();
        assert_eq!(icon(at), "x.png");
    }
}

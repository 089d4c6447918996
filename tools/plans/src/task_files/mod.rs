//! The files that a task names, and which of them two tasks or plans have in common.
//!
//! Declared files (the column `files`, the part ` | Files: ` that import appends to a description, `files` of a spec)
//! count whatever their name; of free text the words that look like a file do, see [`words`]. Names are compared as
//! wholes after normalising. A declared folder, one that ends in `/`, covers what lies below it.

mod words;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

/// The folder that holds everything.
const TOP: &str = "./";

/// Names of files and folders, normalised; those of folders end in `/`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FileSet {
    names: BTreeSet<String>,
    folders: bool,
}

impl FileSet {
    /// The files of a task of the database: `files` is a JSON list or names separated by commas, `criteria` JSON.
    pub(crate) fn of_task(files: &str, description: &str, criteria: &str) -> Self {
        let mut set = Self::default();
        let listed = listed(files);
        let (text, part) = split_part(description, "Files");
        match part {
            // Import writes both; a name with a comma in it is whole only in the list.
            Some(part) if part != listed.join(", ") => set.declare_all(part.split(',')),
            _ => {}
        }
        set.declare_all(&listed);
        set.add_words(&text);
        match serde_json::from_str(criteria) {
            Ok(value) => each_text(&value, &mut |text| set.add_words(text)),
            Err(_) => set.add_words(criteria),
        }
        set
    }

    /// Adds a declared name.
    pub(crate) fn declare(&mut self, name: &str) {
        if let Some(name) = normal(name) {
            self.folders |= name.ends_with('/');
            self.names.insert(name);
        }
    }

    /// Adds declared names.
    pub(crate) fn declare_all(&mut self, names: impl IntoIterator<Item = impl AsRef<str>>) {
        for name in names {
            self.declare(name.as_ref());
        }
    }

    /// Adds the words of free text that look like a file.
    pub(crate) fn add_words(&mut self, text: &str) {
        self.names.extend(words::files_in(text).filter_map(normal));
    }

    /// Adds all names of another set.
    pub(crate) fn join(&mut self, other: Self) {
        self.folders |= other.folders;
        self.names.extend(other.names);
    }

    /// Whether nothing is named.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether `name`, normalised, is named or lies below a named folder.
    pub(crate) fn covers(&self, name: &str) -> bool {
        self.names.contains(name) || self.folders && above(name).any(|folder| self.names.contains(&*folder))
    }

    /// The names that both have, of a folder and what lies below it the latter; sorted.
    pub(crate) fn shared<'a>(&'a self, other: &'a Self) -> BTreeSet<&'a str> {
        let ours = self.names.iter().filter(|name| other.covers(name));
        let theirs = other.names.iter().filter(|name| self.covers(name));
        ours.chain(theirs).map(String::as_str).collect()
    }

    /// The folders that hold the named files, and the named folders; each with `/` at its end, without the top.
    pub(crate) fn parents(&self) -> BTreeSet<&str> {
        let parent = |name: &'_ String| -> Option<usize> { name.rfind('/').map(|at| at + 1) };
        self.names
            .iter()
            .filter_map(|name| parent(name).map(|end| &name[..end]))
            .filter(|folder| !matches!(*folder, TOP | "/"))
            .collect()
    }
}

/// The pairs of `sets` that have names in common, by their places, with these names.
pub(crate) fn shared_by_pairs(sets: &[FileSet]) -> BTreeMap<(usize, usize), BTreeSet<&str>> {
    let mut index: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, set) in sets.iter().enumerate() {
        for name in &set.names {
            index.entry(name).or_default().push(place);
        }
    }
    let folders = sets.iter().any(|set| set.folders);
    let mut pairs: BTreeSet<(usize, usize)> = BTreeSet::new();
    for (place, set) in sets.iter().enumerate() {
        for name in &set.names {
            let mut meet = |others: &[usize]| {
                let others = others.iter().filter(|other| **other != place);
                pairs.extend(others.map(|other| (place.min(*other), place.max(*other))));
            };
            meet(&index[name.as_str()]);
            if folders {
                above(name).filter_map(|folder| index.get(&*folder)).for_each(|others| meet(others));
            }
        }
    }
    pairs.into_iter().map(|(one, other)| ((one, other), sets[one].shared(&sets[other]))).collect()
}

/// The folders above a name: for `a/b` they are `./`, `a/` and (should it be a folder) `a/b/`.
fn above(name: &str) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
    let bare = name.strip_suffix('/').unwrap_or(name);
    let steps = bare.match_indices('/').map(|(at, _)| bare[..=at].into());
    let own = (bare.len() == name.len()).then(|| format!("{name}/").into());
    std::iter::once(TOP.into()).chain(steps).chain(own)
}

/// `name` without `.`, doubled slashes and `..` as far as its text tells; `None` when nothing is left of it.
pub(crate) fn normal(name: &str) -> Option<String> {
    let name = name.trim();
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() {
        return (!name.is_empty() && !name.starts_with('/')).then(|| TOP.to_owned());
    }
    let root = if name.starts_with('/') { "/" } else { "" };
    let last = name.rsplit('/').next().unwrap_or_default();
    let end = if matches!(last, "" | "." | "..") { "/" } else { "" };
    Some(format!("{root}{}{end}", parts.join("/")))
}

/// The names in the column `files`: a JSON list, or names separated by commas or line ends.
fn listed(files: &str) -> Vec<String> {
    match serde_json::from_str(files) {
        Ok(Value::Array(list)) => {
            let texts = list.into_iter().filter_map(|name| match name {
                Value::String(name) => Some(name),
                _ => None,
            });
            texts.collect()
        }
        Ok(Value::String(name)) => vec![name],
        Ok(Value::Null) => Vec::new(),
        _ => files.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect(),
    }
}

/// The files that a task declares: those of the column `files`, else those of the part ` | Files: ` of its description.
pub(crate) fn declared(files: &str, description: &str) -> Vec<String> {
    let listed = listed(files);
    if !listed.is_empty() {
        return listed;
    }
    let (_, part) = split_part(description, "Files");
    let names = part.into_iter().flat_map(|part| part.split(','));
    names.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// A description in two: without its part ` | NAME: ...`, and that part.
pub(crate) fn split_part<'a>(description: &'a str, name: &str) -> (std::borrow::Cow<'a, str>, Option<&'a str>) {
    let mark = format!(" | {name}: ");
    let Some(at) = description.rfind(&mark) else { return (description.into(), None) };
    let rest = &description[at + mark.len()..];
    let end = rest.find(" | ").unwrap_or(rest.len());
    (format!("{}{}", &description[..at], &rest[end..]).into(), Some(&rest[..end]))
}

fn each_text(value: &Value, visit: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(list) => list.iter().for_each(|value| each_text(value, visit)),
        Value::Object(object) => object.values().for_each(|value| each_text(value, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(names: &[&str]) -> FileSet {
        let mut set = FileSet::default();
        set.declare_all(names);
        set
    }

    fn shared(one: &[&str], other: &[&str]) -> Vec<String> {
        let (one, other) = (set(one), set(other));
        let found: Vec<String> = one.shared(&other).into_iter().map(str::to_owned).collect();
        assert_eq!(other.shared(&one), one.shared(&other));
        found
    }

    #[test]
    fn names_are_compared_as_wholes() {
        assert!(shared(&["a.ts", "src", "src/app.ts"], &["src/data.ts", "lib/src", "lib/src/app.ts"]).is_empty());
        assert_eq!(shared(&["./src//a.ts", "Makefile"], &["src/a.ts", "Makefile"]), ["Makefile", "src/a.ts"]);
        assert_eq!(shared(&["src/x/../a.ts "], &["src/./a.ts"]), ["src/a.ts"]);
        assert!(shared(&["../a.ts"], &["a.ts"]).is_empty());
    }

    #[test]
    fn a_folder_covers_what_is_below_it() {
        assert_eq!(shared(&["src/auth/"], &["src/auth/login.ts", "src/auth2/x.ts"]), ["src/auth/login.ts"]);
        assert_eq!(shared(&["src/"], &["src/auth/"]), ["src/auth/"]);
        assert_eq!(shared(&["src/"], &["src"]), ["src"]);
        assert_eq!(shared(&["."], &["a", "b/c"]), ["a", "b/c"]);
        assert!(shared(&["src/"], &["lib/src/a.ts"]).is_empty());
        assert!(set(&["src/"]).covers("src/deep/a.ts") && !set(&["src"]).covers("src/a.ts"));
    }

    #[test]
    fn parents_are_the_nearest_folders() {
        let names = set(&["src/auth/a.ts", "src/auth/b.ts", "top.md", "docs/", "/abs.ts", "."]);
        assert_eq!(names.parents().into_iter().collect::<Vec<_>>(), ["docs/", "src/auth/"]);
    }

    #[test]
    fn a_task_names_files_in_every_column() {
        let task = |files, description, criteria| FileSet::of_task(files, description, criteria);
        assert_eq!(
            task("", "Edit x.py | Files: Makefile, src/App.vue | Ref: F-01", "{\"verify\":[\"grep a\\nsrc/b.ts\"]}"),
            set(&["x.py", "Makefile", "src/App.vue", "src/b.ts"])
        );
        assert_eq!(task("[\"a, b.ts\",\"c\"]", "x | Files: a, b.ts, c", ""), set(&["a, b.ts", "c"]));
        assert_eq!(task("[\"a\"]", "x | Files: b", ""), set(&["a", "b"]));
        assert_eq!(task("a, b\nc/", "", "no json a.ts"), set(&["a", "b", "c/", "a.ts"]));
        assert!(task("null", "nothing here", "null").is_empty());
        assert_eq!(task("\"a\"", "", ""), set(&["a"]));
    }

    #[test]
    fn a_part_is_cut_out_of_its_description() {
        assert_eq!(split_part("do | Files: a, b | Ref: F-01", "Files"), ("do | Ref: F-01".into(), Some("a, b")));
        assert_eq!(split_part("do", "Files"), ("do".into(), None));
    }

    proptest! {
        #[test]
        fn pairs_are_those_that_share(names in prop::collection::vec(prop::collection::vec("[ab]{1,2}(/[ab]{1,2}){0,2}/?|\\.", 0..4), 0..5)) {
            let sets: Vec<FileSet> = names.iter().map(|names| set(&names.iter().map(String::as_str).collect::<Vec<_>>())).collect();
            let pairs = shared_by_pairs(&sets);
            for one in 0..sets.len() {
                for other in one + 1..sets.len() {
                    let wanted = sets[one].shared(&sets[other]);
                    prop_assert_eq!(pairs.get(&(one, other)).cloned().unwrap_or_default(), wanted);
                }
            }
        }

        #[test]
        fn normalising_again_changes_nothing(name in "[a./]{0,12}") {
            if let Some(once) = normal(&name) {
                let twice = normal(&once);
                prop_assert_eq!(twice.as_ref(), Some(&once));
            }
        }
    }
}

//! Which tasks of a wave get in each other's way.

use std::collections::HashMap;

use serde::Serialize;

use crate::task_files::{FileSet, shared_by_pairs};

/// A task of a wave.
#[derive(Debug, Default)]
pub(super) struct Item {
    /// Its code; nothing says that it is the only one of that code.
    pub(super) code: String,
    /// The files it names.
    pub(super) files: FileSet,
    /// The codes of the tasks that have to be finished before it begins.
    pub(super) after: Vec<String>,
}

/// How much the tasks of a wave are in each other's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Risk {
    /// No pair shares a file.
    None,
    /// One or two files of a pair.
    Warning,
    /// Three or more.
    Critical,
}

impl Risk {
    fn of(files: usize) -> Self {
        match files {
            0 => Self::None,
            1 | 2 => Self::Warning,
            _ => Self::Critical,
        }
    }

    pub(super) fn exit_code(self) -> u8 {
        self as u8
    }
}

#[derive(Debug, Serialize)]
struct Pair {
    task_a: String,
    task_b: String,
    shared_files: Vec<String>,
}

/// The pairs of a wave that share files.
#[derive(Debug, Serialize)]
pub(super) struct Overlap {
    overlaps: Vec<Pair>,
    pub(super) risk: Risk,
    max_shared_files: usize,
}

impl Overlap {
    /// Compares `items`, in the order of entry. Two of which one waits for the other are never at work together.
    pub(super) fn of(items: &[Item]) -> Self {
        let sets: Vec<FileSet> = items.iter().map(|item| item.files.clone()).collect();
        let waits = Waits::of(items);
        let overlaps: Vec<Pair> = shared_by_pairs(&sets)
            .into_iter()
            .filter(|((a, b), _)| !waits.either(*a, *b))
            .map(|((a, b), shared)| Pair {
                task_a: items[a].code.clone(),
                task_b: items[b].code.clone(),
                shared_files: shared.into_iter().map(str::to_owned).collect(),
            })
            .collect();
        let max_shared_files = overlaps.iter().map(|pair| pair.shared_files.len()).max().unwrap_or(0);
        Self { overlaps, risk: Risk::of(max_shared_files), max_shared_files }
    }
}

/// For each task the places of those it waits for, whether itself or through others.
struct Waits(Vec<Vec<bool>>);

impl Waits {
    fn of(items: &[Item]) -> Self {
        if items.iter().all(|item| item.after.is_empty()) {
            return Self(Vec::new());
        }
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, item) in items.iter().enumerate() {
            places.entry(&item.code).or_default().push(place);
        }
        let next = |place: usize| items[place].after.iter().filter_map(|code| places.get(code.as_str())).flatten();
        let reach = |from: usize| {
            let mut reached = vec![false; items.len()];
            let mut open = vec![from];
            while let Some(place) = open.pop() {
                for &other in next(place) {
                    if !std::mem::replace(&mut reached[other], true) {
                        open.push(other);
                    }
                }
            }
            reached
        };
        Self((0..items.len()).map(reach).collect())
    }

    fn either(&self, a: usize, b: usize) -> bool {
        !self.0.is_empty() && (self.0[a][b] || self.0[b][a])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(code: &str, files: &[&str], after: &[&str]) -> Item {
        let mut set = FileSet::default();
        set.declare_all(files);
        Item { code: code.to_owned(), files: set, after: after.iter().map(|code| (*code).to_owned()).collect() }
    }

    fn pairs(overlap: &Overlap) -> Vec<(&str, &str, usize)> {
        overlap.overlaps.iter().map(|p| (p.task_a.as_str(), p.task_b.as_str(), p.shared_files.len())).collect()
    }

    #[test]
    fn the_largest_pair_decides_the_risk() {
        let overlap = Overlap::of(&[item("A", &["a", "b", "c"], &[]), item("B", &["a"], &[]), item("C", &["x"], &[])]);
        assert_eq!((pairs(&overlap), overlap.risk, overlap.max_shared_files), (vec![("A", "B", 1)], Risk::Warning, 1));
        let overlap = Overlap::of(&[item("A", &["d/"], &[]), item("A", &["d/1", "d/2", "d/3"], &[])]);
        assert_eq!((pairs(&overlap), overlap.risk), (vec![("A", "A", 3)], Risk::Critical));
        let overlap = Overlap::of(&[]);
        assert_eq!((overlap.risk, overlap.max_shared_files), (Risk::None, 0));
    }

    #[test]
    fn tasks_that_wait_for_each_other_do_not_meet() {
        let overlap = Overlap::of(&[
            item("A", &["a"], &[]),
            item("B", &["b"], &["A"]),
            item("C", &["a"], &["B", "gone"]),
            item("D", &["a"], &[]),
        ]);
        assert_eq!(pairs(&overlap), [("A", "D", 1), ("C", "D", 1)]);
    }

    #[test]
    fn a_wave_of_four_hundred_tasks_takes_no_time() {
        let items: Vec<Item> = (0..400)
            .map(|i| {
                let names: Vec<String> = (0..5).map(|n| format!("src/part{}/file{n}.rs", i / 2)).collect();
                item(&format!("T{i}"), &names.iter().map(String::as_str).collect::<Vec<_>>(), &[])
            })
            .collect();
        let started = std::time::Instant::now();
        let overlap = Overlap::of(&items);
        assert_eq!((overlap.overlaps.len(), overlap.max_shared_files), (200, 5));
        assert!(started.elapsed() < std::time::Duration::from_millis(500), "{:?}", started.elapsed());
    }
}

//! Gate 8: is there a test beside changed code? Never rejects.

use crewkit_scan::names;

use super::changes::{ChangedFile, Changes};
use super::{Finding, Gate, TESTS_FIRST};

/// Types of tasks whose code wants a test.
const WANT_A_TEST: [&str; 3] = ["feature", "fix", "bug"];

/// `kind` is the type of the task, `None` for a wave.
pub(super) fn judge(changes: &Changes, kind: Option<&str>) -> Gate {
    let tests = changes.files.iter().filter(|file| is_test(file)).count();
    let code: Vec<_> = changes.files.iter().filter(|file| names::is_source(&file.path) && !is_test(file)).collect();
    let wanted = kind.is_none_or(|kind| WANT_A_TEST.contains(&kind));
    let Some(first) = code.first().filter(|_| wanted && tests == 0) else {
        return Gate::pass(TESTS_FIRST, format!("{tests} test files, {} files of code", code.len()));
    };
    let others = match code.len() {
        1 => String::new(),
        count => format!(", nor beside the {} others", count - 1),
    };
    let issue = format!("no test file beside this change of code{others}");
    let fix = "write the test, or say why there is none";
    Gate::of(TESTS_FIRST, Vec::new(), vec![Finding::at(&first.name, None, issue, fix)], "")
}

/// Whether a file holds tests: by its name, its folder, or, in Rust, tests in the file itself.
pub(super) fn is_test(file: &ChangedFile) -> bool {
    is_test_name(&file.name)
        || file.ending() == "rs"
            && file.text.as_ref().is_some_and(|text| text.contains("#[test]") || text.contains("#[cfg(test)]"))
}

/// Whether the path `name` is that of a test.
pub(crate) fn is_test_name(name: &str) -> bool {
    let (folders, file) = name.rsplit_once('/').unwrap_or(("", name));
    let in_tests = folders.split('/').any(|folder| matches!(folder, "test" | "tests" | "__tests__" | "spec" | "specs"));
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let called = file.contains(".test.") || file.contains(".spec.") || stem.starts_with("test_");
    in_tests || called || ["_test", "_tests", "_spec", "Test", "Tests"].iter().any(|end| stem.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_known_by_name_and_folder() {
        for name in
            ["a.test.ts", "src/a.spec.js", "tests/a.rs", "x/__tests__/a.js", "test_a.py", "a_test.go", "src/ATest.java"]
        {
            assert!(is_test_name(name), "{name}");
        }
        for name in ["src/a.ts", "latest.py", "contest.go", "src/testing.rs", "attest/a.js"] {
            assert!(!is_test_name(name), "{name}");
        }
    }
}

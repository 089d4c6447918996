//! Readers of what compilers, linters and bundlers print, one file a tool. Each knows its own tool's shapes and claims the
//! lines that have them, with the lines of source that the tool shows around a place; what nobody claims goes to the
//! rule for any line.

mod cargo;
mod eslint;
mod gcc;
mod go;
mod java;
mod mypy;
mod next;
mod ruff;
mod tsc;
mod vite;
mod webpack;

use super::found::Found;

/// A reader of one tool's text.
pub(super) trait LineReader {
    /// A line of the output, cleaned, without its line end. Whether it is this tool's.
    fn line(&mut self, line: &str, found: &mut Found) -> bool;
}

/// All readers, those with the narrowest shapes first.
pub(super) fn all() -> Vec<Box<dyn LineReader>> {
    vec![
        Box::<tsc::Tsc>::default(),
        Box::<webpack::Webpack>::default(),
        Box::<vite::Vite>::default(),
        Box::<next::Next>::default(),
        Box::<eslint::Eslint>::default(),
        Box::<ruff::Ruff>::default(),
        Box::<mypy::Mypy>::default(),
        Box::<go::Go>::default(),
        Box::<java::Java>::default(),
        Box::<cargo::Cargo>::default(),
        Box::<gcc::Gcc>::default(),
    ]
}

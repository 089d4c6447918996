//! Which language a file is in, by the ending of its name.

use std::path::Path;

/// A language that the checks know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// TypeScript and JavaScript as `ts`, `tsx`, `js`, `jsx`.
    Script,
    /// JavaScript as `mjs`, `cjs`.
    Module,
    /// Python.
    Python,
    /// Shell.
    Shell,
    /// SQL.
    Sql,
    /// Schemas of Prisma.
    Prisma,
}

impl Language {
    /// The language of a file; `None` for one that is not checked.
    pub(super) fn of(path: &Path) -> Option<Self> {
        Some(match path.extension()?.to_str()? {
            "ts" | "tsx" | "js" | "jsx" => Self::Script,
            "mjs" | "cjs" => Self::Module,
            "py" => Self::Python,
            "sh" => Self::Shell,
            "sql" => Self::Sql,
            "prisma" => Self::Prisma,
            _ => return None,
        })
    }

    /// Whether it is JavaScript or TypeScript under any ending.
    pub(super) fn is_script(self) -> bool {
        matches!(self, Self::Script | Self::Module)
    }
}

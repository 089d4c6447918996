//! What readers find in a build's output, whatever the tool: errors and warnings with their places, and what the tool
//! says of the whole.

use crewkit_tool::text::head;

/// Most errors and most warnings kept with their words; the rest is counted.
const MOST: usize = 1_000;
/// Most characters kept of a message.
const LONGEST: usize = 400;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// The build, or this file of it, failed.
    Error,
    /// It did not.
    Warning,
}

/// An error or a warning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Finding {
    /// The file as printed; empty when there is none.
    pub(super) file: String,
    /// The line in it, from 1.
    pub(super) line: Option<u32>,
    /// Code and text.
    pub(super) msg: String,
}

/// Everything found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Errors in order of appearance.
    pub(super) errors: Vec<Finding>,
    /// Warnings likewise.
    pub(super) warnings: Vec<Finding>,
    /// All errors that came, and those that were not kept.
    pub(super) error_count: usize,
    pub(super) errors_dropped: usize,
    /// All warnings that came.
    pub(super) warning_count: usize,
    /// Lines that only sum up a failure: they speak where nothing else does.
    pub(super) sums: Vec<String>,
    /// Errors in a shape that only a tool's own report has.
    pub(super) hard: usize,
    /// Lines that sound like errors, in no tool's shape.
    pub(super) soft: usize,
    /// The errors and warnings that tools say they found.
    pub(super) told: (usize, usize),
    /// Whether a tool said that all went well.
    pub(super) success: bool,
    /// Whether a tool said that it failed.
    pub(super) failure: bool,
    /// Whether a machine's report could not be read.
    pub(super) unread: bool,
    marks: Vec<&'static str>,
    last: Option<(Level, usize)>,
    /// The tool that the last finding is from; empty where that is not known.
    pub(super) owner: &'static str,
}

/// Tools that run others come before them: what runs all is the framework.
const OUTER_FIRST: [&str; 17] = [
    "nextjs", "vite", "esbuild", "webpack", "gradle", "maven", "make", "cargo", "go", "tsc", "eslint", "ruff", "mypy",
    "pyright", "javac", "clang", "gcc",
];

impl Found {
    /// One more finding of `framework`.
    pub(super) fn push(
        &mut self,
        level: Level,
        framework: &'static str,
        place: Option<(&str, Option<u32>)>,
        msg: &str,
    ) {
        self.mark(framework);
        if level == Level::Error {
            self.hard += 1;
        }
        self.owner = framework;
        self.keep(level, place, msg);
    }

    /// A line that sounds like an error or a warning.
    pub(super) fn push_soft(&mut self, level: Level, msg: &str) {
        if level == Level::Error {
            self.soft += 1;
        }
        self.owner = "";
        self.keep(level, None, msg);
    }

    fn keep(&mut self, level: Level, place: Option<(&str, Option<u32>)>, msg: &str) {
        let (list, count) = match level {
            Level::Error => (&mut self.errors, &mut self.error_count),
            Level::Warning => (&mut self.warnings, &mut self.warning_count),
        };
        *count += 1;
        self.last = None;
        if list.len() == MOST {
            self.errors_dropped += usize::from(level == Level::Error);
            return;
        }
        let (file, line) = place.unwrap_or_default();
        list.push(Finding { file: file.to_owned(), line, msg: head(msg.trim(), LONGEST).to_owned() });
        self.last = Some((level, list.len() - 1));
    }

    /// The finding pushed last, unless it was not kept.
    pub(super) fn last(&mut self) -> Option<&mut Finding> {
        let (level, at) = self.last?;
        match level {
            Level::Error => self.errors.get_mut(at),
            Level::Warning => self.warnings.get_mut(at),
        }
    }

    /// Gives the last finding its place, where it has none.
    pub(super) fn place(&mut self, file: &str, line: Option<u32>) {
        if let Some(last) = self.last().filter(|last| last.line.is_none()) {
            file.clone_into(&mut last.file);
            last.line = line;
        }
    }

    /// More text for the last finding.
    pub(super) fn append(&mut self, link: &str, text: &str) {
        if let Some(last) = self.last() {
            let all = format!("{}{link}{}", last.msg, text.trim());
            head(&all, LONGEST).clone_into(&mut last.msg);
        }
    }

    /// The last soft error is a tool's own after all.
    pub(super) fn harden(&mut self, framework: &'static str) {
        self.mark(framework);
        self.owner = framework;
        if matches!(self.last, Some((Level::Error, _))) {
            self.soft = self.soft.saturating_sub(1);
            self.hard += 1;
        }
    }

    /// A line that sums up a failure.
    pub(super) fn sum(&mut self, line: &str) {
        self.failure = true;
        if self.sums.len() < 20 {
            self.sums.push(head(line.trim(), LONGEST).to_owned());
        }
    }

    /// What a tool says it found in all; several tools add up.
    pub(super) fn tell(&mut self, errors: usize, warnings: usize) {
        self.told = (self.told.0 + errors, self.told.1 + warnings);
        self.failure |= errors > 0;
    }

    /// A tool showed itself.
    pub(super) fn mark(&mut self, framework: &'static str) {
        if !self.marks.contains(&framework) {
            self.marks.push(framework);
        }
    }

    /// Whether `framework` showed itself.
    pub(super) fn has(&self, framework: &str) -> bool {
        self.marks.contains(&framework)
    }

    /// The tool whose output it is.
    pub(super) fn framework(&self) -> Option<&'static str> {
        OUTER_FIRST.into_iter().find(|name| self.marks.contains(name))
    }

    /// The number of errors: those seen, or those a tool says there are.
    pub(super) fn errors_total(&self) -> usize {
        self.error_count.max(if self.hard > 0 { self.told.0 } else { 0 })
    }
}

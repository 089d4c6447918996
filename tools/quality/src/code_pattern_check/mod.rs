//! code-pattern-check: nine mechanical checks of changed code, and the limit on a file's lines. Called by the gate of
//! finished tasks, by reviewers of pull requests, by people and CI.
//!
//! Each file is read once and split into code, comments and strings by a small lexer of its language; the checks look at
//! code. What they look for stands at the head of each of their files in `checks/`.

mod changed;
mod checks;
mod language;
mod lexer;
mod look;
mod report;
mod sarif;
mod select;
mod settings;
mod source;
mod waiver;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use crewkit_scan::line_limit;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code};

use changed::{Changed, Lines};
use checks::duplicate_class_names::duplicates;
use checks::{CHECKS, DENSITY, DUPLICATES, Severity};
pub(crate) use checks::{comment_share, is_commented};
use look::Seen;
use report::{CheckResult, Finding, LineLimit, NotRead, Report, TooLong, Verdict, Waived};
use select::{Picked, Site, Wanted};
use settings::Settings;

/// code-pattern-check.
pub const TOOL: Tool = Tool {
    name: "code-pattern-check",
    summary: "nine mechanical checks of changed code, and the limit on lines",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Most bytes of a diff.
const MOST_DIFF: u64 = 256 << 20;

/// Looks for nine patterns in code that break or hide failures, and for files over 250 lines.
///
/// Files: those named by --files; else those that this branch changed since --diff-base; else those not committed. Of them,
/// files that end in ts tsx js jsx mjs cjs py sh sql prisma.
///
/// P1 findings and files over the limit reject, P2 findings are the reviewer's to decide, P3 findings are noted. A comment
/// `pattern-ok: CHECK reason` on the line of a finding or the one above waives it; it is listed.
#[derive(Debug, Parser)]
#[command(name = "code-pattern-check", disable_version_flag = true)]
#[command(
    after_help = "Checks: unguarded_json_parse, unguarded_method_call, react_lazy_named_export (P1); load_all_paginate,\n\
    duplicate_class_names, unused_parameters, insecure_file_write, missing_error_boundary (P2); comment_density (P3).\n\n\
    .code-patterns.toml at the top of the repository: exclude = [\"generated/**\"], max_lines = 250, and per check\n\
    [checks.NAME] with severity = \"P1\", \"P2\", \"P3\" or \"off\" and exclude.\n\n\
    Exit codes: 0 whatever is found; 1 with --strict when the verdict is reject, and for arguments, references and\n\
    files that cannot be used."
)]
struct Arguments {
    /// The files, or folders with files, to check. One that is not there is named and left out.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    files: Vec<PathBuf>,
    /// Checks what HEAD's branch changed since it left REF (main where none is given).
    #[arg(long, value_name = "REF", num_args = 0..=1, default_missing_value = "main", conflicts_with = "files_all")]
    diff_base: Option<String>,
    /// Checks every file of the repository.
    #[arg(long = "all", id = "files_all", conflicts_with = "files")]
    all: bool,
    /// Only findings on lines that are new: since --diff-base; with --files since this branch left the base branch (HEAD on
    /// the base branch itself); else since HEAD.
    #[arg(long)]
    changed_lines: bool,
    /// Only findings on lines that a diff in git's format adds; `-` reads it from standard input. Without --files, checks
    /// the files that it names.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["changed_lines", "diff_base", "files_all"])]
    diff: Option<PathBuf>,
    /// Prints the report as JSON.
    #[arg(long, conflicts_with = "sarif")]
    json: bool,
    /// Prints the report as SARIF 2.1.0.
    #[arg(long)]
    sarif: bool,
    /// Ends with 1 when the verdict is reject.
    #[arg(long)]
    strict: bool,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| {
        let report = check(context, &arguments)?;
        let code = if arguments.strict && report.verdict == Verdict::Reject { exit_code::REFUSED } else { 0 };
        let outcome = if arguments.json {
            Outcome::json(&report)
        } else if arguments.sarif {
            Outcome::json(&sarif::log(&report))
        } else {
            Outcome::text(report.text())
        };
        Ok(outcome.with_code(code))
    })
}

fn check(context: &Context, arguments: &Arguments) -> Result<Report, Refusal> {
    let site = Site::new(context)?;
    let settings = Settings::load(site.top().unwrap_or(context.directory()?))?;
    let given = arguments.diff.as_deref().map(|path| read_diff(&site, path)).transpose()?;
    let mut files = match &given {
        Some(changed) if arguments.files.is_empty() => files_of(&site, changed)?,
        _ => site.pick(wanted(arguments))?,
    };
    files.retain(|file| !settings.excludes(&file.name));
    let changed = match given {
        None if arguments.changed_lines && !files.is_empty() => {
            Some(Changed::since(&site, base(&site, arguments)?, &files)?)
        }
        given => given,
    };
    let lines: Vec<Lines> =
        changed.as_ref().map(|changed| files.iter().map(|file| changed.of(&file.path)).collect()).unwrap_or_default();
    let seen = look::look_at(&files, &lines)?;
    Gathered { context, site: &site, settings: &settings, files: &files, seen, lines, changed }.report()
}

fn wanted(arguments: &Arguments) -> Wanted<'_> {
    match &arguments.diff_base {
        _ if !arguments.files.is_empty() => Wanted::Named(&arguments.files),
        _ if arguments.all => Wanted::All,
        Some(reference) => Wanted::Branch(reference),
        None => Wanted::Uncommitted,
    }
}

/// The commit that changed lines are counted from; `None` where nothing is committed.
fn base(site: &Site<'_>, arguments: &Arguments) -> Result<Option<String>, Refusal> {
    if let Some(reference) = &arguments.diff_base {
        return site.merge_base(reference).map(Some);
    }
    let Some(head) = site.head()? else { return Ok(None) };
    let Some(repository) = site.repository.as_ref().filter(|_| !arguments.files.is_empty()) else {
        return Ok(Some(head));
    };
    let Some(base) = repository.find_base(site.context)? else { return Ok(Some(head)) };
    match base.reference() {
        Some(reference) if repository.head().branch() != Some(&base.name) => site.merge_base(&reference).map(Some),
        _ => Ok(Some(head)),
    }
}

fn read_diff(site: &Site<'_>, path: &Path) -> Result<Changed, Refusal> {
    let text = if path.as_os_str() == "-" {
        site.context.read_stdin(MOST_DIFF)?
    } else {
        let whole = site.context.absolute(path)?;
        std::fs::read(whole).map_err(|fault| Refusal::new(format!("--diff: {}: {fault}", path.display())))?
    };
    let top = match site.top() {
        Some(top) => top.to_owned(),
        None => crewkit_repo::real_path(site.context.directory()?),
    };
    Ok(Changed::by_diff(&text, &top))
}

/// The files that a diff names, by name.
fn files_of(site: &Site<'_>, changed: &Changed) -> Result<Vec<Picked>, Refusal> {
    let top = site.top().unwrap_or(site.context.directory()?);
    let picked = changed.files().filter_map(|path| {
        let language = language::Language::of(path)?;
        let name = path.strip_prefix(top).unwrap_or(path).to_string_lossy().into_owned();
        path.is_file().then(|| Picked { name, path: path.to_owned(), language })
    });
    let mut files: Vec<Picked> = picked.collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

/// Everything that a report is made of.
struct Gathered<'a> {
    context: &'a Context,
    site: &'a Site<'a>,
    settings: &'a Settings,
    files: &'a [Picked],
    seen: Vec<Seen>,
    /// The new lines of each file; empty when all lines are of interest.
    lines: Vec<Lines>,
    changed: Option<Changed>,
}

impl Gathered<'_> {
    fn report(self) -> Result<Report, Refusal> {
        let mut findings: [Vec<Finding>; CHECKS.len()] = Default::default();
        let mut waived = Vec::new();
        for (place, seen) in self.seen.iter().enumerate() {
            let file = &self.files[place];
            for line in &seen.unclear {
                let at = format!("{}:{}", file.name, line + 1);
                self.context
                    .note(format!("{at}: pattern-ok needs the name of a check and a reason; it waives nothing"));
            }
            for (check, line, body) in &seen.found {
                let finding = Finding {
                    file: file.name.clone(),
                    line: line.map(|line| line + 1),
                    body: body.clone(),
                    files: None,
                };
                self.sort_in(*check, place, *line, finding, &mut findings, &mut waived);
            }
        }
        self.add_duplicates(&mut findings, &mut waived);
        let any = !self.files.is_empty();
        let results: Vec<CheckResult> = CHECKS
            .iter()
            .zip(findings)
            .zip(&self.settings.severities)
            .filter(|_| any)
            .map(|((check, findings), severity)| CheckResult {
                check: check.name,
                severity: severity.unwrap_or(check.severity),
                pass: findings.is_empty(),
                findings,
                off: severity.is_none(),
            })
            .collect();
        let failed = |severity| results.iter().filter(|one| one.severity == severity && !one.pass).count();
        let (p1, p2, p3) = (failed(Severity::P1), failed(Severity::P2), failed(Severity::P3));
        let line_limit = self.line_limit()?;
        let verdict = match (p1, p2) {
            (0, 0) if line_limit.pass => Verdict::Pass,
            (0, _) if line_limit.pass => Verdict::Warn,
            _ => Verdict::Reject,
        };
        let not_read = self
            .files
            .iter()
            .zip(&self.seen)
            .filter_map(|(file, seen)| seen.not_read.map(|reason| NotRead { file: file.name.clone(), reason }));
        Ok(Report {
            total_files: self.files.len(),
            checks: results.len(),
            p1,
            p2,
            p3,
            pass: results.iter().all(|result| result.pass),
            verdict,
            line_limit,
            waived,
            not_read: not_read.collect(),
            results,
            changed_since: self.changed.map(|changed| changed.against),
            settings: self.settings.given.then_some(settings::FILE),
        })
    }

    /// Puts a finding where it belongs: among the findings, among the waived, or nowhere.
    fn sort_in(
        &self,
        check: usize,
        place: usize,
        line: Option<usize>,
        finding: Finding,
        findings: &mut [Vec<Finding>],
        waived: &mut Vec<Waived>,
    ) {
        let file = &self.files[place].name;
        if self.settings.severities[check].is_none() || self.settings.excludes_from(check, file) {
            return;
        }
        let new = self.lines.get(place).is_none_or(|lines| match line {
            Some(line) => lines.has(line),
            None => check == DENSITY && self.seen[place].new_comments,
        });
        if !new {
            return;
        }
        let waiver = self.seen[place].waivers.iter().find(|waiver| {
            waiver.check == check && line.is_none_or(|line| waiver.line == line || waiver.line + 1 == line)
        });
        match waiver {
            None => findings[check].push(finding),
            Some(waiver) => waived.push(Waived {
                check: CHECKS[check].name,
                file: finding.file,
                line: finding.line,
                reason: waiver.reason.clone(),
            }),
        }
    }

    fn add_duplicates(&self, findings: &mut [Vec<Finding>], waived: &mut Vec<Waived>) {
        let declared: Vec<_> =
            self.files.iter().zip(&self.seen).map(|(file, seen)| (file.language, seen.declared.as_slice())).collect();
        for duplicate in duplicates(&declared) {
            // Of several declarations the second is named, or one that is new where only those are of interest.
            let is_new = |(file, line): &&(usize, usize)| self.lines.get(*file).is_some_and(|lines| lines.has(*line));
            let (place, line) = *duplicate.places[1..]
                .iter()
                .find(is_new)
                .or_else(|| duplicate.places.iter().find(is_new))
                .unwrap_or(&duplicate.places[1]);
            let files: Vec<String> = duplicate.places.iter().map(|(file, _)| self.files[*file].name.clone()).collect();
            let body = format!("{} is declared in {}", duplicate.name, files.join(", "));
            let finding =
                Finding { file: self.files[place].name.clone(), line: Some(line + 1), body, files: Some(files) };
            self.sort_in(DUPLICATES, place, Some(line), finding, findings, waived);
        }
    }

    fn line_limit(&self) -> Result<LineLimit, Refusal> {
        let max_lines = self.settings.max_lines;
        let (mut findings, mut not_grown) = (Vec::new(), Vec::new());
        for (file, seen) in self.files.iter().zip(&self.seen) {
            if seen.lines <= max_lines || line_limit::exempt(&file.name) {
                continue;
            }
            let long = TooLong { file: file.name.clone(), lines: seen.lines };
            let before = match &self.changed {
                Some(changed) => changed.lines_before(self.site, &file.path)?,
                None => None,
            };
            if before.is_some_and(|before| before > max_lines && before >= seen.lines) {
                not_grown.push(long);
            } else {
                findings.push(long);
            }
        }
        Ok(LineLimit { max_lines, pass: findings.is_empty(), findings, not_grown })
    }
}

#[cfg(test)]
mod tests;

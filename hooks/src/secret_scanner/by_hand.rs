//! `hook-secret-scanner scan`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crewkit_hook::Settings;
use crewkit_repo::{Git, Repository};
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code};

use super::baseline::Baseline;
use super::findings::{self, Addresses, Finding, list};
use super::{Scan, TABLE, relative};
use crate::commit::{Commit, Content, Reach, of_bytes, shown};

/// Most bytes of a file that is looked through.
const MOST_BYTES: u64 = 64 << 20;

pub(super) fn scan(context: &Context, scan: &Scan) -> Answer {
    let here = context.directory()?;
    let repository = Repository::discover(here).and_then(|repository| repository.top);
    let set = context.variable("SECRET_SCANNER_ADDRESSES");
    let settings = Settings::load(context, here);
    let addresses = Addresses::set(context, set.as_deref().or(settings.text(TABLE, "addresses")));
    let top = || repository.clone().ok_or_else(|| Refusal::new(format!("{} is in no repository", shown(here))));
    let mut search =
        Search { base: repository.clone().unwrap_or_else(|| here.to_owned()), addresses, ..Search::default() };
    if scan.staged {
        let commit = Commit::of_index(&top()?);
        for file in Content::read(context, &commit, Reach::Whole)?.files() {
            findings::of_file(&file, addresses, &mut search.findings);
        }
    } else if scan.paths.is_empty() {
        let top = top()?;
        let listed = Git::at(context, &top).args(["ls-files", "-z"]).must("the files cannot be listed")?.stdout;
        for name in listed.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            // A file that is deleted, or a submodule, has nothing to look through.
            let path = top.join(OsStr::from_bytes(name));
            if path.symlink_metadata().is_ok_and(|data| data.is_file()) {
                search.file(&path);
            }
        }
    } else {
        for path in &scan.paths {
            search.path(&context.absolute(path)?);
        }
    }
    if scan.write_baseline {
        if !search.unread.is_empty() {
            return Err(Refusal::new(format!("not everything could be read: {}", search.unread.join("; "))));
        }
        Baseline::write(&top()?, &search.findings)?;
        return Ok(Outcome::text(format!("{} findings are in the baseline now", search.findings.len())));
    }
    if let Some(top) = &repository {
        let baseline = Baseline::of_repository(context, top);
        search.findings.retain(|finding| !baseline.lists(finding));
    }
    let code = match (search.unread.is_empty(), search.findings.is_empty()) {
        (false, _) => exit_code::BLOCKED,
        (true, false) => exit_code::REFUSED,
        (true, true) => exit_code::DONE,
    };
    let listed: String = search.findings.iter().map(|finding| list(&[finding]).trim_start().to_owned()).collect();
    let outcome = Outcome::text(listed).with_code(code);
    Ok(search.unread.iter().fold(outcome, Outcome::with_note))
}

#[derive(Debug)]
struct Search {
    /// The folder that paths are shown from.
    base: PathBuf,
    addresses: Addresses,
    findings: Vec<Finding>,
    /// What could not be read, and why.
    unread: Vec<String>,
}

impl Default for Search {
    fn default() -> Self {
        Self { base: PathBuf::new(), addresses: Addresses::Block, findings: Vec::new(), unread: Vec::new() }
    }
}

impl Search {
    fn path(&mut self, path: &Path) {
        let mut waiting = vec![path.to_owned()];
        while let Some(path) = waiting.pop() {
            match fs::symlink_metadata(&path) {
                // Links lead to what is found under its own name, or lies elsewhere.
                Ok(data) if data.is_symlink() => {}
                Ok(data) if data.is_dir() => match fs::read_dir(&path) {
                    Ok(entries) => {
                        let skipped = |name: &OsStr| name == ".git" || name == "node_modules" || name == "target";
                        let mut inner: Vec<_> =
                            entries.flatten().filter(|one| !skipped(&one.file_name())).map(|one| one.path()).collect();
                        inner.sort_unstable_by(|one, other| other.cmp(one));
                        waiting.append(&mut inner);
                    }
                    Err(fault) => self.unread.push(format!("{}: {fault}", shown(&path))),
                },
                Ok(data) if data.is_file() => self.file(&path),
                Ok(_) => {}
                Err(fault) => self.unread.push(format!("{}: {fault}", shown(&path))),
            }
        }
    }

    fn file(&mut self, path: &Path) {
        match fs::metadata(path) {
            Ok(data) if data.len() > MOST_BYTES => self.unread.push(format!("{}: is too large", shown(path))),
            _ => match fs::read(path) {
                Ok(bytes) => {
                    let file = of_bytes(relative(&self.base, path), &bytes);
                    findings::of_file(&file, self.addresses, &mut self.findings);
                }
                Err(fault) => self.unread.push(format!("{}: {fault}", shown(path))),
            },
        }
    }
}

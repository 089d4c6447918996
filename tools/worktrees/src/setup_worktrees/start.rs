//! Where new branches begin.

use crewkit_repo::{Head, MainBranch, Repository};
use crewkit_tool::{Context, Refusal};

/// Git's exit code where it refuses.
const GIT_REFUSES: u8 = 128;

const ORIGIN: &str = "refs/remotes/origin/";

/// The commit that new branches begin from.
#[derive(Debug)]
pub(super) struct Start {
    /// The default branch: the one that `MAIN_BRANCH` names, else the one that origin's HEAD points to, else main or
    /// master, else what is checked out.
    pub(super) default_branch: String,
    /// The full id.
    pub(super) commit: String,
    /// What the caller named instead of the default branch.
    pub(super) from: Option<String>,
}

impl Start {
    /// `from` (branch, tag, id), else the default branch.
    pub(super) fn of(context: &Context, repository: &Repository, from: Option<&str>) -> Result<Self, Refusal> {
        let (default_branch, reference) = default_branch(context, repository)?;
        let commit = |name: &str| {
            let name = format!("{name}^{{commit}}");
            let here = repository.top.as_deref().unwrap_or(&repository.git_dir);
            let call = crewkit_repo::Git::at(context, here).of_folder();
            let ended = call.args(["rev-parse", "--verify", "--quiet", "--end-of-options", &name]).run()?;
            Ok::<_, Refusal>(ended.ok().then(|| ended.text()))
        };
        let found = match from {
            Some(name) => commit(name)?.ok_or_else(|| Refusal::new(format!("--from: no such commit: {name}")))?,
            None => commit(&reference)?.ok_or_else(|| {
                let message = "the repository has no commit yet: make one, then worktrees can begin from it";
                Refusal::new(message).with_code(GIT_REFUSES)
            })?,
        };
        Ok(Self { default_branch, commit: found, from: from.map(str::to_owned) })
    }
}

/// The default branch, by its short name and by what git finds it under.
fn default_branch(context: &Context, repository: &Repository) -> Result<(String, String), Refusal> {
    let look = |reference: &str, field: &str| {
        let format = format!("--format={field}");
        let call = repository.git(context).args(["for-each-ref", "--count=1", &format, reference]);
        Ok::<_, Refusal>(call.must("the branches cannot be read")?.text())
    };
    if context.variable("MAIN_BRANCH").is_none() {
        let target = look(&format!("{ORIGIN}HEAD"), "%(symref)")?;
        if let Some(name) = target.strip_prefix(ORIGIN) {
            for reference in [format!("refs/heads/{name}"), target.clone()] {
                if look(&reference, "%(refname)")? == reference {
                    return Ok((name.to_owned(), reference));
                }
            }
        }
    }
    if let Some(MainBranch { name, reference, .. }) = repository.find_main(context)? {
        return Ok((name, reference));
    }
    let name = match repository.head() {
        Head::Branch(name) => name,
        Head::Detached(_) => "DETACHED".to_owned(),
        Head::Unknown => {
            let call = repository.git(context).args(["symbolic-ref", "--quiet", "--short", "HEAD"]).run()?;
            if call.ok() { call.text() } else { "DETACHED".to_owned() }
        }
    };
    Ok((name, "HEAD".to_owned()))
}

//! Committing a project's plan files where the agent's folder is kept in git.

use std::path::Path;
use std::time::Duration;

use crewkit_repo::{Git, Repository};
use crewkit_tool::{Context, Refusal, text};

/// How long one call of git may take, the user's hooks included.
const LIMIT: Duration = Duration::from_mins(1);

/// Commits what changed below `folder`, and nothing else, not even what the user has staged. The id of the new commit, or,
/// when nothing changed, of the current one; `None` when the agent's folder is no repository or has no commit.
///
/// # Errors
/// When git refuses.
pub(super) fn plan_files(
    context: &Context,
    folder: &Path,
    subject: &str,
    reason: Option<&str>,
) -> Result<Option<String>, Refusal> {
    let home = context.claude_home()?;
    let Ok(real) = home.canonicalize() else { return Ok(None) };
    if Repository::discover(&real).and_then(|found| found.top).as_deref() != Some(&real) {
        return Ok(None);
    }
    let Ok(path) = folder.strip_prefix(&home) else { return Ok(None) };
    let git = || Git::at(context, &real).of_folder().variable("GIT_LITERAL_PATHSPECS", "1").limit(LIMIT);
    let status = git().args(["status", "--porcelain", "-z", "--untracked-files=all", "--"]).arg(path);
    let changed = !status.must("their state cannot be read")?.stdout.is_empty();
    if changed {
        git().args(["add", "--all", "--"]).arg(path).must("git add")?;
        let mut message = text::one_line(subject);
        if let Some(reason) = reason {
            message.push_str("\n\n");
            message.push_str(reason);
        }
        // Comment lines in a reason are the reason's own.
        let commit = git().args(["commit", "--quiet", "--cleanup=whitespace", "--only", "--message"]).arg(message);
        commit.arg("--").arg(path).must("git commit")?;
    }
    let head = git().args(["rev-parse", "--quiet", "--verify", "HEAD^{commit}"]).run()?;
    Ok(Some(head.text()).filter(|commit| head.ok() && !commit.is_empty()))
}

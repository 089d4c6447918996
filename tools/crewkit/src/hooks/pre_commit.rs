//! `crewkit hooks pre-commit`: what git calls before a commit.

use crewkit_hook::Settings;
use crewkit_hooks::{env_vault_guard, thor_git_hook};
use crewkit_tool::{Answer, Context, Outcome, exit_code};

/// A check of what is about to be committed.
type Check = fn(&Context) -> Answer;

/// The checks, by the names that settings give them.
const CHECKS: &[(&str, Check)] =
    &[("thor-git-hook", thor_git_hook::check), ("env-vault-guard", env_vault_guard::before_commit)];

/// Those that are made where nobody has set anything.
const DEFAULT: &[&str] = &["thor-git-hook", "env-vault-guard"];

/// Makes every check, so that a commit is refused once with all reasons. A check that fails refuses too: nothing was
/// checked.
pub(super) fn run(context: &Context) -> Answer {
    let settings = Settings::load(context, context.directory()?);
    let names = settings.list("hooks", "pre_commit").unwrap_or_else(|| DEFAULT.to_vec());
    let mut all = Outcome::silent();
    for (name, check) in CHECKS.iter().filter(|(name, _)| names.contains(name)) {
        let mut made = check(context).unwrap_or_else(|refusal| {
            Outcome::silent().with_note(format!("{name}: {refusal}")).with_code(exit_code::REFUSED)
        });
        all.stdout.append(&mut made.stdout);
        all.stderr.append(&mut made.stderr);
        if made.code != exit_code::DONE {
            all.code = exit_code::REFUSED;
        }
    }
    for name in names.iter().filter(|name| !CHECKS.iter().any(|(known, _)| known == *name)) {
        context.note(format!("[hooks] pre_commit names '{name}', which is no check"));
    }
    Ok(all)
}

//! Branches that agents are kept from working on.

use crewkit_tool::Context;

/// Whether `branch` is protected: `WORKTREE_GUARD_BRANCHES` of the environment names such branches, comma-separated, `*` at an
/// end for any ending; without it `main` and `master`.
pub fn is_protected(context: &Context, branch: &str) -> bool {
    let setting = context.variable("WORKTREE_GUARD_BRANCHES");
    let names = setting.as_deref().unwrap_or("main,master");
    names.split(',').map(str::trim).filter(|name| !name.is_empty()).any(|name| match name.strip_suffix('*') {
        Some(beginning) => branch.starts_with(beginning),
        None => branch == name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_tool::{Clock, Script};

    #[test]
    fn names_and_beginnings_are_protected() {
        let context = |setting: Option<&str>| {
            let environment =
                setting.map(|names| ("WORKTREE_GUARD_BRANCHES".into(), names.into())).into_iter().collect();
            Context::scripted(Script { environment, directory: "/".into(), clock: Clock::System, stdin: Vec::new() })
        };
        for (setting, branch, wanted) in [
            (None, "main", true),
            (None, "master", true),
            (None, "main2", false),
            (Some("trunk, release/*"), "release/1", true),
            (Some("trunk, release/*"), "trunk", true),
            (Some("trunk, release/*"), "main", false),
            (Some("trunk, release/*"), "", false),
            (Some(","), "main", false),
        ] {
            assert_eq!(is_protected(&context(setting), branch), wanted, "{setting:?} {branch}");
        }
    }
}

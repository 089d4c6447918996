//! Where a repository was cloned from.

use gix::bstr::ByteSlice;

use crate::Repository;

impl Repository {
    /// The URL of the remote `origin` as the configuration has it; `None` without one, or when it is not UTF-8.
    pub fn origin_url(&self) -> Option<String> {
        let opened = self.open().ok()?;
        let url = opened.config_snapshot().string("remote.origin.url")?;
        url.to_str().ok().filter(|url| !url.is_empty()).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Git;
    use crewkit_tool::Context;

    #[test]
    fn a_worktree_has_the_origin_of_its_repository() {
        let scratch = tempfile::tempdir().unwrap();
        let top = scratch.path().join("shop");
        std::fs::create_dir(&top).unwrap();
        let git = |arguments: &[&str]| {
            let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com"];
            Git::at(&Context::process(), &top).args(identity).args(arguments).must("test").unwrap();
        };
        git(&["init", "-q"]);
        assert_eq!(Repository::discover(&top).unwrap().origin_url(), None);
        git(&["commit", "-q", "--allow-empty", "-m", "first"]);
        git(&["remote", "add", "origin", "git@example.com:acme/shop.git"]);
        git(&["worktree", "add", "-q", "../side"]);
        for place in ["shop", "side"] {
            let found = Repository::discover(&scratch.path().join(place)).unwrap().origin_url();
            assert_eq!(found.as_deref(), Some("git@example.com:acme/shop.git"), "{place}");
        }
    }
}

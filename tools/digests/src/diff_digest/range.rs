//! What is compared with what.

use crewkit_tool::Refusal;

/// Two ends of a comparison, as given and as git is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    /// As given.
    pub(super) base: String,
    /// As given; empty when the work tree, or a range, is compared.
    pub(super) head: String,
    /// Arguments of `git diff`.
    pub(super) diff: Vec<String>,
    /// What `git rev-list` counts.
    pub(super) commits: String,
    /// Whether the work tree is one end.
    pub(super) work_tree: bool,
    /// The commits named, to find out which one does not exist.
    pub(super) named: Vec<String>,
}

impl Range {
    /// `default` gives the base where none is given.
    ///
    /// # Errors
    /// An empty name; a range with a second commit; as `default`.
    pub(super) fn of(
        base: Option<&str>,
        head: Option<&str>,
        default: impl FnOnce() -> Result<String, Refusal>,
    ) -> Result<Self, Refusal> {
        if base == Some("") || head == Some("") {
            return Err(Refusal::new("a commit's name is empty"));
        }
        let base = match base {
            Some(base) => base.to_owned(),
            None => default()?,
        };
        let ends = |dots: &'static str| base.split_once(dots).map(|(one, other)| (or_head(one), or_head(other)));
        if let Some((one, other)) = ends("...").or_else(|| ends("..")) {
            if let Some(head) = head {
                return Err(Refusal::new(format!("'{base}' is a range: '{head}' is one commit too many")));
            }
            return Ok(Self {
                head: String::new(),
                diff: vec![base.clone()],
                commits: format!("{one}..{other}"),
                work_tree: false,
                named: vec![one, other],
                base,
            });
        }
        let direct = is_head(&base);
        Ok(match head {
            None if direct => Self {
                head: String::new(),
                diff: vec![base.clone()],
                commits: format!("{base}..HEAD"),
                work_tree: true,
                named: vec![base.clone()],
                base,
            },
            head => {
                let head = head.unwrap_or("HEAD").to_owned();
                let diff = if direct { vec![base.clone(), head.clone()] } else { vec![format!("{base}...{head}")] };
                let (commits, named) = (format!("{base}..{head}"), vec![base.clone(), head.clone()]);
                Self { diff, commits, work_tree: false, named, base, head }
            }
        })
    }
}

fn or_head(name: &str) -> String {
    if name.is_empty() { "HEAD".to_owned() } else { name.to_owned() }
}

/// Whether `name` is HEAD or a commit told from it (gitrevisions(7)), and not a branch whose name begins so.
fn is_head(name: &str) -> bool {
    name.strip_prefix("HEAD").is_some_and(|rest| rest.is_empty() || rest.starts_with(['~', '^', '@', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(base: Option<&str>, head: Option<&str>) -> Range {
        Range::of(base, head, || Ok("trunk".to_owned())).unwrap()
    }

    #[test]
    fn what_git_is_asked() {
        let seen = |base, head| {
            let range = range(base, head);
            (range.diff.join(" "), range.commits, range.head, range.work_tree)
        };
        let case = |diff: &str, commits: &str, head: &str, tree| (diff.into(), commits.into(), head.into(), tree);
        assert_eq!(seen(None, None), case("trunk...HEAD", "trunk..HEAD", "HEAD", false));
        assert_eq!(seen(Some("main"), Some("f")), case("main...f", "main..f", "f", false));
        assert_eq!(seen(Some("HEAD~2"), None), case("HEAD~2", "HEAD~2..HEAD", "", true));
        assert_eq!(seen(Some("HEAD"), Some("f")), case("HEAD f", "HEAD..f", "f", false));
        assert_eq!(seen(Some("HEADLINE"), None), case("HEADLINE...HEAD", "HEADLINE..HEAD", "HEAD", false));
        assert_eq!(seen(Some("a..b"), None), case("a..b", "a..b", "", false));
        assert_eq!(seen(Some("a...b"), None), case("a...b", "a..b", "", false));
        assert_eq!(seen(Some("a.."), None), case("a..", "a..HEAD", "", false));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let none = || Err(Refusal::new("none"));
        assert!(Range::of(Some("a..b"), Some("c"), none).unwrap_err().message.contains("'c'"));
        assert!(Range::of(Some(""), None, none).unwrap_err().message.contains("empty"));
        assert_eq!(Range::of(None, None, none).unwrap_err().message, "none");
    }
}

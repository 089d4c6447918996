//! The reviews of a pull request.

use serde::Deserialize;

use crate::{Fault, Github, Name};

/// A review (<https://docs.github.com/rest/pulls/reviews>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The reviewer's login, with the ending `[bot]` of an app; `None` for an account that is gone.
    pub login: Option<String>,
    /// `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED`, `DISMISSED` or `PENDING`.
    pub state: String,
    /// The commit that was reviewed, in full.
    pub commit: Option<String>,
}

#[derive(Deserialize)]
struct Row {
    user: Option<User>,
    state: String,
    commit_id: Option<String>,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

impl Github<'_> {
    /// All reviews of the pull request `number`, oldest first.
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn reviews(&self, name: &Name, number: u64) -> Result<Vec<Review>, Fault> {
        let rows = self.list(&format!("repos/{name}/pulls/{number}/reviews"))?;
        let review = |row| {
            let Row { user, state, commit_id } =
                Row::deserialize(row).map_err(|fault| Fault::Odd(format!("GitHub: a review is none: {fault}")))?;
            Ok(Review { login: user.map(|user| user.login), state, commit: commit_id })
        };
        rows.into_iter().map(review).collect()
    }
}

//! What the gate says of reviews and threads.

use crewkit_forge::{Review, Thread};
use serde::Serialize;

/// A state of a commit status (<https://docs.github.com/rest/commits/statuses>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Pending,
    Failure,
    Success,
}

impl State {
    /// Its name at GitHub.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Failure => "failure",
            Self::Success => "success",
        }
    }
}

/// What one reviewer did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Reviewer {
    pub(super) login: String,
    /// Whether a review counts.
    pub(super) reviewed: bool,
    /// Whether changes were requested and not approved since.
    pub(super) changes_requested: bool,
    /// Threads that are not resolved.
    pub(super) open_threads: usize,
}

/// The status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) state: State,
    pub(super) description: String,
    pub(super) open_threads: usize,
    pub(super) reviewers: Vec<Reviewer>,
}

/// The status for what `reviewers` did; with `head`, only reviews of that commit count.
pub(super) fn verdict(reviewers: &[&str], reviews: &[Review], threads: &[Thread], head: Option<&str>) -> Verdict {
    let reviewers: Vec<Reviewer> = reviewers.iter().map(|login| reviewer(login, reviews, threads, head)).collect();
    let open_threads = reviewers.iter().map(|one| one.open_threads).sum();
    let logins = |wanted: fn(&Reviewer) -> bool| {
        reviewers.iter().filter(|one| wanted(one)).map(|one| one.login.as_str()).collect::<Vec<_>>().join(", ")
    };
    let missing = logins(|one| !one.reviewed);
    let requested = logins(|one| one.changes_requested);
    let (state, description) = if !missing.is_empty() {
        let of = if head.is_some() { " of this commit" } else { "" };
        (State::Pending, format!("Waiting for a review{of} by {missing}"))
    } else if open_threads > 0 {
        let plural = if open_threads == 1 { "" } else { "s" };
        (State::Failure, format!("{open_threads} open review thread{plural}"))
    } else if !requested.is_empty() {
        (State::Failure, format!("Changes requested by {requested}"))
    } else {
        (State::Success, "Reviewed, no open review threads".to_owned())
    };
    Verdict { state, description, open_threads, reviewers }
}

fn reviewer(login: &str, reviews: &[Review], threads: &[Thread], head: Option<&str>) -> Reviewer {
    let own = |review: &&Review| review.login.as_deref().is_some_and(|given| given.eq_ignore_ascii_case(login));
    let of_head =
        |review: &&Review| head.is_none_or(|head| review.commit.as_deref().is_some_and(|at| is_same(at, head)));
    let counts = |review: &Review| matches!(review.state.as_str(), "COMMENTED" | "APPROVED");
    let last = reviews
        .iter()
        .filter(own)
        .rfind(|review| matches!(review.state.as_str(), "APPROVED" | "CHANGES_REQUESTED" | "DISMISSED"));
    // Where threads are told an app's login has no ending.
    let short = login.strip_suffix("[bot]").unwrap_or(login);
    let began = |thread: &&Thread| {
        let given = thread.login.as_deref().unwrap_or_default();
        given.strip_suffix("[bot]").unwrap_or(given).eq_ignore_ascii_case(short)
    };
    Reviewer {
        login: login.to_owned(),
        reviewed: reviews.iter().filter(own).filter(of_head).any(counts),
        changes_requested: last.is_some_and(|review| review.state == "CHANGES_REQUESTED"),
        open_threads: threads.iter().filter(began).filter(|thread| !thread.is_resolved).count(),
    }
}

/// Whether two ids, of which the second may be short, stand for one commit.
fn is_same(whole: &str, given: &str) -> bool {
    whole.eq_ignore_ascii_case(given)
        || (given.len() >= 7 && whole.get(..given.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(given)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOT: &str = "copilot-pull-request-reviewer[bot]";

    fn review(login: &str, state: &str, commit: &str) -> Review {
        Review { login: Some(login.into()), state: state.into(), commit: Some(commit.into()) }
    }

    fn thread(login: &str, is_resolved: bool) -> Thread {
        Thread { is_resolved, login: Some(login.into()) }
    }

    fn state(reviews: &[Review], threads: &[Thread]) -> State {
        verdict(&[BOT], reviews, threads, None).state
    }

    #[test]
    fn only_a_review_of_the_reviewer_that_still_stands_counts() {
        let open = [thread("copilot-pull-request-reviewer", false)];
        for reviews in [
            vec![],
            vec![review("alice", "APPROVED", "a")],
            vec![review(BOT, "DISMISSED", "a"), review(BOT, "PENDING", "a")],
            vec![review(BOT, "CHANGES_REQUESTED", "a")],
            vec![review("copilot-pull-request-reviewer", "APPROVED", "a")],
            vec![Review { login: None, state: "APPROVED".into(), commit: None }],
        ] {
            assert_eq!(state(&reviews, &open), State::Pending, "{reviews:?}");
        }
        for word in ["COMMENTED", "APPROVED"] {
            assert_eq!(state(&[review(BOT, word, "a")], &[]), State::Success);
        }
    }

    #[test]
    fn open_threads_of_the_reviewer_fail_and_are_counted() {
        let reviewed = [review(BOT, "COMMENTED", "a")];
        let short = "copilot-pull-request-reviewer";
        let threads = [
            thread(short, false),
            thread(short, true),
            thread("alice", false),
            thread(BOT, false),
            Thread { is_resolved: false, login: None },
        ];
        let verdict = verdict(&[BOT], &reviewed, &threads, None);
        assert_eq!((verdict.state, verdict.open_threads), (State::Failure, 2));
        assert!(verdict.description.contains('2'));
        assert_eq!(state(&reviewed, &[thread(short, true), thread("alice", false)]), State::Success);
    }

    #[test]
    fn all_of_several_have_to_review() {
        let reviews = [review(BOT, "COMMENTED", "a"), review("Alice", "CHANGES_REQUESTED", "a")];
        let said = |reviews: &[Review]| {
            let verdict = verdict(&[BOT, "alice"], reviews, &[], None);
            (verdict.state, verdict.description)
        };
        assert_eq!(said(&reviews), (State::Pending, "Waiting for a review by alice".into()));
        let mut later = reviews.to_vec();
        later.push(review("alice", "COMMENTED", "a"));
        assert_eq!(said(&later), (State::Failure, "Changes requested by alice".into()));
        later.push(review("alice", "APPROVED", "a"));
        assert_eq!(said(&later).0, State::Success);
    }

    #[test]
    fn a_review_of_another_commit_counts_only_where_any_does() {
        let reviews = [review(BOT, "COMMENTED", "abcdef0123456789")];
        assert_eq!(verdict(&[BOT], &reviews, &[], Some("0123456")).state, State::Pending);
        assert_eq!(verdict(&[BOT], &reviews, &[], Some("abcdef0123456789")).state, State::Success);
        assert_eq!(verdict(&[BOT], &reviews, &[], Some("abcdef0")).state, State::Success);
        assert_eq!(verdict(&[BOT], &reviews, &[], Some("abc")).state, State::Pending);
    }
}

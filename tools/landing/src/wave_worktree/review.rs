//! What stands between a pull request and its merge, besides checks.

use super::github::View;

/// The reasons why a request cannot be merged, in words for people; empty when there is none. `head`: the commit that
/// was pushed; `threads`: review threads that are not resolved.
pub(super) fn blockers(view: &View, base: &str, head: &str, threads: usize) -> Vec<String> {
    let mut reasons = Vec::new();
    let mut block = |reason: String| reasons.push(reason);
    if !view.is_open() {
        block(format!("it is {}", view.state.to_lowercase()));
    }
    if view.is_draft == Some(true) {
        block("it is a draft".to_owned());
    }
    if let Some(other) = view.base_ref_name.as_deref().filter(|other| *other != base) {
        block(format!("it goes to {other}, not to {base}"));
    }
    if let Some(at) = view.head().filter(|at| *at != head) {
        block(format!("it is at commit {}, not at {}", short(at), short(head)));
    }
    match view.review_decision.as_deref() {
        Some("CHANGES_REQUESTED") => block("changes are requested".to_owned()),
        Some("REVIEW_REQUIRED") => block("a review is required".to_owned()),
        _ => {}
    }
    if threads > 0 {
        block(format!("{threads} review threads are unresolved"));
    }
    let state = view.merge_state_status.as_deref();
    match (view.mergeable.as_deref(), state) {
        (Some("CONFLICTING"), _) | (_, Some("DIRTY")) => block(format!("it conflicts with {base}")),
        (Some("MERGEABLE"), _) => {}
        _ => block("GitHub does not tell yet whether it can be merged".to_owned()),
    }
    match state {
        Some("BLOCKED") => block("a rule of the repository blocks it".to_owned()),
        Some("BEHIND") => block(format!("it is behind {base}, and has to be brought up to date")),
        _ => {}
    }
    reasons
}

/// Whether GitHub is still finding out what a view has to tell.
pub(super) fn is_unsettled(view: &View, head: &str) -> bool {
    view.is_open() && (view.mergeable.as_deref() == Some("UNKNOWN") || view.head().is_some_and(|at| at != head))
}

/// Whether a rule of the repository blocks a request, by all that GitHub tells: it may lag behind checks that just passed.
pub(super) fn is_blocked(view: &View) -> bool {
    let asks = matches!(view.review_decision.as_deref(), Some("CHANGES_REQUESTED" | "REVIEW_REQUIRED"));
    view.is_open() && view.merge_state_status.as_deref() == Some("BLOCKED") && !asks
}

fn short(id: &str) -> &str {
    crewkit_tool::text::head(id, 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const OTHER: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn ready() -> View {
        let text = |text: &str| Some(text.to_owned());
        View {
            state: "OPEN".to_owned(),
            is_draft: Some(false),
            mergeable: text("MERGEABLE"),
            merge_state_status: text("CLEAN"),
            review_decision: text(""),
            base_ref_name: text("main"),
            head_ref_oid: text(HEAD),
        }
    }

    #[test]
    fn a_ready_request_has_no_blocker() {
        assert_eq!(blockers(&ready(), "main", HEAD, 0), Vec::<String>::new());
        let text = |text: &str| Some(text.to_owned());
        // What was not asked or not told of branch rules is GitHub's to refuse.
        let sparse = View { merge_state_status: None, base_ref_name: None, head_ref_oid: text("abc"), ..ready() };
        assert_eq!(blockers(&sparse, "main", HEAD, 0), Vec::<String>::new());
    }

    #[test]
    fn each_blocker_is_named() {
        let text = |text: &str| Some(text.to_owned());
        for (view, threads, part) in [
            (View { state: "CLOSED".to_owned(), ..ready() }, 0, "closed"),
            (View { is_draft: Some(true), ..ready() }, 0, "draft"),
            (View { base_ref_name: text("dev"), ..ready() }, 0, "dev"),
            (View { head_ref_oid: text(OTHER), ..ready() }, 0, "bbbbbbbbbbbb"),
            (View { review_decision: text("CHANGES_REQUESTED"), ..ready() }, 0, "changes"),
            (View { review_decision: text("REVIEW_REQUIRED"), ..ready() }, 0, "required"),
            (View { mergeable: text("CONFLICTING"), merge_state_status: text("DIRTY"), ..ready() }, 0, "conflicts"),
            (View { mergeable: None, ..ready() }, 0, "not tell"),
            (View { merge_state_status: text("BLOCKED"), ..ready() }, 0, "rule"),
            (View { merge_state_status: text("BEHIND"), ..ready() }, 0, "behind"),
            (ready(), 3, "3 review threads"),
        ] {
            let found = blockers(&view, "main", HEAD, threads);
            assert!(found.len() == 1 && found[0].contains(part), "{part}: {found:?}");
        }
    }

    #[test]
    fn a_view_settles_when_the_push_has_arrived() {
        assert!(!is_unsettled(&ready(), HEAD));
        assert!(is_unsettled(&ready(), OTHER));
        assert!(is_unsettled(&View { mergeable: Some("UNKNOWN".to_owned()), ..ready() }, HEAD));
    }
}

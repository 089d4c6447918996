//! Cutting text to a size, by characters, never inside one.

use crewkit_tool::text::head;

/// The first `most` characters of `text`, the last of them `…` where something was cut.
pub fn short(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    format!("{}…", head(text, most.saturating_sub(1)))
}

/// The two sides of a comparison, each of at most `most` characters: longer ones are cut to where they first differ,
/// with a little of what is alike before it.
pub fn sides(one: &str, other: &str, most: usize) -> (String, String) {
    let alike = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    let before = most / 4;
    let from = if alike > most.saturating_sub(before) { alike.saturating_sub(before) } else { 0 };
    let window = |text: &str| {
        if from == 0 || text.chars().count() <= most {
            return short(text, most);
        }
        let rest: String = text.chars().skip(from).collect();
        format!("…{}", short(&rest, most.saturating_sub(1)))
    };
    (window(one), window(other))
}

/// `text` on one line: every run of blanks and line ends becomes one blank.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cutting_counts_characters() {
        assert_eq!(short("żółw", 4), "żółw");
        assert_eq!(short("żółw", 3), "żó…");
        assert_eq!(fold(" a\n  b\tc "), "a b c");
    }

    #[test]
    fn long_sides_are_cut_to_where_they_differ() {
        let (one, other) = (format!("{}ONE{}", "a".repeat(500), "z".repeat(500)), format!("{}TWO", "a".repeat(500)));
        let (left, right) = sides(&one, &other, 40);
        assert_eq!((left.as_str(), right.as_str()), ("…aaaaaaaaaaONEzzzzzzzzzzzzzzzzzzzzzzzzz…", "…aaaaaaaaaaTWO"));
        assert_eq!(sides("1", "2", 40), ("1".to_owned(), "2".to_owned()));
    }

    proptest! {
        #[test]
        fn sides_never_grow_and_differ_when_the_texts_do(one in ".{0,300}", other in ".{0,300}", most in 8usize..120) {
            let (left, right) = sides(&one, &other, most);
            prop_assert!(left.chars().count() <= most && right.chars().count() <= most);
        }
    }
}

//! Whether a message is meant for somebody.

use crewkit_store::chat::Message;

/// Whether `message` is directed at `name`: by its text, or as an answer to one of theirs.
pub(super) fn is_directed(message: &Message, name: &str) -> bool {
    message.answered.as_deref() == Some(name) || is_for(&message.message, name)
}

/// Whether `message` begins with `name` or with a list of names that holds it, or mentions it; see [`is_for`].
pub(super) fn opens_for(message: &str, name: &str) -> bool {
    opens_with(message, name) || is_listed(message, name) || mentions(message, name)
}

/// Whether `message` is directed at `name`: it begins with the name (or `All`) and a colon or comma, or with a list of
/// names and a colon (`Web, API:`), or holds `@name` (or `@all`) anywhere. Case does not count.
pub(super) fn is_for(message: &str, name: &str) -> bool {
    [name, "all"].into_iter().any(|name| opens_for(message, name))
}

/// `text` without `name` at its beginning.
fn after<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = text.chars();
    let mut wanted = name.chars().flat_map(char::to_lowercase).peekable();
    while wanted.peek().is_some() {
        for lower in rest.next()?.to_lowercase() {
            if wanted.next() != Some(lower) {
                return None;
            }
        }
    }
    Some(rest.as_str())
}

fn opens_with(message: &str, name: &str) -> bool {
    let message = message.strip_prefix('@').unwrap_or(message);
    after(message, name).is_some_and(|rest| rest.starts_with([':', ',']))
}

fn is_listed(message: &str, name: &str) -> bool {
    let Some((list, _)) = message.split_once(':') else { return false };
    if list.contains('\n') {
        return false;
    }
    let entries: Vec<&str> = list.split([',', '&']).map(|entry| entry.trim().trim_start_matches('@')).collect();
    let is_name = |entry: &&str| after(entry, name).is_some_and(str::is_empty);
    // A sentence with a comma and a colon is no list: entries are single words, or the very name.
    entries.iter().any(is_name)
        && entries.iter().all(|entry| is_name(entry) || (!entry.is_empty() && !entry.contains(char::is_whitespace)))
}

fn mentions(message: &str, name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    message.match_indices('@').any(|(at, sign)| {
        let joined = message[..at].chars().next_back().is_some_and(word);
        let rest = after(&message[at + sign.len()..], name);
        // `@web-2` is another name than `@web`, and `@web-` is the end of a thought.
        let ends = rest.is_some_and(|rest| {
            let mut rest = rest.chars();
            match rest.next() {
                Some('-' | '.') => !rest.next().is_some_and(word),
                next => !next.is_some_and(word),
            }
        });
        !joined && ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_opens_the_message_or_is_mentioned() {
        for message in [
            "Data: add an index",
            "data, and a view",
            "DATA:",
            "@Data: x",
            "@data x",
            "Web, API, Data: x",
            "Web & data: x",
            "@Web, @Data: x",
            "All: x",
            "all, x",
            "thanks @Data.",
            "(@data-) see",
            "hey @all",
        ] {
            assert!(is_for(message, "Data"), "{message}");
        }
        for message in [
            "Database: not for you",
            "about Data: not either",
            "Data",
            "Data is here",
            "Web, please ask Data: now",
            "Web,\nData: x",
            "mail bob@data.com",
            "@database x",
            "@data-2 x",
            "allow: x",
            "",
            ", : Data",
        ] {
            assert!(!is_for(message, "Data"), "{message}");
        }
        assert!(is_for("ÄMT: x", "ämt"));
        assert!(!is_for("Dat", "Data"));
    }
}

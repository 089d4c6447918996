//! What a message looks like. Names and texts come from others: nothing in them can begin a line that looks like a
//! message of its own, or steer a terminal.

use std::fmt::Write as _;

use crewkit_store::chat::{GENERAL, Message, Unread};
use crewkit_tool::text;

use super::directed;

/// Columns a sender is padded to.
const SENDER_COLUMNS: usize = 18;

/// Most characters of a name that are shown.
const NAME_CHARACTERS: usize = 80;

/// Most characters of the numbers above a check, or a few more.
const NUMBERS_CHARACTERS: usize = 300;

/// What stands before a further line of a message under a check: as wide as blanks and time.
const CHECK_INDENT: &str = "           ";

/// What stands before a further line of a message in a list.
const LIST_INDENT: &str = "         ";

/// A message of a list: time, project where it is not general, sender, channel, text. Ends with a line end.
pub(super) fn listed(message: &Message) -> String {
    line_of(message, "")
}

/// The same with the message's number behind the time.
pub(super) fn numbered(message: &Message) -> String {
    line_of(message, &format!(" {:<5}", format!("#{}", message.id)))
}

fn line_of(message: &Message, number: &str) -> String {
    let project = if message.project == GENERAL { String::new() } else { format!("[{}] ", name(&message.project)) };
    let sender = text::pad(&name(&message.sender), SENDER_COLUMNS);
    let shown = shown(&message.message, LIST_INDENT);
    let (time, channel, thread) = (time(&message.timestamp), name(&message.channel), thread(message));
    format!("{time}{number} {project}{sender} #{channel} {thread}{shown}\n")
}

/// An answer: time, sender, text. Ends with a line end.
pub(super) fn answer(message: &Message) -> String {
    let shown = shown(&message.message, LIST_INDENT);
    format!("{} {}: {shown}\n", time(&message.timestamp), name(&message.sender))
}

/// The mark of an answer: which message it answers.
fn thread(message: &Message) -> String {
    message.reply_to.map_or_else(String::new, |id| format!("re #{id}: "))
}

/// A message under a check, with a mark when it is meant for `reader`; at most `most` characters of its text as shown. Ends with
/// a line end.
pub(super) fn checked(message: &Message, reader: &str, most: usize) -> String {
    let whole = shown(&message.message, CHECK_INDENT);
    let head = text::head(&whole, most);
    let cut = match whole[head.len()..].chars().count() {
        0 => String::new(),
        cut => format!(" (and {cut} more characters)"),
    };
    let mark = if directed::is_directed(message, reader) { " >>> FOR YOU" } else { "" };
    let (time, sender, thread) = (time(&message.timestamp), name(&message.sender), thread(message));
    format!("  {time} {sender}: {thread}{head}{cut}{mark}\n")
}

/// The line above the messages of a check: who reads, and their numbers in order, by which they can be answered.
fn header(reader: &str, messages: &[Message]) -> String {
    let mut numbers = String::new();
    let mut rest = messages.iter().map(|message| message.id).peekable();
    while let Some(first) = rest.next() {
        if numbers.len() > NUMBERS_CHARACTERS {
            numbers.push_str(" ...");
            break;
        }
        let mut last = first;
        while let Some(next) = rest.next_if(|next| *next == last + 1) {
            last = next;
        }
        let _ = if first == last { write!(numbers, " #{first}") } else { write!(numbers, " #{first}-{last}") };
    }
    format!("[comms] New messages (you are {};{numbers}; to answer one: comms post --reply-to ID):\n", name(reader))
}

/// A whole check, or nothing when nothing is unread; at most `most` characters of each message.
pub(super) fn check(unread: &Unread, most: usize) -> String {
    if unread.messages.is_empty() {
        return String::new();
    }
    let mut out = header(&unread.reader.name, &unread.messages);
    if unread.left_out > 0 {
        let _ = writeln!(out, "  ({} older messages are left out; comms history shows them)", unread.left_out);
    }
    out.extend(unread.messages.iter().map(|message| checked(message, &unread.reader.name, most)));
    if unread.more {
        out.push_str("  (there are more; they come with the next check)\n");
    }
    out
}

/// The time of day of a stored time.
pub(super) fn time(timestamp: &str) -> &str {
    let time = timestamp.get(11..19).filter(|time| {
        time.bytes().enumerate().all(|(at, byte)| if at % 3 == 2 { byte == b':' } else { byte.is_ascii_digit() })
    });
    time.unwrap_or("--:--:--")
}

/// A name on one line.
pub(super) fn name(name: &str) -> String {
    let safe: String =
        text::fold_line_ends(name).chars().filter(|c| !text::is_unsafe(*c)).take(NAME_CHARACTERS).collect();
    safe
}

/// A text with its further lines indented, control characters dropped.
fn shown(message: &str, indent: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut rest = message.trim_end_matches(is_line_end).chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\r' if rest.peek() == Some(&'\n') => {}
            '\t' => out.push_str("    "),
            c if is_line_end(c) => {
                out.push('\n');
                out.push_str(indent);
            }
            c if text::is_unsafe(c) => {}
            c => out.push(c),
        }
    }
    out
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(sender: &str, project: &str, message: &str) -> Message {
        Message {
            id: 1,
            timestamp: "2026-03-01T12:34:56.789".into(),
            sender: sender.into(),
            channel: "ops".into(),
            project: project.into(),
            message: message.into(),
            reply_to: None,
            answered: None,
        }
    }

    #[test]
    fn an_answer_is_marked_and_numbers_can_be_seen() {
        let answer =
            Message { id: 17, reply_to: Some(12), answered: Some("Web".into()), ..message("API", GENERAL, "8080") };
        assert_eq!(listed(&answer), "12:34:56 API                #ops re #12: 8080\n");
        assert_eq!(numbered(&answer), "12:34:56 #17   API                #ops re #12: 8080\n");
        assert_eq!(checked(&answer, "Web", 99), "  12:34:56 API: re #12: 8080 >>> FOR YOU\n");
        assert_eq!(checked(&answer, "Data", 99), "  12:34:56 API: re #12: 8080\n");
        assert_eq!(super::answer(&answer), "12:34:56 API: 8080\n");
        let with = |ids: &[i64]| {
            let messages: Vec<Message> = ids.iter().map(|id| Message { id: *id, ..answer.clone() }).collect();
            header("Web", &messages)
        };
        assert!(with(&[4, 5, 6, 8]).starts_with("[comms] New messages (you are Web; #4-6 #8; "), "{}", with(&[4]));
        let many: Vec<i64> = (0..9_000).step_by(2).collect();
        assert!(with(&many).chars().count() < 500 && with(&many).contains(" ...;"));
    }

    #[test]
    fn a_line_holds_time_project_sender_channel_and_text() {
        assert_eq!(listed(&message("API", GENERAL, "x  y")), "12:34:56 API                #ops x  y\n");
        assert_eq!(listed(&message("日本", "shop", "x")), "12:34:56 [shop] 日本               #ops x\n");
        assert_eq!(time("2026-03-01 12:34:56"), "12:34:56");
        assert_eq!(time("soon, perhaps not today"), "--:--:--");
    }

    #[test]
    fn nothing_in_a_message_begins_a_line_or_steers_a_terminal() {
        let forged =
            message("A\nPI\x1b[2J", "p\tq", "a\r\n12:00:00 Web  #ops b\rc\u{2028}d\x1b[31m\u{202e}\u{9b}\te\n\n");
        let line = listed(&forged);
        assert_eq!(line.lines().skip(1).filter(|line| !line.starts_with(LIST_INDENT)).count(), 0, "{line:?}");
        assert!(!line.trim_end().contains(|c: char| c != '\n' && text::is_unsafe(c)), "{line:?}");
        assert_eq!(line.lines().count(), 4, "{line:?}");
        let line = checked(&forged, "Web", usize::MAX);
        assert_eq!(
            line,
            format!(
                "  12:34:56 A PI[2J: a\n{CHECK_INDENT}12:00:00 Web  #ops b\n{CHECK_INDENT}c\n{CHECK_INDENT}d[31m    e\n"
            )
        );
    }

    #[test]
    fn a_long_message_is_cut_by_characters_and_says_so() {
        assert_eq!(
            checked(&message("A", "", "żółw: xyz"), "żółw", 4),
            "  12:34:56 A: żółw (and 5 more characters) >>> FOR YOU\n"
        );
        assert_eq!(checked(&message("A", "", "żółw"), "Web", 4), "  12:34:56 A: żółw\n");
    }
}

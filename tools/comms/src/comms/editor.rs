//! The line somebody is typing.

use crewkit_tool::text;

use super::keys::Key;

/// What a line end and other invisible characters of the message look like while it is typed.
const LINE_END: char = '\u{23ce}';

/// U+200D, which joins the emoji beside it into one.
const JOINER: char = '\u{200d}';

/// A text and a place in it.
#[derive(Debug, Default)]
pub(super) struct Editor {
    characters: Vec<char>,
    cursor: usize,
}

/// The part of the line that the terminal has room for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct View {
    /// The text; nothing in it steers the terminal.
    pub(super) text: String,
    /// Columns from its beginning to the cursor.
    pub(super) cursor: usize,
}

impl Editor {
    /// The text.
    pub(super) fn text(&self) -> String {
        self.characters.iter().collect()
    }

    /// Whether nothing is typed.
    pub(super) fn is_empty(&self) -> bool {
        self.characters.is_empty()
    }

    /// Begins anew.
    pub(super) fn clear(&mut self) {
        self.characters.clear();
        self.cursor = 0;
    }

    /// Does what `key` says; keys that edit nothing are left to others.
    pub(super) fn press(&mut self, key: &Key) {
        match key {
            Key::Character(c) => self.insert([*c]),
            Key::Paste(text) => self.insert(text.chars()),
            Key::LineEnd => self.insert(['\n']),
            Key::Backspace => self.erase(self.before(), self.cursor),
            Key::Delete => self.erase(self.cursor, self.behind()),
            Key::Left => self.cursor = self.before(),
            Key::Right => self.cursor = self.behind(),
            Key::Home => self.cursor = 0,
            Key::End => self.cursor = self.characters.len(),
            Key::EraseBefore => self.erase(0, self.cursor),
            Key::EraseAfter => self.erase(self.cursor, self.characters.len()),
            Key::EraseWord => {
                let blank = |at: &usize| self.characters[at - 1].is_whitespace();
                let end = (1..=self.cursor).rev().find(|at| !blank(at)).unwrap_or(0);
                let start = (1..=end).rev().find(blank).unwrap_or(0);
                self.erase(start, self.cursor);
            }
            Key::Enter | Key::Interrupt | Key::EndOfInput | Key::Suspend | Key::Redraw => {}
        }
    }

    fn insert(&mut self, characters: impl IntoIterator<Item = char>) {
        let before = self.characters.len();
        self.characters.splice(self.cursor..self.cursor, characters);
        self.cursor += self.characters.len() - before;
    }

    fn erase(&mut self, from: usize, to: usize) {
        self.characters.drain(from..to);
        self.cursor = from;
    }

    /// Where what is seen as one character before the cursor begins: accents and joined emoji belong to it.
    fn before(&self) -> usize {
        let mut at = self.cursor;
        while at > 0 {
            at -= 1;
            let joined = at > 0 && self.characters[at - 1] == JOINER;
            if !self.is_attached(at) && !joined {
                break;
            }
        }
        at
    }

    /// Where what is seen as one character behind the cursor ends.
    fn behind(&self) -> usize {
        let mut at = (self.cursor + 1).min(self.characters.len());
        while at < self.characters.len() && (self.is_attached(at) || self.characters[at - 1] == JOINER) {
            at += 1;
        }
        at
    }

    fn is_attached(&self, at: usize) -> bool {
        let c = self.characters[at];
        text::char_width(c) == 0 && !c.is_control()
    }

    /// What fits into `columns` with the cursor in sight.
    pub(super) fn view(&self, columns: usize) -> View {
        let room = columns.max(2) - 1;
        let shown: Vec<char> = self.characters.iter().map(|c| shown(*c)).collect();
        let mut start = self.cursor;
        let mut cursor = 0;
        while start > 0 && cursor + text::char_width(shown[start - 1]) <= room {
            start -= 1;
            cursor += text::char_width(shown[start]);
        }
        let mut text = String::new();
        let mut used = 0;
        for c in &shown[start..] {
            used += text::char_width(*c);
            if used > room {
                break;
            }
            text.push(*c);
        }
        View { text, cursor }
    }
}

fn shown(c: char) -> char {
    match c {
        '\n' => LINE_END,
        c if text::is_unsafe(c) => ' ',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Editor {
        let mut editor = Editor::default();
        editor.press(&Key::Paste(text.to_owned()));
        editor
    }

    fn pressed(text: &str, keys: &[Key]) -> String {
        let mut editor = typed(text);
        for key in keys {
            editor.press(key);
        }
        editor.text()
    }

    #[test]
    fn keys_edit_where_the_cursor_is() {
        assert_eq!(pressed("abd", &[Key::Left, Key::Character('c')]), "abcd");
        assert_eq!(pressed("abc", &[Key::Home, Key::Delete, Key::End, Key::Backspace]), "b");
        assert_eq!(pressed("one two  ", &[Key::EraseWord]), "one ");
        assert_eq!(pressed("one two", &[Key::EraseWord, Key::EraseWord, Key::EraseWord]), "");
        assert_eq!(pressed("one two", &[Key::Left, Key::EraseBefore]), "o");
        assert_eq!(pressed("one two", &[Key::Home, Key::Right, Key::EraseAfter]), "o");
        assert_eq!(pressed("a", &[Key::Backspace, Key::Backspace, Key::Left, Key::Right, Key::Delete]), "");
        assert_eq!(pressed("a", &[Key::LineEnd, Key::Character('b')]), "a\nb");
    }

    #[test]
    fn what_looks_like_one_character_is_erased_as_one() {
        assert_eq!(pressed("ae\u{301}", &[Key::Backspace]), "a");
        assert_eq!(pressed("a👩\u{200d}👩\u{200d}👧", &[Key::Backspace]), "a");
        assert_eq!(pressed("👩\u{200d}👧a", &[Key::Home, Key::Delete]), "a");
        assert_eq!(pressed("a\n\n", &[Key::Backspace]), "a\n");
    }

    #[test]
    fn a_long_line_is_seen_around_the_cursor() {
        let mut editor = typed(&"0123456789".repeat(20));
        assert_eq!(editor.view(11), View { text: "0123456789".into(), cursor: 10 });
        editor.press(&Key::Home);
        assert_eq!(editor.view(6), View { text: "01234".into(), cursor: 0 });
        assert_eq!(typed("日本語").view(6), View { text: "本語".into(), cursor: 4 });
        assert_eq!(typed("a\nb\x1bc").view(20), View { text: "a\u{23ce}b c".into(), cursor: 5 });
        assert_eq!(typed("日").view(0).text, "");
    }
}

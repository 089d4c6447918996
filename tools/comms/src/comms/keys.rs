//! From the bytes of a terminal to keys. What arrives in one piece (pasted, or typed ahead) is read whole; what arrives
//! in two is kept until the rest is there. Sequences as in xterm's control sequences
//! (<https://invisible-island.net/xterm/ctlseqs/ctlseqs.html>).

/// What somebody did at the keyboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    /// Typed a character.
    Character(char),
    /// Pasted a text; its line ends are `\n`.
    Paste(String),
    /// Return.
    Enter,
    /// A line end within the message (alt and return).
    LineEnd,
    Backspace,
    Delete,
    Left,
    Right,
    Home,
    End,
    /// Erase to the beginning (ctrl-u).
    EraseBefore,
    /// Erase to the end (ctrl-k).
    EraseAfter,
    /// Erase the word before (ctrl-w).
    EraseWord,
    /// Leave (ctrl-c).
    Interrupt,
    /// Leave when nothing is typed (ctrl-d).
    EndOfInput,
    /// Stop the program (ctrl-z).
    Suspend,
    /// Draw anew (ctrl-l).
    Redraw,
}

const PASTE_BEGINS: &[u8] = b"\x1b[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// Reads keys out of bytes.
#[derive(Debug, Default)]
pub(super) struct Keys {
    bytes: Vec<u8>,
}

/// What stands at the beginning of the bytes.
enum Next {
    Key(Key, usize),
    Nothing(usize),
    Unfinished,
}

impl Keys {
    /// The keys that `bytes` bring, together with what was kept of the bytes before.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Vec<Key> {
        self.bytes.extend_from_slice(bytes);
        let mut keys = Vec::new();
        let mut at = 0;
        while at < self.bytes.len() {
            match next(&self.bytes[at..]) {
                Next::Key(key, length) => {
                    keys.push(key);
                    at += length;
                }
                Next::Nothing(length) => at += length,
                Next::Unfinished => break,
            }
        }
        self.bytes.drain(..at);
        keys
    }

    /// Whether an escape came that may be a key or the beginning of a sequence.
    pub(super) fn is_undecided(&self) -> bool {
        self.bytes == b"\x1b"
    }

    /// Whether a paste has begun and its end has not come.
    pub(super) fn is_pasting(&self) -> bool {
        self.bytes.starts_with(PASTE_BEGINS)
    }

    /// Drops an escape that nothing followed: the key of that name.
    pub(super) fn time_passed(&mut self) {
        if self.is_undecided() {
            self.bytes.clear();
        }
    }
}

fn next(bytes: &[u8]) -> Next {
    let one = |key| Next::Key(key, 1);
    match bytes[0] {
        b'\r' | b'\n' => one(Key::Enter),
        0x01 => one(Key::Home),
        0x02 => one(Key::Left),
        0x03 => one(Key::Interrupt),
        0x04 => one(Key::EndOfInput),
        0x05 => one(Key::End),
        0x06 => one(Key::Right),
        0x08 | 0x7f => one(Key::Backspace),
        0x0b => one(Key::EraseAfter),
        0x0c => one(Key::Redraw),
        0x15 => one(Key::EraseBefore),
        0x17 => one(Key::EraseWord),
        0x1a => one(Key::Suspend),
        0x1b => escape(bytes),
        b'\t' => one(Key::Character('\t')),
        0x00..0x20 => Next::Nothing(1),
        _ => character(bytes),
    }
}

fn escape(bytes: &[u8]) -> Next {
    if bytes.starts_with(PASTE_BEGINS) {
        let rest = &bytes[PASTE_BEGINS.len()..];
        return match rest.windows(PASTE_ENDS.len()).position(|window| window == PASTE_ENDS) {
            None => Next::Unfinished,
            Some(length) => {
                let text = String::from_utf8_lossy(&rest[..length]).replace("\r\n", "\n").replace('\r', "\n");
                Next::Key(Key::Paste(text), PASTE_BEGINS.len() + length + PASTE_ENDS.len())
            }
        };
    }
    match bytes.get(1) {
        None => Next::Unfinished,
        Some(b'[') => {
            let Some(last) = bytes[2..].iter().position(|byte| (0x40..=0x7e).contains(byte)) else {
                return Next::Unfinished;
            };
            let length = last + 3;
            let key = match &bytes[2..length] {
                b"D" => Key::Left,
                b"C" => Key::Right,
                b"H" | b"1~" | b"7~" => Key::Home,
                b"F" | b"4~" | b"8~" => Key::End,
                b"3~" => Key::Delete,
                _ => return Next::Nothing(length),
            };
            Next::Key(key, length)
        }
        Some(b'O') => match bytes.get(2) {
            None => Next::Unfinished,
            Some(b'D') => Next::Key(Key::Left, 3),
            Some(b'C') => Next::Key(Key::Right, 3),
            Some(b'H') => Next::Key(Key::Home, 3),
            Some(b'F') => Next::Key(Key::End, 3),
            Some(_) => Next::Nothing(3),
        },
        Some(b'\r' | b'\n') => Next::Key(Key::LineEnd, 2),
        Some(0x7f | 0x08) => Next::Key(Key::EraseWord, 2),
        Some(0x1b) => Next::Nothing(1),
        Some(_) => Next::Nothing(2),
    }
}

fn character(bytes: &[u8]) -> Next {
    let length = match bytes[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    match std::str::from_utf8(&bytes[..length.min(bytes.len())]) {
        Ok(text) => match text.chars().next() {
            Some(c) if !c.is_control() => Next::Key(Key::Character(c), length),
            _ => Next::Nothing(length),
        },
        Err(fault) if fault.error_len().is_none() => Next::Unfinished,
        Err(_) => Next::Key(Key::Character(char::REPLACEMENT_CHARACTER), 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of `bytes` must be the same however they are cut in two.
    fn keys(bytes: &[u8]) -> Vec<Key> {
        let whole = Keys::default().read(bytes);
        for cut in 0..=bytes.len() {
            let mut keys = Keys::default();
            let mut read = keys.read(&bytes[..cut]);
            read.extend(keys.read(&bytes[cut..]));
            assert_eq!(read, whole, "{bytes:?} cut at {cut}");
        }
        whole
    }

    fn typed(text: &str) -> Vec<Key> {
        text.chars().map(Key::Character).collect()
    }

    #[test]
    fn a_line_in_one_piece_is_its_characters_and_return() {
        let mut wanted = typed("żółw 🦀");
        wanted.push(Key::Enter);
        wanted.extend(typed("x"));
        assert_eq!(keys("żółw 🦀\nx".as_bytes()), wanted);
        assert_eq!(keys(b"\r"), [Key::Enter]);
    }

    #[test]
    fn a_paste_comes_whole_with_its_lines() {
        assert_eq!(keys(b"\x1b[200~a\r\nb\rc\x03\x1b[201~\r"), [Key::Paste("a\nb\nc\x03".into()), Key::Enter]);
    }

    #[test]
    fn sequences_are_keys_or_nothing() {
        assert_eq!(
            keys(b"\x1b[D\x1bOC\x1b[1~\x1b[F\x1b[3~"),
            [Key::Left, Key::Right, Key::Home, Key::End, Key::Delete]
        );
        assert_eq!(keys(b"\x1b[1;5A\x1b[A\x1bx\x1bOPa"), typed("a"));
        assert_eq!(keys(b"\x1b\rb\x1b\x7f"), [Key::LineEnd, Key::Character('b'), Key::EraseWord]);
        assert_eq!(keys(b"\x03\x04\x1a\x00\x1d"), [Key::Interrupt, Key::EndOfInput, Key::Suspend]);
    }

    #[test]
    fn bytes_that_are_no_text_show_as_such() {
        assert_eq!(keys(b"\xff\xc3a"), typed("\u{fffd}\u{fffd}a"));
        assert_eq!(keys("\u{9b}a".as_bytes()), typed("a"));
    }

    #[test]
    fn the_escape_key_does_not_swallow_the_next() {
        let mut keys = Keys::default();
        assert_eq!(keys.read(b"\x1b"), []);
        keys.time_passed();
        assert_eq!(keys.read(b"[D"), typed("[D"));
        assert_eq!(keys.read(b"\x1b[200~a"), []);
        assert!(keys.is_pasting() && !keys.is_undecided());
        keys.time_passed();
        assert_eq!(keys.read(b"\x1b[201~"), [Key::Paste("a".into())]);
        assert!(!keys.is_pasting());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_give_the_same_keys_however_they_are_cut(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                &b"\x1b"[..], b"[", b"200~", b"\x1b[200~", b"\x1b[201~", b"O", b"D", b"1;5", b"\r", b"\n", b"\xc5\xbc", b"\xf0",
                b"\x9f", b"\x80", b"\xff", b"a", b"\x7f", b"\x03",
            ]), 0..12),
        ) {
            keys(&parts.concat());
        }
    }
}

//! Lines out of a stream of bytes, with bounded memory.

use crate::text;

/// Most bytes of a line that are looked at; what comes after them on the line is passed over.
pub const MAX_LINE: usize = 16 << 10;

/// Takes bytes in pieces of any size and hands on whole lines.
#[derive(Debug, Default)]
pub struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    /// More bytes; `take` gets each line that they end, cleaned (see [`text::clean`]), without its line end.
    pub fn feed(&mut self, mut bytes: &[u8], take: &mut dyn FnMut(&str)) {
        while let Some(at) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = (&bytes[..at], &bytes[at + 1..]);
            if self.begun.is_empty() {
                take(&text::clean(&line[..line.len().min(MAX_LINE)]));
            } else {
                self.keep(line);
                take(&text::clean(&self.begun));
                self.begun.clear();
            }
            bytes = rest;
        }
        self.keep(bytes);
    }

    /// The end of the stream: a last line without a line end.
    pub fn finish(&mut self, take: &mut dyn FnMut(&str)) {
        if !self.begun.is_empty() {
            take(&text::clean(&self.begun));
            self.begun.clear();
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = MAX_LINE - self.begun.len();
        self.begun.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let (mut lines, mut seen) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.feed(piece, &mut |line| seen.push(line.to_owned()));
        }
        lines.finish(&mut |line| seen.push(line.to_owned()));
        seen
    }

    #[test]
    fn lines_are_put_together_and_long_ones_cut() {
        assert_eq!(lines(&[b"a\nb", b"c\r\n", b"\n", b"d"]), ["a", "bc", "", "d"]);
        let long = vec![b'x'; MAX_LINE + 5];
        let seen = lines(&[&long, &long, b"\nnext\n", &long, b"\n"]);
        assert_eq!(seen.iter().map(String::len).collect::<Vec<_>>(), [MAX_LINE, 4, MAX_LINE]);
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(text in "[a-z\n]{0,200}", at in 0usize..200) {
            let bytes = text.as_bytes();
            let at = at.min(bytes.len());
            prop_assert_eq!(lines(&[bytes]), lines(&[&bytes[..at], &bytes[at..]]));
        }
    }
}

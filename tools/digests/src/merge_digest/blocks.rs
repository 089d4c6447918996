//! The conflict blocks that git writes into a file (git-merge(1), "How conflicts are presented").

use std::io::{BufRead, Read as _};

use crewkit_digest::text::clean;
use crewkit_tool::text;
use serde::Serialize;

/// The least length of a marker; the attribute `conflict-marker-size` makes them longer.
const LEAST: usize = 7;
/// Most bytes of a line that are looked at.
const LONGEST: u64 = 64 << 10;
/// A NUL in so many bytes makes a file binary, as for git.
const LOOK_FOR_NUL: usize = 8000;
/// Most blocks of a file that are kept.
const MOST: usize = 200;

/// One conflict: what stands between the markers, LF at the line ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Block {
    /// The line of the first marker, from 1.
    pub(super) line: usize,
    pub(super) ours: String,
    pub(super) theirs: String,
    /// The common ancestor, where git was told to write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) base: Option<String>,
    /// What stands beside the first marker.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) ours_label: String,
    /// What stands beside the last marker.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) theirs_label: String,
}

impl Block {
    /// Cuts each side to `most` characters.
    pub(super) fn shorten(&mut self, most: usize) {
        for side in [Some(&mut self.ours), Some(&mut self.theirs), self.base.as_mut()].into_iter().flatten() {
            *side = cut(side, most);
        }
    }

    #[cfg(test)]
    pub(super) fn new(line: usize, ours_label: &str, theirs_label: &str, ours: &str, theirs: &str) -> Self {
        let own = str::to_owned;
        Self {
            line,
            ours: own(ours),
            theirs: own(theirs),
            base: None,
            ours_label: own(ours_label),
            theirs_label: own(theirs_label),
        }
    }
}

/// The first `most` characters, and `...` where something was cut.
fn cut(side: &str, most: usize) -> String {
    let head = text::head(side, most);
    if head.len() == side.len() { side.to_owned() } else { format!("{}...", head.trim_end_matches("...")) }
}

/// The side of the block that a line belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Ours,
    Base,
    Theirs,
}

/// Counts the blocks of a file and keeps those that fit, each side of at most `most` characters. A binary file has none.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn read(mut file: impl BufRead, most: usize) -> std::io::Result<(usize, Vec<Block>)> {
    let start = file.fill_buf()?;
    if start[..start.len().min(LOOK_FOR_NUL)].contains(&0) {
        return Ok((0, Vec::new()));
    }
    let (mut blocks, mut count) = (Vec::new(), 0);
    let mut open: Option<(usize, Side, Block)> = None;
    let (mut bytes, mut number) = (Vec::new(), 0);
    loop {
        bytes.clear();
        if (&mut file).take(LONGEST).read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        if !bytes.ends_with(b"\n") {
            // The rest of a line that is longer than any marker or answer.
            file.skip_until(b'\n')?;
        }
        number += 1;
        let ended = bytes.ends_with(b"\n");
        let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        match &mut open {
            None => {
                if let Some((size, label)) = marker(line, b'<', None) {
                    open = Some((size, Side::Ours, Block { line: number, ours_label: label, ..Block::default() }));
                }
            }
            Some((size, side, block)) => {
                let is = |sign| marker(line, sign, Some(*size));
                if *side == Side::Ours && is(b'|').is_some() {
                    (*side, block.base) = (Side::Base, Some(String::new()));
                } else if *side != Side::Theirs && is(b'=').is_some() {
                    *side = Side::Theirs;
                } else if *side == Side::Theirs
                    && let Some((_, label)) = is(b'>')
                {
                    block.theirs_label = label;
                    count += 1;
                    if let Some((.., mut block)) = open.take()
                        && blocks.len() < MOST
                    {
                        block.shorten(most);
                        blocks.push(block);
                    }
                } else {
                    let into = match side {
                        Side::Ours => &mut block.ours,
                        Side::Base => block.base.get_or_insert_default(),
                        Side::Theirs => &mut block.theirs,
                    };
                    // What is longer is cut in the end; a character takes at most four bytes.
                    if into.len() <= most * 4 {
                        into.push_str(&clean(line));
                        into.push_str(if ended { "\n" } else { "" });
                    }
                }
            }
        }
    }
    Ok((count, blocks))
}

/// A marker line of `sign`, `size` long where that is known already: its length and what stands behind it.
fn marker(line: &[u8], sign: u8, size: Option<usize>) -> Option<(usize, String)> {
    let length = line.iter().take_while(|&&byte| byte == sign).count();
    if length < LEAST || size.is_some_and(|size| size != length) {
        return None;
    }
    let rest = line[length..].strip_suffix(b"\r").unwrap_or(&line[length..]);
    match rest {
        [] => Some((length, String::new())),
        [b' ', label @ ..] => Some((length, text::cut(&clean(label), 100))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn blocks(text: &str) -> (usize, Vec<Block>) {
        read(text.as_bytes(), 300).unwrap()
    }

    #[test]
    fn sides_base_labels_and_lines() {
        let text = "a\n<<<<<<< HEAD\r\nx\r\n||||||| 1234 base\nb\n=======\ny\n=======\nz\n>>>>>>> side: do it\nend";
        let (count, seen) = blocks(text);
        let mut wanted = Block::new(2, "HEAD", "side: do it", "x\n", "y\n=======\nz\n");
        wanted.base = Some("b\n".to_owned());
        assert_eq!((count, seen), (1, vec![wanted]));
    }

    #[test]
    fn what_only_looks_like_a_marker_is_text() {
        for text in
            ["<<<<<< HEAD\n=======\n>>>>>>> x\n", "<<<<<<<x\n=======\n>>>>>>> x\n", "<<<<<<< a\n=======\nno end\n"]
        {
            assert_eq!(blocks(text).0, 0, "{text}");
        }
        let (count, seen) = blocks("<<<<<<<<<< a\n<<<<<<< b\n=======\n==========\n>>>>>>> c\n>>>>>>>>>> d\n");
        assert_eq!((count, seen[0].ours.as_str(), seen[0].theirs.as_str()), (1, "<<<<<<< b\n=======\n", ">>>>>>> c\n"));
    }

    #[test]
    fn a_binary_file_has_no_blocks_and_a_long_side_is_cut() {
        assert_eq!(blocks("\0<<<<<<< a\n=======\n>>>>>>> b\n"), (0, Vec::new()));
        let text = format!("<<<<<<< a\n{}\n=======\n{}>>>>>>> b\n", "ü".repeat(200_000), "line\n".repeat(100_000));
        let (count, seen) = blocks(&text);
        assert_eq!((count, seen[0].ours.chars().count(), seen[0].theirs.chars().count()), (1, 303, 303));
        assert!(seen[0].ours.ends_with("ü...") && seen[0].theirs.ends_with("..."));
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let (count, seen) = read(&bytes[..], 300).unwrap();
            prop_assert!(seen.len() <= count);
        }

        #[test]
        fn any_order_of_markers_can_be_read(lines in prop::collection::vec("(<{7}|={7}|>{7}|[|]{7}|<{9}|={9})?( [a-z]{0,3})?", 0..60)) {
            let (count, seen) = read(lines.join("\n").as_bytes(), 300).unwrap();
            prop_assert_eq!(seen.len(), count);
        }
    }
}

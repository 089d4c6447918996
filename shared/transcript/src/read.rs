//! Reading a transcript from where the last reading stopped.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use memchr::{memchr, memmem, memrchr};

use crate::Answer;

/// How much is read at once, in bytes.
const CHUNK: usize = 1 << 20;

/// The longest line that is looked at, in bytes.
const LONGEST_LINE: usize = 64 << 20;

/// How much before a place is remembered, in bytes.
const ENDING: usize = 256;

/// How far a transcript has been read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// The bytes of whole lines that have been read.
    pub offset: u64,
    /// A hash of the last of these bytes: a file that does not hold them is another one.
    pub ending: u64,
}

/// Reads the answers in the transcript `path` that stand after `place`, calls `each` with them, and gives the place of
/// the next reading: after the last whole line. A last line without an end is read when it is whole JSON, and again the
/// next time. A file that was cut or written anew is read from its beginning. Lines without a `usage` cost next to
/// nothing; lines that are no JSON, and those over 64 MiB, are passed over.
///
/// # Errors
/// When the file cannot be opened or read.
pub fn read(path: &Path, place: Place, mut each: impl FnMut(Answer)) -> io::Result<Place> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut from = place.offset;
    if from > length || (from > 0 && ending(&file, from)? != place.ending) {
        from = 0;
    }
    let needle = memmem::Finder::new(b"\"usage\"");
    let mut buffer = Vec::new();
    // The file's byte that the buffer begins at, and how much of the buffer is filled.
    let (mut start, mut filled) = (from, 0);
    let mut too_long = false;
    loop {
        if buffer.len() < filled + CHUNK {
            buffer.resize(filled + CHUNK, 0);
        }
        let got = read_at(&file, &mut buffer[filled..], start + filled as u64)?;
        if got == 0 {
            break;
        }
        let fresh = filled;
        filled += got;
        let Some(end) = memrchr(b'\n', &buffer[fresh..filled]).map(|at| fresh + at + 1) else {
            if filled > LONGEST_LINE {
                start += filled as u64;
                (filled, too_long) = (0, true);
            }
            continue;
        };
        let mut whole = &buffer[..end];
        let mut at = start;
        if too_long {
            let rest = memchr(b'\n', whole).map_or(whole.len(), |at| at + 1);
            whole = &whole[rest..];
            at += rest as u64;
            too_long = false;
        }
        answers(whole, at, &needle, &mut each);
        buffer.copy_within(end..filled, 0);
        start += end as u64;
        filled -= end;
    }
    if filled > 0 && !too_long {
        answers(&buffer[..filled], start, &needle, &mut each);
    }
    Ok(Place { offset: start, ending: ending(&file, start)? })
}

/// The answers in `lines`, which begin at byte `start` of their file.
fn answers(lines: &[u8], start: u64, needle: &memmem::Finder<'_>, each: &mut impl FnMut(Answer)) {
    let mut from = 0;
    while let Some(found) = needle.find(&lines[from..]) {
        let hit = from + found;
        let begin = memrchr(b'\n', &lines[from..hit]).map_or(from, |at| from + at + 1);
        let end = memchr(b'\n', &lines[hit..]).map_or(lines.len(), |at| hit + at);
        if let Some(answer) = Answer::of_line(&lines[begin..end], start + begin as u64) {
            each(answer);
        }
        from = end;
    }
}

fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match file.read_at(buffer, offset) {
            Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// A hash of the last bytes before `offset`.
fn ending(file: &File, offset: u64) -> io::Result<u64> {
    let mut bytes = [0; ENDING];
    let from = offset.saturating_sub(ENDING as u64);
    let mut filled = 0;
    let wanted = usize::try_from(offset - from).unwrap_or(0);
    while filled < wanted {
        let got = read_at(file, &mut bytes[filled..wanted], from + filled as u64)?;
        if got == 0 {
            break;
        }
        filled += got;
    }
    Ok(hash(&[&bytes[..filled]]))
}

/// A hash of `parts` that is the same in every build: FNV-1a of 64 bits, each part with its end, and a last mix that
/// makes every bit depend on every byte.
pub(crate) fn hash(parts: &[&[u8]]) -> u64 {
    let mut state: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        // 0xff is in no UTF-8 text, so that two texts are not one.
        for byte in part.iter().chain(&[0xff]) {
            state = (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    state ^= state >> 32;
    state = state.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    state ^ (state >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write as _;

    use proptest::prelude::*;
    use serde_json::json;

    fn line(id: &str, input: i64) -> String {
        json!({"type": "assistant", "message": {"id": id, "usage": {"input_tokens": input}}}).to_string() + "\n"
    }

    fn all(path: &Path, place: Place) -> (Vec<i64>, Place) {
        let mut found = Vec::new();
        let place = read(path, place, |answer| found.push(answer.amounts.input)).unwrap();
        (found, place)
    }

    #[test]
    fn goes_on_from_where_it_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.jsonl");
        fs::write(&path, line("a", 1) + "{\"type\":\"user\"}\nnot json \"usage\"\n" + &line("b", 2)).unwrap();
        let (found, place) = all(&path, Place::default());
        assert_eq!(found, [1, 2]);
        assert_eq!(place.offset, fs::metadata(&path).unwrap().len());
        assert_eq!(all(&path, place), (vec![], place));
        let whole = line("c", 3);
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(&whole.as_bytes()[..30]).unwrap();
        assert_eq!(all(&path, place), (vec![], place));
        file.write_all(&whole.as_bytes()[30..whole.len() - 1]).unwrap();
        assert_eq!(all(&path, place), (vec![3], place), "whole JSON without a line's end");
        file.write_all(b"\n").unwrap();
        let (found, end) = all(&path, place);
        assert_eq!(found, [3]);
        assert_eq!(all(&path, end), (vec![], end));
    }

    #[test]
    fn a_file_that_is_another_one_is_read_from_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.jsonl");
        fs::write(&path, line("a", 1) + &line("b", 2)).unwrap();
        let (_, place) = all(&path, Place::default());
        fs::write(&path, line("c", 3)).unwrap();
        assert_eq!(all(&path, place).0, [3], "shorter");
        fs::write(&path, line("d", 4) + &line("e", 5) + &line("f", 6)).unwrap();
        assert_eq!(all(&path, place).0, [4, 5, 6], "longer");
        assert!(read(&folder.path().join("none"), place, drop).is_err());
    }

    #[test]
    fn lines_longer_than_a_reading_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.jsonl");
        let pad = "x".repeat(3 * CHUNK);
        let long = json!({"pad": pad, "type": "assistant", "message": {"usage": {"input_tokens": 7}}, "more": pad});
        fs::write(&path, line("a", 1) + &long.to_string() + "\n" + &line("b", 2)).unwrap();
        assert_eq!(all(&path, Place::default()).0, [1, 7, 2]);
    }

    #[test]
    fn a_line_beyond_measure_is_passed_over_without_being_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.jsonl");
        fs::write(&path, line("a", 1)).unwrap();
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        // A hole costs no disk, and its NULs are no line's end.
        file.set_len(LONGEST_LINE as u64 * 2).unwrap();
        io::Seek::seek(&mut file, io::SeekFrom::End(0)).unwrap();
        file.write_all((line("x", 9) + &line("b", 2)).as_bytes()).unwrap();
        drop(file);
        assert_eq!(all(&path, Place::default()).0, [1, 2]);
    }

    #[test]
    fn hashes_stay_and_parts_are_apart() {
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
        assert_ne!(hash(&[b"ab"]), hash(&[b"ab", b""]));
        // Kept in databases: a change would count everything again.
        assert_eq!(hash(&[b"answer", b"msg_1", b"req_1"]), 0xfad7_6690_c171_1802);
    }

    proptest! {
        #[test]
        fn whatever_is_read_in_pieces_is_read_once(
            parts in prop::collection::vec(prop_oneof![
                (1i64..1000).prop_map(|n| line("m", n)),
                Just("{\"type\":\"user\",\"message\":{\"content\":\"\\\"usage\\\"\"}}\n".to_owned()),
                Just("\n".to_owned()),
                "[a-z\"{}:]{0,20}\n",
            ], 0..20),
            cuts in prop::collection::vec(0usize..4000, 0..6),
        ) {
            let whole: String = parts.concat();
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("t.jsonl");
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(whole.len())).collect();
            cuts.sort_unstable();
            cuts.push(whole.len());
            let mut place = Place::default();
            let mut found = std::collections::BTreeSet::new();
            for cut in cuts {
                fs::write(&path, &whole.as_bytes()[..cut]).unwrap();
                place = read(&path, place, |answer| { found.insert((answer.offset, answer.amounts.input)); }).unwrap();
            }
            let mut wanted = std::collections::BTreeSet::new();
            read(&path, Place::default(), |answer| { wanted.insert((answer.offset, answer.amounts.input)); }).unwrap();
            prop_assert_eq!(found, wanted);
        }
    }
}

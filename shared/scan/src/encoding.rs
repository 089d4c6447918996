//! Texts that are not in UTF-8.

use std::borrow::Cow;

/// A text as UTF-8: one that begins with the byte order mark of UTF-16 is decoded, code units that are none replaced; all
/// else stays as it is, whatever it is.
pub fn utf8(bytes: &[u8]) -> Cow<'_, [u8]> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xFF, 0xFE, ..] => u16::from_le_bytes,
        [0xFE, 0xFF, ..] => u16::from_be_bytes,
        _ => return Cow::Borrowed(bytes),
    };
    let units = bytes[2..].chunks(2).map(|pair| unit([pair[0], pair.get(1).copied().unwrap_or_default()]));
    let text: String = char::decode_utf16(units).map(|read| read.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    Cow::Owned(text.into_bytes())
}

/// Whether git holds `bytes` for binary: by a NUL among the first ones, as git itself looks for it.
pub fn is_binary(bytes: &[u8]) -> bool {
    bytes[..bytes.len().min(8000)].contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_16_is_decoded_and_nothing_else_is_touched() {
        let little: Vec<u8> = "\u{FEFF}aß\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "\u{FEFF}aß\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!((&*utf8(&little), &*utf8(&big)), ("aß\n".as_bytes(), "aß\n".as_bytes()));
        assert_eq!(&*utf8(b"\xFF\xFEa\0b"), "a\u{62}".as_bytes());
        assert_eq!(&*utf8(b"\xFF\xFE\x00\xD8"), "\u{FFFD}".as_bytes());
        for same in [&b""[..], b"a", b"\xFF", b"\xEF\xBB\xBFa", b"a\0\xFF\xFE"] {
            assert_eq!(&*utf8(same), same);
        }
        assert!(is_binary(b"a\0") && !is_binary(b"a"));
    }
}

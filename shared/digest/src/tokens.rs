//! What a text costs an agent to read.

/// An estimate of the number of tokens of `text` in the o200k vocabulary, a little too high rather than too low: a
/// word of up to six letters, three digits, two signs or one other character each count as one. A vocabulary of two
/// megabytes has no place in a program that starts in a millisecond.
pub fn estimate(text: &str) -> usize {
    let (mut total, mut kind, mut length) = (0, Kind::Blank, 0);
    for c in text.chars() {
        let next = Kind::of(c);
        if next != kind || length == kind.limit() || (next == Kind::Letter && c.is_uppercase()) {
            total += usize::from(length > 0 && kind != Kind::Blank) + usize::from(kind == Kind::Blank && length > 1);
            (kind, length) = (next, 0);
        }
        length += 1;
    }
    total + usize::from(length > 0)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Blank,
    Letter,
    Digit,
    Sign,
    Other,
}

impl Kind {
    fn of(c: char) -> Self {
        match c {
            ' ' => Self::Blank,
            'a'..='z' | 'A'..='Z' => Self::Letter,
            '0'..='9' => Self::Digit,
            c if c.is_ascii() => Self::Sign,
            _ => Self::Other,
        }
    }

    fn limit(self) -> usize {
        match self {
            Self::Blank => 16,
            Self::Letter => 6,
            Self::Digit => 3,
            Self::Sign => 2,
            Self::Other => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_digits_and_signs_are_counted() {
        for (text, wanted) in [("", 0), ("a", 1), ("pass", 1), ("12345", 2), ("{\"a\":1}", 5), ("żół", 3)] {
            assert_eq!(estimate(text), wanted, "{text}");
        }
    }
}

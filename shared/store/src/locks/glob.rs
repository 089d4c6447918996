//! Patterns of paths: which files a lock on a pattern covers, and which patterns meet.
//!
//! A pattern is an absolute path whose parts may hold wildcards, as in gitignore(5): `*` any characters within a part,
//! `?` one character, `[a-z]` and `[!a-z]` one of a set, `\` takes the meaning from the character after it, and a part
//! `**` stands for any number of parts (at the end: for at least one). Names that begin with a dot are no exception.

/// A part of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Any number of parts.
    Deep,
    /// One part.
    Name(Vec<Token>),
}

/// A piece of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Char(char),
    /// Any character.
    One,
    /// Any number of characters.
    Many,
    /// A character in one of the ranges, or in none of them.
    Set {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
}

/// A path, or a pattern of paths, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
}

impl Pattern {
    /// The one path `path`, whatever characters it holds.
    pub fn of_path(path: &str) -> Self {
        let name = |part: &str| Part::Name(part.chars().map(Token::Char).collect());
        Self { parts: path.split('/').filter(|part| !part.is_empty()).map(name).collect() }
    }

    /// The paths that `pattern` means.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub fn parse(pattern: &str) -> Result<Self, String> {
        let mut parts: Vec<Part> = Vec::new();
        for part in pattern.split('/').filter(|part| !part.is_empty()) {
            if part != "**" {
                parts.push(Part::Name(tokens(part)?));
            } else if parts.last() != Some(&Part::Deep) {
                parts.push(Part::Deep);
            }
        }
        if parts.last() == Some(&Part::Deep) {
            parts.push(Part::Name(vec![Token::Many]));
        }
        Ok(Self { parts })
    }

    /// Whether it holds no wildcard.
    pub fn is_one_path(&self) -> bool {
        let plain = |part: &Part| match part {
            Part::Deep => false,
            Part::Name(tokens) => tokens.iter().all(|token| matches!(token, Token::Char(_))),
        };
        self.parts.iter().all(plain)
    }

    /// Whether there may be a path that both mean; that there is none is certain.
    pub fn meets(&self, other: &Self) -> bool {
        let (one, two) = (&self.parts, &other.parts);
        meet(one.len(), two.len(), |table, i, j| match (one.get(i), two.get(j)) {
            (None, None) => true,
            (Some(Part::Deep), Some(Part::Deep)) => table(i + 1, j) || table(i, j + 1),
            (Some(Part::Deep), after) => table(i + 1, j) || (after.is_some() && table(i, j + 1)),
            (before, Some(Part::Deep)) => table(i, j + 1) || (before.is_some() && table(i + 1, j)),
            (Some(Part::Name(a)), Some(Part::Name(b))) => names_meet(a, b) && table(i + 1, j + 1),
            (None, Some(_)) | (Some(_), None) => false,
        })
    }
}

/// Whether two sequences of `one` and `two` elements meet, by a rule for what is left from the elements i and j on, which
/// may ask for what is left further on.
fn meet(one: usize, two: usize, rule: impl Fn(&dyn Fn(usize, usize) -> bool, usize, usize) -> bool) -> bool {
    let mut table = vec![vec![false; two + 2]; one + 2];
    for i in (0..=one).rev() {
        for j in (0..=two).rev() {
            let met = rule(&|i, j| table[i][j], i, j);
            table[i][j] = met;
        }
    }
    table[0][0]
}

fn names_meet(one: &[Token], two: &[Token]) -> bool {
    meet(one.len(), two.len(), |table, i, j| match (one.get(i), two.get(j)) {
        (None, None) => true,
        (Some(Token::Many), Some(Token::Many)) => table(i + 1, j) || table(i, j + 1),
        (Some(Token::Many), after) => table(i + 1, j) || (after.is_some() && table(i, j + 1)),
        (before, Some(Token::Many)) => table(i, j + 1) || (before.is_some() && table(i + 1, j)),
        (Some(a), Some(b)) => a.meets(b) && table(i + 1, j + 1),
        (None, Some(_)) | (Some(_), None) => false,
    })
}

impl Token {
    /// Whether one character may be both.
    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Char(one), Self::Char(two)) => one == two,
            (Self::Char(c), Self::Set { ranges, negated }) | (Self::Set { ranges, negated }, Self::Char(c)) => {
                ranges.iter().any(|(from, to)| (from..=to).contains(&c)) != *negated
            }
            (Self::Set { ranges: one, negated: false }, Self::Set { ranges: two, negated: false }) => {
                one.iter().any(|(from, to)| two.iter().any(|(start, end)| from <= end && start <= to))
            }
            _ => true,
        }
    }
}

fn tokens(part: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut left = part.chars().peekable();
    while let Some(c) = left.next() {
        tokens.push(match c {
            '*' if tokens.last() == Some(&Token::Many) => continue,
            '*' => Token::Many,
            '?' => Token::One,
            '\\' => Token::Char(left.next().ok_or_else(|| format!("'{part}' ends in a backslash"))?),
            '[' => set(&mut left).ok_or_else(|| format!("'{part}' has a [ without its ]"))?,
            c => Token::Char(c),
        });
    }
    Ok(tokens)
}

/// A set, after its `[`; `None` without an end.
fn set(left: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Token> {
    let negated = left.next_if(|c| matches!(c, '!' | '^')).is_some();
    let mut ranges: Vec<(char, char)> = Vec::new();
    loop {
        let from = match left.next()? {
            // At the beginning it is a character like others.
            ']' if !ranges.is_empty() => return Some(Token::Set { ranges, negated }),
            '\\' => left.next()?,
            c => c,
        };
        let mut to = from;
        if left.peek() == Some(&'-') {
            let mut ahead = left.clone();
            ahead.next();
            if ahead.peek().is_some_and(|c| *c != ']') {
                *left = ahead;
                to = match left.next()? {
                    '\\' => left.next()?,
                    c => c,
                };
            }
        }
        ranges.push((from, to));
    }
}

/// Whether a part of a path holds a wildcard.
pub fn has_wildcard(part: &str) -> bool {
    part.contains(['*', '?', '[', '\\'])
}

/// `path` as a pattern that means itself alone.
pub fn escape(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for c in path.chars() {
        if matches!(c, '*' | '?' | '[' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).unwrap()
    }

    #[test]
    fn a_pattern_covers_paths() {
        for (text, covered, others) in [
            ("/w/src/**", &["/w/src/a", "/w/src/.b", "/w/src/a/b/c"][..], &["/w/src", "/w/srcs/a", "/w/a/src/b"][..]),
            ("/w/**/x.rs", &["/w/x.rs", "/w/a/b/x.rs"], &["/w/ax.rs", "/x.rs", "/w/x.rs/y"]),
            ("/**", &["/a", "/a/b"], &["/"]),
            ("/w/*.rs", &["/w/.rs", "/w/a.rs", "/w/.a.rs"], &["/w/a/b.rs", "/w/a.rs.x"]),
            ("/w/a?c", &["/w/abc", "/w/aüc"], &["/w/ac", "/w/abbc"]),
            ("/w/[a-c]x[!0-9]", &["/w/axb", "/w/cx-"], &["/w/dxb", "/w/ax5", "/w/ax"]),
            ("/w/[]a-]", &["/w/]", "/w/a", "/w/-"], &["/w/b"]),
            (r"/w/\[id]/\*", &["/w/[id]/*"], &["/w/i/*", "/w/[id]/a"]),
            ("/w/*a*b*", &["/w/ab", "/w/xaxbx"], &["/w/ba"]),
            ("/w/**/**/y", &["/w/y", "/w/a/y"], &["/w/a"]),
        ] {
            for path in covered {
                assert!(pattern(text).meets(&Pattern::of_path(path)), "{text} {path}");
            }
            for path in others {
                assert!(!pattern(text).meets(&Pattern::of_path(path)), "{text} {path}");
            }
        }
    }

    #[test]
    fn patterns_meet_where_a_path_is_of_both() {
        for (one, two, meet) in [
            ("/w/src/**", "/w/**", true),
            ("/w/src/**", "/w/src/api/**", true),
            ("/w/src/**", "/w/docs/**", false),
            ("/w/src/**", "/w/**/*.rs", true),
            ("/w/*.rs", "/w/a*", true),
            ("/w/*.rs", "/w/*.md", false),
            ("/w/a*", "/w/b*", false),
            ("/w/**/x", "/w/**/y", false),
            ("/w/**/x/**", "/w/y/**/z", true),
            ("/w/[a-c]", "/w/[c-d]", true),
            ("/w/[a-c]", "/w/[d-e]", false),
            ("/w/[!a]", "/w/[!b]", true),
            ("/w/*/a", "/w/b", false),
            ("/w/**", "/w", false),
        ] {
            assert_eq!(pattern(one).meets(&pattern(two)), meet, "{one} {two}");
            assert_eq!(pattern(two).meets(&pattern(one)), meet, "{two} {one}");
        }
    }

    #[test]
    fn what_was_escaped_means_itself() {
        for path in ["/w/[id]/a*b?c", r"/w/back\slash", "/w/**/x", "/w/żółw\n", "/w/{a,b}"] {
            let escaped = pattern(&escape(path));
            assert!(escaped.meets(&Pattern::of_path(path)), "{path}");
            assert_eq!(escaped, Pattern::of_path(path), "{path}");
        }
    }

    #[test]
    fn half_a_pattern_is_refused() {
        for text in ["/w/[a", "/w/a\\", "/w/[]", "/w/[a/b]", r"/w/[a\", "/w/[a-"] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn long_patterns_take_no_time() {
        let text = format!("/{}", "*a".repeat(400));
        let path = format!("/{}", "b".repeat(800));
        assert!(!pattern(&text).meets(&Pattern::of_path(&path)));
        assert!(pattern(&text).meets(&pattern(&format!("/{}", "a*".repeat(400)))));
    }
}

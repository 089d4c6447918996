//! Files of any size and content, in linear time and without a fault.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::checks::CHECKS;
use super::super::language::Language;
use super::super::lexer::Views;
use super::super::source::Source;
use super::super::waiver::waivers;
use super::runs::Scratch;

const ENDINGS: [&str; 7] = ["ts", "mjs", "py", "sh", "sql", "prisma", "tsx"];

fn look(ending: &str, bytes: Vec<u8>) -> usize {
    let path = std::path::PathBuf::from(format!("x.{ending}"));
    let source = Source::new("x".into(), &path, Language::of(&path).unwrap(), bytes);
    let _ = waivers(&source);
    let _ = super::super::checks::duplicate_class_names::declared(&source);
    CHECKS.iter().map(|check| (check.look)(&source).len()).sum()
}

#[test]
fn text_that_is_no_text_is_told() {
    let scratch = Scratch::new();
    scratch.put("a.ts", b"JSON.parse(\0)");
    scratch.put("b.ts", b"const caf\xe9 = JSON.parse(x);");
    scratch.put("c.ts", b"");
    let report = scratch.json(&["--files", "a.ts", "b.ts", "c.ts", "--json"]);
    assert_eq!(report["not_read"][0]["file"], "a.ts");
    assert_eq!(report["results"][0]["findings"][0]["body"], "b.ts:1:const caf\u{fffd} = JSON.parse(x);");
    assert_eq!(report["total_files"], 3);
}

/// Pieces that, repeated, made careless searches look at the rest of a file again and again.
const PIECES: [&str; 40] = [
    "a",
    " ",
    "(",
    "[",
    "{",
    ")",
    "'\\",
    "\"\\'",
    "/[",
    "= /[",
    "`${",
    "/*",
    "f'{",
    "f\"\"\"{'",
    "'''\\",
    "<<'x",
    "<<a\n",
    "x[:",
    "x[a:b]",
    "get(",
    "x.get(",
    "m.get(m",
    "lazy(",
    "const f=(",
    "const f=(aa,bb)=>",
    "function f(aa,bb){",
    "function f(aa\n",
    "SELECT *",
    "SELECT",
    ".all()",
    ".all() limit ",
    "x.trim()",
    "x).trim()",
    "open(",
    "open(a,'w'",
    "export ",
    "const a=x.get(a)",
    "class A",
    "null",
    "pattern-ok: x",
];

#[test]
fn no_repetition_takes_more_than_linear_time() {
    for ending in ["ts", "py", "sh", "sql"] {
        for piece in PIECES {
            let begun = Instant::now();
            look(ending, piece.repeat(150_000 / piece.len()).into_bytes());
            // Linear is some hundredths of a second, quadratic minutes.
            assert!(begun.elapsed() < Duration::from_secs(20), "{ending} {piece:?}: {:?}", begun.elapsed());
        }
    }
}

proptest! {
    #[test]
    fn views_are_as_long_as_the_file_and_keep_its_lines(
        bytes in proptest::collection::vec(any::<u8>(), 0..300), ending in 0_usize..ENDINGS.len()
    ) {
        let language = Language::of(std::path::Path::new(&format!("x.{}", ENDINGS[ending]))).unwrap();
        let views = Views::new(&bytes, language);
        for view in [&views.code, &views.text] {
            prop_assert_eq!(view.len(), bytes.len());
            for (new, old) in view.iter().zip(&bytes) {
                prop_assert_eq!(*new == b'\n', *old == b'\n');
            }
        }
        look(ENDINGS[ending], bytes);
    }

    #[test]
    fn no_code_makes_a_check_fail(
        parts in proptest::collection::vec(0_usize..PIECES.len(), 0..40), ending in 0_usize..ENDINGS.len()
    ) {
        let text: String = parts.iter().map(|part| PIECES[*part]).collect();
        look(ENDINGS[ending], text.into_bytes());
    }
}

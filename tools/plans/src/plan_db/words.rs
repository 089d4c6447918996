//! What the subcommands ask of their arguments: one-line names, texts, paths as the database keeps them.

use std::path::Path;

use crewkit_tool::{Context, Refusal, text};
use serde_json::Value;

/// A text that may hold anything, also begin with a dash; only what is plainly an option is refused, so that an option
/// without its value does not swallow the next one.
pub(crate) fn words(given: &str) -> Result<String, String> {
    let body = given.trim_start_matches('-');
    let option =
        given.starts_with('-') && !given.contains(char::is_whitespace) && body.starts_with(char::is_alphabetic);
    if option { Err("an option, not a value".to_owned()) } else { Ok(given.to_owned()) }
}

/// A name or title: [`words`] on one line, not empty.
pub(crate) fn line(given: &str) -> Result<String, String> {
    let line = text::fold_line_ends(&words(given)?);
    if line.trim().is_empty() { Err("empty".to_owned()) } else { Ok(line) }
}

/// JSON text, kept as it was given.
pub(crate) fn json(given: &str) -> Result<String, String> {
    match serde_json::from_str::<Value>(given) {
        Ok(_) => Ok(given.to_owned()),
        Err(fault) => Err(format!("no JSON ({fault})")),
    }
}

/// A number of hours, not negative.
pub(crate) fn hours(given: &str) -> Result<f64, String> {
    match given.parse::<f64>() {
        Ok(hours) if hours.is_finite() && hours >= 0.0 => Ok(hours),
        _ => Err("not a number of hours".to_owned()),
    }
}

/// A whole number that is not negative.
pub(crate) fn count(given: &str) -> Result<i64, String> {
    match given.parse::<i64>() {
        Ok(count) if count >= 0 && given.bytes().all(|byte| byte.is_ascii_digit()) => Ok(count),
        _ => Err("not a whole number".to_owned()),
    }
}

/// `path` as the database keeps it: absolute, `~` for the home folder.
pub(crate) fn kept_path(context: &Context, name: &str, path: &Path) -> Result<String, Refusal> {
    if path.as_os_str().is_empty() {
        return Err(Refusal::new(format!("{name} is empty")));
    }
    let absolute = context.absolute(&context.expand_home(path))?;
    let kept = context.shorten_home(&absolute);
    match kept.to_str() {
        Some(text) if !text.contains('\0') => Ok(text.to_owned()),
        _ => Err(Refusal::new(format!("{name} is not UTF-8: {}", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_like_an_option_is_no_text() {
        for text in ["", "- a list", "-5 degrees", "--", "---", "plain", "a --b", "--force it", "\u{1f600}"] {
            assert_eq!(words(text).as_deref(), Ok(text));
        }
        for option in ["--force", "-x", "--tokens=5"] {
            assert!(words(option).is_err(), "{option}");
        }
    }

    #[test]
    fn names_are_one_line_that_says_something() {
        assert_eq!(line("a\r\nb").as_deref(), Ok("a b"));
        for empty in ["", "  ", "\n"] {
            assert!(line(empty).is_err());
        }
    }

    #[test]
    fn numbers_are_numbers() {
        assert_eq!((hours("2.5"), count("0")), (Ok(2.5), Ok(0)));
        for no in ["", "-1", "inf", "NaN", "many", "1h"] {
            assert!(hours(no).is_err(), "{no}");
        }
        for no in ["", "-1", "+1", "1.5", "99999999999999999999"] {
            assert!(count(no).is_err(), "{no}");
        }
    }
}

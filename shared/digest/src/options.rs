//! A digest's own options among arguments that belong to the wrapped program.

use std::ffi::OsString;

/// A command line taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Apart {
    /// The digest's own options and their values, for clap.
    pub own: Vec<OsString>,
    /// Every other argument before the first `--`, in its order.
    pub rest: Vec<OsString>,
    /// What comes after the first `--`; `None` without one.
    pub after: Option<Vec<OsString>>,
}

/// Takes the options `flags` and, with their values, `valued` (each with its dashes) out of `arguments`, wherever they
/// stand before the first `--`. `--option=value` is understood too. `--help` and `-h` are always the digest's own. An
/// option without its value stays without one in [`Apart::own`], so that clap says so.
pub fn apart(arguments: &[OsString], flags: &[&str], valued: &[&str]) -> Apart {
    let mut found = Apart::default();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let text = argument.to_str().unwrap_or_default();
        if text == "--" {
            found.after = Some(arguments.cloned().collect());
            break;
        }
        let name = text.split_once('=').map_or(text, |(name, _)| name);
        if flags.contains(&text) || matches!(text, "--help" | "-h") {
            found.own.push(argument.clone());
        } else if valued.contains(&text) {
            found.own.push(argument.clone());
            found.own.extend(arguments.next().cloned());
        } else if valued.contains(&name) {
            found.own.push(argument.clone());
        } else {
            found.rest.push(argument.clone());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(arguments: &[&str]) -> (Vec<String>, Vec<String>, Option<usize>) {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let found = apart(&arguments, &["--no-cache"], &["--suite"]);
        let text = |list: Vec<OsString>| list.into_iter().map(|word| word.into_string().unwrap()).collect();
        (text(found.own), text(found.rest), found.after.map(|after| after.len()))
    }

    #[test]
    fn own_options_are_found_anywhere_before_the_dashes() {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            taken(&["a", "--no-cache", "-t", "x", "--suite", "unit"]),
            (words(&["--no-cache", "--suite", "unit"]), words(&["a", "-t", "x"]), None)
        );
        assert_eq!(taken(&["--suite=e2e"]), (words(&["--suite=e2e"]), words(&[]), None));
        assert_eq!(taken(&["--suite"]), (words(&["--suite"]), words(&[]), None));
        assert_eq!(taken(&["--", "--no-cache", "--suite"]), (words(&[]), words(&[]), Some(2)));
        assert_eq!(taken(&["--no-cached"]), (words(&[]), words(&["--no-cached"]), None));
        assert_eq!(taken(&["-h"]), (words(&["-h"]), words(&[]), None));
    }
}

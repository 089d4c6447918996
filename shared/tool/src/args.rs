//! Arguments: clap's answer in the words of this house.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::str::FromStr;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::{Outcome, Refusal, exit_code};

/// What reading the arguments came to, when it is not the arguments themselves.
#[derive(Debug)]
pub enum Instead {
    /// Help or version was asked for: print it and end with 0.
    Help(Outcome),
    /// The arguments are wrong.
    Wrong(Refusal),
}

/// Reads `arguments` (without the program's name) as `A`.
///
/// # Errors
/// [`Instead::Help`] for `--help`, [`Instead::Wrong`] with exit code 1 and one line that names the argument otherwise.
pub fn parse<A: Parser>(arguments: &[OsString]) -> Result<A, Instead> {
    let name = OsString::from(A::command().get_name().to_owned());
    A::try_parse_from(std::iter::once(name).chain(arguments.iter().cloned())).map_err(|error| instead(&error))
}

/// Runs `tool` with the arguments as `A`; help ends with 0, wrong usage with `usage_code`.
///
/// # Errors
/// Those of `tool`, and wrong usage.
pub fn with<A: Parser>(
    arguments: &[OsString],
    usage_code: u8,
    tool: impl FnOnce(A) -> Result<Outcome, Refusal>,
) -> Result<Outcome, Refusal> {
    match parse(arguments) {
        Ok(read) => tool(read),
        Err(Instead::Help(help)) => Ok(help),
        Err(Instead::Wrong(refusal)) => Err(refusal.with_code(usage_code)),
    }
}

fn instead(error: &clap::Error) -> Instead {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return Instead::Help(Outcome::text(error.render().to_string()));
    }
    let said = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    };
    let argument = said(ContextKind::InvalidArg);
    let mut line = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            let usage = error.render().to_string();
            return Instead::Wrong(Refusal::new("no command given").with_help(usage));
        }
        ErrorKind::MissingRequiredArgument => format!("missing argument: {argument}"),
        ErrorKind::InvalidSubcommand => format!("unknown command '{}'", said(ContextKind::InvalidSubcommand)),
        ErrorKind::UnknownArgument => format!("unknown argument '{argument}'"),
        ErrorKind::InvalidValue if said(ContextKind::InvalidValue).is_empty() => format!("{argument} needs a value"),
        ErrorKind::InvalidValue => {
            let allowed = said(ContextKind::ValidValue);
            format!("{argument}: '{}' is none of: {allowed}", said(ContextKind::InvalidValue))
        }
        ErrorKind::ArgumentConflict => format!("{argument} cannot be given with {}", said(ContextKind::PriorArg)),
        ErrorKind::InvalidUtf8 => "an argument is not UTF-8".to_owned(),
        _ => {
            let text = error.render().to_string();
            text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    };
    let near = said(ContextKind::SuggestedArg) + &said(ContextKind::SuggestedSubcommand);
    if !near.is_empty() {
        let _ = write!(line, "; did you mean '{near}'?");
    }
    Instead::Wrong(Refusal::new(line).with_code(exit_code::REFUSED))
}

/// A row's number as the contracts take it: a positive decimal without a sign, at most [`i64::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowId(pub i64);

impl FromStr for RowId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits && number > 0 => Ok(Self(number)),
            _ => Err("not a positive whole number".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Parser, Debug)]
    #[command(name = "demo", disable_version_flag = true)]
    struct Demo {
        /// A row.
        #[arg(value_name = "PLAN_ID")]
        plan: RowId,
        /// How long.
        #[arg(long, value_name = "SEC", allow_negative_numbers = true)]
        timeout: Option<u32>,
    }

    fn wrong(arguments: &[&str]) -> String {
        match parse::<Demo>(&arguments.iter().map(OsString::from).collect::<Vec<_>>()) {
            Err(Instead::Wrong(refusal)) => refusal.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_fault_is_one_line_that_names_the_argument() {
        for (arguments, parts) in [
            (&[][..], &["missing", "PLAN_ID"][..]),
            (&["1 OR 1=1"], &["PLAN_ID", "1 OR 1=1"]),
            (&["0"], &["PLAN_ID", "'0'"]),
            (&["+1"], &["PLAN_ID"]),
            (&["1", "--timeout"], &["--timeout", "value"]),
            (&["1", "--timeout", "soon"], &["--timeout", "soon"]),
            (&["1", "--timeout", "-1"], &["--timeout", "-1"]),
            (&["1", "--time"], &["--time", "did you mean"]),
            (&["1", "2"], &["'2'"]),
        ] {
            let line = wrong(arguments);
            assert!(parts.iter().all(|part| line.contains(part)) && !line.contains('\n'), "{arguments:?}: {line}");
        }
    }

    #[test]
    fn help_is_no_fault() {
        let Err(Instead::Help(help)) = parse::<Demo>(&["--help".into()]) else { panic!() };
        assert!(String::from_utf8(help.stdout).unwrap().contains("--timeout"));
        assert_eq!(help.code, 0);
    }
}

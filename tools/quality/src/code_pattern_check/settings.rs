//! `.code-patterns.toml` at the top of the repository (or in the working directory outside of one): severities, exclusions
//! and the line limit.
//!
//! ```toml
//! exclude = ["generated/**", "*.pb.ts"]   # files that are not checked
//! max_lines = 300
//!
//! [checks.unused_parameters]
//! severity = "P3"                          # P1, P2, P3 or off
//! exclude = ["legacy/**"]
//! ```

use std::path::Path;

use crewkit_hook::settings::{Settings as File, Value};
use crewkit_scan::line_limit;
use crewkit_store::locks::glob::Pattern;
use crewkit_tool::Refusal;

use super::checks::{CHECKS, Severity};

/// The file's name.
pub(super) const FILE: &str = ".code-patterns.toml";

/// What holds for a run.
#[derive(Debug)]
pub(super) struct Settings {
    /// Whether a file was read.
    pub(super) given: bool,
    /// The most lines of a file.
    pub(super) max_lines: usize,
    /// For each check its severity; `None` when it is off.
    pub(super) severities: [Option<Severity>; CHECKS.len()],
    exclude: Vec<Pattern>,
    excluded_from: [Vec<Pattern>; CHECKS.len()],
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            given: false,
            max_lines: line_limit::DEFAULT,
            severities: CHECKS.map(|check| Some(check.severity)),
            exclude: Vec::new(),
            excluded_from: Default::default(),
        }
    }
}

impl Settings {
    /// The settings in `folder`.
    ///
    /// # Errors
    /// A file that is not as documented: a gate must not run by other rules than people think.
    pub(super) fn load(folder: &Path) -> Result<Self, Refusal> {
        let refuse = |fault: String| Refusal::new(format!("{FILE}: {fault}"));
        let Some(value) = File::read_file(&folder.join(FILE)).map_err(refuse)? else { return Ok(Self::default()) };
        Self::of(&value).map_err(refuse)
    }

    fn of(value: &Value) -> Result<Self, String> {
        let mut settings = Self { given: true, ..Self::default() };
        for (key, value) in value.entries() {
            match key {
                "exclude" => settings.exclude = patterns(key, value)?,
                "max_lines" => {
                    let number = value.as_number().and_then(|number| usize::try_from(number).ok());
                    settings.max_lines =
                        number.filter(|number| *number > 0).ok_or("max_lines is no positive whole number")?;
                }
                "checks" => settings.checks(value)?,
                _ => return Err(format!("there is no setting '{key}'")),
            }
        }
        Ok(settings)
    }

    fn checks(&mut self, value: &Value) -> Result<(), String> {
        for (name, table) in value.entries() {
            let place = CHECKS.iter().position(|check| check.name == name);
            let place = place.ok_or_else(|| format!("there is no check '{name}'"))?;
            for (key, value) in table.entries() {
                match key {
                    "severity" => {
                        self.severities[place] = match value.as_text() {
                            Some("P1") => Some(Severity::P1),
                            Some("P2") => Some(Severity::P2),
                            Some("P3") => Some(Severity::P3),
                            Some("off") => None,
                            _ => return Err(format!("checks.{name}.severity is none of P1, P2, P3, off")),
                        }
                    }
                    "exclude" => self.excluded_from[place] = patterns(key, value)?,
                    _ => return Err(format!("checks.{name}: there is no setting '{key}'")),
                }
            }
        }
        Ok(())
    }

    /// Whether the file `name` is not checked at all.
    pub(super) fn excludes(&self, name: &str) -> bool {
        matches(&self.exclude, name)
    }

    /// Whether the file `name` is left out of the check at `place`.
    pub(super) fn excludes_from(&self, place: usize, name: &str) -> bool {
        matches(&self.excluded_from[place], name)
    }
}

fn matches(patterns: &[Pattern], name: &str) -> bool {
    !patterns.is_empty() && {
        let path = Pattern::of_path(name.trim_start_matches("./"));
        patterns.iter().any(|pattern| pattern.meets(&path))
    }
}

/// Patterns as in gitignore(5): one without a slash means files of that name in any folder.
fn patterns(key: &str, value: &Value) -> Result<Vec<Pattern>, String> {
    let texts = value.as_texts().ok_or_else(|| format!("{key} is no list of texts"))?;
    let pattern = |text: &str| {
        let whole = match text.trim_end_matches('/') {
            bare if !bare.contains('/') && bare.len() == text.len() => format!("**/{text}"),
            folder if folder.len() < text.len() => format!("{folder}/**"),
            _ => text.to_owned(),
        };
        Pattern::parse(&whole).map_err(|fault| format!("{key}: '{text}': {fault}"))
    };
    texts.into_iter().map(pattern).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, String> {
        Settings::of(&Value::parse(text).unwrap())
    }

    #[test]
    fn severities_limits_and_exclusions() {
        let text = "exclude = ['gen/**', '*.pb.ts', 'old/']\nmax_lines = 300\n[checks.unused_parameters]\nseverity = 'P3'\n\
                    exclude = 'legacy/*.ts'\n[checks.comment_density]\nseverity = 'off'\n";
        let settings = read(text).unwrap();
        assert_eq!(
            (settings.max_lines, settings.severities[5], settings.severities[8]),
            (300, Some(Severity::P3), None)
        );
        for (name, excluded) in
            [("gen/a/b.ts", true), ("a/x.pb.ts", true), ("x.pb.ts", true), ("old/x.ts", true), ("src/gen.ts", false)]
        {
            assert_eq!(settings.excludes(name), excluded, "{name}");
        }
        assert!(settings.excludes_from(5, "legacy/a.ts") && !settings.excludes_from(5, "legacy/b/a.ts"));
    }

    #[test]
    fn what_is_not_documented_is_refused() {
        for (text, part) in [
            ("excludes = []", "excludes"),
            ("max_lines = 0", "max_lines"),
            ("exclude = 3", "exclude"),
            ("[checks.nothing]\nseverity = 'P1'", "nothing"),
            ("[checks.comment_density]\nseverity = 'P4'", "severity"),
            ("[checks.comment_density]\nlevel = 'P1'", "level"),
        ] {
            assert!(read(text).unwrap_err().contains(part), "{text}");
        }
    }
}

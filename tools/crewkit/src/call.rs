//! From the name the program was called by to the tool.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crewkit_tool::Tool;

use crate::table::{self, TOOLS};
use crate::{crewkit, events};

/// The tool that `called` (argument 0) and the arguments name, and the arguments that are left for it.
pub(crate) fn pick<'a>(called: &OsStr, arguments: &'a [OsString]) -> (&'static Tool, &'a [OsString]) {
    if let Some(tool) = by_path(Path::new(called)) {
        return (tool, arguments);
    }
    if let Some((first, rest)) = arguments.split_first() {
        // Called by agents for every event: a hook in itself, whatever else crewkit is.
        if first == "hook" {
            return (&events::TOOL, rest);
        }
        if let Some(tool) = by_path(Path::new(first)) {
            return (tool, rest);
        }
    }
    (&crewkit::TOOL, arguments)
}

/// The tool that a file of this path stands for: by a drop-in name (`scripts/comms.sh`, `hooks/worktree-guard.sh`), else
/// by the file's name, with or without `.sh` or `.py`.
fn by_path(path: &Path) -> Option<&'static Tool> {
    let name = path.file_name()?.to_str()?;
    let folder = path.parent().and_then(Path::file_name).and_then(OsStr::to_str);
    let places = |folder: &str| {
        let place = format!("{folder}/{name}");
        TOOLS.iter().find(|entry| entry.drop_ins.iter().any(|drop_in| *drop_in == place))
    };
    let plain = name.strip_suffix(".sh").or_else(|| name.strip_suffix(".py")).unwrap_or(name);
    folder
        .and_then(places)
        .or_else(|| if name == plain { None } else { places("scripts").or_else(|| places("hooks")) })
        .or_else(|| table::find(plain))
        .map(|entry| &entry.tool)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(called: &str, arguments: &[&str]) -> (&'static str, usize) {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let (tool, rest) = pick(OsStr::new(called), &arguments);
        (tool.name, rest.len())
    }

    #[test]
    fn a_tool_is_known_by_every_name_it_has() {
        assert_eq!(picked("plan-db", &["list"]), ("plan-db", 1));
        assert_eq!(picked("/home/u/.claude/scripts/plan-db.sh", &[]), ("plan-db", 0));
        assert_eq!(picked("plan-db.sh", &[]), ("plan-db", 0));
        assert_eq!(picked("crewkit", &["plan-db", "list", "x"]), ("plan-db", 2));
        assert_eq!(picked("crewkit", &["plan-db.sh"]), ("plan-db", 0));
        assert_eq!(picked("crewkit", &["list"]), ("crewkit", 1));
        assert_eq!(picked("crewkit", &["hook", "PreToolUse"]), ("crewkit hook", 1));
        assert_eq!(picked("renamed", &[]), ("crewkit", 0));
    }

    #[test]
    fn every_drop_in_name_leads_to_its_own_tool() {
        for entry in TOOLS {
            for drop_in in entry.drop_ins {
                assert_eq!(picked(&format!("/home/u/.claude/{drop_in}"), &[]).0, entry.tool.name, "{drop_in}");
            }
        }
    }
}

//! From the name the program was called by to the tool.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crewkit_tool::{Answer, Context, Kind, Refusal, Tool};

use crate::table::{self, TOOLS};

/// crewkit itself, as a tool: what is called when no tool's name was used.
pub(crate) const CREWKIT: Tool = Tool {
    name: "crewkit",
    summary: "the set of tools a crew of coding agents shares",
    kind: Kind::Tool,
    command: || clap::Command::new("crewkit"),
    run: unknown,
};

/// The tool that `called` (argument 0) and the arguments name, and the arguments that are left for it.
pub(crate) fn pick<'a>(called: &OsStr, arguments: &'a [OsString]) -> (&'static Tool, &'a [OsString]) {
    if let Some(tool) = by_path(Path::new(called)) {
        return (tool, arguments);
    }
    if let Some((first, rest)) = arguments.split_first()
        && let Some(tool) = by_path(Path::new(first))
    {
        return (tool, rest);
    }
    (&CREWKIT, arguments)
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

fn unknown(_context: &Context, arguments: &[OsString]) -> Answer {
    let name = arguments.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Err(Refusal::new(format!("unknown tool '{name}'")))
}

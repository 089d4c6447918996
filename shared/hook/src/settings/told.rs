//! Which faults of settings files were told already.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crewkit_tool::Context;

/// Most bytes of the list; then it begins anew.
const MOST_BYTES: usize = 16 << 10;

/// Notes the `fault` of the file at `path` in `context`, if it was not told for this state of the file.
pub(super) fn once(context: &Context, path: &Path, fault: &str) {
    let Some(list) = context.claude_home().ok().map(|home| home.join("data/settings-faults")) else {
        context.note(line(path, fault));
        return;
    };
    let mark = mark(path);
    let mut told = fs::read(&list).unwrap_or_default();
    if told.split(|byte| *byte == b'\n').any(|line| line == mark) {
        return;
    }
    context.note(line(path, fault));
    if told.len() > MOST_BYTES {
        told.clear();
    }
    told.extend(mark);
    told.push(b'\n');
    // Where it cannot be kept, the fault is told again with the next call.
    let _ = list.parent().map(fs::create_dir_all);
    let _ = fs::write(&list, told);
}

fn line(path: &Path, fault: &str) -> String {
    format!("{} is not used: {fault}", path.display())
}

/// The file's state: when it was changed, its size, its name.
fn mark(path: &Path) -> Vec<u8> {
    let state = fs::metadata(path).map(|data| format!("{}.{} {}", data.mtime(), data.mtime_nsec(), data.size()));
    let mut mark = state.unwrap_or_default().into_bytes();
    mark.push(b' ');
    mark.extend(path.as_os_str().as_bytes().iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }));
    mark
}

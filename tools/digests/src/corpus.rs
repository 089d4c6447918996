//! The corpus of real outputs under `tests/corpus`: `NAME.txt` with the right answer beside it in `NAME.json`.

use std::fs;
use std::path::{Path, PathBuf};

use crewkit_tool::{Clock, Context, Script};
use serde_json::Value;

/// Name, output and right answer of every case in `folder`, of which there must be more than `least`: a folder that is
/// empty proves nothing.
pub(crate) fn cases(folder: &str, least: usize) -> Vec<(String, Vec<u8>, Value)> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus").join(folder);
    let mut found = Vec::new();
    for entry in fs::read_dir(place).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "txt") {
            let wanted = serde_json::from_slice(&fs::read(path.with_extension("json")).unwrap()).unwrap();
            found.push((path.file_stem().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap(), wanted));
        }
    }
    assert!(found.len() > least, "{} cases in {folder}", found.len());
    found
}

/// The exit code that a right answer tells; 0 where it tells none.
pub(crate) fn exit_code(wanted: &Value) -> i64 {
    wanted.get("exit_code").map_or(0, |code| code.as_i64().unwrap())
}

/// An answer without its log, whose name is another in each run.
pub(crate) fn without_log(mut answer: Value) -> Value {
    let keys = answer.as_object_mut().unwrap();
    keys.shift_remove("log");
    keys.shift_remove("log_bytes");
    answer
}

/// Surroundings with `home` and nothing else, in `directory`, where `stdin` is to be read.
pub(crate) fn context(home: &Path, directory: impl Into<PathBuf>, stdin: &[u8]) -> Context {
    Context::scripted(Script {
        environment: [("HOME".into(), home.into())].into(),
        directory: directory.into(),
        clock: Clock::System,
        stdin: stdin.to_vec(),
    })
}

//! `React.lazy(() => import('./Cart'))` where the file of `./Cart` has no default export: React takes the default alone
//! (<https://react.dev/reference/react/lazy>). A target that is not found, and one named by an alias, is not judged; nor is
//! an import whose result is turned into `{ default: ... }` before React gets it.

use std::fs;
use std::path::{Path, PathBuf};

use super::Hit;
use crate::code_pattern_check::language::Language;
use crate::code_pattern_check::lexer::{Views, find};
use crate::code_pattern_check::source::Source;

/// How many bytes the call may take.
const LONGEST_CALL: usize = 2000;

/// Most bytes read of a target.
const MOST_BYTES: u64 = 4 << 20;

const ENDINGS: [&str; 4] = ["tsx", "ts", "jsx", "js"];

pub(super) fn look(source: &Source) -> Vec<Hit> {
    let places = |name: &'static [u8]| source.calls.iter().filter(move |call| source.name_of(call) == name);
    let imports: Vec<usize> = places(b"import").map(|call| call.at).collect();
    let hits = places(b"lazy").filter_map(|call| {
        let import = *imports.get(imports.partition_point(|import| *import < call.open))?;
        if import > call.open + LONGEST_CALL {
            return None;
        }
        let before = source.before(call.at);
        if before == b'.' && !source.code[..call.at].ends_with(b"React.") {
            return None;
        }
        let close = source.closing(call.open, LONGEST_CALL)?;
        let from = import + b"import(".len();
        if from > close {
            return None;
        }
        let end = find(&source.code[..close], from, b")")?;
        if source.code[end + 1..close].trim_ascii_start().starts_with(b".") {
            return None;
        }
        let name = std::str::from_utf8(&source.text[from..end]).ok()?.trim();
        let name = name.trim_end_matches(',').trim_end().trim_matches(['\'', '"', '`']);
        let target = target(&source.path, name)?;
        if has_default(&target)? {
            return None;
        }
        let file = target.file_name()?.to_string_lossy().into_owned();
        let sentence = format!("'{name}' is loaded by React.lazy, but {file} has no default export");
        Some(Hit::sentence(source.line_of(call.at), sentence))
    });
    hits.collect()
}

/// The file that `name`, a path relative to the file it stands in, means.
fn target(importer: &Path, name: &str) -> Option<PathBuf> {
    if !name.starts_with("./") && !name.starts_with("../") {
        return None;
    }
    let base = importer.parent()?.join(name);
    let with = |path: &Path, ending: &str| {
        let mut whole = path.as_os_str().to_owned();
        whole.push(".");
        whole.push(ending);
        PathBuf::from(whole)
    };
    let mut candidates = vec![];
    if base.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known)) {
        candidates.push(base.clone());
        // TypeScript names the file that it will be compiled to.
        candidates.extend(["tsx", "ts"].map(|ending| base.with_extension(ending)));
    }
    candidates.extend(ENDINGS.map(|ending| with(&base, ending)));
    candidates.extend(ENDINGS.map(|ending| with(&base.join("index"), ending)));
    candidates.into_iter().find(|path| path.is_file())
}

/// Whether a file has a default export; `None` when it cannot be read.
fn has_default(path: &Path) -> Option<bool> {
    if fs::metadata(path).ok()?.len() > MOST_BYTES {
        return None;
    }
    let code = Views::new(&fs::read(path).ok()?, Language::Script).code;
    let exported = |at: usize| {
        let rest = code[at + b"export".len()..].trim_ascii_start();
        let list = || rest.split(|byte| *byte == b'}').next().unwrap_or_default();
        rest.starts_with(b"default") || rest.starts_with(b"{") && find(list(), 0, b"default").is_some()
    };
    let mut at = 0;
    while let Some(place) = find(&code, at, b"export") {
        if exported(place) {
            return Some(true);
        }
        at = place + 1;
    }
    Some(find(&code, 0, b"module.exports").is_some())
}

//! Source files with too many lines.

use std::fs;
use std::path::{Path, PathBuf};

use crewkit_repo::{Git, Repository};
use crewkit_scan::line_limit;
use crewkit_tool::{Context, Refusal};

use crate::gates::is_test_name;

/// How many are shown.
pub(super) const SHOWN: usize = 5;

/// Those of code-pattern-check, and further languages.
const ENDINGS: [&str; 16] =
    ["ts", "tsx", "js", "jsx", "mjs", "cjs", "py", "sh", "sql", "prisma", "rs", "go", "java", "kt", "vue", "css"];

/// The files over the limit below `src`, or, without that folder, among those that git tracks: name and lines, by name.
/// `None` where there is neither that folder nor a repository.
///
/// # Errors
/// When `project` is no folder, or what is in it cannot be listed.
pub(super) fn too_long(context: &Context, project: &Path) -> Result<Option<Vec<(String, usize)>>, Refusal> {
    if !project.is_dir() {
        return Err(Refusal::new(format!("PROJECT_PATH {} is no folder", project.display())));
    }
    let source = project.join("src");
    let names = if source.is_dir() { Some(below(project, &source)?) } else { tracked(context, project)? };
    let Some(names) = names else { return Ok(None) };
    let mut found: Vec<(String, usize)> = names
        .into_iter()
        .filter(|name| is_wanted(name))
        .filter_map(|name| {
            let path = project.join(&name);
            let file = fs::symlink_metadata(&path).is_ok_and(|data| data.is_file());
            let lines = line_limit::count(fs::read(path).ok().filter(|_| file)?);
            (lines > line_limit::DEFAULT).then(|| (name.to_string_lossy().into_owned(), lines))
        })
        .collect();
    found.sort();
    Ok(Some(found))
}

fn is_wanted(name: &Path) -> bool {
    let ending = name.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    ENDINGS.contains(&ending.as_str()) && !line_limit::exempt(name) && !is_test_name(&name.to_string_lossy())
}

/// All files below `folder`, named from `top`; links are not followed.
fn below(top: &Path, folder: &Path) -> Result<Vec<PathBuf>, Refusal> {
    let (mut names, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        let cannot = |fault: std::io::Error| Refusal::new(format!("{} cannot be listed: {fault}", folder.display()));
        for entry in fs::read_dir(&folder).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            let kind = entry.file_type().map_err(cannot)?;
            let path = entry.path();
            let from_top = path.strip_prefix(top).unwrap_or(&path).to_owned();
            if kind.is_dir() && !line_limit::exempt(from_top.join("x")) {
                open.push(path);
            } else if kind.is_file() {
                names.push(from_top);
            }
        }
    }
    Ok(names)
}

/// The files that git tracks in `project`; `None` outside of a repository.
fn tracked(context: &Context, project: &Path) -> Result<Option<Vec<PathBuf>>, Refusal> {
    use std::os::unix::ffi::OsStringExt as _;
    if Repository::discover(project).is_none() {
        return Ok(None);
    }
    let told = Git::at(context, project).of_folder().args(["ls-files", "-z", "--"]).must("files cannot be listed")?;
    let names = told.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(Some(names.map(|name| PathBuf::from(std::ffi::OsString::from_vec(name.to_vec()))).collect()))
}

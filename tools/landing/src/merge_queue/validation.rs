//! Trying a candidate out: the configured command, or the usual check of its kind of project, in a work tree of its own
//! that nobody works in, with a time limit and a log.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crewkit_repo::{Git, without_repository};
use crewkit_tool::process::Run;
use crewkit_tool::{Refusal, exit_code};

use super::ground::Ground;

/// How much of the end of a failed validation's output goes into the entry.
const TAIL_BYTES: u64 = 2000;

/// How many logs are kept for a repository.
const KEPT_LOGS: usize = 50;

/// What a candidate is tried with.
#[derive(Debug, Clone)]
pub(super) enum Check {
    /// A command line that the user configured, for `sh -c`.
    Line(String),
    /// Whatever the candidate's manifests ask for.
    ByManifest,
}

/// How trying a candidate out ended.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Every command ended with 0; `command` is `None` when there was nothing to run.
    Passed { command: Option<String>, log: Option<PathBuf> },
    /// A command failed.
    Failed(Failure),
    /// It could not be tried out, which is not the candidate's fault.
    Unknown(String),
}

/// A validation that failed.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) command: String,
    pub(super) code: i32,
    pub(super) timed_out: bool,
    pub(super) log: PathBuf,
    /// The end of the output.
    pub(super) tail: String,
}

/// The private folder where candidates of one repository are tried out.
#[derive(Debug)]
pub(super) struct Bench<'a> {
    ground: &'a Ground<'a>,
    folder: PathBuf,
    limit: Duration,
}

impl<'a> Bench<'a> {
    /// `data`: the folder of the database.
    pub(super) fn new(ground: &'a Ground<'a>, data: &Path, limit: Duration) -> Self {
        let common = &ground.repository.common_dir;
        let named = if common.ends_with(".git") { common.parent() } else { Some(common.as_path()) };
        let mut name = named.and_then(Path::file_name).unwrap_or(OsStr::new("repository")).to_owned();
        name.push(format!("-{:016x}", fnv1a(common.as_os_str().as_bytes())));
        Self { ground, folder: data.join("merge-queue").join(name), limit }
    }

    fn tree(&self) -> PathBuf {
        self.folder.join("tree")
    }

    /// Takes away what a killed processor left.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub(super) fn clear(&self) -> Result<(), Refusal> {
        let tree = self.tree();
        let name = tree.as_os_str();
        let listed = self.ground.repository.worktrees().into_iter().any(|known| known.path.as_os_str() == name);
        if listed {
            // Twice: it is locked.
            self.ground.git().args(["worktree", "remove", "--force", "--force", "--"]).arg(name).run()?;
        }
        match fs::remove_dir_all(&tree) {
            Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => {
                Err(Refusal::new(format!("{} cannot be removed: {fault}", tree.display())))
            }
            _ => Ok(()),
        }
    }

    /// Tries `commit` out with `check`.
    ///
    /// # Errors
    /// When the files of ours around it cannot be written or removed.
    pub(super) fn try_out(&self, commit: &str, check: &Check) -> Result<Verdict, Refusal> {
        let cannot =
            |path: &Path, fault: std::io::Error| Refusal::new(format!("{} cannot be written: {fault}", path.display()));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(|fault| cannot(&self.folder, fault))?;
        self.clear()?;
        let tree = self.tree();
        let added = self
            .ground
            .git()
            .args(["-c", "core.hooksPath=/dev/null", "worktree", "add", "--quiet", "--detach", "--force", "--force"])
            .args(["--lock", "--reason", "merge-queue validates here", "--"])
            .arg(&tree)
            .arg(commit)
            .run()?;
        let verdict = if added.ok() {
            self.run_all(&tree, commit, check)
        } else {
            Ok(Verdict::Unknown(format!("git worktree add: {}", added.complaint())))
        };
        self.clear()?;
        verdict
    }

    fn run_all(&self, tree: &Path, commit: &str, check: &Check) -> Result<Verdict, Refusal> {
        let commands: Vec<Vec<String>> = match check {
            Check::Line(line) => vec![["sh", "-c", line].map(str::to_owned).to_vec()],
            Check::ByManifest => by_manifest(tree),
        };
        if commands.is_empty() {
            return Ok(Verdict::Passed { command: None, log: None });
        }
        if matches!(check, Check::ByManifest) {
            self.lend_modules(tree);
        }
        let shown = match check {
            Check::Line(line) => line.clone(),
            Check::ByManifest => commands.iter().map(|words| words.join(" ")).collect::<Vec<_>>().join(" && "),
        };
        let (mut log, path) = self.open_log(commit)?;
        let deadline = Instant::now() + self.limit;
        for words in &commands {
            let run = without_repository(Run::new(self.ground.context, &words[0]).args(&words[1..]).directory(tree));
            let _ = writeln!(log, "$ {}", if let Check::Line(line) = check { line.clone() } else { words.join(" ") });
            let begun = log.stream_position().unwrap_or_default();
            let copy = log
                .try_clone()
                .map_err(|fault| Refusal::new(format!("{} cannot be written: {fault}", path.display())))?;
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            let ended = match run.log(copy).limit(left).run() {
                Ok(ended) => ended,
                Err(refusal) if matches!(refusal.code, exit_code::NOT_FOUND | exit_code::NOT_EXECUTABLE) => {
                    return Ok(Verdict::Unknown(refusal.message));
                }
                Err(refusal) => return Err(refusal),
            };
            if !ended.ok() {
                return Ok(Verdict::Failed(Failure {
                    command: shown,
                    code: ended.code,
                    timed_out: ended.timed_out,
                    tail: tail(&path, begun),
                    log: path,
                }));
            }
        }
        Ok(Verdict::Passed { command: Some(shown), log: Some(path) })
    }

    /// The type check needs the installed modules, which are no part of a commit: those of the main work tree are lent
    /// to it. Only to that check: another command might write into them.
    fn lend_modules(&self, tree: &Path) {
        let own = tree.join("node_modules");
        if tree.join("package.json").is_file()
            && !own.exists()
            && let Some(main) = self.ground.repository.main_worktree()
            && main.join("node_modules").is_dir()
        {
            let _ = symlink(main.join("node_modules"), own);
        }
    }

    /// A new private log, the oldest ones beyond the last fifty removed.
    fn open_log(&self, commit: &str) -> Result<(File, PathBuf), Refusal> {
        let folder = self.folder.join("logs");
        let cannot = |fault: std::io::Error| Refusal::new(format!("{} cannot be written: {fault}", folder.display()));
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(cannot)?;
        let mut old: Vec<_> = fs::read_dir(&folder).map_err(cannot)?.flatten().map(|entry| entry.path()).collect();
        old.sort_by_key(|path| fs::metadata(path).and_then(|data| data.modified()).ok());
        for path in old.iter().take(old.len().saturating_sub(KEPT_LOGS - 1)) {
            let _ = fs::remove_file(path);
        }
        let stamp = self.ground.context.clock.now().strftime("%Y%m%dT%H%M%S%3f").to_string();
        let path = folder.join(format!("{stamp}-{}.log", commit.get(..12).unwrap_or(commit)));
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        let file = options.open(&path).map_err(cannot)?;
        Ok((file, path))
    }
}

/// The checks that the manifests at the top of `tree` ask for, in order.
fn by_manifest(tree: &Path) -> Vec<Vec<String>> {
    let has = |name: &str| tree.join(name).is_file();
    let says = |name: &str, part: &str| {
        fs::read(tree.join(name)).is_ok_and(|text| String::from_utf8_lossy(&text).contains(part))
    };
    let pytest = has("pytest.ini")
        || has("conftest.py")
        || says("pyproject.toml", "[tool.pytest")
        || says("tox.ini", "[pytest]")
        || says("setup.cfg", "[tool:pytest]");
    let checks: [(bool, &[&str]); 4] = [
        (has("package.json"), &["npx", "tsc", "--noEmit"]),
        (has("Cargo.toml"), &["cargo", "check"]),
        (has("go.mod"), &["go", "build", "./..."]),
        (pytest, &["pytest"]),
    ];
    let wanted = checks.iter().filter(|(wanted, _)| *wanted);
    wanted.map(|(_, words)| words.iter().map(|word| (*word).to_owned()).collect()).collect()
}

/// The end of what was written to `log` from `begun` on, as text, blank lines at its end taken off.
fn tail(log: &Path, begun: u64) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let end = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(begun.max(end.saturating_sub(TAIL_BYTES))))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).trim_end().to_owned()
}

/// The number that stands for a repository in a folder's name (FNV-1a, 64 bits): the same in every release.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Whether `folder` is a work tree of the repository, and how many of its paths are not committed.
///
/// # Errors
/// When git cannot tell.
pub(super) fn uncommitted(git: Git) -> Result<usize, Refusal> {
    let list = git.args(["status", "--porcelain", "-z", "--untracked-files=normal", "--no-renames"]);
    let list = list.must("the worktree cannot be checked")?.stdout;
    Ok(list.split(|&byte| byte == 0).filter(|entry| !entry.is_empty()).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_manifest_has_its_check() {
        let folder = tempfile::tempdir().unwrap();
        let names = |tree: &Path| by_manifest(tree).iter().map(|words| words[0].clone()).collect::<Vec<_>>();
        assert!(names(folder.path()).is_empty());
        fs::write(folder.path().join("pyproject.toml"), "[tool.ruff]\n").unwrap();
        assert!(names(folder.path()).is_empty());
        fs::write(folder.path().join("pyproject.toml"), "[tool.pytest.ini_options]\n").unwrap();
        for name in ["go.mod", "Cargo.toml", "package.json"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(names(folder.path()), ["npx", "cargo", "go", "pytest"]);
    }

    #[test]
    fn the_tail_is_the_end_of_this_commands_output() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        fs::write(&log, format!("$ x\n{}end\n\n", "a".repeat(5000))).unwrap();
        let text = tail(&log, 4);
        assert!(text.ends_with("aend") && text.len() <= 2000, "{}", text.len());
        fs::write(&log, "$ x\nshort\n").unwrap();
        assert_eq!(tail(&log, 4), "short");
    }

    #[test]
    fn the_folder_of_a_repository_stays_the_same() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
    }
}

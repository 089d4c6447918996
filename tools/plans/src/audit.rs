//! The audit log of verdicts: one JSON object a line in `thor-audit.jsonl` of the data folder. Lines are written whole,
//! under a lock beside the file; at 10 MB the file becomes `thor-audit.jsonl.1`, in the place of the one before.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crewkit_store::queue;
use crewkit_tool::{Context, Refusal};
use serde::Serialize;
use serde_json::Value;

/// The size at which a new file is begun, in bytes.
const MOST_BYTES: u64 = 10 << 20;

/// How long the lock is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// A verdict as a line of the log.
#[derive(Debug, Serialize)]
pub(crate) struct Line<'a> {
    /// UTC, `YYYY-MM-DDTHH:MM:SSZ`.
    pub(crate) timestamp: String,
    /// The plan's row; `None` for a task without a plan.
    pub(crate) plan_id: Option<i64>,
    /// The task's code; `wave-CODE` for a wave.
    pub(crate) task_id: &'a str,
    /// The wave's code.
    pub(crate) wave_id: &'a str,
    /// The names of gates that passed.
    pub(crate) gates_passed: Vec<Value>,
    /// The names of gates that did not.
    pub(crate) gates_failed: Vec<Value>,
    /// Who judged.
    pub(crate) validated_by: &'a str,
    /// How long it took, in milliseconds.
    pub(crate) duration_ms: i64,
    /// From 0 to 1.
    pub(crate) confidence_score: f64,
}

/// A task that was blocked because it was rejected too often.
#[derive(Debug, Serialize)]
pub(crate) struct Block<'a> {
    /// UTC, `YYYY-MM-DDTHH:MM:SSZ`.
    pub(crate) timestamp: String,
    /// `circuit_breaker_triggered`.
    pub(crate) event: &'static str,
    /// The task's row.
    pub(crate) task_db_id: i64,
    /// Its code.
    pub(crate) task_id: &'a str,
    /// The plan's row.
    pub(crate) plan_id: Option<i64>,
    /// The wave's code.
    pub(crate) wave_id: &'a str,
    /// Rejections in a row.
    pub(crate) consecutive_rejections: i64,
    /// At how many it is blocked.
    pub(crate) max_rejections: i64,
    /// `auto_blocked`.
    pub(crate) action: &'static str,
}

/// Where the log is.
///
/// # Errors
/// When neither `CLAUDE_HOME` nor `HOME` is set.
pub(crate) fn path(context: &Context) -> Result<PathBuf, Refusal> {
    Ok(context.claude_home()?.join("data/thor-audit.jsonl"))
}

/// Appends `line`, one JSON object.
///
/// # Errors
/// When the file cannot be written, or is locked for too long.
pub(crate) fn append(context: &Context, line: &impl Serialize) -> Result<(), Refusal> {
    let path = path(context)?;
    let cannot = |fault: io::Error| Refusal::new(format!("{} cannot be written: {fault}", path.display()));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(cannot)?;
    }
    let mut text = serde_json::to_string(line).map_err(|fault| cannot(fault.into()))?;
    text.push('\n');
    let _turn = queue::wait(&queue::lock_path(&path), Instant::now() + PATIENCE)?;
    write(&path, &text).map_err(cannot)
}

/// The same for a verdict that stands whether or not it can be logged: a failure is told.
pub(crate) fn note(context: &Context, line: &impl Serialize) {
    if let Err(refusal) = append(context, line) {
        context.note(format!("[WARN] the audit log has no line of this: {refusal}"));
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|data| data.len() >= MOST_BYTES) {
        fs::rename(path, older(path))?;
    }
    let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
    // A line that a kill cut off must not take this one with it.
    let text = if ends_in_half_a_line(&mut file)? { format!("\n{text}") } else { text.to_owned() };
    file.write_all(text.as_bytes())
}

fn ends_in_half_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

fn older(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}

/// All lines of the log that are JSON objects, the oldest first; and how many are not.
///
/// # Errors
/// When a file cannot be read; one that is not there has no lines.
pub(crate) fn read(context: &Context) -> Result<(Vec<Value>, usize), Refusal> {
    let path = path(context)?;
    let (mut lines, mut broken) = (Vec::new(), 0);
    for file in [older(&path), path] {
        let bytes = match fs::read(&file) {
            Ok(bytes) => bytes,
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => continue,
            Err(fault) => return Err(Refusal::new(format!("{} cannot be read: {fault}", file.display()))),
        };
        for line in bytes.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            match serde_json::from_slice::<Value>(line) {
                Ok(value @ Value::Object(_)) => lines.push(value),
                _ => broken += 1,
            }
        }
    }
    Ok((lines, broken))
}

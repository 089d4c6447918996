//! Small marks that a session leaves for its own later calls: files in the agent's folder, so that a call that only asks
//! for one costs a look at the file system and no database.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crewkit_hook::Event;
use crewkit_tool::Context;

/// Where the marks lie, in the agent's folder.
const FOLDER: &str = "data/hook-marks";

/// How long a mark of a session that was never ended lies around.
const KEPT: Duration = Duration::from_hours(14 * 24);

/// Most bytes that are read of a mark.
const MOST_BYTES: u64 = 1 << 16;

/// A mark of one session.
#[derive(Debug)]
pub(crate) struct Mark {
    path: PathBuf,
}

impl Mark {
    /// The mark `kind` (`advice`) of the session that `event` is of; `None` without a session or a home. Nothing is
    /// looked at yet.
    pub(crate) fn of(context: &Context, event: &Event, kind: &str) -> Option<Self> {
        let name = file_name(event.session_id()?, kind);
        Some(Self { path: context.claude_home().ok()?.join(FOLDER).join(name) })
    }

    /// How long ago it was written last; `None` when it is not there. A time to come counts as just now.
    pub(crate) fn age(&self) -> Option<Duration> {
        let written = fs::metadata(&self.path).ok()?.modified().ok()?;
        Some(SystemTime::now().duration_since(written).unwrap_or_default())
    }

    /// Writes it anew, with nothing in it, or gives one that is there the present time.
    pub(crate) fn touch(&self) -> std::io::Result<()> {
        self.open()?.set_times(FileTimes::new().set_modified(SystemTime::now()))
    }

    /// Whether `word` was added to it before; adds it. Where nothing can be written it is always the first time.
    pub(crate) fn has_or_add(&self, word: &str) -> bool {
        let mut text = String::new();
        let read = File::open(&self.path).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text));
        if read.is_ok() && text.lines().any(|line| line == word) {
            return true;
        }
        if let Ok(mut file) = self.open() {
            let _ = file.write_all(format!("{word}\n").as_bytes());
        }
        false
    }

    /// Takes it away.
    pub(crate) fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }

    fn open(&self) -> std::io::Result<File> {
        let open = || OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path);
        open().or_else(|_| {
            let folder = self.path.parent().unwrap_or(Path::new("/"));
            fs::create_dir_all(folder)?;
            open()
        })
    }
}

/// Takes all marks of the session away, and those of others that were forgotten long ago.
pub(crate) fn forget(context: &Context, event: &Event) {
    let Ok(home) = context.claude_home() else { return };
    let own = event.session_id().map(|session| file_name(session, ""));
    for entry in fs::read_dir(home.join(FOLDER)).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_own = own.as_deref().zip(name.to_str()).is_some_and(|(own, name)| name.starts_with(own));
        let written = entry.metadata().and_then(|data| data.modified()).ok();
        let is_old = written.is_some_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age > KEPT));
        if is_own || is_old {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// `SESSION.KIND`, or a hash in place of a session's id that is no file's name.
fn file_name(session: &str, kind: &str) -> String {
    let plain =
        session.len() <= 100 && session.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if plain {
        return format!("{session}.{kind}");
    }
    // FNV-1a, 64 bits (RFC 9923).
    let hash = session
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("x{hash:016x}.{kind}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_tool::{Clock, Script};
    use serde_json::json;

    fn context(home: &Path) -> Context {
        Context::scripted(Script {
            environment: [("HOME".into(), home.as_os_str().to_owned())].into(),
            directory: home.to_owned(),
            clock: Clock::System,
            stdin: Vec::new(),
        })
    }

    fn event(session: &str) -> Event {
        Event::parse(json!({"session_id": session}).to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_session_knows_its_own_marks_until_it_ends() {
        let home = tempfile::tempdir().unwrap();
        let context = context(home.path());
        for session in ["0b1-x_9", "../../etc/passwd", "", "a b\n", &"x".repeat(300)] {
            let event = event(session);
            let Some(mark) = Mark::of(&context, &event, "advice") else {
                assert_eq!(session, "");
                continue;
            };
            assert_eq!(mark.age(), None);
            assert!(!mark.has_or_add("find") && mark.has_or_add("find") && !mark.has_or_add("fin"));
            assert!(mark.age().unwrap() < Duration::from_mins(1));
            assert_eq!(mark.path.parent().unwrap(), home.path().join(".claude/data/hook-marks"));
            assert!(!Mark::of(&context, &event, "locks").unwrap().has_or_add("find"));
            assert!(!Mark::of(&context, &self::event("other"), "advice").unwrap().has_or_add(session));
            forget(&context, &event);
            assert_eq!(mark.age(), None);
            assert!(Mark::of(&context, &self::event("other"), "advice").unwrap().age().is_some());
        }
    }

    #[test]
    fn what_was_forgotten_long_ago_goes() {
        let home = tempfile::tempdir().unwrap();
        let context = context(home.path());
        let old = Mark::of(&context, &event("old"), "advice").unwrap();
        old.touch().unwrap();
        let long_ago = SystemTime::now() - KEPT - Duration::from_secs(9);
        old.open().unwrap().set_times(FileTimes::new().set_modified(long_ago)).unwrap();
        assert!(old.age().unwrap() > KEPT);
        forget(&context, &event("new"));
        assert_eq!(old.age(), None);
    }
}

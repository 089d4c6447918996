//! Waiting for the chat to change without asking it all the time. Whoever writes closes the file of the writers' queue
//! when it has written, and the kernel tells of that (inotify(7), on Linux). Where it does not, and for programs that
//! write without queueing, there is a look from time to time.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use crewkit_store::chat::Chat;

/// Time between two looks where the kernel tells of changes: for programs that don't queue.
const LOOK: Duration = Duration::from_millis(1_500);

/// Time between two looks where nobody tells of changes.
const LOOK_ALONE: Duration = Duration::from_millis(500);

/// Something to wait for.
#[derive(Debug)]
pub(super) struct Changes {
    told: Option<OwnedFd>,
}

impl Changes {
    /// The changes of `chat` from now on.
    pub(super) fn of(chat: &Chat) -> Self {
        Self { told: watch(&chat.writers_lock()) }
    }

    /// What becomes readable with a change.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        use std::os::fd::AsFd as _;
        self.told.as_ref().map(OwnedFd::as_fd)
    }

    /// The longest time between two looks.
    pub(super) fn limit(&self) -> Duration {
        if self.told.is_some() { LOOK } else { LOOK_ALONE }
    }

    /// Forgets the changes that were told so far: to be called before the look.
    pub(super) fn forget(&self) {
        let mut bytes = [0; 4096];
        if let Some(told) = &self.told {
            while rustix::io::read(told, &mut bytes).is_ok_and(|count| count > 0) {}
        }
    }
}

#[cfg(target_os = "linux")]
fn watch(path: &std::path::Path) -> Option<OwnedFd> {
    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
    let told = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
    add_watch(&told, path, WatchFlags::CLOSE_WRITE | WatchFlags::CLOSE_NOWRITE).ok()?;
    Some(told)
}

#[cfg(not(target_os = "linux"))]
fn watch(_path: &std::path::Path) -> Option<OwnedFd> {
    None
}

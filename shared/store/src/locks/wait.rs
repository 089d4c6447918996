//! Waiting for locks, in order of arrival.
//!
//! Each lock that is waited for has a waiting place: an empty file in `DATABASE.waiters/`, named by a hash of its path,
//! whose kernel lock (flock) is the head of the line. The others sleep in the kernel, which wakes them in order and
//! frees the place of a process that dies; only the head looks at the database. The places keep order, nothing else:
//! whoever is granted a file is decided by the transaction of [`Locks::claim`] alone, so losing one does no harm.

use std::fs::{self, File, TryLockError};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use super::claim::Survey;
use super::{Claim, Claimed, Here, Lock, Locks};
use crate::{Error, Result, queue};

/// How long the head of a line sleeps between two looks: a release is to be noticed within 200 ms.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long a busy database is waited for at least in each try, whatever the timeout.
const LEAST_PATIENCE: Duration = Duration::from_secs(5);

impl Locks<'_> {
    /// Takes all files of `claim` or none; waits up to `timeout` for those that others hold, behind all who came
    /// earlier. With no timeout it is one try. While it waits it holds nothing, so claims that overlap cannot wait for
    /// each other in a circle.
    ///
    /// # Errors
    /// [`Error::Busy`] when the database stayed locked beyond the timeout, and beyond 5 s.
    pub fn acquire(self, claim: &Claim, here: &Here<'_>, timeout: Duration) -> Result<Claimed> {
        let deadline = Instant::now() + timeout;
        let mut place = None;
        if !timeout.is_zero()
            && let Some(file) = self.line_ahead(claim, here)
        {
            place = self.stand_in_line(file, deadline);
        }
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            self.store.set_patience(left.max(LEAST_PATIENCE));
            let file = match self.claim(claim, here)? {
                Claimed::Held { by, .. } if Instant::now() < deadline => by.file,
                ended => return Ok(ended),
            };
            if place.as_ref().is_none_or(|place: &Place| place.file != file) {
                drop(place.take());
                place = self.stand_in_line(&file, deadline);
            }
            self.look_until_free(claim, here, deadline);
        }
    }

    /// Waits up to `timeout` until nobody else than the owner of `claim` holds a file of it, and takes nothing. The
    /// file and the lock on it that is left, or `None`.
    pub fn wait(self, claim: &Claim, here: &Here<'_>, timeout: Duration) -> Result<Option<(String, Lock)>> {
        self.look_until_free(claim, here, Instant::now() + timeout);
        Ok(match self.peek(claim, here)? {
            Survey::Free(_) => None,
            Survey::Held { file, by } => Some((file, *by)),
        })
    }

    /// Looks again and again until the claim could be granted, or until `deadline`. A database that cannot be read for
    /// a moment counts as waiting.
    fn look_until_free(self, claim: &Claim, here: &Here<'_>, deadline: Instant) {
        while !matches!(self.peek(claim, here), Ok(Survey::Free(_))) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(LOOK_EVERY));
        }
    }

    /// A file of `claim` for which others wait already, unless the owner holds them all.
    fn line_ahead<'c>(self, claim: &'c Claim, here: &Here<'_>) -> Option<&'c str> {
        let waited = claim.files.iter().find(|file| self.is_waited_for(&file.path))?;
        let held = match self.peek(claim, here) {
            Ok(Survey::Free(found)) => claim
                .files
                .iter()
                .zip(&found)
                .all(|(file, locks)| locks.iter().any(|lock| file.is_covered_by(lock) && claim.owner.holds(lock))),
            _ => false,
        };
        (!held).then_some(&waited.path)
    }

    /// Waits for the head of the line for `file`; `None` past the deadline, or where no place can be made: then the
    /// wait has no order, but goes on.
    fn stand_in_line(self, file: &str, deadline: Instant) -> Option<Place> {
        let path = self.waiting_place(file);
        let turn = match queue::wait(&path, deadline) {
            Err(Error::CannotOpen { .. }) => {
                fs::create_dir_all(path.parent()?).ok()?;
                queue::wait(&path, deadline)
            }
            other => other,
        };
        Some(Place { file: file.to_owned(), _turn: turn.ok()? })
    }

    fn is_waited_for(self, file: &str) -> bool {
        File::open(self.waiting_place(file))
            .is_ok_and(|place| matches!(place.try_lock(), Err(TryLockError::WouldBlock)))
    }

    fn waiting_place(self, file: &str) -> PathBuf {
        self.waiting_places().join(format!("{:016x}", fnv1a(file.as_bytes())))
    }

    fn waiting_places(self) -> PathBuf {
        let mut name = self.store.path().as_os_str().to_owned();
        name.push(".waiters");
        PathBuf::from(name)
    }

    /// Removes the waiting places at which nobody stands.
    pub(super) fn forget_waiting_places(self) {
        let Ok(places) = fs::read_dir(self.waiting_places()) else { return };
        for place in places.flatten() {
            if File::open(place.path()).is_ok_and(|file| file.try_lock().is_ok()) {
                // One who opened it meanwhile stands in a line of his own: out of order, not out of the race.
                let _ = fs::remove_file(place.path());
            }
        }
    }
}

/// The head of the line for a file, until dropped.
struct Place {
    file: String,
    _turn: queue::Turn,
}

/// FNV-1a, 64 bits (<https://www.rfc-editor.org/rfc/rfc9923>).
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_the_names_of_the_standard() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}

//! hold: a command that runs only while it has the lock.

use std::cell::Cell;
use std::ffi::OsString;
use std::time::{Duration, Instant};

use clap::Args;
use crewkit_store::locks::{Grant, Locks};
use crewkit_tool::process::Run;
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code};

use super::acquire::{Taken, Wanted, take};

/// How soon a lost lock is noticed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often a heartbeat is written.
const HEARTBEAT_EVERY: Duration = Duration::from_mins(1);

/// Run a command under the lock: heartbeats while it runs, release at its end, its exit code.
///
/// The command finds the grant's number in FILE_LOCK_FENCE. When the lock is lost its process group is ended, and the
/// exit code is never 0. A lock that the owner had before stays.
#[derive(Args, Debug)]
#[command(override_usage = "file-lock hold [OPTIONS] <FILE> <TASK> -- <COMMAND>...\n       \
                      file-lock hold [OPTIONS] --task <TASK> <FILE>... -- <COMMAND>...")]
pub(super) struct Hold {
    #[command(flatten)]
    wanted: Wanted,
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Hold {
    pub(super) fn run(self, context: &Context) -> Answer {
        let (mut claim, timeout) = self.wanted.claim(context)?;
        // While the command runs, so does this process.
        claim.pid = i64::from(std::process::id());
        let grants = match take(context, &claim, timeout)? {
            Taken::Granted(grants) => grants,
            Taken::Not(outcome) => return Ok(outcome),
        };
        let locks = context.store()?.locks();
        let answer = attend(context, locks, &grants, &self.command);
        for grant in grants.iter().filter(|grant| !grant.reentrant) {
            if let Err(error) = locks.release_grant(&grant.file, grant.fence) {
                context.note(format!("the lock on {} could not be released: {error}", grant.file));
            }
        }
        answer
    }
}

fn attend(context: &Context, locks: Locks<'_>, grants: &[Grant], command: &[OsString]) -> Answer {
    let Some((program, arguments)) = command.split_first() else { return Err(Refusal::new("no command given")) };
    let mut run = Run::new(context, program).args(arguments);
    if let [grant] = grants {
        run = run.variable("FILE_LOCK_FENCE", grant.fence.to_string());
    }
    let lost = Cell::new(None);
    let mut alive_at = Instant::now();
    let attended = run.attend(LOOK_EVERY, || {
        let beat = alive_at.elapsed() >= HEARTBEAT_EVERY;
        let gone = grants.iter().find(|grant| !stands(context, locks, grant, beat));
        if beat {
            alive_at = Instant::now();
        }
        lost.set(gone);
        gone.is_none()
    })?;
    // An exit code outside 0..=255 does not exist on Unix; should one come, it is a failure.
    let code = u8::try_from(attended.code).unwrap_or(exit_code::REFUSED);
    Ok(match lost.get() {
        None => Outcome::silent().with_code(code),
        Some(grant) => {
            let line = format!("file-lock: lost the lock on {}; the command was ended", grant.file);
            Outcome::silent().with_note(line).with_code(if code == 0 { exit_code::REFUSED } else { code })
        }
    })
}

/// Whether `grant` still stands. A database that does not answer proves nothing: the next look will tell.
fn stands(context: &Context, locks: Locks<'_>, grant: &Grant, beat: bool) -> bool {
    if beat {
        return locks.heartbeat_grant(&grant.held_by, grant.fence, &context.now()).unwrap_or(true);
    }
    match locks.get(&grant.held_by, &context.now()) {
        Ok(lock) => lock.is_some_and(|lock| lock.fence == Some(grant.fence)),
        Err(_) => true,
    }
}

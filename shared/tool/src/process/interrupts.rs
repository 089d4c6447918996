//! Being in a pipeline that ctrl-C ends: what was read before it still has to be told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::SigId;
use signal_hook::consts::SIGINT;
use signal_hook::flag::{register, register_conditional_shutdown};
use signal_hook::low_level::unregister;

/// While it lives, the first SIGINT to us is only noted: standard input ends when the program that writes it dies of the
/// same signal. A second one ends us with 130.
#[derive(Debug)]
pub struct Interrupts {
    seen: Arc<AtomicBool>,
    ids: Vec<SigId>,
}

impl Interrupts {
    /// From now on.
    ///
    /// # Errors
    /// The system's.
    pub fn note() -> std::io::Result<Self> {
        let seen = Arc::new(AtomicBool::new(false));
        // In this order: the first signal finds the flag unset and sets it.
        let ids = vec![
            register_conditional_shutdown(SIGINT, 128 + SIGINT, Arc::clone(&seen))?,
            register(SIGINT, Arc::clone(&seen))?,
        ];
        Ok(Self { seen, ids })
    }

    /// The signal that came.
    pub fn seen(&self) -> Option<i32> {
        self.seen.load(Ordering::Relaxed).then_some(SIGINT)
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        for id in self.ids.drain(..) {
            unregister(id);
        }
    }
}

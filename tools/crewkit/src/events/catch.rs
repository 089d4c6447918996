//! A panic as a value: one hook's fault is not that of the others.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use crewkit_tool::text;

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static FAULT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Does `work`; a panic becomes one line with its place. What the work left half done is the database's to roll back.
pub(super) fn panics<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static PREPARED: Once = Once::new();
    PREPARED.call_once(prepare);
    CATCHING.set(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(false);
    done.map_err(|_| FAULT.take().unwrap_or_default())
}

/// Keeps the line of a panic that is being caught; any other goes its way.
fn prepare() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |fault| {
        if !CATCHING.get() {
            return before(fault);
        }
        let place = fault.location().map(|at| format!("at {}:{}", at.file(), at.line())).unwrap_or_default();
        FAULT.set(Some(format!("{place}: {}", text::one_line(fault.payload_as_str().unwrap_or("unknown")))));
    }));
}

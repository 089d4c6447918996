//! Any bytes as a hook's standard input: no panic, and an answer that the sender can read.
#![no_main]

use crewkit_hook::{Dialect, Event, Plain};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(event) = Event::parse(bytes) else { return };
    let _ = (event.tool(), event.command(), event.file_paths(), event.response(), event.is_shell());
    let text = String::from_utf8_lossy(bytes);
    let blocked = event.block(&text);
    assert!(matches!(blocked.code, 0 | 2));
    assert!(blocked.code == 2 || event.dialect() != Dialect::Bare || event.stop_hook_active());
    for outcome in [event.advise(&text, Plain::Stderr), event.add_context(&text), event.add_plain_context(&text)] {
        assert!(outcome.code == 0);
        assert!(!outcome.stdout.contains(&0x1b) && !outcome.stderr.contains(&0x1b));
    }
});

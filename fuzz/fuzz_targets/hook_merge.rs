//! Any bytes as an event and as the answers of its hooks: no panic, no block that gets lost, and an answer that the sender
//! can read.
#![no_main]

use crewkit_hook::protocol::MOST_CONTEXT;
use crewkit_hook::{Dialect, Event, Given};
use crewkit_tool::Outcome;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // The first part is the event; each of the others an answer: its exit code, then its output.
    let mut parts = bytes.split(|byte| *byte == 0xff);
    let Ok(event) = Event::parse(parts.next().unwrap_or_default()) else { return };
    let given: Vec<Given> = parts
        .take(8)
        .filter_map(|part| {
            let (code, output) = part.split_first()?;
            let outcome = Outcome { stdout: output.to_vec(), stderr: output.to_vec(), code: code % 4 };
            Some(Given { hook: "hook", outcome, once: code & 0x80 != 0 })
        })
        .collect();
    // One that says nothing does not count, and one alone is handed on as it is.
    let alone = given.iter().filter(|one| one.outcome != Outcome::silent()).count() < 2;
    let by_code = given.iter().any(|one| one.outcome.code == 2);
    let merged = event.merge(given);
    if alone {
        return;
    }
    assert!(matches!(merged.code, 0 | 2));
    assert!(!by_code || merged.code == 2 || event.dialect() == Dialect::Copilot);
    if by_code && event.dialect() == Dialect::Copilot {
        assert!(String::from_utf8_lossy(&merged.stdout).contains("\"permissionDecision\":\"deny\""));
    }
    if merged.code == 2 {
        assert!(merged.stdout.is_empty() && String::from_utf8_lossy(&merged.stderr).chars().count() <= MOST_CONTEXT);
    }
});

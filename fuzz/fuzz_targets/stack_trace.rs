//! Any bytes as a log with stack traces: one JSON object whose errors and the rest add up.
#![no_main]

use crewkit_tool::{Clock, Context, Script};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let context = Context::scripted(Script {
        // Without a home nothing is kept on the disk.
        environment: std::collections::HashMap::new(),
        directory: "/app".into(),
        clock: Clock::System,
        stdin: bytes.to_vec(),
    });
    let outcome = (crewkit_digests::error_digest::TOOL.run)(&context, &[]).expect("an answer");
    let answer: serde_json::Value = serde_json::from_slice(&outcome.stdout).expect("JSON");
    let errors = answer["errors"].as_array().expect("a list");
    let told: u64 = errors.iter().map(|error| error["times"].as_u64().unwrap_or(1)).sum();
    assert_eq!(told + answer["more"].as_u64().unwrap_or(0), answer["count"].as_u64().expect("a count"));
});

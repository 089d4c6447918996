//! Any bytes as the output of a test run: one JSON object, and never a pass without a report.
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
    for arguments in [&["--stdin"][..], &["--stdin", "--exit-code", "0", "--keys", "all"]] {
        let arguments: Vec<_> = arguments.iter().map(std::ffi::OsString::from).collect();
        let outcome = (crewkit_digests::test_digest::TOOL.run)(&context, &arguments).expect("an answer");
        let answer: serde_json::Value = serde_json::from_slice(&outcome.stdout).expect("JSON");
        assert!(answer.is_object() && !outcome.stdout.contains(&0x1b));
        assert!(!bytes.is_empty() || answer["status"] == "unsure");
    }
});

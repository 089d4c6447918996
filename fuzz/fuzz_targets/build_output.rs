//! Any bytes as the output of a build: one JSON object, and never a success of a build that failed.
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
    for arguments in [&["--stdin", "--exit-code", "1"][..], &["--stdin", "--exit-code", "1", "--keys", "all"]] {
        let arguments: Vec<_> = arguments.iter().map(std::ffi::OsString::from).collect();
        let outcome = (crewkit_digests::build_digest::TOOL.run)(&context, &arguments).expect("an answer");
        let answer: serde_json::Value = serde_json::from_slice(&outcome.stdout).expect("JSON");
        assert!(answer["status"] == "error" && outcome.code == 1 && !outcome.stdout.contains(&0x1b));
    }
});

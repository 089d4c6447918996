//! No bytes make the scanners panic, and no value comes back whole.
#![no_main]

use crewkit_scan::secrets::{Rules, find_by};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for rules in [Rules::Commit, Rules::Gate, Rules::Assignments { code: false }, Rules::Assignments { code: true }] {
        for secret in find_by(rules, bytes) {
            assert!(secret.masked.ends_with("***"));
        }
    }
    let mut addresses = Vec::new();
    for file in crewkit_scan::diff::read(bytes) {
        for line in file.lines {
            crewkit_scan::addresses::find_in_line(line.text, line.number, &mut addresses);
        }
    }
});

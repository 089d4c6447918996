//! No bytes make the reader of transcripts panic, and no answer has fewer than no tokens.
#![no_main]

use crewkit_transcript::Answer;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Some(answer) = Answer::of_line(line, 0) {
            let amounts = answer.amounts;
            assert!(amounts.context() >= 0 && amounts.output >= 0 && amounts.cache_write_5m >= 0);
            assert!(!amounts.is_nothing());
        }
    }
});

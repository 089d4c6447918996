//! Any text as a shell's command line: no panic, and every answer within the bounds that the reader promises.
#![no_main]

use std::path::Path;

use crewkit_hook::command_line::{self, Places};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &str| {
    let places = Places { start: Path::new("/w"), home: Some(Path::new("/h")), top: &|_| None };
    let line = command_line::read(line);
    for command in line.commands() {
        assert!(!command.words().is_empty());
        let directory = command.directory(&places);
        assert!(directory.is_none_or(|directory| directory.is_absolute()));
        if let Some(git) = command.git() {
            let _ = (git.directory(&places), git.git_dir(&places), git.work_tree(&places));
        }
        let _ = command.output_file();
    }
});

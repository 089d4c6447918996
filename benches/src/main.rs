//! Ratios against a baseline in the same run: whole calls of the installed program, as an agent's hook makes them.
//!
//! Usage: `crewkit-benches CLAUDE_HOME [--runs N] [--write FILE]`, with CLAUDE_HOME as install.sh made it. Each case is
//! measured in turn with its baseline, call by call, so that both see the same machine; medians are compared.

mod cases;
mod landing;
mod measure;
mod patterns;
mod tokens;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use measure::{Lab, Row};

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == "--peak") {
        return match measure::peak_kib(words) {
            Ok(kib) => {
                println!("{kib}");
                ExitCode::SUCCESS
            }
            Err(_) => ExitCode::FAILURE,
        };
    }
    let mut arguments = std::env::args().skip(1);
    let (mut home, mut runs, mut write) = (None, 300, None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--runs" => runs = arguments.next().and_then(|number| number.parse().ok()).unwrap_or(runs),
            "--write" => write = arguments.next().map(PathBuf::from),
            _ => home = Some(PathBuf::from(argument)),
        }
    }
    let Some(home) = home else {
        eprintln!("usage: crewkit-benches CLAUDE_HOME [--runs N] [--write FILE]");
        return ExitCode::FAILURE;
    };
    match bench(&home, runs) {
        Ok(report) => {
            println!("{report}");
            if let Some(file) = write
                && let Err(fault) = std::fs::write(&file, &report)
            {
                eprintln!("{}: {fault}", file.display());
                return ExitCode::FAILURE;
            }
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("crewkit-benches: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn bench(home: &Path, runs: usize) -> std::io::Result<String> {
    let lab = Lab::new(&home.canonicalize()?)?;
    let begun = measure::load();
    let rows = cases::all(&lab, runs)?;
    let program = lab.tool("scripts/comms.sh").canonicalize()?;
    let size = std::fs::metadata(&program)?.len();
    let table: String = rows.iter().map(Row::line).collect();
    Ok(format!(
        "# Benchmarks\n\n\
         Whole calls of the installed program: start, work, end. Each row was measured call by call in turn with its\n\
         baseline; times are medians in milliseconds, the ratio is of the medians. The memory is the largest resident\n\
         set of one call.\n\n\
         Command: `make bench` ({runs} runs a row, fewer where a row says so). Machine: {}, load average {begun} before and {} after.\n\
         Program: {} ({:.1} MB, {}).\n\n\
         | case | baseline | baseline ms | crewkit ms | ratio | wanted at most | peak MB |\n|---|---|---|---|---|---|---|\n{table}",
        measure::machine(),
        measure::load(),
        program.file_name().unwrap_or_default().to_string_lossy(),
        size as f64 / 1e6,
        measure::kind_of(&program),
    ))
}

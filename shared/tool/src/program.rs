//! From a process to a tool and back: the one place that prints and ends.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use crate::{Answer, Context, Outcome, exit_code, text};

/// What a program is to its callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Called by people, agents and other programs.
    Tool,
    /// Called by an agent for an event: a fault of ours never blocks the agent, so it ends with 0 and a line.
    Hook,
}

/// One tool: everything the frame has to know of it.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    /// The name it is called by, without an ending.
    pub name: &'static str,
    /// One line that says what it is for.
    pub summary: &'static str,
    /// What it is to its callers.
    pub kind: Kind,
    /// Its arguments, for man pages and completions.
    pub command: fn() -> clap::Command,
    /// The tool itself; gets the arguments without the program's name.
    pub run: fn(&Context, &[OsString]) -> Answer,
}

/// Runs `tool` with the arguments of this process and ends as it says: the whole of a stand-alone binary.
pub fn main(tool: &Tool) -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    run_in(Context::process_of_one_tool(), tool, &arguments)
}

/// Runs `tool`, one of the many that this program holds (those that `holds` is true for), with `arguments` in the
/// surroundings of this process, writes its answer, and gives its exit code.
pub fn run(tool: &Tool, arguments: &[OsString], holds: fn(&str) -> bool) -> ExitCode {
    run_in(Context::process_of_tools(holds), tool, arguments)
}

fn run_in(context: Context, tool: &Tool, arguments: &[OsString]) -> ExitCode {
    say_faults_in_one_line(tool);
    let context = if tool.kind == Kind::Hook { context.for_hook() } else { context };
    let answer = (tool.run)(&context, arguments);
    let outcome = match answer {
        Ok(outcome) => outcome,
        Err(refusal) => {
            let mut stderr = format!("{}: {refusal}\n", tool.name);
            if !refusal.help.is_empty() {
                stderr.push_str(refusal.help.trim_end());
                stderr.push('\n');
            }
            let code = if tool.kind == Kind::Hook { exit_code::DONE } else { refusal.code };
            Outcome { stdout: refusal.stdout, stderr: stderr.into_bytes(), code }
        }
    };
    let outcome = outcome.with_notes(tool.name, &context.take_notes());
    let code = write(&outcome);
    // Only an answer that ends with 0 is read by an agent.
    if code == exit_code::DONE {
        for refusal in context.delivered() {
            let _ = writeln!(std::io::stderr().lock(), "{}: {refusal}", tool.name);
        }
    }
    ExitCode::from(code)
}

/// Writes both streams; the exit code, or that of a closed pipe.
fn write(outcome: &Outcome) -> u8 {
    if !outcome.stderr.is_empty() {
        // A reader of standard error that went away is no reason to fail.
        let _ = std::io::stderr().lock().write_all(&outcome.stderr);
    }
    if outcome.stdout.is_empty() {
        return outcome.code;
    }
    let mut out = std::io::stdout().lock();
    match out.write_all(&outcome.stdout).and_then(|()| out.flush()) {
        Ok(()) => outcome.code,
        Err(fault) if fault.kind() == std::io::ErrorKind::BrokenPipe => exit_code::CLOSED_PIPE,
        Err(fault) => {
            let _ = writeln!(std::io::stderr().lock(), "standard output cannot be written: {fault}");
            outcome.code.max(exit_code::REFUSED)
        }
    }
}

/// A fault of the program (a panic) is one line and [`exit_code::FAULT`]; in a hook the line and 0.
fn say_faults_in_one_line(tool: &Tool) {
    let (name, kind) = (tool.name, tool.kind);
    std::panic::set_hook(Box::new(move |fault| {
        let place = fault.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
        let what = text::one_line(fault.payload_as_str().unwrap_or("unknown"));
        let _ = writeln!(std::io::stderr().lock(), "{name}: internal fault at {place}: {what}");
        let code = if kind == Kind::Hook { exit_code::DONE } else { exit_code::FAULT };
        #[expect(clippy::exit, reason = "a panic must not unwind into half an answer")]
        std::process::exit(i32::from(code));
    }));
}

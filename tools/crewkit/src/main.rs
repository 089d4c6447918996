//! The installed program: one file that is every tool, picked by the name it was called by.

mod call;
mod crewkit;
mod doctor;
mod events;
mod hooks;
mod logs;
mod manual;
mod setup;
mod table;

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let called = arguments.next().unwrap_or_else(|| OsString::from("crewkit"));
    let arguments: Vec<OsString> = arguments.collect();
    let (tool, arguments) = call::pick(&called, &arguments);
    crewkit_tool::run(tool, arguments, |name| table::find(name).is_some())
}

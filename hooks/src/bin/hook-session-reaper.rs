//! hook-session-reaper as a program of its own.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_hooks::session_reaper::TOOL)
}

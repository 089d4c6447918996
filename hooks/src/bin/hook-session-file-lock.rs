//! hook-session-file-lock as a program of its own.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_hooks::session_file_lock::TOOL)
}

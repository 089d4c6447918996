//! file-lock-session as a program of its own.

fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_locks::file_lock_session::TOOL)
}

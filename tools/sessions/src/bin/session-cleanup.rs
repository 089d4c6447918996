//! session-cleanup as a program of its own.

fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_sessions::session_cleanup::TOOL)
}

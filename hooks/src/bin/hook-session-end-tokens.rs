//! hook-session-end-tokens as a program of its own.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_hooks::session_end_tokens::TOOL)
}

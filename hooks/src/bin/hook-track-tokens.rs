//! hook-track-tokens as a program of its own.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_hooks::track_tokens::TOOL)
}

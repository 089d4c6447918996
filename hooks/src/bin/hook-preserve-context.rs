//! hook-preserve-context as a program of its own.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_hooks::preserve_context::TOOL)
}

//! hook-auto-format as a program of its own.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_hooks::auto_format::TOOL)
}

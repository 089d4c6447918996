//! hook-enforce-line-limit as a program of its own.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_hooks::enforce_line_limit::TOOL)
}

//! hook-debug-hook-input as a program of its own.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_hooks::debug_hook_input::TOOL)
}

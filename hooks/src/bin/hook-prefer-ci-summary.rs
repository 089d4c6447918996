//! hook-prefer-ci-summary as a program of its own.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_hooks::prefer_ci_summary::TOOL)
}

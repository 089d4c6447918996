//! thor-commit-guard as a program of its own.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_hooks::thor_commit_guard::TOOL)
}

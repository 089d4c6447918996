//! hook-worktree-guard as a program of its own.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_hooks::worktree_guard::TOOL)
}

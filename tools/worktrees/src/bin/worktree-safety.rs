//! worktree-safety as a program of its own.

fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_worktrees::worktree_safety::TOOL)
}

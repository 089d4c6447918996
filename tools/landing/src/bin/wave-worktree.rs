//! wave-worktree as a program of its own.

fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_landing::wave_worktree::TOOL)
}

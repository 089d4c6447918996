//! merge-queue as a program of its own.

fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_landing::merge_queue::TOOL)
}

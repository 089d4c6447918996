//! context-check as a program of its own.

fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_quality::context_check::TOOL)
}

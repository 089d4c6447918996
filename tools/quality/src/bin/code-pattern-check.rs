//! code-pattern-check as a program of its own.

fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_quality::code_pattern_check::TOOL)
}

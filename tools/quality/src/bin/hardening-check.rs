//! hardening-check as a program of its own.

fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_quality::hardening_check::TOOL)
}

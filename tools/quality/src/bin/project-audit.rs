//! project-audit as a program of its own.

fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_quality::project_audit::TOOL)
}

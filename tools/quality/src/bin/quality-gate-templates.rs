//! quality-gate-templates as a program of its own.

fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_quality::quality_gate_templates::TOOL)
}

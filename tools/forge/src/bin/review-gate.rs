//! review-gate as a program of its own.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_forge_tools::review_gate::TOOL)
}

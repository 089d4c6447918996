//! wave-overlap by itself.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_plans::wave_overlap::TOOL)
}

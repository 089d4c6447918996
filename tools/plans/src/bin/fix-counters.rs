//! fix-counters by itself.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_plans::fix_counters::TOOL)
}

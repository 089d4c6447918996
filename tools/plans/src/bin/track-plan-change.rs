//! track-plan-change by itself.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_plans::track_plan_change::TOOL)
}

//! planner-init by itself.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_plans::planner_init::TOOL)
}

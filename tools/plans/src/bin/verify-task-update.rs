//! verify-task-update by itself.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_plans::verify_task_update::TOOL)
}

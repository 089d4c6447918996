//! generate-task-md by itself.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_plans::generate_task_md::TOOL)
}

//! task-quick by itself.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_plans::task_quick::TOOL)
}

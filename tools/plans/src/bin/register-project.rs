//! register-project by itself.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_plans::register_project::TOOL)
}

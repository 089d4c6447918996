//! thor-validate by itself.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_plans::thor_validate::TOOL)
}

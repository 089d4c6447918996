//! plan-db by itself.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_plans::plan_db::TOOL)
}

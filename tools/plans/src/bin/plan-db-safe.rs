//! plan-db-safe by itself.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_plans::plan_db_safe::TOOL)
}

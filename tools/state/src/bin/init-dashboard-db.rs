//! init-dashboard-db by itself.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_state::init_dashboard_db::TOOL)
}

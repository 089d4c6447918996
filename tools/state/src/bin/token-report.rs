//! token-report by itself.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_state::token_report::TOOL)
}

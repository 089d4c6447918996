//! comms-hook by itself.

fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_comms::comms_hook::TOOL)
}

//! hook-inject-agent-context as a program of its own.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_hooks::inject_agent_context::TOOL)
}

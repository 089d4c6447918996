//! hook-model-registry-refresh as a program of its own.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_hooks::model_registry_refresh::TOOL)
}

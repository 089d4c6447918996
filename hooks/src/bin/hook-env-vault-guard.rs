//! hook-env-vault-guard as a program of its own.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_hooks::env_vault_guard::TOOL)
}

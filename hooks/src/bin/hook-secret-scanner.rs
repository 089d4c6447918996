//! hook-secret-scanner as a program of its own.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_hooks::secret_scanner::TOOL)
}

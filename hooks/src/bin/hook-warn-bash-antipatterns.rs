//! hook-warn-bash-antipatterns as a program of its own.
fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_hooks::warn_bash_antipatterns::TOOL)
}

//! migration-digest as a program of its own.

fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_digests::migration_digest::TOOL)
}

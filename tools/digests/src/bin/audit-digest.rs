//! audit-digest as a program of its own.

fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_digests::audit_digest::TOOL)
}

//! test-digest as a program of its own.

fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_digests::test_digest::TOOL)
}

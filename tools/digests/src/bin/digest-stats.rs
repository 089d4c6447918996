//! digest-stats as a program of its own.

fn main() -> std::process::ExitCode {
    crewkit_tool::main(&crewkit_digests::digest_stats::TOOL)
}

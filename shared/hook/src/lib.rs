//! The hook protocol of coding agents, and the reader of shell command lines.

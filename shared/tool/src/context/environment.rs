//! What a tool's surroundings are made of.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::Clock;

/// Environment variables: the process's, or a test's.
#[derive(Debug, Clone)]
pub enum Environment {
    /// Those of this process.
    Process,
    /// These and no others; programs that a tool starts get the same.
    Fixed(HashMap<OsString, OsString>),
}

impl Environment {
    /// The value of `name`; a variable that is set to nothing counts as not set.
    pub fn get(&self, name: &str) -> Option<OsString> {
        let value = match self {
            #[expect(clippy::disallowed_methods, reason = "the one place that asks the process")]
            Self::Process => std::env::var_os(name),
            Self::Fixed(map) => map.get(OsStr::new(name)).cloned(),
        };
        value.filter(|value| !value.is_empty())
    }

    /// All variables with their values.
    pub fn all(&self) -> Vec<(OsString, OsString)> {
        match self {
            Self::Process => std::env::vars_os().collect(),
            Self::Fixed(map) => map.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        }
    }
}

/// Standard input: the process's, or a test's.
#[derive(Debug, Clone)]
pub enum Stdin {
    /// That of this process.
    Process,
    /// These bytes.
    Bytes(Vec<u8>),
}

/// What a test gives a tool in place of the process's surroundings.
#[derive(Debug, Clone)]
pub struct Script {
    /// All environment variables; `HOME` should be among them.
    pub environment: HashMap<OsString, OsString>,
    /// The working directory, absolute.
    pub directory: PathBuf,
    /// The clock.
    pub clock: Clock,
    /// Standard input.
    pub stdin: Vec<u8>,
}

//! A folder to work in, for tests.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crewkit_tool::{Answer, Clock, Context, Script, Tool};
use serde_json::Value;

/// The folder: `home`, `work` (where tools run) and `bin` (first in PATH) lie in it.
pub(crate) struct Scratch {
    folder: tempfile::TempDir,
    variables: Vec<(OsString, OsString)>,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "work", "bin"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder, variables: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.root().join("work")
    }

    /// Writes a file; its name is relative to the scratch folder.
    pub(crate) fn put(&self, name: &str, text: &str) {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes a program.
    pub(crate) fn program(&self, name: &str, body: &str) {
        self.put(name, &format!("#!/bin/sh\n{body}\n"));
        fs::set_permissions(self.root().join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn run(&self, tool: &Tool, arguments: &[&str]) -> Answer {
        let path = std::env::join_paths(
            [self.root().join("bin"), "/usr/local/bin".into(), "/usr/bin".into(), "/bin".into()].iter(),
        );
        let mut environment: HashMap<OsString, OsString> = self.variables.iter().cloned().collect();
        environment.insert("PATH".into(), path.unwrap());
        environment.insert("HOME".into(), self.root().join("home").into());
        let script = Script { environment, directory: self.work(), clock: Clock::System, stdin: Vec::new() };
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        (tool.run)(&Context::scripted(script), &arguments)
    }

    /// What a run printed, as JSON, and its exit code.
    pub(crate) fn json(&self, tool: &Tool, arguments: &[&str]) -> (Value, u8) {
        let outcome = self.run(tool, arguments).unwrap();
        (serde_json::from_slice(&outcome.stdout).unwrap(), outcome.code)
    }

    /// What a run printed, and its exit code.
    pub(crate) fn text(&self, tool: &Tool, arguments: &[&str]) -> (String, u8) {
        let outcome = self.run(tool, arguments).unwrap();
        (String::from_utf8(outcome.stdout).unwrap(), outcome.code)
    }
}

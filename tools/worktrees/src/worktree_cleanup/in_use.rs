//! Which processes work in a folder: those whose working directory lies in it, as Linux tells in proc_pid_cwd(5).

use std::fs;
use std::path::Path;

/// A process that works in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Worker {
    pub(super) process: u32,
    /// Its program's name, as far as it can be read.
    pub(super) name: String,
}

/// The processes that work in `folder` (absolute, links resolved), but for this one; `None` where the system does not tell.
/// Those of other users can be asked by root alone.
pub(super) fn workers(folder: &Path) -> Option<Vec<Worker>> {
    fs::read_link("/proc/self/cwd").ok()?;
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let mut found: Vec<Worker> = numbers
        .filter(|process| *process != std::process::id())
        .filter(|process| {
            fs::read_link(format!("/proc/{process}/cwd")).is_ok_and(|directory| directory.starts_with(folder))
        })
        .map(|process| {
            let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
            Worker { process, name: name.trim_end().to_owned() }
        })
        .collect();
    found.sort_by_key(|worker| worker.process);
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_found_by_where_it_works() {
        let scratch = tempfile::tempdir().unwrap();
        let top = scratch.path().canonicalize().unwrap();
        fs::create_dir(top.join("deep")).unwrap();
        let seen = || workers(&top).map(|found| found.into_iter().map(|one| one.name).collect::<Vec<_>>());
        if seen().is_none() {
            assert_ne!(std::env::consts::OS, "linux");
            return;
        }
        assert_eq!(seen(), Some(Vec::new()));
        #[expect(clippy::disallowed_methods, reason = "a process that stands somewhere")]
        let mut child = std::process::Command::new("sleep").arg("30").current_dir(top.join("deep")).spawn().unwrap();
        assert_eq!(seen(), Some(vec!["sleep".to_owned()]));
        assert_eq!(workers(&top.join("dee")), Some(Vec::new()));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

//! Stale checks and the merge queue.

use std::fs;
use std::io;

use crate::measure::{Call, Lab, Row, compare};

const SQLITE: &str = "`sqlite3 :memory: 'select 1'`";

pub(crate) fn all(lab: &Lab, runs: usize, sqlite: &Call) -> io::Result<Vec<Row>> {
    let mut rows = stale_checks(lab, runs, sqlite)?;
    rows.push(landing(lab, sqlite)?);
    Ok(rows)
}

/// Files of 20 kB that a task has read, none of them changed since.
fn stale_checks(lab: &Lab, runs: usize, sqlite: &Call) -> io::Result<Vec<Row>> {
    let tool = lab.tool("scripts/stale-check.sh");
    let folder = lab.root().join("read");
    fs::create_dir_all(&folder)?;
    let check = |task: &'static str, count: usize| -> io::Result<Call> {
        let names: Vec<String> = (0..count).map(|number| format!("{task}-{number}.rs")).collect();
        for (number, name) in names.iter().enumerate() {
            fs::write(folder.join(name), format!("// {number}\n{}", "let value = compute();\n".repeat(900)))?;
        }
        let arguments: Vec<&str> = ["snapshot", task].into_iter().chain(names.iter().map(String::as_str)).collect();
        lab.call(&tool, &arguments).at(&folder).once()?;
        Ok(lab.call(&tool, &["check", task]).at(&folder))
    };
    let (few, many) = (check("few", 50)?, check("many", 5000)?);
    Ok(vec![
        compare(("`stale-check check`, 50 files of 20 kB", SQLITE, "5 ms"), runs, sqlite, |_| Ok(few.clone()))?,
        compare(("`stale-check check`, 5,000 files of 20 kB, 20 runs", SQLITE, "60 ms"), 20, sqlite, |_| {
            Ok(many.clone())
        })?,
    ])
}

/// A branch of one commit, queued and landed with a validation that does nothing, against what git itself needs to
/// merge it: the candidate's tree, a work tree for the trial, the move of the main branch.
fn landing(lab: &Lab, sqlite: &Call) -> io::Result<Row> {
    let repo = lab.root().join("queue");
    fs::create_dir_all(&repo)?;
    let git = |arguments: &[&str]| lab.call("git", arguments).at(&repo).once();
    git(&["init", "-q", "-b", "main"])?;
    fs::write(repo.join("README.md"), "# queue\n")?;
    git(&["add", "-A"])?;
    git(&["commit", "-q", "-m", "first"])?;
    let tool = lab.tool("scripts/merge-queue.sh");
    compare(("`merge-queue process --validate true`, 20 runs", SQLITE, "-"), 20, sqlite, |run| {
        let branch = format!("work/{run}");
        git(&["checkout", "-q", "-b", &branch, "main"])?;
        fs::write(repo.join(format!("f{run}.txt")), "work\n")?;
        git(&["add", "-A"])?;
        git(&["commit", "-q", "-m", &branch])?;
        git(&["checkout", "-q", "main"])?;
        lab.call(&tool, &["enqueue", &branch]).at(&repo).once()?;
        Ok(lab.call(&tool, &["process", "--validate", "true"]).at(&repo))
    })
}

//! code-pattern-check over a repository of 5,000 source files, against `git grep` for one word in them.

use std::fs;
use std::io;

use crate::measure::{Lab, Row, compare};

/// Eighty lines or so, as people write them.
const SOURCE: &str = "import { api } from './api';\n\n// Loads one cart.\nexport async function load(id: string) {\n  try {\n    \
                      const answer = await api.get(`/carts/${id}`);\n    return JSON.parse(answer.text);\n  } catch (fault) {\n    \
                      return null;\n  }\n}\n\n";

pub(crate) fn all(lab: &Lab, runs: usize) -> io::Result<Vec<Row>> {
    let repo = lab.root().join("sources");
    for number in 0..5000 {
        let file = repo.join(format!("d{}/f{number}.ts", number % 50));
        if number < 50 {
            fs::create_dir_all(repo.join(format!("d{number}")))?;
        }
        fs::write(file, SOURCE.replace("load", &format!("load{number}")).repeat(7))?;
    }
    let git = |arguments: &[&str]| lab.call("git", arguments).at(&repo);
    git(&["init", "-q"]).once()?;
    git(&["add", "-A"]).once()?;
    let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com"];
    git(&[&identity[..], &["commit", "-qm", "sources"]].concat()).once()?;
    let tool = lab.tool("scripts/code-pattern-check.sh");
    let grep = git(&["grep", "-c", "JSON.parse("]);
    let whole = lab.call(&tool, &["--all", "--json"]).at(&repo);
    let status = git(&["status", "--porcelain"]);
    let nothing = lab.call(&tool, &["--changed-lines", "--json"]).at(&repo);
    Ok(vec![
        compare(
            ("`code-pattern-check --all`, 5,000 files, 20 runs", "`git grep -c` in the same files", "5 (1 s)"),
            runs.min(20),
            &grep,
            |_| Ok(whole.clone()),
        )?,
        compare(
            ("`code-pattern-check --changed-lines`, nothing changed", "`git status`, 5,000 files", "3"),
            runs.min(40),
            &status,
            |_| Ok(nothing.clone()),
        )?,
    ])
}

//! What is measured.

use std::fmt::Write as _;
use std::fs;
use std::io;

use crate::measure::{Call, Lab, Row, compare};

const SQLITE: &str = "`sqlite3 :memory: 'select 1'`";

pub(crate) fn all(lab: &Lab, runs: usize) -> io::Result<Vec<Row>> {
    let sqlite = lab.call("sqlite3", &[":memory:", "select 1"]);
    let mut rows = vec![compare(("`/bin/true` (what a process costs here)", SQLITE, "-"), runs, &sqlite, |_| {
        Ok(lab.call("/bin/true", &[]))
    })?];
    rows.extend(hooks(lab, runs, &sqlite)?);
    rows.extend(writes(lab, runs, &sqlite)?);
    rows.extend(locks(lab, runs, &sqlite)?);
    rows.push(import(lab, &sqlite)?);
    rows.extend(digests(lab, runs.min(100))?);
    rows.extend(crate::landing::all(lab, runs, &sqlite)?);
    rows.extend(worktrees(lab)?);
    rows.extend(crate::tokens::all(lab, runs, &sqlite)?);
    rows.extend(crate::patterns::all(lab, runs)?);
    Ok(rows)
}

fn hooks(lab: &Lab, runs: usize, sqlite: &Call) -> io::Result<Vec<Row>> {
    let event = |command: &str| {
        let cwd = lab.root().display();
        format!(
            r#"{{"session_id":"aaaa1111bbbb","transcript_path":"/none","cwd":"{cwd}","hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{{"command":"{command}","description":"x"}},"tool_use_id":"t1"}}"#
        )
    };
    let comms = lab.tool("scripts/comms.sh");
    lab.call(&comms, &["session-start"]).fed(&event("ls")).once()?;
    lab.call(lab.tool("scripts/comms.py"), &["post", "-s", "Web", "hello"]).once()?;
    let check = lab.call(&comms, &["check"]).fed(&event("ls -la"));
    check.once()?;
    let guard = lab.call(lab.tool("hooks/worktree-guard.sh"), &[]).fed(&event("ls -la src"));
    let all = lab.call(comms.canonicalize()?, &["hook", "PreToolUse"]).fed(&event("ls -la src"));
    Ok(vec![
        compare(("`crewkit hook PreToolUse` of one Bash call, all hooks", SQLITE, "1.1 musl"), runs, sqlite, |_| {
            Ok(all.clone())
        })?,
        compare(("`comms.sh check`, nothing new", SQLITE, "0.9 musl, 1.2 otherwise"), runs, sqlite, |_| {
            Ok(check.clone())
        })?,
        compare(("hook worktree-guard, another command", SQLITE, "0.3 musl, 0.7 otherwise"), runs, sqlite, |_| {
            Ok(guard.clone())
        })?,
    ])
}

fn writes(lab: &Lab, runs: usize, sqlite: &Call) -> io::Result<Vec<Row>> {
    let plan_db = lab.tool("scripts/plan-db.sh");
    let plan = lab.call(&plan_db, &["create", "bench", "Writes"]).once()?;
    lab.call(&plan_db, &["start", &plan]).once()?;
    let wave = lab.call(&plan_db, &["add-wave", &plan, "W1", "First"]).once()?;
    let task = lab.call(&plan_db, &["add-task", &wave, "T1-01", "A task"]).once()?;
    let state = |run: usize| if run.is_multiple_of(2) { "in_progress" } else { "blocked" };
    let limit = "2.5";
    Ok(vec![
        compare(("`file-lock acquire` (fsync included)", SQLITE, limit), runs, sqlite, |run| {
            Ok(lab.call(lab.tool("scripts/file-lock.sh"), &["acquire", &format!("src/{run}.rs"), "T1"]))
        })?,
        compare(("`comms post` (fsync included)", SQLITE, limit), runs, sqlite, |run| {
            Ok(lab.call(lab.tool("scripts/comms.py"), &["post", "-s", "Web", &format!("message {run}")]))
        })?,
        compare(("`plan-db update-task` (fsync included)", SQLITE, limit), runs, sqlite, |run| {
            Ok(lab.call(&plan_db, &["update-task", &task, state(run), "a note"]))
        })?,
        compare(("`plan-db json`", SQLITE, "-"), runs, sqlite, |_| Ok(lab.call(&plan_db, &["json", &plan])))?,
    ])
}

/// File locks in a database of their own.
fn locks(lab: &Lab, runs: usize, sqlite: &Call) -> io::Result<Vec<Row>> {
    let file_lock = lab.tool("scripts/file-lock.sh").to_string_lossy().into_owned();
    let database = lab.root().join("locks.db").to_string_lossy().into_owned();
    let shell = |script: &str| lab.call("sh", &["-c", script, &file_lock]).with("PLAN_DB_FILE", &database);
    let pair = shell(r#""$0" acquire src/pair.rs T1 && "$0" release src/pair.rs T1"#);
    let mut rows = vec![compare(
        ("`file-lock acquire`, then `release` (two calls, fsync included)", SQLITE, "5"),
        runs,
        sqlite,
        |_| Ok(pair.clone()),
    )?];
    shell(r#"i=0; while [ $i -lt 1000 ]; do "$0" acquire "src/$i.rs" "T$i" >/dev/null || exit 1; i=$((i+1)); done"#)
        .once()?;
    let list = lab.call(&file_lock, &["list"]).with("PLAN_DB_FILE", &database);
    rows.push(compare(("`file-lock list` of 1,000 locks", SQLITE, "-"), runs, sqlite, |_| Ok(list.clone()))?);
    Ok(rows)
}

/// A spec of 400 tasks in ten waves, imported into a new plan each time.
fn import(lab: &Lab, sqlite: &Call) -> io::Result<Row> {
    let mut spec =
        String::from(r#"{"user_request":"much","requirements":[{"id":"F-01","text":"t","wave":"W1"}],"waves":["#);
    for wave in 1..=10 {
        let _ = write!(spec, r#"{}{{"id":"W{wave}","name":"Wave {wave}","tasks":["#, if wave > 1 { "," } else { "" });
        for task in 1..=40 {
            let comma = if task > 1 { "," } else { "" };
            let _ = write!(
                spec,
                r#"{comma}{{"id":"T{wave}-{task:02}","do":"Do the thing {task} of wave {wave} as it is described","files":["src/w{wave}/f{task}.rs"],"verify":["cargo test"],"ref":"F-01","priority":"P1","type":"feature","model":"sonnet","effort":1}}"#
            );
        }
        spec.push_str("]}");
    }
    spec.push_str("]}");
    let file = lab.root().join("spec.json");
    fs::write(&file, spec)?;
    let file = file.to_string_lossy().into_owned();
    let plan_db = lab.tool("scripts/plan-db.sh");
    compare(("`plan-db import` of 400 tasks, 40 runs", SQLITE, "30 ms"), 40, sqlite, |run| {
        let plan = lab.call(&plan_db, &["create", "bench", &format!("Import {run}")]).once()?;
        Ok(lab.call(&plan_db, &["import", &plan, &file]))
    })
}

/// A repository of 5,000 files with a few changes.
fn digests(lab: &Lab, runs: usize) -> io::Result<Vec<Row>> {
    let repo = lab.root().join("repo");
    for number in 0..5000 {
        let folder = repo.join(format!("src/m{}", number % 100));
        if number < 100 {
            fs::create_dir_all(&folder)?;
        }
        fs::write(folder.join(format!("f{number}.rs")), format!("fn f{number}() {{}}\n"))?;
    }
    let git = |arguments: &[&str]| lab.call("git", arguments).at(&repo).once();
    git(&["init", "-q", "-b", "main"])?;
    git(&["add", "-A"])?;
    git(&["commit", "-q", "-m", "five thousand files"])?;
    for number in 0..6 {
        git(&["commit", "-q", "--allow-empty", "-m", &format!("commit {number}")])?;
    }
    for number in 0..5 {
        fs::write(repo.join(format!("src/m{number}/f{number}.rs")), "changed\n")?;
        fs::write(repo.join(format!("new{number}.txt")), "new\n")?;
    }
    git(&["status", "--porcelain=v2", "--branch"])?;
    let status = lab.call("git", &["status", "--porcelain=v2", "--branch"]).at(&repo).with("GIT_OPTIONAL_LOCKS", "0");
    let of_status = compare(
        ("`git-digest`, 5,000 files, 100 runs", "`git status --porcelain=v2 --branch`", "1.5"),
        runs,
        &status,
        |_| Ok(lab.call(lab.tool("scripts/git-digest.sh"), &[]).at(&repo)),
    )?;
    git(&["add", "-A"])?;
    git(&["commit", "-q", "-m", "changes"])?;
    git(&["checkout", "-q", "-b", "feat"])?;
    for number in 0..139 {
        fs::write(repo.join(format!("src/m{}/f{number}.rs", number % 100)), "changed\n".repeat(number + 1))?;
    }
    git(&["commit", "-q", "-a", "-m", "139 files"])?;
    let diff = lab.call("git", &["diff", "--numstat", "-z", "-M", "main...HEAD"]).at(&repo);
    let of_branch = compare(
        ("`diff-digest`, 139 of 5,000 files, 100 runs", "`git diff --numstat -M main...HEAD`", "1.3"),
        runs,
        &diff,
        |_| Ok(lab.call(lab.tool("scripts/diff-digest.sh"), &[]).at(&repo)),
    )?;
    Ok(vec![of_status, of_branch])
}

/// Worktrees of a repository of 1,000 files, one and many at once. What a call made is taken away before the next.
fn worktrees(lab: &Lab) -> io::Result<Vec<Row>> {
    const MANY: usize = 32;
    let crew = lab.root().join("crew");
    let repo = crew.join("shop");
    for number in 0..1000 {
        let folder = repo.join(format!("src/m{}", number % 50));
        if number < 50 {
            fs::create_dir_all(&folder)?;
        }
        fs::write(folder.join(format!("f{number}.rs")), format!("fn f{number}() {{}}\n").repeat(50))?;
    }
    let git = |arguments: &[&str]| lab.call("git", arguments).at(&repo).once();
    git(&["init", "-q", "-b", "main"])?;
    git(&["add", "-A"])?;
    git(&["commit", "-q", "-m", "a thousand files"])?;
    git(&["pack-refs", "--all"])?;
    let clear = || -> io::Result<()> {
        for entry in fs::read_dir(&crew)?.flatten().filter(|entry| entry.path() != repo) {
            fs::remove_dir_all(entry.path())?;
        }
        for made in ["worktrees", "refs/heads", "logs/refs/heads"].map(|name| repo.join(".git").join(name)) {
            if made.exists() {
                fs::remove_dir_all(&made)?;
            }
        }
        fs::create_dir_all(repo.join(".git/refs/heads"))
    };
    let create = lab.tool("scripts/worktree-create.sh").to_string_lossy().into_owned();
    let shell = |script: &str| lab.call("sh", &["-c", script, &create]).at(&repo);
    // The shell's number makes a new name for every call.
    let numbers: String = (1..=MANY).map(|number| format!("{number} ")).collect();
    let plain = shell(r#"exec git worktree add -q -b "p$$" "../p$$""#);
    let ours = shell(r#"exec "$0" "c$$""#);
    let plain_many =
        shell(&format!(r#"for i in {numbers}; do git worktree add -q -b "p$$-$i" "../p$$-$i" || exit 1; done"#));
    let ours_many = shell(&format!(
        r#"pids=; for i in {numbers}; do "$0" "c$$-$i" & pids="$pids $!"; done; for p in $pids; do wait $p || exit 1; done"#
    ));
    Ok(vec![
        compare(("`worktree-create`, 1,000 files, 60 runs", "`git worktree add`", "1.3"), 60, &plain, |_| {
            clear()?;
            Ok(ours.clone())
        })?,
        compare(
            ("32 × `worktree-create` at once, 10 runs", "32 × `git worktree add`, one after the other", "1.2"),
            10,
            &plain_many,
            |_| {
                clear()?;
                Ok(ours_many.clone())
            },
        )?,
    ])
}

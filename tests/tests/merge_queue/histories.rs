//! Random histories, held against what must always be true.

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::kills::{When, deadly_git, process_killed};
use super::{branch, no_leftovers, queue, shop};
use crewkit_tests::Crew;

/// Something that happens.
#[derive(Debug, Clone)]
enum Event {
    /// A branch that changes file `.0` to `.1`; `bad` fails the validation.
    Queue { file: u8, text: u8, bad: bool },
    /// Somebody commits to main by hand.
    Commit { file: u8 },
    /// Somebody leaves file `.0` uncommitted in the main work tree, or commits what is there.
    Dirty { file: u8 },
    /// A processor works, and is killed at a call of git.
    Process { batch: u8, kill: Option<(u8, When)> },
}

fn event() -> impl Strategy<Value = Event> {
    let when = prop_oneof![Just(When::Before), Just(When::During), Just(When::After)];
    prop_oneof![
        4 => (0..4u8, any::<u8>(), prop::bool::weighted(0.25)).prop_map(|(file, text, bad)| Event::Queue { file, text, bad }),
        1 => (0..4u8).prop_map(|file| Event::Commit { file }),
        1 => (0..4u8).prop_map(|file| Event::Dirty { file }),
        4 => (1..4u8, prop::option::weighted(0.6, (1..40u8, when))).prop_map(|(batch, kill)| Event::Process { batch, kill }),
    ]
}

const CHECK: &str = "git rev-parse HEAD >> \"$HOME/validated\"; ! ls | grep -q bad";

struct World {
    crew: Crew,
    top: std::path::PathBuf,
    queued: usize,
    tip: String,
}

impl World {
    fn new() -> Self {
        let (crew, top) = shop();
        for file in 0..4 {
            crew.write(&top.join(format!("f{file}")), "0\n");
        }
        crew.git(&top, &["add", "-A"]);
        crew.git(&top, &["commit", "-q", "-m", "files"]);
        let other = crew.repository("other");
        branch(&crew, &other, "b1", "x", "x\n");
        queue(&crew, &other, &["enqueue", "b1"]).code(0);
        deadly_git(&crew);
        let tip = crew.git(&top, &["rev-parse", "main"]);
        Self { crew, top, queued: 0, tip }
    }

    fn happen(&mut self, event: &Event) {
        let (crew, top) = (&self.crew, self.top.as_path());
        match event {
            Event::Queue { file, text, bad } => {
                self.queued += 1;
                let name = format!("b{}", self.queued);
                let blob = crew.root().join("blob");
                crew.write(&blob, format!("{text}\n"));
                commit_aside(crew, top, &name, &[(format!("f{file}"), &blob)], *bad);
                queue(crew, top, &["enqueue", &name]).code(0);
            }
            Event::Commit { file } => {
                // A checkout that a killed processor left is frozen: git refuses, and the person tries again later.
                crew.write(&top.join(format!("own{file}")), format!("{}\n", self.queued));
                let _ = crewkit_tests::finish(
                    crew.command("git").current_dir(top).args(["add", &format!("own{file}")]),
                    None,
                );
                let _ =
                    crewkit_tests::finish(crew.command("git").current_dir(top).args(["commit", "-qm", "own"]), None);
            }
            Event::Dirty { file } => {
                if !top.join(".git/index.lock").exists() {
                    crew.write(&top.join(format!("f{file}")), "in work\n");
                }
            }
            Event::Process { batch, kill } => {
                let batch = batch.to_string();
                let arguments = ["--batch", &batch, "--validate-cmd", CHECK];
                let (at, when) = kill.map_or((0, When::Before), |(at, when)| (at, when));
                process_killed(crew, top, &arguments, &at.to_string(), when);
            }
        }
    }

    /// What is true after every event.
    fn check(&mut self) {
        let (crew, top) = (&self.crew, self.top.as_path());
        let tip = crew.git(top, &["rev-parse", "main"]);
        crew.git(top, &["merge-base", "--is-ancestor", &self.tip, &tip]);
        let validated = std::fs::read_to_string(crew.home().join("validated")).unwrap_or_default();
        let line = crew.git(top, &["log", "--first-parent", "--format=%H %s", &format!("{}..{tip}", self.tip)]);
        let landings =
            line.lines().filter_map(|line| line.split_once(' ')).filter(|(_, text)| text.contains("via merge-queue"));
        // The newest landing of a move is the one that was validated.
        if let Some((newest, _)) = landings.into_iter().next() {
            assert!(validated.lines().any(|commit| commit == newest), "{newest} was landed, not validated:\n{line}");
        }
        assert!(!crew.git(top, &["ls-tree", "--name-only", &tip]).contains("bad"), "a failing branch was landed");
        self.tip = tip;
    }

    /// What is true in the end, after a processor that nobody killed.
    fn settle(&mut self) {
        if !self.top.join(".git/index.lock").exists() {
            let _ = crewkit_tests::finish(
                self.crew.command("git").current_dir(&self.top).args(["commit", "-qam", "own work"]),
                None,
            );
        }
        for _ in 0..2 {
            queue(&self.crew, &self.top, &["process", "--all", "--validate-cmd", CHECK]);
        }
        self.check();
        let (crew, top) = (&self.crew, self.top.as_path());
        no_leftovers(crew, top);
        for row in crew.sql("SELECT branch, status, result, error FROM merge_queue WHERE repository LIKE '%/shop/.git'")
        {
            let text = |at: usize| row[at].as_str().unwrap_or_default();
            match text(1) {
                "done" => drop(crew.git(top, &["merge-base", "--is-ancestor", text(2), "main"])),
                "failed" => assert!(!text(3).is_empty(), "{row:?}"),
                "queued" => {}
                other => panic!("{other}: {row:?}"),
            }
        }
        let elsewhere = crew.sql("SELECT status FROM merge_queue WHERE repository LIKE '%/other/.git'");
        assert_eq!(elsewhere, [["queued"]]);
        assert_eq!(crew.git(&crew.work().join("other"), &["rev-list", "--count", "main"]), "1");
        crew.git(top, &["fsck", "--no-dangling"]);
    }
}

/// A branch from main made without any work tree.
fn commit_aside(crew: &Crew, top: &Path, name: &str, files: &[(String, &Path)], bad: bool) {
    let index = crew.root().join("aside");
    let git = |arguments: &[&str]| {
        let mut call = crew.command("git");
        call.current_dir(top).args(arguments).env("GIT_INDEX_FILE", &index);
        crewkit_tests::finish(&mut call, None).code(0).stdout.trim_end().to_owned()
    };
    git(&["read-tree", "main"]);
    for (file, blob) in files {
        let id = git(&["hash-object", "-w", blob.to_str().unwrap()]);
        git(&["update-index", "--add", "--cacheinfo", &format!("100644,{id},{file}")]);
        if bad {
            git(&["update-index", "--add", "--cacheinfo", &format!("100644,{id},bad-{name}")]);
        }
    }
    let tree = git(&["write-tree"]);
    let commit = git(&["commit-tree", &tree, "-p", "main", "-m", name]);
    git(&["branch", name, &commit]);
}

#[test]
fn random_histories_keep_their_promises() {
    let config = Config { cases: 12, max_shrink_iters: 20, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&prop::collection::vec(event(), 4..12), |events| {
        let mut world = World::new();
        for event in &events {
            world.happen(event);
            world.check();
        }
        world.settle();
        Ok(())
    });
    outcome.unwrap_or_else(|fault| panic!("{fault}"));
}

//! What the two agents do. They meet only in the tools: locks, chat, plan.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::claude::Session;
use crate::step::{Scene, Step, Wrong};

/// How long an agent waits for the other one.
const PATIENCE: Duration = Duration::from_secs(60);

/// One agent's whole session in its worktree.
pub(crate) fn work(scene: &Scene, tree: &Path, plan: &str) -> Result<(), Wrong> {
    let mut agent = Agent { scene, tree, session: Session::start(scene, tree)? };
    if scene.who == "web" {
        agent.web(plan)?
    } else {
        agent.api(plan)?
    }
    agent.session.end()
}

struct Agent<'a> {
    scene: &'a Scene,
    tree: &'a Path,
    session: Session<'a>,
}

impl Agent<'_> {
    fn web(&mut self, plan: &str) -> Result<(), Wrong> {
        let shop = self.tree.with_file_name("shop");
        let refused = self.session.bash(&shop, "git", &["commit", "--allow-empty", "-m", "straight to main"])?;
        let Err(reason) = refused else { return Err(Wrong("a commit on main went through".into())) };
        self.scene.check(reason.contains("main"), "the refusal names the branch")?;

        let first = self.begin(plan, "T1-01")?;
        self.lock("src/lib.rs", "T1-01", "0")?.ends(0)?.has("/status", "acquired")?;
        self.session.edit(
            "src/lib.rs",
            "",
            "\n/// A greeting.\npub fn greet(name: &str) -> String {\n    format!(\"Hello, {name}!\")\n}\n",
        )?;
        self.hear("waiting for src/lib.rs")?;
        self.commit("Greet a visitor by name")?;
        self.call("file-lock", &["release-task", "T1-01"])?.ends(0)?.has("/released_count", 1)?;
        self.call("comms", &["post", "-s", "Web", "API: src/lib.rs is free"])?.ends(0)?;
        self.done(&first)?;

        self.wait("the first wave is done", |agent| {
            Ok(agent.call("plan-db", &["json", plan])?.ends(0)?.json()?["tasks_done"] == 2)
        })?;
        let last = self.begin(plan, "T2-01")?;
        self.lock("README.md", "T2-01", "0")?.ends(0)?;
        self.session.edit("README.md", "", "\n    assert_eq!(shop::greet(\"Ada\"), \"Hello, Ada!\");\n")?;
        self.commit("Show a call in the README")?;
        let end = self.done(&last)?.has("/released_count", 1)?.has("/wave/status", "done")?;
        end.has("/plan/status", "done").map(drop)
    }

    fn api(&mut self, plan: &str) -> Result<(), Wrong> {
        let task = self.begin(plan, "T1-02")?;
        self.wait("the other agent holds src/lib.rs", |agent| {
            let seen = agent.call("file-lock", &["check", "src/lib.rs", "--across-worktrees"])?.ends(0)?.json()?;
            Ok(seen["locked"] == true)
        })?;
        let refused = self.lock("src/lib.rs", "T1-02", "0")?.ends(1)?.json_error()?;
        self.scene.check(refused["status"] == "blocked", "a held file is refused")?;
        self.scene.check(refused["held_by"]["task_id"] == "T1-01", "the refusal names the holder")?;
        self.call("comms", &["post", "-s", "API", "Web: waiting for src/lib.rs"])?.ends(0)?;

        self.lock("src/language.rs", "T1-02", "0")?.ends(0)?;
        self.session.edit("src/language.rs", "", "//! Languages by their codes.\n")?;
        self.hear("src/lib.rs is free")?;
        self.lock("src/lib.rs", "T1-02", "10")?.ends(0)?;
        self.session.edit("src/lib.rs", "//! A shop.\n", "//! A shop.\n\npub mod language;\n")?;
        self.commit("Choose the language by its code")?;
        self.done(&task)?.has("/released_count", 2).map(drop)
    }

    /// A tool called by the agent: a Bash call through the hooks.
    fn call(&mut self, tool: &str, arguments: &[&str]) -> Result<Step, Wrong> {
        self.session.bash(self.tree, tool, arguments)?.map_err(|reason| Wrong(format!("{tool} was blocked: {reason}")))
    }

    fn lock(&mut self, file: &str, task: &str, timeout: &str) -> Result<Step, Wrong> {
        let name = self.scene.who.clone();
        self.call("file-lock", &["acquire", file, task, "--agent", &name, "--timeout", timeout, "--across-worktrees"])
    }

    /// Claims a task of the plan by its code; its row id.
    fn begin(&mut self, plan: &str, code: &str) -> Result<String, Wrong> {
        let input = self.call("plan-db", &["get-context", plan])?.ends(0)?.json()?;
        let tasks = input["pending_tasks"].as_array().cloned().unwrap_or_default();
        let task = tasks.iter().find(|task| task["task_id"] == code);
        let id = task.and_then(|task| task["db_id"].as_i64()).ok_or_else(|| Wrong(format!("{code} is not pending")))?;
        let id = id.to_string();
        let note = format!("begun by {}", self.scene.who);
        self.call("plan-db", &["update-task", &id, "in_progress", &note])?.ends(0)?;
        Ok(id)
    }

    fn commit(&mut self, subject: &str) -> Result<(), Wrong> {
        let digest = self.call("git-digest", &["--full"])?.ends(0)?.has("/clean", false)?.json()?;
        let touched = ["unstaged", "untracked"].iter().filter_map(|key| digest[key].as_i64()).sum::<i64>();
        self.scene.check(touched > 0, "the digest shows the edit")?;
        self.call("git", &["add", "-A"])?.ends(0)?;
        self.call("git", &["commit", "--quiet", "-m", subject])?.ends(0)?;
        self.call("git-digest", &[])?.ends(0)?.has("/clean", true)?;
        self.call("comms", &["post", "-s", &capital(&self.scene.who), "committed:", subject])?.ends(0)?;
        Ok(())
    }

    /// Marks a task done: the gates judge it, its locks are released, its wave and plan completed where it was the last.
    fn done(&mut self, id: &str) -> Result<Step, Wrong> {
        let refused = self.call("plan-db", &["update-task", id, "done", "by hand"])?.ends(1)?;
        self.scene.check(refused.stderr.contains("plan-db-safe"), "done by hand is refused")?;
        let done = self.call("plan-db-safe", &["update-task", id, "done", "committed", "--json"])?.ends(0)?;
        done.has("/validated_by", "executor-auto")
    }

    /// Works on until a message with `words` has reached the context through the hooks.
    fn hear(&mut self, words: &str) -> Result<(), Wrong> {
        self.wait(&format!("'{words}' is heard"), |agent| {
            agent.call("git-digest", &[])?.ends(0)?;
            let line = agent.session.context.lines().find(|line| line.contains(words));
            Ok(line.is_some_and(|line| line.contains(">>> FOR YOU")))
        })
    }

    fn wait(&mut self, what: &str, mut holds: impl FnMut(&mut Self) -> Result<bool, Wrong>) -> Result<(), Wrong> {
        let begun = Instant::now();
        while !holds(self)? {
            if begun.elapsed() > PATIENCE {
                return Err(Wrong(format!("{}: waited in vain until {what}", self.scene.who)));
            }
            thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }
}

/// The name that the chat gives the agent of a directory.
fn capital(who: &str) -> String {
    if who == "api" { "API".to_owned() } else { "Web".to_owned() }
}

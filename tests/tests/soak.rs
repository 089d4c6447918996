//! A crew of thirty under fire: processes that lock, edit, check, commit and queue, and something that kills them. Some
//! 20 s; `CREWKIT_SOAK_SECONDS` says another time (.ci/run: two minutes), `CREWKIT_SOAK=1` an hour.

use std::collections::HashMap;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crewkit_tests::{Crew, Ended, finish};

const AGENTS: usize = 30;

/// Files that they share.
const FILES: usize = 12;

/// The pause between two kills.
const PAUSE: Duration = Duration::from_millis(300);

struct Soak {
    crew: Crew,
    top: PathBuf,
    seed: u64,
    agents: Vec<Child>,
}

impl Soak {
    fn new() -> Self {
        let crew = Crew::new();
        let top = crew.repository("shop");
        for number in 0..FILES {
            crew.write(&top.join(format!("f{number}.txt")), "");
        }
        crew.git(&top, &["add", "-A"]);
        crew.git(&top, &["commit", "-q", "-m", "files"]);
        crew.run("init-dashboard-db", [""; 0]).code(0);
        // The agents call the tools by their names.
        for name in ["file-lock", "stale-check", "merge-queue"] {
            crew.tool(name);
        }
        std::fs::create_dir(crew.root().join("held")).unwrap();
        for number in 0..AGENTS {
            crew.git(&top, &["worktree", "add", "-q", "--detach", &format!("../tree-{number}")]);
        }
        let seed = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        println!("seed {seed}");
        Self { crew, top, seed, agents: Vec::new() }
    }

    /// A number below `most`.
    fn random(&mut self, most: usize) -> usize {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.seed >> 33).unwrap() % most
    }

    fn place(&self, name: &str) -> PathBuf {
        self.crew.root().join(name)
    }

    fn start(&self, number: usize) -> Child {
        let mut path = self.crew.claude().join("bin").into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/soak/agent.sh");
        let mut agent = self.crew.command("sh");
        agent.arg(script).arg(number.to_string()).env("PATH", path).env("WORK", self.crew.work());
        for (name, file) in [("HELD", "held"), ("STOP", "stop"), ("WRONG", "wrong")] {
            agent.env(name, self.place(file));
        }
        agent.process_group(0).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Kills an agent, sometimes alone and what it had started a little later, and starts it again.
    fn strike(&mut self) {
        let number = self.random(AGENTS);
        let alone = self.random(2) == 0;
        let group = rustix::process::Pid::from_child(&self.agents[number]);
        if alone {
            self.agents[number].kill().unwrap();
            std::thread::sleep(PAUSE / 2);
        }
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        self.agents[number].wait().unwrap();
        self.agents[number] = self.start(number);
    }

    fn main(&self) -> String {
        self.crew.git(&self.top, &["rev-parse", "main"])
    }
}

impl Drop for Soak {
    fn drop(&mut self) {
        for agent in &mut self.agents {
            if agent.try_wait().is_ok_and(|ended| ended.is_none()) {
                let group = rustix::process::Pid::from_child(agent);
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
                let _ = agent.wait();
            }
        }
    }
}

#[test]
fn a_crew_under_fire_keeps_its_word() {
    let mut soak = Soak::new();
    let long = std::env::var_os("CREWKIT_SOAK").is_some_and(|value| value == "1");
    let seconds = std::env::var("CREWKIT_SOAK_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(if long { 3600 } else { 20 }));
    soak.agents = (0..AGENTS).map(|number| soak.start(number)).collect();
    let mut line = vec![soak.main()];
    let mut kills = 0;
    while Instant::now() < end {
        std::thread::sleep(PAUSE);
        soak.strike();
        kills += 1;
        let now = soak.main();
        if line.last() != Some(&now) {
            line.push(now);
        }
    }
    soak.crew.write(&soak.place("stop"), "");
    let patience = Instant::now() + Duration::from_secs(30);
    for agent in &mut soak.agents {
        while agent.try_wait().unwrap().is_none() {
            assert!(Instant::now() < patience, "an agent does not come to its end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let mut rest = soak.crew.tool("merge-queue");
    let rest = finish(rest.current_dir(&soak.top).args(["process", "--all", "--wait", "30"]), None);
    assert!([0, 1].contains(&rest.code), "{rest:?}");

    let wrong = std::fs::read_to_string(soak.place("wrong")).unwrap_or_default();
    assert_eq!(wrong, "", "what the agents saw");
    line.push(soak.main());
    for pair in line.windows(2) {
        // Fails when the first is no ancestor of the second.
        soak.crew.git(&soak.top, &["merge-base", "--is-ancestor", &pair[0], &pair[1]]);
    }
    let landed = entries_are_true(&soak, &rest);
    assert!(landed > 3 && kills > 10, "{landed} landed, {kills} kills");
    assert_eq!(soak.crew.git(&soak.top, &["status", "--porcelain"]), "");
    soak.crew.git(&soak.top, &["fsck", "--no-dangling"]);
    assert_eq!(soak.crew.value("PRAGMA integrity_check"), "ok");
    assert_eq!(soak.crew.value("SELECT count(*) FROM file_locks"), 0);
    println!("{kills} kills, {landed} landings, {} states of main", line.len());
}

/// Every entry of the queue has come to its end, and says what git says. The number of those that landed.
fn entries_are_true(soak: &Soak, last: &Ended) -> usize {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for number in 0..FILES {
        let text = soak.crew.git(&soak.top, &["show", &format!("main:f{number}.txt")]);
        for line in text.lines() {
            *seen.entry(line.to_owned()).or_default() += 1;
        }
    }
    let commits = soak.crew.git(&soak.top, &["rev-list", "--first-parent", "main"]);
    let rows = soak.crew.sql("SELECT branch, status, result, error, step FROM merge_queue");
    let mut landed = 0;
    for row in &rows {
        let branch = row[0].as_str().unwrap();
        match (row[1].as_str().unwrap(), row[2].as_str(), row[3].as_str()) {
            ("done", Some(commit), _) => {
                assert!(commits.contains(commit), "{row:?}: not on main's line");
                assert_eq!(seen.remove(branch), Some(1), "{row:?}: in main, once");
                landed += 1;
            }
            ("failed", None, Some(reason)) if !reason.is_empty() => {
                assert_eq!(seen.get(branch), None, "{row:?}: failed, but in main");
            }
            _ => panic!("{row:?}: neither landed nor failed with a reason; last: {last:?}"),
        }
    }
    assert!(seen.is_empty(), "in main without an entry that says so: {seen:?}");
    landed
}

//! wave-worktree: waves brought into the main branch of a bare repository beside them, with a stand-in for gh.

mod create;
mod kills;
mod landing;
mod refusals;
mod without_remote;

use std::path::{Path, PathBuf};

use crewkit_tests::{Crew, Ended, Value, finish};

/// A crew with a repository `work/shop`, its origin `work/origin.git`, and a plan 1 with the waves 5 (W1) and 6 (W2).
pub(crate) struct Shop {
    pub(crate) crew: Crew,
    pub(crate) top: PathBuf,
}

impl Shop {
    /// With an origin, and a stand-in for gh.
    pub(crate) fn new() -> Self {
        let shop = Self::alone();
        let (crew, top) = (&shop.crew, &shop.top);
        crew.git(&crew.work(), &["init", "-q", "--bare", "origin.git"]);
        crew.git(top, &["remote", "add", "origin", shop.origin().to_str().unwrap()]);
        crew.git(top, &["push", "-q", "-u", "origin", "main"]);
        std::fs::create_dir(shop.gh("")).unwrap();
        let places = format!("GH='{}'\nORIGIN='{}'\n", shop.gh("").display(), shop.origin().display());
        crew.stub("gh", &(places + include_str!("wave_worktree/gh.sh")));
        shop
    }

    /// Without any remote.
    pub(crate) fn alone() -> Self {
        let crew = Crew::new();
        let top = crew.repository("shop");
        crew.run("init-dashboard-db", [""; 0]).code(0);
        let path = top.to_str().unwrap();
        crew.sql(&format!("INSERT INTO projects (id, name, path) VALUES ('shop', 'Shop', '{path}') RETURNING id"));
        crew.sql("INSERT INTO plans (id, project_id, name) VALUES (1, 'shop', 'One'), (2, 'shop', 'Two') RETURNING id");
        let shop = Self { crew, top };
        shop.wave(5, "W1", "First wave");
        shop.wave(6, "W2", "Second wave");
        shop
    }

    /// One more wave of plan 1.
    pub(crate) fn wave(&self, id: u32, code: &str, name: &str) {
        let name = name.replace('\'', "''");
        let values = format!("({id}, 'shop', 1, '{code}', '{name}', 'pending', 2, 2, {id})");
        let columns = "id, project_id, plan_id, wave_id, name, status, tasks_done, tasks_total, position";
        self.crew.sql(&format!("INSERT INTO waves ({columns}) VALUES {values} RETURNING id"));
    }

    pub(crate) fn origin(&self) -> PathBuf {
        self.crew.work().join("origin.git")
    }

    /// A file of the stand-in for gh.
    pub(crate) fn gh(&self, name: &str) -> PathBuf {
        self.crew.root().join("gh").join(name)
    }

    /// Steers the stand-in for gh.
    pub(crate) fn steer(&self, name: &str, text: &str) {
        self.crew.write(&self.gh(name), text);
    }

    pub(crate) fn steer_no_more(&self, name: &str) {
        std::fs::remove_file(self.gh(name)).unwrap();
    }

    /// How often gh was called with these first words.
    pub(crate) fn calls(&self, words: &str) -> usize {
        let log = std::fs::read_to_string(self.gh("log")).unwrap_or_default();
        log.lines().filter(|line| line.starts_with(&format!("gh {words}"))).count()
    }

    pub(crate) fn tool<const N: usize>(&self, arguments: [&str; N]) -> Ended {
        self.crew.run_in(&self.top, "wave-worktree", arguments)
    }

    /// The worktree of a new wave with one new file in it.
    pub(crate) fn begun(&self, wave: u32, code: &str) -> PathBuf {
        self.tool(["create", "1", &wave.to_string()]).code(0);
        let tree = self.tree(code);
        self.crew.write(&tree.join(format!("{code}.txt")), format!("{code}\n"));
        tree
    }

    pub(crate) fn tree(&self, code: &str) -> PathBuf {
        self.crew.work().join(format!("shop-plan-1-{code}"))
    }

    pub(crate) fn status(&self, wave: u32) -> Value {
        self.crew.value(&format!("SELECT status FROM waves WHERE id = {wave}"))
    }

    /// The subjects of origin's main branch, newest first.
    pub(crate) fn landed(&self) -> Vec<String> {
        let log = self.crew.git(&self.origin(), &["log", "--format=%s", "main"]);
        log.lines().map(str::to_owned).collect()
    }

    fn has_branch(&self, place: &Path, name: &str) -> bool {
        !self.crew.git(place, &["for-each-ref", &format!("refs/heads/{name}")]).is_empty()
    }

    /// The wave has landed once, and nothing of it is left.
    #[track_caller]
    pub(crate) fn landed_whole(&self, wave: u32, code: &str) {
        let columns = "status, worktree_path, branch_name, completed_at IS NOT NULL, pr_number IS NOT NULL";
        let row = self.crew.sql(&format!("SELECT {columns} FROM waves WHERE id = {wave}"));
        assert_eq!(row[0], ["done".into(), Value::Null, Value::Null, 1.into(), 1.into()], "{code}");
        let branch = format!("plan/1-{code}");
        let squashed = self.landed().iter().filter(|line| line.contains(&format!("squashed {branch} "))).count();
        assert_eq!(squashed, 1, "{code}: {:?}", self.landed());
        let blob = self.crew.git(&self.origin(), &["show", &format!("main:{code}.txt")]);
        assert_eq!(blob, code);
        assert!(!self.tree(code).exists(), "{code}");
        assert!(!self.has_branch(&self.top, &branch) && !self.has_branch(&self.origin(), &branch), "{code}");
        assert_eq!(self.calls(&format!("pr create --base main --head {branch} ")), 1, "{code}");
        let trees = self.crew.git(&self.top, &["worktree", "list", "--porcelain"]);
        assert!(!trees.contains(&branch), "{trees}");
    }

    /// merge, which has to refuse in one line that holds `parts`, and leaves the wave's work where it is.
    #[track_caller]
    pub(crate) fn stopped(&self, arguments: &[&str], status: &str, parts: &[&str]) -> Ended {
        let mut call = self.crew.tool("wave-worktree");
        let ended = finish(call.current_dir(&self.top).arg("merge").args(arguments), None).code(1);
        let last = ended.stderr.trim_end().lines().last().unwrap_or_default().to_owned();
        assert!(parts.iter().all(|part| last.contains(part)), "want {parts:?}: {ended:?}");
        assert_eq!(self.status(5), status, "{ended:?}");
        assert!(self.tree("W1").is_dir() && self.has_branch(&self.top, "plan/1-W1"));
        ended
    }
}

//! worktree-create, killed.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crewkit_tests::{Crew, finish};

use super::{branches, linked};

/// A repository of some files whose checkout stops at the file `stop` while the file `hold` is there.
struct Shop {
    crew: Crew,
    top: PathBuf,
}

impl Shop {
    fn new() -> Self {
        let crew = Crew::new();
        let top = crew.repository("shop");
        for number in 0..20 {
            crew.write(&top.join(format!("a/f{number}")), format!("file {number}\n"));
        }
        crew.write(&top.join("stop"), "stopped\n");
        crew.write(&top.join("z"), "the last file\n");
        crew.write(&top.join(".gitattributes"), "stop filter=slow\n");
        crew.write(&top.join(".gitignore"), "*.local\n");
        crew.git(&top, &["add", "-A"]);
        crew.git(&top, &["commit", "-q", "-m", "files"]);
        let (hold, seen) = (crew.root().join("hold"), crew.root().join("seen"));
        let filter =
            format!("touch '{}'; while test -e '{}'; do sleep 0.01; done; cat", seen.display(), hold.display());
        crew.git(&top, &["config", "filter.slow.smudge", &filter]);
        Self { crew, top }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.crew.tool("worktree-create");
        command.args(arguments).current_dir(&self.top).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        command
    }

    /// Starts the tool and waits until its checkout stands still.
    fn held(&self, arguments: &[&str]) -> Child {
        let seen = self.crew.root().join("seen");
        let _ = fs::remove_file(&seen);
        self.crew.write(&self.crew.root().join("hold"), "");
        let child = self.command(arguments).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while !seen.exists() {
            assert!(Instant::now() < deadline, "the checkout never came to the file");
            std::thread::sleep(Duration::from_millis(5));
        }
        child
    }

    /// A call that is killed, with all that it started, in the middle of its checkout.
    fn cut_off(&self, arguments: &[&str]) {
        let child = self.held(arguments);
        kill(child, true);
        fs::remove_file(self.crew.root().join("hold")).unwrap();
    }

    fn create(&self, arguments: &[&str]) -> crewkit_tests::Ended {
        self.crew.run_in(&self.top, "worktree-create", arguments)
    }

    fn tree(&self, name: &str) -> PathBuf {
        self.crew.work().join(name)
    }

    /// Asserts that the worktree is whole.
    #[track_caller]
    fn whole(&self, tree: &Path, branch: &str) {
        assert_eq!(self.crew.git(tree, &["status", "--porcelain", "--branch"]), format!("## {branch}"));
        assert_eq!(fs::read_to_string(tree.join("z")).unwrap(), "the last file\n");
        self.nothing_left();
    }

    #[track_caller]
    fn nothing_left(&self) {
        let records = fs::read_dir(self.top.join(".git/crewkit-worktrees")).unwrap().count();
        assert_eq!(records, 0);
    }
}

/// Ends a child by SIGKILL, with its whole group or alone.
fn kill(mut child: Child, group: bool) {
    let target = if group { format!("-{}", child.id()) } else { child.id().to_string() };
    let ended = finish(Command::new("kill").args(["-9", "--", &target]), None);
    assert!(ended.code == 0 || child.try_wait().unwrap().is_some(), "{ended:?}");
    child.wait().unwrap();
}

#[test]
fn what_was_cut_off_is_made_anew_wherever_and_from_whatever_is_asked_now() {
    let shop = Shop::new();
    shop.cut_off(&["feat/x"]);
    assert!(!shop.tree("shop-x").join("z").exists() && shop.tree("shop-x/.git").exists());
    shop.create(&["feat/x"]).code(0);
    shop.whole(&shop.tree("shop-x"), "feat/x");

    // Another place for the branch; another branch for the place; another beginning.
    shop.cut_off(&["y"]);
    shop.create(&["y", "../deep/down/y"]).code(0);
    shop.whole(&shop.tree("deep/down/y"), "y");
    assert!(!shop.tree("shop-y").exists());
    shop.cut_off(&["a/w"]);
    shop.create(&["b/w"]).code(0);
    shop.whole(&shop.tree("shop-w"), "b/w");
    assert!(!branches(&shop.crew, &shop.top).contains(&"a/w".to_owned()));
    shop.cut_off(&["v"]);
    shop.create(&["v", "--from", "main~1"]).code(0);
    assert_eq!(shop.crew.git(&shop.tree("shop-v"), &["log", "--format=%s"]), "first commit");
    assert_eq!(linked(&shop.crew, &shop.top), ["y", "shop-v", "shop-w", "shop-x"]);
}

#[test]
fn what_somebody_put_into_a_half_made_worktree_stays() {
    let shop = Shop::new();
    for (name, ignored) in [("x", "mine.local"), ("y", "mine")] {
        shop.cut_off(&[name]);
        let tree = shop.tree(&format!("shop-{name}"));
        shop.crew.write(&tree.join(ignored), "mine");
        shop.crew.write(&tree.join("a/f3"), "edited");
        // What git was about to write when it was killed.
        shop.crew.write(&tree.join("a/f4"), "fil");
        shop.create(&[name, "../elsewhere"]).code(128);
        let told = shop.create(&[name]).code(0);
        assert!(told.stderr.contains("cut off"), "{told:?}");
        assert_eq!(fs::read_to_string(tree.join(ignored)).unwrap(), "mine");
        assert_eq!(fs::read_to_string(tree.join("a/f3")).unwrap(), "edited");
        let status = shop.crew.git(&tree, &["status", "--porcelain", "--ignored"]);
        assert_eq!(status.lines().count(), 2, "{status}");
        shop.nothing_left();
    }
    // A branch that got a commit meanwhile is nobody's to delete.
    shop.cut_off(&["z"]);
    let commit = shop.crew.git(&shop.top, &["commit-tree", "main^{tree}", "-p", "main", "-m", "work"]);
    shop.crew.git(&shop.top, &["update-ref", "refs/heads/z", &commit]);
    shop.create(&["z"]).code(0);
    assert_eq!(shop.crew.git(&shop.tree("shop-z"), &["rev-parse", "HEAD"]), commit);
}

#[test]
fn git_that_outlives_its_caller_is_waited_for() {
    let shop = Shop::new();
    kill(shop.held(&["x"]), false);
    let hold = shop.crew.root().join("hold");
    let later = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        fs::remove_file(hold).unwrap();
    });
    shop.create(&["x"]).code(0);
    later.join().unwrap();
    shop.whole(&shop.tree("shop-x"), "x");

    // One that lives is no wreck.
    let child = shop.held(&["y"]);
    shop.create(&["y"]).code(128);
    fs::remove_file(shop.crew.root().join("hold")).unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    shop.whole(&shop.tree("shop-y"), "y");
}

#[test]
fn setup_worktrees_takes_no_half_made_one_for_whole() {
    let shop = Shop::new();
    shop.cut_off(&["agent/web", "../shop-web"]);
    let told = shop.crew.run_in(&shop.top, "setup-worktrees", ["web"]).code(0);
    shop.whole(&shop.tree("shop-web"), "agent/web");
    assert!(!told.stdout.contains("SKIP"), "{told:?}");
}

#[test]
fn a_branch_of_the_remote_is_tracked_all_the_same() {
    let shop = Shop::new();
    shop.crew.git(&shop.top, &["branch", "theirs"]);
    shop.crew.git(&shop.crew.work(), &["clone", "-q", "shop", "clone"]);
    let shop = Shop { top: shop.tree("clone"), ..shop };
    let filter = shop.crew.git(&shop.tree("shop"), &["config", "filter.slow.smudge"]);
    shop.crew.git(&shop.top, &["config", "filter.slow.smudge", &filter]);
    shop.cut_off(&["theirs"]);
    shop.create(&["theirs"]).code(0);
    assert_eq!(shop.crew.git(&shop.tree("clone-theirs"), &["rev-parse", "--abbrev-ref", "@{u}"]), "origin/theirs");
}

#[test]
fn a_registration_that_was_cut_off_is_taken_back() {
    let shop = Shop::new();
    shop.cut_off(&["x"]);
    let (admin, tree) = (shop.top.join(".git/worktrees/shop-x"), shop.tree("shop-x"));
    // As git leaves it when it is killed between its first steps.
    fs::remove_dir_all(&tree).unwrap();
    fs::remove_file(admin.join("HEAD")).unwrap();
    shop.crew.write(&admin.join("locked"), "initializing");
    shop.crew.write(&tree.join(".git"), "");
    for lock in ["refs/heads/x.lock", "packed-refs.lock"] {
        shop.crew.write(&shop.top.join(".git").join(lock), "");
    }
    shop.create(&["x"]).code(0);
    shop.whole(&tree, "x");
    assert_eq!(fs::read_dir(shop.top.join(".git/worktrees")).unwrap().count(), 1);
}

#[test]
fn killed_at_any_moment_the_next_call_makes_it() {
    let shop = Shop::new();
    let begun = Instant::now();
    shop.create(&["timed"]).code(0);
    let whole = begun.elapsed();
    // A fixed sequence, so that a failure comes back.
    let mut random = 12_345_u32;
    for round in 0..24 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let name = format!("r{round}");
        let child = shop.command(&[&name]).spawn().unwrap();
        std::thread::sleep(whole.mul_f64(f64::from(random >> 16) / 65_536.0));
        kill(child, round % 3 > 0);
        let told = shop.create(&[&name]);
        let finished = told.code == 128 && told.stderr.contains("as the worktree of this branch");
        assert!(told.code == 0 || finished, "round {round}: {told:?}");
        shop.whole(&shop.tree(&format!("shop-{name}")), &name);
    }
    assert_eq!(linked(&shop.crew, &shop.top).len(), 25);
    shop.crew.git(&shop.top, &["fsck", "--no-dangling"]);
}

//! Where a landing goes, and what it leaves alone.

use super::{branch, enqueue, entry, no_leftovers, process, queue, shop, subjects};
use crewkit_tests::{Crew, finish};

#[test]
fn each_landing_is_a_merge_commit_and_the_checkout_follows() {
    let (crew, top) = shop();
    branch(&crew, &top, "feat/a", "a.txt", "A\n");
    enqueue(&crew, &top, "feat/a");
    let answer = process(&crew, &top, &[], 0);
    let tip = crew.git(&top, &["rev-parse", "main"]);
    assert_eq!((answer["status"].as_str(), answer["commit"].as_str()), (Some("merged"), Some(tip.as_str())));
    assert_eq!(answer["sha"].as_str(), Some(&tip[..12]));
    assert_eq!(entry(&crew, "feat/a"), ("done".into(), tip));
    assert_eq!(crew.git(&top, &["rev-list", "--parents", "-1", "main"]).split(' ').count(), 3);
    assert_eq!(crew.git(&top, &["status", "--porcelain"]), "");
    assert_eq!(std::fs::read_to_string(top.join("a.txt")).unwrap(), "A\n");
    no_leftovers(&crew, &top);
    assert_eq!(process(&crew, &top, &[], 0)["status"], "empty");

    enqueue(&crew, &top, "feat/a");
    let again = process(&crew, &top, &[], 0);
    assert_eq!((again["status"].as_str(), again["already_merged"].as_bool()), (Some("merged"), Some(true)));
    assert_eq!((again["commit"].clone(), subjects(&crew, &top).lines().count()), (answer["commit"].clone(), 2));
}

#[test]
fn uncommitted_work_that_is_not_touched_stays_as_it_is() {
    let (crew, top) = shop();
    for name in ["one.txt", "two.txt"] {
        crew.write(&top.join(name), "x\n");
    }
    crew.git(&top, &["add", "-A"]);
    crew.git(&top, &["commit", "-q", "-m", "two files"]);
    branch(&crew, &top, "feat/a", "a.txt", "A\n");
    crew.write(&top.join("one.txt"), "changed\n");
    crew.write(&top.join("two.txt"), "staged\n");
    crew.git(&top, &["add", "two.txt"]);
    crew.write(&top.join("loose.txt"), "untracked\n");
    let before = crew.git(&top, &["status", "--porcelain"]);
    enqueue(&crew, &top, "feat/a");
    assert_eq!(process(&crew, &top, &[], 0)["status"], "merged");
    assert_eq!(crew.git(&top, &["status", "--porcelain"]), before);
    assert!(top.join("a.txt").is_file());
}

#[test]
fn uncommitted_work_in_the_way_blocks_and_nothing_changes() {
    let (crew, top) = shop();
    branch(&crew, &top, "feat/a", "README.md", "# theirs\n");
    branch(&crew, &top, "feat/new", "new.txt", "theirs\n");
    let tip = crew.git(&top, &["rev-parse", "main"]);
    for (name, file) in [("feat/a", "README.md"), ("feat/new", "new.txt")] {
        crew.write(&top.join(file), "mine\n");
        let before = crew.git(&top, &["status", "--porcelain"]);
        enqueue(&crew, &top, name);
        let answer = process(&crew, &top, &["--validate-cmd", "touch \"$HOME/validated\""], 1);
        assert_eq!((answer["status"].as_str(), answer["reason"].as_str()), (Some("blocked"), Some("main_busy")));
        assert!(answer["error"].as_str().unwrap().contains(file), "{answer}");
        assert!(!crew.home().join("validated").exists(), "what cannot be landed is not validated");
        assert_eq!(entry(&crew, name).0, "queued");
        assert_eq!(crew.git(&top, &["rev-parse", "main"]), tip);
        assert_eq!(crew.git(&top, &["status", "--porcelain"]), before);
        assert_eq!(std::fs::read_to_string(top.join(file)).unwrap(), "mine\n");
        no_leftovers(&crew, &top);
        queue(&crew, &top, &["cancel", name]).code(0);
    }
    crew.git(&top, &["checkout", "-q", "README.md"]);
    queue(&crew, &top, &["retry", "feat/a"]).code(0);
    assert_eq!(process(&crew, &top, &[], 0)["status"], "merged");
}

#[test]
fn a_merge_or_rebase_of_main_under_way_is_left_alone() {
    let (crew, top) = shop();
    branch(&crew, &top, "feat/a", "a.txt", "A\n");
    branch(&crew, &top, "side", "README.md", "# side\n");
    crew.write(&top.join("README.md"), "# ours\n");
    crew.git(&top, &["commit", "-qam", "ours"]);
    enqueue(&crew, &top, "feat/a");
    for operation in ["merge", "rebase"] {
        finish(crew.command("git").current_dir(&top).args([operation, "side"]), None).code(1);
        let before = (crew.git(&top, &["status", "--porcelain"]), crew.git(&top, &["rev-parse", "main"]));
        let answer = process(&crew, &top, &[], 1);
        assert_eq!((answer["status"].as_str(), answer["reason"].as_str()), (Some("blocked"), Some("main_busy")));
        assert!(answer["error"].as_str().unwrap().contains(operation.trim_end_matches('e')), "{answer}");
        assert_eq!((crew.git(&top, &["status", "--porcelain"]), crew.git(&top, &["rev-parse", "main"])), before);
        assert_eq!(entry(&crew, "feat/a").0, "queued");
        crew.git(&top, &[operation, "--abort"]);
    }
    assert_eq!(process(&crew, &top, &[], 0)["status"], "merged");
}

#[test]
fn main_is_the_target_wherever_it_is_checked_out() {
    let (crew, top) = shop();
    branch(&crew, &top, "feat/a", "a.txt", "A\n");
    branch(&crew, &top, "feat/b", "b.txt", "B\n");
    branch(&crew, &top, "feat/c", "c.txt", "C\n");
    crew.git(&top, &["checkout", "-q", "-b", "elsewhere"]);
    crew.write(&top.join("README.md"), "# in work\n");
    enqueue(&crew, &top, "feat/a");
    process(&crew, &top, &[], 0);
    assert!(!top.join("a.txt").exists() && crew.git(&top, &["branch", "--show-current"]) == "elsewhere");

    let linked = crew.work().join("shop main");
    crew.git(&top, &["worktree", "add", "-q", linked.to_str().unwrap(), "main"]);
    enqueue(&crew, &top, "feat/b");
    // Called from anywhere in the repository.
    process(&crew, &linked, &[], 0);
    assert!(linked.join("b.txt").is_file() && crew.git(&linked, &["status", "--porcelain"]).is_empty());

    crew.git(&linked, &["checkout", "-q", "--detach"]);
    enqueue(&crew, &top, "feat/c");
    process(&crew, &top, &[], 0);
    assert!(!linked.join("c.txt").exists());
    assert_eq!(subjects(&crew, &top).lines().next(), Some("Merge branch 'feat/c' via merge-queue"));
    assert_eq!(crew.git(&top, &["diff", "--name-only"]), "README.md");
    no_leftovers(&crew, &top);
}

#[test]
fn a_conflict_names_its_files_and_leaves_no_trace() {
    let (crew, top) = shop();
    branch(&crew, &top, "feat/x", "README.md", "# theirs\n");
    branch(&crew, &top, "feat/y", "y.txt", "Y\n");
    crew.write(&top.join("README.md"), "# ours\n");
    crew.git(&top, &["commit", "-qam", "ours"]);
    enqueue(&crew, &top, "feat/x");
    enqueue(&crew, &top, "feat/y");
    let dry = process(&crew, &top, &["--dry-run"], 0);
    assert_eq!((dry["would_conflict"].as_bool(), dry["files"][0].as_str()), (Some(true), Some("README.md")));
    assert_eq!(entry(&crew, "feat/x").0, "queued");
    let answer = process(&crew, &top, &[], 1);
    assert_eq!((answer["reason"].as_str(), answer["files"][0].as_str()), (Some("merge_conflict"), Some("README.md")));
    assert!(entry(&crew, "feat/x").1.contains("CONFLICT"), "{answer}");
    assert_eq!(crew.git(&top, &["status", "--porcelain"]), "");
    assert_eq!(process(&crew, &top, &[], 0)["branch"], "feat/y");
}

#[test]
fn a_branch_without_common_history_or_gone_fails_with_its_reason() {
    let (crew, top) = shop();
    crew.git(&top, &["checkout", "-q", "--orphan", "alien"]);
    crew.git(&top, &["commit", "-q", "--allow-empty", "-m", "another world"]);
    crew.git(&top, &["checkout", "-q", "main"]);
    crew.git(&top, &["branch", "short"]);
    enqueue(&crew, &top, "alien");
    enqueue(&crew, &top, "short");
    crew.git(&top, &["branch", "-D", "short"]);
    assert_eq!(process(&crew, &top, &[], 1)["reason"], "unrelated_histories");
    let answer = process(&crew, &top, &[], 1);
    assert_eq!((answer["status"].as_str(), answer["reason"].as_str()), (Some("failed"), Some("branch_missing")));
    assert_eq!(entry(&crew, "short").0, "failed");
}

#[test]
fn a_union_merge_is_one_here_too() {
    let (crew, top) = shop();
    crew.write(&top.join(".gitattributes"), "NEWS merge=union\n");
    crew.write(&top.join("NEWS"), "0\n");
    crew.git(&top, &["add", "-A"]);
    crew.git(&top, &["commit", "-q", "-m", "news"]);
    branch(&crew, &top, "one", "NEWS", "0\n1\n");
    branch(&crew, &top, "two", "NEWS", "0\n2\n");
    enqueue(&crew, &top, "one");
    enqueue(&crew, &top, "two");
    assert_eq!(process(&crew, &top, &["--all"], 0)["merged"], 2);
    assert_eq!(std::fs::read_to_string(top.join("NEWS")).unwrap(), "0\n1\n2\n");
}

#[test]
fn bare_empty_and_no_repositories() {
    let (crew, top) = shop();
    branch(&crew, &top, "feat/a", "a.txt", "A\n");
    let bare = crew.work().join("shop.git");
    crew.git(&crew.work(), &["clone", "-q", "--bare", "shop", "shop.git"]);
    enqueue(&crew, &bare, "feat/a");
    assert_eq!(process(&crew, &bare, &["--validate-cmd", "test -f a.txt"], 0)["status"], "merged");
    assert!(subjects(&crew, &bare).starts_with("Merge branch 'feat/a'"));
    assert!(subjects(&crew, &top).starts_with("first commit"));

    let empty = crew.work().join("empty");
    std::fs::create_dir(&empty).unwrap();
    crew.git(&empty, &["init", "-q"]);
    let refused = queue(&crew, &empty, &["enqueue", "main"]).code(1);
    assert!(refused.stderr.contains("branch not found"), "{refused:?}");
    assert_eq!(process(&crew, &empty, &[], 0)["status"], "empty");

    queue(&crew, &crew.work(), &["enqueue", "x"]).refused(1, &["not inside a git repository"]);
    queue(&crew, &crew.work(), &["process"]).refused(1, &["not inside a git repository"]);
    assert_eq!(queue(&crew, &crew.work(), &["status"]).code(0).json()["done"], 1);
}

#[test]
fn others_who_move_main_meanwhile_are_built_upon() {
    let (crew, top) = shop();
    branch(&crew, &top, "feat/a", "a.txt", "A\n");
    enqueue(&crew, &top, "feat/a");
    let meddle = format!(
        "pwd >> \"$HOME/trials\"; test -e \"$HOME/once\" || {{ touch \"$HOME/once\"; git -C '{}' commit -q --allow-empty -m meddled; }}",
        top.display()
    );
    assert_eq!(process(&crew, &top, &["--validate-cmd", &meddle], 0)["status"], "merged");
    assert_eq!(subjects(&crew, &top), "Merge branch 'feat/a' via merge-queue\nmeddled\nfirst commit");
    assert_eq!(std::fs::read_to_string(crew.home().join("trials")).unwrap().lines().count(), 2);
    assert_eq!(crew.git(&top, &["status", "--porcelain"]), "");
}

#[test]
fn a_git_at_work_in_the_checkout_is_waited_for_and_never_disturbed() {
    let (crew, top) = shop();
    branch(&crew, &top, "feat/a", "a.txt", "A\n");
    enqueue(&crew, &top, "feat/a");
    let lock = top.join(".git/index.lock");
    std::fs::write(&lock, "").unwrap();
    let answer = process(&crew, &top, &[], 1);
    assert_eq!(answer["reason"], "main_busy");
    assert!(answer["error"].as_str().unwrap().contains("index.lock") && lock.exists());
    std::fs::remove_file(&lock).unwrap();
    assert_eq!(process(&crew, &top, &[], 0)["status"], "merged");
}

#[test]
fn the_environment_of_a_calling_hook_leads_nowhere_else() {
    let (crew, top) = shop();
    let other = crew.repository("other");
    branch(&crew, &top, "feat/a", "a.txt", "A\n");
    enqueue(&crew, &top, "feat/a");
    let mut call = crew.tool("merge-queue");
    call.current_dir(&top).arg("process").env("GIT_DIR", other.join(".git")).env("GIT_INDEX_FILE", other.join("x"));
    assert_eq!(finish(&mut call, None).code(0).json()["status"], "merged");
    assert_eq!(subjects(&crew, &other), "first commit");
    assert!(!other.join("x").exists() && top.join("a.txt").is_file());
}

#[test]
fn another_main_branch_can_be_named() {
    let crew = Crew::new().with("MAIN_BRANCH", "trunk");
    let top = crew.repository("shop");
    branch(&crew, &top, "feat/a", "a.txt", "A\n");
    crew.git(&top, &["branch", "trunk"]);
    let refused = queue(&crew, &top, &["enqueue", "trunk"]).code(1);
    assert!(refused.stderr.contains("landed on"), "{refused:?}");
    enqueue(&crew, &top, "feat/a");
    assert_eq!(process(&crew, &top, &[], 0)["target"], "trunk");
    assert_eq!(subjects(&crew, &top), "first commit");
    assert!(crew.git(&top, &["log", "-1", "--format=%s", "trunk"]).starts_with("Merge branch"));
}

#[test]
fn main_is_pushed_when_asked_for() {
    let (crew, top) = shop();
    crew.git(&crew.work(), &["clone", "-q", "--bare", "shop", "shop.git"]);
    crew.git(&top, &["remote", "add", "origin", "../shop.git"]);
    for name in ["a", "b"] {
        branch(&crew, &top, name, name, "x\n");
        enqueue(&crew, &top, name);
    }
    assert_eq!(process(&crew, &top, &["--push"], 0)["pushed"], true);
    assert_eq!(crew.git(&crew.work().join("shop.git"), &["rev-parse", "main"]), crew.git(&top, &["rev-parse", "main"]));
    let ended = queue(&crew, &top, &["process", "--push", "nowhere"]).code(0);
    assert!(ended.json()["pushed"] == false && ended.stderr.contains("nowhere"), "{ended:?}");
    assert_eq!(entry(&crew, "b").0, "done");
}

#[test]
fn a_repository_whose_checkouts_cannot_be_read_is_refused() {
    let crew = Crew::new();
    let top = crew.work().join("shop");
    crew.git(&crew.work(), &["init", "-q", "--ref-format=reftable", "shop"]);
    crew.git(&top, &["commit", "-q", "--allow-empty", "-m", "first"]);
    crew.git(&top, &["branch", "a"]);
    queue(&crew, &top, &["enqueue", "a"]).refused(1, &["reftable"]);
}

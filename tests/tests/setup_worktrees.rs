//! setup-worktrees: a standing worktree for each agent, made, left alone, taken away.

use std::fs;
use std::path::Path;

use crewkit_tests::{Crew, Ended, json};

fn setup(crew: &Crew, directory: &Path, arguments: &[&str]) -> Ended {
    crew.run_in(directory, "setup-worktrees", arguments)
}

/// Folder and branch of every linked worktree, as git knows them.
fn linked(crew: &Crew, top: &Path) -> Vec<(String, String)> {
    let list = crew.git(top, &["worktree", "list", "--porcelain"]);
    let field = |block: &str, key: &str| {
        block
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .and_then(|path| path.rsplit_once('/'))
            .unwrap()
            .1
            .to_owned()
    };
    list.split("\n\n").skip(1).map(|block| (field(block, "worktree "), field(block, "branch "))).collect()
}

fn commit(crew: &Crew, top: &Path, file: &str) {
    crew.write(&top.join(file), file);
    crew.git(top, &["add", "-A"]);
    crew.git(top, &["commit", "-q", "-m", file]);
}

#[test]
fn each_agent_gets_a_place_with_the_environment_files() {
    let crew = Crew::new();
    let top = crew.repository("my shop");
    crew.write(&top.join("src/deep/x"), "");
    commit(&crew, &top, "f");
    crew.write(&top.join(".env"), "A=1");
    let told = setup(&crew, &top.join("src/deep"), &["web", "api", "web"]).code(0);
    let web = crew.work().join("my shop-web");
    for line in [
        "Project: my shop".to_owned(),
        "Default branch: main".to_owned(),
        format!("Creating worktrees in: {}/", crew.work().display()),
        format!("  [created] {} -> agent/web", web.display()),
        "      linked: .env".to_owned(),
        "  my shop-api/ -> agent/api".to_owned(),
    ] {
        assert!(told.stdout.lines().any(|has| has == line), "{line}: {told:?}");
    }
    assert_eq!(fs::read_link(web.join(".env")).unwrap(), top.join(".env"));
    assert_eq!(crew.git(&web, &["status", "--porcelain"]), "");
    crew.write(&web.join("mine"), "mine");
    // From inside one of them, with another agent: named after the main one still.
    let told = setup(&crew, &web, &["web", "data"]).code(0);
    assert!(told.stdout.contains(&format!("[skip] {} already exists\n", web.display())), "{told:?}");
    let pairs = [("my shop-api", "api"), ("my shop-data", "data"), ("my shop-web", "web")];
    assert_eq!(linked(&crew, &top), pairs.map(|(folder, branch)| (folder.to_owned(), branch.to_owned())));
    assert_eq!(fs::read_to_string(web.join("mine")).unwrap(), "mine");
}

#[test]
fn names_come_from_arguments_or_the_environment() {
    let mut crew = Crew::new();
    let top = crew.repository("shop");
    let names = |crew: &Crew, arguments: &[&str]| -> Vec<String> {
        let told = setup(crew, &top, &[&["--dry-run", "--json"], arguments].concat()).code(0).json();
        let rows = told["worktrees"].as_array().unwrap();
        assert!(rows.iter().all(|row| row["status"] == "would-create"), "{told}");
        rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&crew, &[]), ["web", "api", "data", "sysadmin"]);
    crew = crew.with("COMMS_AGENT_NAMES", "Web, QA");
    assert_eq!(names(&crew, &[]), ["Web", "QA"]);
    crew = crew.with("AGENTS", "one two");
    assert_eq!(names(&crew, &[]), ["one", "two"]);
    assert_eq!(names(&crew, &["red"]), ["red"]);
    assert!(linked(&crew, &top).is_empty() && !crew.git(&top, &["branch"]).contains("agent"));
    setup(&crew, &top, &["web", "../x"]).refused(1, &["'../x'"]);
    setup(&crew, &top, &["--frobnicate"]).refused(1, &["--frobnicate"]);
    setup(&crew, &top, &["web", "--from", "nothing"]).refused(1, &["--from", "nothing"]);
    assert!(linked(&crew, &top).is_empty());
    setup(&crew, &crew.work(), &[]).refused(128, &["not in a git repository"]);
    crew.git(&crew.work(), &["init", "-q", "empty"]);
    setup(&crew, &crew.work().join("empty"), &[]).refused(128, &["no commit"]);
    assert_eq!(fs::read_dir(crew.work()).unwrap().count(), 2);
}

#[test]
fn new_branches_begin_at_the_default_branch_whatever_is_checked_out() {
    let crew = Crew::new();
    let origin = crew.work().join("origin");
    crew.git(&crew.work(), &["init", "-q", "-b", "trunk", "origin"]);
    commit(&crew, &origin, "a");
    crew.git(&origin, &["branch", "agent/theirs"]);
    crew.git(&crew.work(), &["clone", "-q", "origin", "shop"]);
    let top = crew.work().join("shop");
    let trunk = crew.git(&top, &["rev-parse", "HEAD"]);
    crew.git(&top, &["checkout", "-q", "-b", "main"]);
    commit(&crew, &top, "b");
    let told = setup(&crew, &top, &["web", "theirs"]).code(0);
    assert!(
        told.stdout.contains("Default branch: trunk\n") && told.stdout.contains("checked out here: main"),
        "{told:?}"
    );
    assert_eq!(crew.git(&top, &["rev-parse", "agent/web"]), trunk);
    let upstream = ["rev-parse", "--abbrev-ref", "agent/theirs@{upstream}"];
    assert_eq!(crew.git(&top, &upstream), "origin/agent/theirs");
    // From what was asked for; from an existing branch as it is.
    crew.git(&top, &["branch", "agent/old", "main"]);
    setup(&crew, &top, &["api", "old", "--from", "HEAD"]).code(0);
    let head = crew.git(&top, &["rev-parse", "HEAD"]);
    assert_eq!(crew.git(&top, &["rev-parse", "agent/api", "agent/old"]), format!("{head}\n{head}"));
    assert_eq!(crew.git(&top, &["for-each-ref", "--format=%(upstream)", "refs/heads/agent/web"]), "");

    // Without a remote: main; without that: what is checked out, a branch or none.
    let lone = crew.work().join("lone");
    crew.git(&crew.work(), &["init", "-q", "-b", "odd", "lone"]);
    commit(&crew, &lone, "a");
    assert!(setup(&crew, &lone, &["web"]).code(0).stdout.contains("Default branch: odd\n"));
    crew.git(&lone, &["checkout", "-q", "--detach"]);
    assert!(setup(&crew, &lone, &["api"]).code(0).stdout.contains("Default branch: DETACHED\n"));
    crew.git(&lone, &["branch", "-q", "main", "HEAD"]);
    assert!(setup(&crew, &lone, &["data"]).code(0).stdout.contains("Default branch: main\n"));
    assert_eq!(linked(&crew, &lone).len(), 3);
}

#[test]
fn what_fails_for_one_does_not_stop_the_others() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    let other = crew.repository("shop-other");
    crew.write(&crew.work().join("shop-plain/keep"), "mine");
    fs::create_dir(crew.work().join("shop-empty")).unwrap();
    crew.write(&crew.work().join("shop-file"), "");
    crew.git(&top, &["worktree", "add", "-q", "-b", "agent/busy", "../elsewhere"]);
    crew.git(&top, &["worktree", "add", "-q", "-b", "agent/swapped", "../shop-mine"]);
    crew.git(&top, &["worktree", "add", "-q", "-b", "feat/x", "../shop-works"]);
    let names = ["plain", "empty", "file", "busy", "mine", "works", "other", "last"];
    let told = setup(&crew, &top, &[&["--json"][..], &names].concat()).code(1);
    let report = told.json();
    let status = |at: usize| report["worktrees"][at]["status"].as_str().unwrap().to_owned();
    let wanted = ["failed", "created", "failed", "failed", "failed", "skip", "failed", "created"];
    assert_eq!((0..8).map(status).collect::<Vec<_>>(), wanted, "{report}");
    assert_eq!(report["worktrees"][5]["on"], json!("feat/x"));
    for (at, part) in
        [(0, "no worktree"), (2, "no worktree"), (3, "elsewhere"), (4, "agent/swapped"), (6, "no worktree")]
    {
        let error = report["worktrees"][at]["error"].as_str().unwrap();
        assert!(error.contains(part) && told.stderr.contains(error), "{error}: {told:?}");
    }
    assert_eq!(fs::read_to_string(crew.work().join("shop-plain/keep")).unwrap(), "mine");
    assert!(!crew.work().join("shop-busy").exists() && other.join("README.md").is_file());
    let branches = crew.git(&top, &["branch", "--format=%(refname:short)", "--list", "agent/*"]);
    assert_eq!(branches, "agent/busy\nagent/empty\nagent/last\nagent/swapped");
    // Git's own code where the first failure is git's.
    setup(&crew, &top, &["busy", "plain", "last"]).code(128);
    crew.git(&top, &["worktree", "remove", "--force", "../shop-last"]);
    fs::remove_dir_all(crew.work().join("shop-empty")).unwrap();
    let told = setup(&crew, &top, &["empty", "last"]).code(0);
    assert_eq!(told.stdout.matches("[created]").count(), 2, "{told:?}");
    // A branch that cannot be made leaves nothing.
    crew.git(&other, &["branch", "agent"]);
    assert_ne!(setup(&crew, &other, &["web"]).code, 0);
    assert_eq!((linked(&crew, &other).len(), crew.work().join("shop-other-web").exists()), (0, false));
}

#[test]
fn a_folder_that_lost_its_way_is_told() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    crew.git(&top, &["worktree", "add", "-q", "--no-checkout", "-b", "agent/half", "../shop-half"]);
    crew.git(&top, &["worktree", "add", "-q", "-b", "agent/lost", "../shop-lost"]);
    crew.git(&top, &["worktree", "add", "-q", "-b", "agent/gone", "../shop-gone"]);
    crew.git(&top, &["worktree", "add", "-q", "--lock", "-b", "agent/kept", "../shop-kept"]);
    fs::remove_file(crew.work().join("shop-lost/.git")).unwrap();
    fs::remove_dir_all(crew.work().join("shop-gone")).unwrap();
    fs::remove_dir_all(crew.work().join("shop-kept")).unwrap();
    let told = setup(&crew, &top, &["half", "lost", "gone", "kept", "--json"]).code(1).json();
    let error = |at: usize| told["worktrees"][at]["error"].as_str().unwrap_or_default().to_owned();
    assert!(error(0).contains("git reset --hard") && error(1).contains("git worktree repair"), "{told}");
    assert!(error(3).contains("lock") && told["worktrees"][2]["status"] == "created", "{told}");
    crew.git(&crew.work().join("shop-half"), &["reset", "-q", "--hard"]);
    setup(&crew, &top, &["half"]).code(0);
}

#[test]
fn removing_loses_nothing() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    crew.write(&top.join(".gitignore"), "build/\n.env.local\n");
    commit(&crew, &top, ".gitignore.too");
    crew.write(&top.join(".env"), "A=1");
    setup(&crew, &top, &["fresh", "dirty", "ahead", "merged", "secret", "away"]).code(0);
    let at = |name: &str| crew.work().join(format!("shop-{name}"));
    crew.write(&at("dirty").join("new"), "");
    commit(&crew, &at("ahead"), "work");
    commit(&crew, &at("merged"), "done");
    crew.git(&top, &["merge", "-q", "--no-ff", "-m", "m", "agent/merged"]);
    crew.write(&at("merged").join("build/x"), "");
    crew.write(&at("secret").join(".env.local"), "B=1");
    crew.git(&at("away"), &["checkout", "-q", "-b", "feat/away"]);
    let names = ["fresh", "dirty", "ahead", "merged", "secret", "away", "none"];
    let arguments = [&["--remove", "--json"][..], &names].concat();
    let told = setup(&crew, &top, &[&["--dry-run"], &arguments[..]].concat()).code(1).json();
    assert_eq!((linked(&crew, &top).len(), &told["worktrees"][0]["status"]), (6, &json!("would-remove")));
    let told = setup(&crew, &top, &arguments).code(1);
    let report = told.json();
    let status: Vec<&str> = (0..7).map(|at| report["worktrees"][at]["status"].as_str().unwrap()).collect();
    assert_eq!(status, ["removed", "failed", "failed", "removed", "failed", "removed", "none"], "{report}");
    for part in ["uncommitted", "not merged", ".env.local", "ignored by git: build/"] {
        assert!(told.stderr.contains(part), "{part}: {told:?}");
    }
    let left = crew.git(&top, &["branch", "--format=%(refname:short)"]);
    assert_eq!(left, "agent/ahead\nagent/dirty\nagent/secret\nmain");
    crew.git(&at("dirty"), &["clean", "-fdq"]);
    setup(&crew, &at("dirty"), &["--remove", "dirty"]).code(1);
    let told = setup(&crew, &top, &["--remove", "dirty"]).code(0);
    assert!(told.stdout.contains("[removed]") && !at("dirty").exists(), "{told:?}");
}

#[test]
fn a_bare_repository_has_a_crew_too() {
    let crew = Crew::new();
    crew.repository("source");
    crew.git(&crew.work(), &["clone", "-q", "--bare", "source", "shop.git"]);
    setup(&crew, &crew.work().join("shop.git"), &["web"]).code(0);
    setup(&crew, &crew.work().join("shop-web"), &["web", "api"]).code(0);
    assert!(crew.work().join("shop-api/README.md").is_file());
}

#[test]
fn two_at_once_do_not_fail_each_other() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    let start = |names: [&str; 3]| {
        let mut command = crew.tool("setup-worktrees");
        command.args(names).current_dir(&top).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
        command.spawn().unwrap()
    };
    for child in [start(["a", "b", "c"]), start(["d", "e", "f"])] {
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    assert_eq!(linked(&crew, &top).len(), 6);
}

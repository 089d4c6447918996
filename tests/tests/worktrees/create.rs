//! worktree-create.

use std::fs;
use std::path::Path;

use crewkit_tests::{Crew, Ended, json};

use super::{branches, linked};

fn create(crew: &Crew, directory: &Path, arguments: &[&str]) -> Ended {
    crew.run_in(directory, "worktree-create", arguments)
}

#[test]
fn from_anywhere_in_the_repository_the_place_is_beside_the_main_tree() {
    let crew = Crew::new();
    let top = crew.repository("my shop");
    crew.write(&top.join(".env"), "A=1");
    crew.write(&top.join(".gitignore"), ".env\n");
    crew.write(&top.join("src/deep/x"), "");
    crew.git(&top, &["add", "-A"]);
    crew.git(&top, &["commit", "-q", "-m", "files"]);
    let told = create(&crew, &top.join("src/deep"), &["feature/api"]).code(0);
    let api = crew.work().join("my shop-api");
    assert!(told.stdout.contains(&format!("cd '{}'", api.display())), "{told:?}");
    // From inside a linked worktree: named after the main one, with its environment, from the present commit.
    crew.write(&api.join("new"), "");
    crew.git(&api, &["add", "-A"]);
    crew.git(&api, &["commit", "-q", "-m", "in api"]);
    let told = create(&crew, &api.join("src"), &["feature/web", "--json"]).code(0).json();
    let web = crew.work().join("my shop-web");
    assert_eq!(
        (&told["worktree_path"], &told["main_path"], &told["env_linked"], &told["origin"], &told["install"]),
        (&json!(web.to_str()), &json!(top.to_str()), &json!([".env"]), &json!("new"), &json!(null))
    );
    assert_eq!(fs::read_link(web.join(".env")).unwrap(), top.join(".env"));
    assert!(web.join("new").is_file());
    assert_eq!(crew.git(&web, &["status", "--porcelain"]), "");
    assert_eq!(linked(&crew, &top), ["my shop-api", "my shop-web"]);
}

#[test]
fn links_that_git_does_not_ignore_leave_the_tree_clean() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    crew.write(&top.join(".env"), "A=1");
    crew.write(&top.join(".env.odd [name]*"), "B=1");
    crew.write(&top.join(".env.d/no-file"), "");
    crew.write(&top.join(".git/info/exclude"), "# mine");
    for name in ["one", "two"] {
        let told = create(&crew, &top, &[name]).code(0);
        assert!(told.stdout.contains(".env -> "), "{told:?}");
        assert_eq!(crew.git(&crew.work().join(format!("shop-{name}")), &["status", "--porcelain"]), "");
    }
    let exclude = fs::read_to_string(top.join(".git/info/exclude")).unwrap();
    assert_eq!(exclude, "# mine\n/.env\n/.env.odd\\ \\[name]\\*\n");
    crew.git(&top, &["worktree", "remove", "../shop-one"]);
}

#[test]
fn a_branch_of_the_remote_is_tracked_and_other_branches_are_not() {
    let crew = Crew::new();
    let origin = crew.repository("origin");
    crew.git(&origin, &["branch", "feat/theirs"]);
    crew.git(&crew.work(), &["clone", "-q", "origin", "shop"]);
    let top = crew.work().join("shop");
    crew.git(&top, &["config", "branch.autoSetupMerge", "always"]);
    create(&crew, &top, &["feat/theirs"]).code(0);
    create(&crew, &top, &["mine"]).code(0);
    create(&crew, &top, &["old", "--from", "origin/main"]).code(0);
    let upstream = crew.git(&top, &["for-each-ref", "--format=%(refname:short) %(upstream:short)", "refs/heads"]);
    assert_eq!(upstream, "feat/theirs origin/feat/theirs\nmain origin/main\nmine \nold");
    create(&crew, &top, &["mine2", "--from", "no-such"]).refused(1, &["no-such"]);
    create(&crew, &top, &["main", "--from", "mine"]).refused(1, &["main"]);
}

#[test]
fn a_refusal_leaves_nothing_behind() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    crew.write(&crew.work().join("shop-taken/file"), "");
    crew.git(&top, &["worktree", "add", "-q", "-b", "a/x", "../shop-x"]);
    let before = (linked(&crew, &top), branches(&crew, &top));
    create(&crew, &top, &["feature/taken"]).refused(128, &["already exists", "shop-feature-taken"]);
    create(&crew, &top, &["b/x"]).refused(128, &["already exists", "a/x", "shop-b-x"]);
    create(&crew, &top, &["a/x", "../again"]).refused(128, &["a/x", "shop-x"]);
    create(&crew, &top, &["a"]).refused(255, &["a/x"]);
    create(&crew, &top, &["bad..name"]).refused(128, &["bad..name"]);
    create(&crew, &top, &["new", "./sub"]).refused(1, &["BLOCKED", "INSIDE", "shop-new"]);
    create(&crew, &top, &["new", "not/yet/there/../../here"]).refused(1, &["BLOCKED"]);
    create(&crew, &top, &["new", "."]).refused(1, &["BLOCKED"]);
    create(&crew, &top, &["new", "../shop-x/sub"]).refused(1, &["BLOCKED"]);
    std::os::unix::fs::symlink(&top, crew.work().join("link")).unwrap();
    create(&crew, &top, &["new", "../link/sub/deep"]).refused(1, &["BLOCKED"]);
    create(&crew, &crew.work(), &["new"]).refused(1, &["not in a git repository"]);
    create(&crew, &top, &["-new"]).refused(1, &["-n"]);
    for none in [&[][..], &[""]] {
        let told = create(&crew, &top, none).code(1);
        assert!(told.stdout.is_empty() && told.stderr.contains("BRANCH") && told.stderr.contains("Usage"), "{told:?}");
    }
    assert_eq!((linked(&crew, &top), branches(&crew, &top)), before);
    assert!(!crew.work().join("again").exists());

    let fresh = crew.work().join("fresh");
    crew.git(&crew.work(), &["init", "-q", "fresh"]);
    create(&crew, &fresh, &["new"]).refused(128, &["no commit"]);
    assert_eq!(
        fs::read_dir(fresh.join(".git")).unwrap().filter(|e| e.as_ref().unwrap().file_name() == "worktrees").count(),
        0
    );
}

#[test]
fn a_checkout_that_fails_is_taken_back() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    crew.write(&top.join("data"), "x");
    crew.write(&top.join(".gitattributes"), "data filter=broken\n");
    crew.git(&top, &["add", "-A"]);
    crew.git(&top, &["commit", "-q", "-m", "data"]);
    crew.git(&top, &["config", "filter.broken.smudge", "false"]);
    crew.git(&top, &["config", "filter.broken.required", "true"]);
    let told = create(&crew, &top, &["new", "../deep/down/tree"]).code(128);
    assert!(told.stdout.is_empty() && told.stderr.lines().count() == 1 && told.stderr.contains("data"), "{told:?}");
    assert_eq!((linked(&crew, &top), branches(&crew, &top)), (vec![], vec!["main".to_owned()]));
    assert!(!crew.work().join("deep").exists() && !top.join(".git/worktrees/tree").exists());
}

#[test]
fn the_package_managers_code_is_handed_on_and_the_worktree_stays() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    crew.write(&top.join("package.json"), "{}");
    crew.git(&top, &["add", "-A"]);
    crew.git(&top, &["commit", "-q", "-m", "package"]);
    crew.stub("npm", r#"echo "npm $* in $(basename "$PWD")"; exit 7"#);
    let told = create(&crew, &top, &["a", "--json"]).code(7);
    assert_eq!(told.json()["install"], json!({"command": "npm install", "exit_code": 7}));
    assert_eq!(told.json()["status"], "incomplete");
    assert!(told.stderr.contains("npm install in shop-a") && told.stderr.contains("stays"), "{told:?}");
    assert!(crew.work().join("shop-a/package.json").is_file());
    create(&crew, &top, &["b", "--no-install"]).code(0);
    crew.write(&top.join("pnpm-lock.yaml"), "");
    crew.git(&top, &["add", "-A"]);
    crew.git(&top, &["commit", "-q", "-m", "lock"]);
    crew.stub("pnpm", r#"echo "pnpm $*"; kill -9 $$"#);
    let told = create(&crew, &top, &["c"]).code(137);
    assert!(told.stderr.contains("pnpm install") && told.stdout.contains("NOT READY"), "{told:?}");
}

#[test]
fn hooks_of_the_repository_run_and_a_callers_git_dir_is_no_matter() {
    use std::os::unix::fs::PermissionsExt as _;
    let crew = Crew::new();
    let top = crew.repository("shop");
    let other = crew.repository("other");
    let hook = top.join(".git/hooks/post-checkout");
    crew.write(&hook, "#!/bin/sh\npwd > ran; echo $1 $3 >> ran; exit 5\n");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let crew = crew.with("GIT_DIR", other.join(".git")).with("GIT_INDEX_FILE", other.join(".git/index"));
    let told = create(&crew, &top, &["new"]).code(5);
    assert!(told.stderr.contains("post-checkout"), "{told:?}");
    let tree = crew.work().join("shop-new");
    assert_eq!(fs::read_to_string(tree.join("ran")).unwrap(), format!("{}\n{} 1\n", tree.display(), "0".repeat(40)));
    assert!(tree.join("README.md").is_file() && !other.join(".git/worktrees").exists());
}

#[test]
fn bare_repositories_and_submodules_have_worktrees_too() {
    let crew = Crew::new();
    let source = crew.repository("source");
    crew.git(&crew.work(), &["clone", "-q", "--bare", "source", "shop.git"]);
    create(&crew, &crew.work().join("shop.git"), &["feat/one"]).code(0);
    assert!(crew.work().join("shop-one/README.md").is_file());
    create(&crew, &crew.work().join("shop-one"), &["feat/two"]).code(0);
    assert!(crew.work().join("shop-two/README.md").is_file());
    create(&crew, &crew.work().join("shop.git"), &["x", "inner"]).refused(1, &["BLOCKED"]);

    let project = crew.work().join("project");
    crew.git(&crew.work(), &["clone", "-q", "--bare", "source", "project/.git"]);
    create(&crew, &project, &["main", "main"]).code(0);
    create(&crew, &project.join("main"), &["side"]).code(0);
    assert!(project.join("main/README.md").is_file() && crew.work().join("project-side/README.md").is_file());

    let outer = crew.repository("outer");
    crew.git(&outer, &["submodule", "--quiet", "add", source.to_str().unwrap(), "inner"]);
    let told = create(&crew, &outer.join("inner"), &["side"]).code(0);
    assert!(outer.join("inner-side/README.md").is_file() && told.stderr.contains("another repository"), "{told:?}");
    assert_eq!(linked(&crew, &outer.join("inner")), ["inner-side"]);
}

#[test]
fn of_many_at_once_none_fails() {
    let crew = Crew::new();
    let origin = crew.repository("origin");
    for number in 0..16 {
        crew.git(&origin, &["branch", &format!("theirs/{number}")]);
    }
    crew.git(&crew.work(), &["clone", "-q", "origin", "shop"]);
    let top = crew.work().join("shop");
    crew.write(&top.join(".env"), "A=1");
    let names: Vec<String> =
        (0..32).map(|number| format!("{}/{}", if number < 16 { "theirs" } else { "mine" }, number)).collect();
    let running: Vec<_> = names
        .iter()
        .map(|name| {
            let mut command = crew.tool("worktree-create");
            command
                .arg(name)
                .current_dir(&top)
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    for (child, name) in running.into_iter().zip(&names) {
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{name}: {}", String::from_utf8_lossy(&ended.stderr));
    }
    assert_eq!(linked(&crew, &top).len(), 32);
    for name in &names {
        let tree = crew.work().join(format!("shop-{}", name.rsplit('/').next().unwrap()));
        assert_eq!(crew.git(&tree, &["status", "--porcelain", "--branch"]).lines().count(), 1, "{name}");
        assert_eq!(crew.git(&tree, &["branch", "--show-current"]), *name);
        assert!(tree.join("README.md").is_file() && tree.join(".env").is_symlink());
    }
    assert_eq!(fs::read_to_string(top.join(".git/info/exclude")).unwrap().matches("/.env\n").count(), 1);
    crew.git(&top, &["fsck", "--no-dangling"]);
}

#[test]
fn of_many_that_want_one_branch_one_gets_it() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    let running: Vec<_> = (0..8)
        .map(|number| {
            let mut command = crew.tool("worktree-create");
            command.args(["same", &format!("../tree-{number}")]).current_dir(&top).stderr(std::process::Stdio::null());
            command.stdout(std::process::Stdio::null()).spawn().unwrap()
        })
        .collect();
    let codes: Vec<_> = running.into_iter().map(|mut child| child.wait().unwrap().code()).collect();
    assert_eq!(codes.iter().filter(|code| **code == Some(0)).count(), 1, "{codes:?}");
    assert!(codes.iter().all(|code| matches!(code, Some(0 | 128))), "{codes:?}");
    assert_eq!((linked(&crew, &top).len(), branches(&crew, &top).len()), (1, 2));
    let left =
        fs::read_dir(crew.work()).unwrap().flatten().filter(|e| e.file_name().to_str().unwrap().starts_with("tree"));
    assert_eq!(left.count(), 1);
}

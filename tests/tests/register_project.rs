//! register-project in real repositories, and many at once.

use std::fs;

use crewkit_tests::{Crew, Value, json};

fn registry(crew: &Crew) -> Value {
    serde_json::from_slice(&fs::read(crew.claude().join("plans/registry.json")).expect("a registry")).expect("JSON")
}

#[test]
fn a_worktree_and_a_folder_inside_stand_for_the_main_checkout() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    crew.git(&top, &["remote", "add", "origin", "https://me:secret@github.com/acme/shop.git"]);
    crew.git(&top, &["worktree", "add", "-q", "-b", "plan/1", "../shop-plan-1"]);
    fs::create_dir(top.join("sub")).unwrap();
    for (place, action) in [("shop-plan-1", "registered"), ("shop/sub", "updated"), ("shop", "updated")] {
        let answer = crew.run_in(&crew.work().join(place), "register-project", [] as [&str; 0]).code(0).json();
        let wanted = json!({"id": "shop", "name": "shop", "path": top, "git_remote": "https://github.com/acme/shop.git",
            "github_url": "https://github.com/acme/shop", "icon_path": "",
            "plan_folder": crew.claude().join("plans/shop")});
        assert_eq!(
            (&answer["status"], &answer["action"], &answer["project"]),
            (&json!("success"), &json!(action), &wanted)
        );
    }
    assert_eq!(crew.sql("SELECT id, branch FROM projects"), [[json!("shop"), json!("main")]]);
    assert!(crew.claude().join("plans/shop").is_dir());
    assert!(!registry(&crew).to_string().contains("secret"));
    crew.git(&top, &["checkout", "-q", "--detach"]);
    crew.run("register-project", ["shop"]).code(0);
    assert_eq!(crew.value("SELECT branch FROM projects"), "main", "a detached head has no branch of its own");
}

#[test]
fn what_was_there_is_kept() {
    let crew = Crew::new();
    crew.write(
        &crew.claude().join("plans/registry.json"),
        r#"{"extra":[1],"projects":{"app":{"current_plan":"p","registered_at":"2020-01-01T00:00:00Z","theme":"dark"},"old":{"name":"Old"}},"meta":{"owner":"me"}}"#,
    );
    crew.repository("app");
    let run = |more: &[&str]| {
        crew.run("register-project", ["app"].iter().chain(more)).code(0).json()["project"]["name"].clone()
    };
    assert_eq!(run(&["--name", "The\n'App'"]), "The 'App'");
    assert_eq!(run(&[]), "The 'App'", "an update without a name keeps it");
    let created = crew.value("SELECT created_at FROM projects");
    assert!(created.as_str().unwrap().ends_with('Z'), "{created}");
    let found = registry(&crew);
    let app = &found["projects"]["app"];
    assert_eq!(
        (&app["current_plan"], &app["registered_at"], &app["theme"]),
        (&json!("p"), &json!("2020-01-01T00:00:00Z"), &json!("dark"))
    );
    assert_eq!(
        (&found["extra"], &found["meta"]["owner"], &found["projects"]["old"]),
        (&json!([1]), &json!("me"), &json!({"name": "Old"}))
    );
    assert!(found["meta"]["lastUpdated"].is_string());
}

#[test]
fn two_folders_of_one_name_are_two_projects() {
    let crew = Crew::new();
    let (one, two) = (crew.repository("one/app"), crew.repository("two/app"));
    crew.run("register-project", [&one]).code(0);
    let second = crew.run("register-project", [&two]).code(0);
    assert_eq!(second.json()["project"]["id"], "two-app");
    assert!(second.stderr.contains("one/app") && second.stderr.contains("two-app"), "{second:?}");
    assert_eq!(crew.run("register-project", [&two]).code(0).json()["action"], "updated");
    crew.run("register-project", [two.as_os_str(), "--id".as_ref(), "app".as_ref()]).refused(1, &["--id", "one/app"]);
    assert_eq!(crew.sql("SELECT id FROM projects ORDER BY id"), [["app"], ["two-app"]]);
    fs::rename(&one, crew.work().join("gone")).unwrap();
    let moved = crew.run("register-project", ["gone", "--id", "app"]).code(0).json();
    assert_eq!(moved["project"]["path"], json!(crew.work().join("gone")));
}

#[test]
fn a_folder_in_the_home_folder_is_kept_short_in_the_database() {
    let crew = Crew::new();
    let folder = crew.home().join("code/Tool Box");
    fs::create_dir_all(&folder).unwrap();
    crew.git(&crew.home(), &["init", "-q"]);
    let answer = crew.run("register-project", [&folder]).code(0).json();
    assert_eq!((&answer["project"]["id"], &answer["project"]["path"]), (&json!("tool-box"), &json!(folder)));
    assert_eq!(crew.sql("SELECT path, github_url FROM projects"), [["~/code/Tool Box", ""]]);
}

#[test]
fn what_cannot_be_read_is_refused_and_nothing_is_written() {
    let crew = Crew::new();
    crew.repository("app");
    crew.run("register-project", ["nowhere"]).refused(1, &["nowhere"]);
    crew.run("register-project", ["app", "--name"]).refused(1, &["--name"]);
    crew.run("register-project", ["app", "--name", " "]).refused(1, &["--name"]);
    crew.run("register-project", ["app", "--id", "../x"]).refused(1, &["--id"]);
    crew.run("register-project", ["app", "--nonsense"]).refused(1, &["--nonsense"]);
    crew.run("register-project", ["app", "other"]).refused(1, &["other"]);
    crew.run("register-project", ["app", "--list"]).refused(1, &["--list"]);
    crew.run("register-project", ["--remove", "nobody"]).refused(1, &["nobody"]);
    fs::create_dir(crew.work().join("...")).unwrap();
    crew.run("register-project", ["..."]).refused(1, &["..."]);
    for broken in ["{", "[]", "{\"projects\":[]}", "{\"projects\":{\"a\":1}}"] {
        crew.write(&crew.claude().join("plans/registry.json"), broken);
        crew.run("register-project", ["app"]).refused(1, &["registry.json"]);
        assert_eq!(fs::read_to_string(crew.claude().join("plans/registry.json")).unwrap(), broken);
    }
    assert_eq!(crew.sql("SELECT * FROM projects").len(), 0);
    crew.write(&crew.claude().join("plans/registry.json"), "");
    crew.run("register-project", ["app"]).code(0);
}

#[test]
fn projects_are_listed_removed_and_pruned() {
    let crew = Crew::new();
    for name in ["a", "b", "c"] {
        crew.repository(name);
        crew.run("register-project", [name]).code(0);
    }
    let ids = || -> Vec<Value> {
        let list = crew.run("register-project", ["--list"]).code(0).json();
        list["projects"].as_array().unwrap().iter().map(|project| json!([project["id"], project["exists"]])).collect()
    };
    assert_eq!(ids(), [json!(["a", true]), json!(["b", true]), json!(["c", true])]);
    crew.run("plan-db", ["create", "b", "Plan"]).code(0);
    for name in ["a", "b"] {
        fs::remove_dir_all(crew.work().join(name)).unwrap();
    }
    let pruned = crew.run("register-project", ["--prune"]).code(0);
    assert_eq!(pruned.json()["removed"], json!(["a", "b"]));
    assert!(pruned.stderr.contains("'b'") && pruned.stderr.contains("1 plans"), "{pruned:?}");
    assert_eq!(ids(), [json!(["b", false]), json!(["c", true])]);
    assert_eq!(crew.run("register-project", ["--remove", "b"]).code(0).json()["removed"], json!(["b"]));
    assert_eq!(crew.run("register-project", ["--prune"]).code(0).json()["removed"], json!([]));
    assert_eq!((ids(), crew.value("SELECT COUNT(*) FROM plans")), (vec![json!(["c", true])], json!(1)));
}

#[test]
fn many_at_once_lose_nothing() {
    let crew = Crew::new();
    let names: Vec<String> = (0..12).map(|number| format!("repo-{number}")).collect();
    for name in &names {
        fs::create_dir(crew.work().join(name)).unwrap();
    }
    let running: Vec<_> = names.iter().map(|name| crew.start("register-project", [name])).collect();
    for child in running {
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{ended:?}");
    }
    assert_eq!(registry(&crew)["projects"].as_object().unwrap().len(), names.len());
    assert_eq!(crew.value("SELECT COUNT(*) FROM projects"), names.len());
    let left: Vec<_> = fs::read_dir(crew.claude().join("plans"))
        .unwrap()
        .flatten()
        .filter(|e| e.path().ends_with("registry.json.new"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

//! `crewkit setup`, which install.sh ends in: installing, upgrading, uninstalling.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crewkit_tests::{Crew, Value, json, program};

/// Every file and link below a folder with its content or target, for comparing.
fn snapshot(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let kind = entry.file_type().unwrap();
            if kind.is_symlink() {
                found.push((path.clone(), fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()));
            } else if kind.is_dir() {
                found.push((path.clone(), b"folder".to_vec()));
                open.push(path);
            } else {
                found.push((path.clone(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn setup(crew: &Crew, arguments: &[&str]) -> crewkit_tests::Ended {
    crewkit_tests::finish(crew.command(program()).arg("setup").args(arguments), None)
}

fn settings(crew: &Crew) -> Value {
    serde_json::from_slice(&fs::read(crew.claude().join("settings.json")).unwrap()).unwrap()
}

fn commands(settings: &Value, event: &str) -> Vec<String> {
    let groups = settings["hooks"][event].as_array().cloned().unwrap_or_default();
    let handlers = groups.iter().flat_map(|group| group["hooks"].as_array().cloned().unwrap_or_default());
    handlers.map(|handler| handler["command"].as_str().unwrap().to_owned()).collect()
}

const THEIRS: &str = r#"{ "model": "opus",
  "hooks": { "PreToolUse": [ {"matcher": "Bash", "hooks": [{"type": "command", "command": "mine.sh"}]} ] },
  "odd": {"z": 1, "a": [1.50, null]} }
"#;

#[test]
fn uninstall_leaves_the_home_as_it_was() {
    let crew = Crew::new();
    crew.write(&crew.claude().join("settings.json"), THEIRS);
    crew.write(&crew.claude().join("scripts/plan-db.sh"), "#!/bin/bash\necho theirs\n");
    crew.write(&crew.home().join(".local/bin/file-lock"), "theirs too\n");
    fs::create_dir_all(crew.claude().join("hooks/worktree-guard.sh/inside")).unwrap();
    let before = snapshot(&crew.home());

    setup(&crew, &[]).code(0);
    let moved = fs::read_to_string(crew.claude().join("scripts/plan-db.sh.before-crewkit")).unwrap();
    assert_eq!(moved, "#!/bin/bash\necho theirs\n");
    let installed = crew.home().join(".local/bin/crewkit");
    assert_eq!(fs::read_link(crew.claude().join("scripts/plan-db.sh")).unwrap(), installed);
    let usage = crewkit_tests::finish(crew.command(crew.claude().join("scripts/plan-db.sh")).arg("help"), None).code(0);
    assert!(usage.stdout.contains("plan-db"), "{usage:?}");

    crewkit_tests::finish(crew.command(&installed).args(["setup", "--uninstall"]), None).code(0);
    assert_eq!(snapshot(&crew.home()), before);
}

#[test]
fn an_empty_home_is_empty_again() {
    let crew = Crew::new();
    setup(&crew, &["--prefix", "~/.local"]).code(0);
    assert!(crew.claude().join("settings.json").is_file());
    setup(&crew, &["--uninstall"]).code(0);
    assert_eq!(snapshot(&crew.home()), []);
    let again = setup(&crew, &["--uninstall"]).code(0);
    assert!(again.stdout.contains("no crewkit is installed"), "{again:?}");
}

#[test]
fn twice_is_the_same_as_once() {
    let crew = Crew::new();
    crew.write(&crew.claude().join("settings.json"), THEIRS);
    setup(&crew, &[]).code(0);
    let once = snapshot(&crew.home());
    let again = setup(&crew, &[]).code(0);
    assert!(again.stdout.contains("nothing to do"), "{again:?}");
    assert_eq!(snapshot(&crew.home()), once);
}

#[test]
fn hooks_are_merged_in_the_nested_form_and_everything_else_stays() {
    let crew = Crew::new();
    crew.write(&crew.claude().join("settings.json"), THEIRS);
    setup(&crew, &[]).code(0);
    let now = settings(&crew);
    assert_eq!((&now["model"], &now["odd"]), (&json!("opus"), &json!({"z": 1, "a": [1.50, null]})));
    assert_eq!(commands(&now, "PreToolUse"), ["mine.sh", "~/.local/bin/crewkit hook PreToolUse"]);
    assert_eq!(commands(&now, "SessionEnd"), ["~/.local/bin/crewkit hook SessionEnd"]);
    assert_eq!(fs::read_to_string(crew.claude().join("settings.json.before-crewkit")).unwrap(), THEIRS);
    for groups in now["hooks"].as_object().unwrap().values() {
        for handler in groups.as_array().unwrap().iter().flat_map(|group| group["hooks"].as_array().unwrap()) {
            assert_eq!(handler["type"], "command");
        }
    }
}

#[test]
fn a_hook_that_is_there_in_another_spelling_is_not_doubled() {
    for (form, own, event) in [
        ("each", "bash \"CLAUDE/scripts/comms.sh\" check", "PreToolUse"),
        ("one", "$HOME/.local/bin/crewkit hook PreToolUse", "PreToolUse"),
    ] {
        let crew = Crew::new();
        let own = own.replace("CLAUDE", &crew.claude().to_string_lossy());
        let theirs = json!({"hooks": {event: [{"matcher": "", "hooks": [{"type": "command", "command": own}]}]}});
        crew.write(&crew.claude().join("settings.json"), theirs.to_string());
        setup(&crew, &["--hooks", form]).code(0);
        let end = own.rsplit(' ').next().unwrap();
        let now = commands(&settings(&crew), event);
        assert_eq!(now.iter().filter(|command| command.ends_with(end)).count(), 1, "{now:?}");
        setup(&crew, &["--uninstall"]).code(0);
        assert_eq!(settings(&crew), theirs);
    }
    // The hook by itself and all hooks in one: nothing of the person's is taken out, but it is said.
    let crew = Crew::new();
    let own = json!({"hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": "~/.claude/scripts/comms.sh check"}]}]}});
    crew.write(&crew.claude().join("settings.json"), own.to_string());
    let said = setup(&crew, &[]).code(0).stderr;
    assert!(said.contains("comms-check runs twice") && said.lines().count() == 1, "{said}");
    assert_eq!(commands(&settings(&crew), "PreToolUse").len(), 2);
}

#[test]
fn an_upgrade_replaces_the_entries_of_another_form_and_of_an_older_version() {
    let crew = Crew::new();
    crew.write(&crew.claude().join("settings.json"), THEIRS);
    let before = snapshot(&crew.home());
    setup(&crew, &["--hooks", "each"]).code(0);
    let each = settings(&crew);
    assert!(commands(&each, "PreToolUse").contains(&"~/.claude/hooks/worktree-guard.sh".to_owned()));
    assert!(commands(&each, "SessionEnd").contains(&"~/.claude/scripts/comms.sh session-end".to_owned()));
    setup(&crew, &[]).code(0);
    assert_eq!(settings(&crew), each, "the form asked for stays");
    setup(&crew, &["--hooks", "one"]).code(0);
    let one = settings(&crew);
    assert_eq!(commands(&one, "PreToolUse"), ["mine.sh", "~/.local/bin/crewkit hook PreToolUse"]);
    setup(&crew, &["--hooks", "each"]).code(0);
    assert_eq!(settings(&crew), each);

    // A manifest of the version that had only the other form, and did not tell time limits.
    let path = crew.home().join(".local/share/crewkit/manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    manifest.as_object_mut().unwrap().remove("form");
    for added in manifest["settings"][0]["added"].as_array_mut().unwrap() {
        added.as_object_mut().unwrap().remove("timeout");
    }
    fs::write(&path, manifest.to_string()).unwrap();
    let said = setup(&crew, &[]).code(0).stdout;
    assert!(said.contains("removed") && said.contains("of the earlier installation"), "{said}");
    assert_eq!(settings(&crew), one);
    let doctor =
        crewkit_tests::finish(crew.command(crew.home().join(".local/bin/crewkit")).arg("doctor"), None).code(0);
    assert!(!doctor.stdout.contains("FAULT"), "{doctor:?}");
    setup(&crew, &["--uninstall"]).code(0);
    assert_eq!(snapshot(&crew.home()), before);
}

#[test]
fn broken_settings_are_reported_and_left_alone() {
    for broken in ["{\"hooks\": ", "[1, 2]", "{\"hooks\": []}", "{\"hooks\": {\"PreToolUse\": {}}}"] {
        let crew = Crew::new();
        crew.write(&crew.claude().join("settings.json"), broken);
        let ended = setup(&crew, &[]).code(1);
        assert!(ended.stderr.contains("settings.json") && ended.stderr.lines().count() == 1, "{ended:?}");
        assert_eq!(fs::read_to_string(crew.claude().join("settings.json")).unwrap(), broken);
        assert!(crew.claude().join("scripts/plan-db.sh").is_symlink(), "the rest is installed");
        setup(&crew, &["--uninstall"]).code(0);
        assert_eq!(fs::read_to_string(crew.claude().join("settings.json")).unwrap(), broken);
    }
}

#[test]
fn a_dry_run_touches_nothing() {
    let crew = Crew::new();
    crew.write(&crew.claude().join("settings.json"), THEIRS);
    crew.write(&crew.claude().join("scripts/plan-db.sh"), "theirs\n");
    let before = snapshot(&crew.home());
    let ended = setup(&crew, &["--dry-run"]).code(0);
    assert!(ended.stdout.contains("would move") && ended.stdout.contains("settings.json"), "{ended:?}");
    assert_eq!(snapshot(&crew.home()), before);
    setup(&crew, &[]).code(0);
    let installed = snapshot(&crew.home());
    setup(&crew, &["--uninstall", "--dry-run"]).code(0);
    assert_eq!(snapshot(&crew.home()), installed);
}

#[test]
fn what_the_user_changed_afterwards_stays() {
    let crew = Crew::new();
    crew.write(&crew.claude().join("scripts/plan-db.sh"), "theirs\n");
    setup(&crew, &[]).code(0);
    let place = crew.claude().join("scripts/plan-db.sh");
    fs::remove_file(&place).unwrap();
    crew.write(&place, "a third one\n");
    let mut edited = settings(&crew);
    edited["model"] = json!("haiku");
    crew.write(&crew.claude().join("settings.json"), edited.to_string());
    let ended = setup(&crew, &["--uninstall"]).code(0);
    assert!(ended.stdout.contains("as they are"), "{ended:?}");
    assert_eq!(fs::read_to_string(&place).unwrap(), "a third one\n");
    assert_eq!(fs::read_to_string(crew.claude().join("scripts/plan-db.sh.before-crewkit")).unwrap(), "theirs\n");
    assert_eq!(settings(&crew), json!({"model": "haiku"}));
}

#[test]
fn an_upgrade_replaces_the_program_and_drops_what_is_gone() {
    let crew = Crew::new();
    setup(&crew, &[]).code(0);
    // An older program, and a tool that this version no longer has.
    let bin = crew.home().join(".local/bin");
    fs::write(bin.join("crewkit"), "older").unwrap();
    symlink("crewkit", bin.join("old-tool")).unwrap();
    let path = crew.home().join(".local/share/crewkit/manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    manifest["entries"].as_array_mut().unwrap().push(json!({"path": bin.join("old-tool"), "target": "crewkit"}));
    fs::write(&path, manifest.to_string()).unwrap();
    crew.write(&bin.join("mine"), "not listed");

    setup(&crew, &[]).code(0);
    assert_eq!(fs::read(bin.join("crewkit")).unwrap().len() as u64, fs::metadata(program()).unwrap().len());
    assert!(!bin.join("old-tool").is_symlink());
    assert_eq!(fs::read_to_string(bin.join("mine")).unwrap(), "not listed");
    assert!(!bin.join("crewkit.before-crewkit").exists());
}

#[test]
fn a_file_that_an_interrupted_call_did_not_move_yet_is_the_users() {
    let crew = Crew::new();
    let theirs = crew.home().join(".local/bin/crewkit");
    let manifest = crew.home().join(".local/share/crewkit/manifest.json");
    let aside = crew.home().join(".local/bin/crewkit.before-crewkit");
    let interrupted = || {
        crew.write(&theirs, "theirs\n");
        let entry = json!({"path": theirs, "aside": aside, "placed": false});
        crew.write(&manifest, json!({"version": "0.1.0", "entries": [entry]}).to_string());
    };
    interrupted();
    setup(&crew, &["--uninstall"]).code(0);
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "theirs\n");
    interrupted();
    setup(&crew, &[]).code(0);
    assert_eq!(fs::read_to_string(&aside).unwrap(), "theirs\n");
    // Once it is installed, what was moved aside may be thrown away.
    fs::remove_file(&aside).unwrap();
    setup(&crew, &["--uninstall"]).code(0);
    assert!(!theirs.exists());
}

#[test]
fn odd_folders_and_linked_settings() {
    let crew = Crew::new();
    let odd = crew.root().join("it's a folder");
    fs::create_dir_all(&odd).unwrap();
    crew.write(&crew.root().join("dotfiles/settings.json"), "{}");
    symlink(crew.root().join("dotfiles/settings.json"), odd.join("settings.json")).unwrap();
    let (prefix, claude) = (odd.join("prefix"), odd.to_string_lossy().into_owned());
    setup(&crew, &["--prefix", &prefix.to_string_lossy(), "--claude-home", &claude]).code(0);
    assert!(odd.join("settings.json").is_symlink());
    let now: Value = serde_json::from_slice(&fs::read(crew.root().join("dotfiles/settings.json")).unwrap()).unwrap();
    // The agent runs the command line through a shell.
    for command in commands(&now, "SessionStart") {
        let ended = crewkit_tests::finish(crew.command("/bin/sh").args(["-c", &command]), Some(b"{}")).code(0);
        assert!(ended.stderr.is_empty(), "{command}: {ended:?}");
    }
}

#[test]
fn wrong_arguments_are_named() {
    let crew = Crew::new();
    setup(&crew, &["--prefixx"]).refused(1, &["--prefixx"]);
    setup(&crew, &["--prefix"]).refused(1, &["--prefix"]);
    crew.write(&crew.root().join("file"), "");
    let place = crew.root().join("file/below").to_string_lossy().into_owned();
    let ended = setup(&crew, &["--prefix", &place]);
    assert_eq!((ended.code, ended.stderr.lines().count()), (1, 1), "{ended:?}");
}

#[test]
fn an_unknown_tool_gets_the_nearest_names() {
    let crew = Crew::new();
    let ended = crewkit_tests::finish(crew.command(program()).arg("plandb"), None);
    ended.refused(1, &["plandb", "plan-db"]);
    let list = crewkit_tests::finish(crew.command(program()).args(["list", "--json"]), None).code(0).json();
    assert!(list.as_array().unwrap().iter().any(|row| row["name"] == "plan-db" && row["family"] == "plans"));
}

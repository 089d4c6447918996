//! The checks of code, projects and configuration with the real program.

use crewkit_tests::{Crew, Value, finish, json};

#[test]
fn a_gate_sees_what_a_branch_adds_and_nothing_else() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    crew.write(&top.join("src/cart.ts"), "export const a = JSON.parse(old);\n\n\n\n\n\n\n");
    crew.git(&top, &["add", "-A"]);
    crew.git(&top, &["commit", "-q", "-m", "cart"]);
    let side = crew.work().join("side");
    crew.git(&top, &["worktree", "add", "-q", "-b", "side", side.to_str().unwrap()]);
    crew.write(
        &side.join("src/cart.ts"),
        "export const a = JSON.parse(old);\n\n\n\n\n\n\nexport const b = JSON.parse(now);\n",
    );
    crew.write(&side.join("src/new.py"), "import json\nrows = json.loads(text)\n");
    let arguments = ["--files", "src/cart.ts", "src/new.py", "src/gone.ts", "--changed-lines", "--json", "--strict"];
    let ended = crew.run_in(&side, "code-pattern-check", arguments).code(1);
    assert!(ended.stderr.contains("src/gone.ts"), "{}", ended.stderr);
    let report = ended.json();
    let places: Vec<Value> = report["results"][0]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| json!([one["file"], one["line"]]))
        .collect();
    assert_eq!(places, [json!(["src/cart.ts", 8]), json!(["src/new.py", 2])]);
    assert_eq!(report["verdict"], "reject");
    assert_eq!(crew.git(&side, &["status", "--porcelain"]).lines().count(), 2);
}

#[test]
fn a_thousand_files_and_a_very_long_line() {
    let crew = Crew::new();
    let top = crew.repository("many");
    for number in 0..1000 {
        crew.write(
            &top.join(format!("f{}/a{number}.ts", number % 10)),
            format!("export const a{number} = JSON.parse(x);\n"),
        );
    }
    crew.write(&top.join("long.js"), "m.get(k);open(x);function f(aa,bb){return 1};".repeat(50_000));
    let report = crew.run_in(&top, "code-pattern-check", ["--all", "--json"]).code(0).json();
    assert_eq!(report["total_files"], 1001);
    assert_eq!(report["results"][0]["findings"].as_array().unwrap().len(), 1000);
}

#[test]
fn a_pipe_in_a_files_place_is_not_waited_for() {
    let crew = Crew::new();
    finish(crew.command("mkfifo").arg("pipe.ts"), None).code(0);
    let ended = crew.run("code-pattern-check", ["--files", "pipe.ts", "--json"]).code(0);
    assert_eq!(ended.json()["total_files"], 0);
    assert!(ended.stderr.contains("pipe.ts"), "{}", ended.stderr);
}

#[test]
fn the_library_is_sourced_by_what_an_installation_puts_there() {
    let crew = Crew::new();
    finish(crew.command(crewkit_tests::program()).arg("setup"), None).code(0);
    let library = crew.claude().join("scripts/lib/quality-gate-templates.sh");
    let script = format!(
        "set +e; . '{}'; gate_doc_sync '{}'; echo \"code $?\"; case $- in *e*) echo strict;; esac; [ -o pipefail ] && echo strict; true",
        library.display(),
        crew.work().display()
    );
    let ended = finish(crew.command("bash").args(["-c", &script]), None).code(0);
    assert_eq!(
        ended.stdout,
        "{\"gate\":\"doc-sync\",\"pass\":false,\"findings\":[\"README.md is not there\"]}\ncode 1\n"
    );
    finish(crew.command(crewkit_tests::program()).args(["setup", "--uninstall"]), None).code(0);
    assert!(!library.exists());
}

#[test]
fn an_audit_dry_runs_crewkits_own_hooks() {
    let crew = Crew::new();
    crew.stub("claude", "echo 1.2.3");
    crew.stub("npm", "echo 1.2.3");
    crew.write(&crew.claude().join("CLAUDE.md"), "# Rules\n");
    finish(crew.command(crewkit_tests::program()).arg("setup"), None).code(0);
    let report = crew.run("context-audit", ["--json"]).code(0).json();
    let lines = report["lines"].as_array().unwrap();
    let hooks: Vec<&Value> = lines.iter().filter(|line| line["section"] == "Hooks").collect();
    assert!(hooks.iter().any(|line| line["text"].as_str().unwrap().starts_with("worktree-guard.sh")), "{hooks:?}");
    assert!(hooks.iter().all(|line| line["verdict"] == "PASS"), "{hooks:?}");
    let left = std::fs::read_dir(crew.root().join("tmp")).unwrap().flatten();
    let left: Vec<_> = left.filter(|entry| entry.file_name().to_string_lossy().starts_with("context-audit")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn every_written_template_is_a_script_that_runs() {
    let crew = Crew::new();
    let top = crew.repository("bare");
    crew.run_in(&top, "hardening-check", ["--fix"]).code(0);
    crew.git(&top, &["config", "core.hooksPath", ".githooks"]);
    crew.git(&top, &["add", "-A"]);
    crew.git(&top, &["commit", "-q", "-m", "guard rails"]);
    crew.write(&top.join("key.txt"), format!("AKIA{}\n", "Q7".repeat(8)));
    crew.git(&top, &["add", "-A"]);
    let refused = finish(crew.command("git").current_dir(&top).args(["commit", "-q", "-m", "key"]), None);
    assert!(refused.code != 0 && refused.stderr.contains("secrets-scan"), "{refused:?}");
    let long = "x".repeat(80);
    let refused =
        finish(crew.command("git").current_dir(&top).args(["commit", "-q", "--allow-empty", "-m", &long]), None);
    assert!(refused.code != 0, "{refused:?}");
}

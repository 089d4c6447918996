//! npm-digest, audit-digest, migration-digest and digest-stats: the real program around stand-ins for package managers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crewkit_tests::{Crew, Ended, json};

/// A crew whose `work` holds these files.
fn project(files: &[&str]) -> Crew {
    let crew = Crew::new();
    for name in files {
        crew.write(&crew.work().join(name), if name.ends_with(".json") { "{}" } else { "" });
    }
    crew
}

/// A stand-in that notes its command line and does `body`.
fn stub(crew: &Crew, name: &str, body: &str) {
    crew.stub(name, &format!("echo \"{name} $*\" >>\"$HOME/calls\"\n{body}"));
}

fn calls(crew: &Crew) -> String {
    fs::read_to_string(crew.home().join("calls")).unwrap_or_default()
}

fn npm(crew: &Crew, arguments: &[&str]) -> Ended {
    crew.run("npm-digest", arguments)
}

#[test]
fn every_install_runs_and_its_exit_code_is_handed_on() {
    let crew = project(&["package.json"]);
    stub(&crew, "npm", "echo 'added 1 package, and audited 2 packages in 1s'");
    npm(&crew, &["install"]).code(0);
    npm(&crew, &["--no-cache"]).code(0);
    npm(&crew, &["install", "--no-cache", "left-pad", "--", "--odd"]).code(0);
    npm(&crew, &["--omit=dev"]).code(0);
    let wanted = "npm install\nnpm install\nnpm install left-pad -- --odd\nnpm install --omit=dev\n";
    assert_eq!(calls(&crew), wanted);
    stub(&crew, "npm", "echo 'npm error code E404' >&2; exit 23");
    let failed = npm(&crew, &["ci"]).code(23).json();
    assert_eq!(
        (&failed["status"], &failed["exit_code"], &failed["errors"]),
        (&json!("error"), &json!(23), &json!(["npm error code E404"]))
    );
    stub(&crew, "npm", "echo dying; kill -9 $$");
    let killed = npm(&crew, &["ci"]).code(137).json();
    assert_eq!((&killed["status"], &killed["errors"]), (&json!("error"), &json!(["dying"])));
}

#[test]
fn a_manager_that_is_not_there_is_an_error_with_its_name() {
    let crew = project(&["package.json", "bun.lock"]).with("PATH", "/nowhere");
    let ended = npm(&crew, &["install"]).code(127);
    let answer = ended.json();
    assert_eq!(
        (&answer["status"], &answer["exit_code"], &answer["manager"]),
        (&json!("error"), &json!(127), &json!("bun"))
    );
    assert!(answer["errors"][0].as_str().unwrap().contains("bun") && ended.stderr.contains("bun"));
    let audit = crew.run("audit-digest", ["--pm", "cargo"]).code(1).json();
    assert_eq!(audit["status"], "error");
    assert!(audit["msg"].as_str().unwrap().contains("cargo"));
}

#[test]
fn each_project_gets_its_own_manager() {
    for (files, name, wanted) in [
        (
            &["package.json", "pnpm-lock.yaml"][..],
            "pnpm",
            "pnpm add left-pad\npnpm install --frozen-lockfile\npnpm audit --json\n",
        ),
        (
            &["package.json", "yarn.lock"],
            "yarn",
            "yarn add left-pad\nyarn install --frozen-lockfile\nyarn audit --json\n",
        ),
        (&["package.json", "bun.lock"], "bun", "bun add left-pad\nbun install --frozen-lockfile\nbun audit --json\n"),
        (&["Cargo.toml"], "cargo", "cargo add left-pad\ncargo fetch --locked\ncargo audit --json\n"),
        (&["pyproject.toml", "uv.lock"], "uv", "uv add left-pad\nuv sync --locked\nuv audit --output-format json\n"),
    ] {
        let crew = project(files);
        stub(&crew, name, "exit 1");
        npm(&crew, &["install", "left-pad"]).code(1);
        npm(&crew, &["ci"]).code(1);
        npm(&crew, &["audit", "--no-cache"]).code(1);
        assert_eq!(calls(&crew), wanted);
    }
    let crew = project(&["requirements.txt"]);
    stub(&crew, "pip", "echo 'Successfully installed a-1 b-c-2.0'");
    stub(&crew, "pip-audit", "exit 1");
    assert_eq!(
        npm(&crew, &[]).code(0).json(),
        json!({"manager": "pip", "cmd": "install", "status": "ok", "packages": 2, "added": 2})
    );
    crew.run("audit-digest", [""; 0]).code(1);
    assert_eq!(calls(&crew), "pip install -r requirements.txt\npip-audit --format json -r requirements.txt\n");
}

#[test]
fn a_whole_command_line_is_run_as_it_is() {
    let crew = project(&[]);
    stub(&crew, "pip3", "echo 'ERROR: No matching distribution found for x' >&2; exit 1");
    let answer = npm(&crew, &["--", "pip3", "install", "x y"]).code(1).json();
    assert_eq!((&answer["manager"], &answer["cmd"]), (&json!("pip"), &json!("install")));
    assert_eq!(calls(&crew), "pip3 install x y\n");
    let refused = npm(&crew, &["--", "make", "x"]);
    assert_eq!((refused.code, &refused.json()["status"]), (1, &json!("error")));
}

#[test]
fn another_command_keeps_its_last_lines() {
    let crew = project(&["package.json"]);
    stub(&crew, "npm", "seq 1 30");
    let answer = npm(&crew, &["ls", "--all"]).code(0).json();
    let output = answer["output"].as_array().unwrap();
    assert_eq!((output.len(), &output[9], &answer["status"]), (10, &json!("30"), &json!("ok")));
    assert!(answer["log"].is_string());
    assert_eq!(calls(&crew), "npm ls --all\n");
}

#[test]
fn what_changed_in_the_project_is_told() {
    let crew = project(&["package.json"]);
    let body = r#"echo '{"dependencies":{"left-pad":"^1.3.0"}}' >package.json; echo '{}' >package-lock.json; echo 'added 1 package in 1s'"#;
    stub(&crew, "npm", body);
    let answer = npm(&crew, &["install", "left-pad"]).code(0).json();
    assert_eq!((&answer["added_names"], &answer["lockfile_changed"]), (&json!(["left-pad@^1.3.0"]), &json!(true)));
    let again = npm(&crew, &["install", "left-pad"]).code(0).json();
    assert_eq!((again.get("added_names"), again.get("lockfile_changed")), (None, None));
}

#[test]
fn nothing_waits_for_an_answer() {
    let crew = project(&["package.json", "prisma/schema.prisma"]);
    for name in ["npm", "npx"] {
        stub(&crew, name, "read line && exit 99; echo '{}'; exit 3");
    }
    assert_eq!(crew.feed("yes\n", "npm-digest", ["install"]).code, 3);
    assert_eq!(crew.feed("yes\n", "audit-digest", [""; 0]).code, 1);
    assert_eq!(crew.feed("yes\n", "migration-digest", ["push"]).code, 3);
}

#[test]
fn the_whole_output_is_kept_where_the_answer_says() {
    let crew = project(&["package.json"]);
    stub(&crew, "npm", "seq 1 3000; printf 'npm error \\377\\000bad\\n' >&2; exit 1");
    let answer = npm(&crew, &[]).code(1).json();
    let kept = fs::read(answer["log"].as_str().unwrap()).unwrap();
    assert_eq!(answer["log_bytes"], kept.len());
    assert!(kept.starts_with(b"1\n2\n") && kept.ends_with(b"npm error \xff\0bad\n"));
    assert_eq!(answer["errors"], json!(["npm error \u{fffd}bad"]));
    let crew = project(&["package.json"]);
    crew.write(&crew.home().join(".cache"), "a file");
    stub(&crew, "npm", "echo 'npm error code 1'; exit 1");
    let answer = npm(&crew, &[]).code(1).json();
    assert_eq!((&answer["status"], answer.get("log")), (&json!("error"), None));
}

#[test]
fn fifty_megabytes_pass() {
    let crew = project(&["package.json"]);
    stub(
        &crew,
        "npm",
        "yes 'npm error some line that is written very often by a script gone wild' | head -c 50000000; exit 1",
    );
    let begun = Instant::now();
    let answer = npm(&crew, &[]).code(1).json();
    assert!(answer["more"].as_u64().unwrap() > 600_000 && begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn an_audit_without_a_registry_is_an_error() {
    let crew = project(&["package.json"]);
    stub(&crew, "npm", "echo 'npm error audit endpoint returned an error' >&2; exit 1");
    let answer = crew.run("audit-digest", [""; 0]).code(1).json();
    assert_eq!(
        (&answer["status"], &answer["msg"]),
        (&json!("error"), &json!("npm error audit endpoint returned an error"))
    );
    stub(&crew, "npm", "exit 0");
    assert_eq!(crew.run("audit-digest", [""; 0]).code(1).json()["status"], "error");
    stub(&crew, "npm", "echo half; exit 0");
    let answer = crew.run("audit-digest", [""; 0]).code(1).json();
    assert_eq!((&answer["status"], &answer["raw_summary"]), (&json!("parse_error"), &json!("half")));
    let yarn = project(&["package.json", "yarn.lock"]);
    stub(&yarn, "yarn", r#"printf '%s\n' '{"type":"error","data":"Error: no registry\n    at x"}' >&2; exit 1"#);
    assert_eq!(yarn.run("audit-digest", [""; 0]).code(1).json()["msg"], "Error: no registry");
}

#[test]
fn an_audit_that_is_interrupted_is_no_verdict() {
    let crew = project(&["package.json"]);
    let clean =
        r#"echo '{"vulnerabilities":{},"metadata":{"vulnerabilities":{"low":0,"moderate":0,"high":0,"critical":0}}}'"#;
    stub(&crew, "npm", &format!("{clean}; sleep 300"));
    let ended = crew.run("audit-digest", ["--time-limit", "1"]).code(1);
    assert_eq!(ended.json()["status"], "unsure");
}

#[test]
fn commands_that_a_tool_does_not_have_run_nothing() {
    let crew = project(&["drizzle.config.ts"]);
    stub(&crew, "npx", "exit 0");
    for arguments in [&["diff"][..], &["create", "x"], &["frobnicate"]] {
        let answer = crew.run("migration-digest", arguments).code(1).json();
        assert_eq!(answer, json!({"error": "unknown command", "cmd": arguments[0]}));
    }
    crew.run("migration-digest", ["--max-tokens", "many"]).refused(1, &["many"]);
    assert_eq!(calls(&crew), "");
    crew.run("migration-digest", ["push", "--force", "--no-cache"]).code(0);
    assert_eq!(calls(&crew), "npx drizzle-kit push --force\n");
    let none = project(&[]);
    assert_eq!(none.run("migration-digest", ["status"]).code(0).json()["status"], "no_orm_detected");
    let pushed = none.run("migration-digest", ["push"]);
    assert!(pushed.code == 1 && pushed.stderr.contains("Prisma"));
}

#[test]
fn sixty_digests_at_once_lose_no_line_of_their_savings() {
    let crew = project(&["package.json"]).with("CLAUDE_SESSION_ID", "s1");
    crew.stub("npm", "echo 'added 1 package in 1s'");
    let start = || crew.tool("npm-digest").arg("install").stdout(Stdio::null()).spawn().unwrap();
    let children: Vec<_> = (0..60).map(|_| start()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let savings = crew.home().join(".cache/crewkit/savings.tsv");
    assert_eq!(fs::metadata(&savings).unwrap().permissions().mode() & 0o777, 0o600);
    let mut text = fs::read_to_string(&savings).unwrap();
    text.push_str("2026-01-01 10:0");
    fs::write(&savings, text).unwrap();
    let report = crew.run("digest-stats", ["--json"]).code(0).json();
    assert_eq!(
        (&report["rows"][0]["tool"], &report["total"]["runs"], &report["unread_lines"]),
        (&json!("npm-digest"), &json!(60), &json!(1))
    );
    let by_repository = crew.run("digest-stats", ["--by", "repo"]).code(0).stdout;
    assert!(by_repository.contains(crew.work().to_str().unwrap()), "{by_repository}");
    crew.run("digest-stats", ["--by", "moon"]).refused(1, &["moon"]);
}

//! The main job, for real: a crew of two scripted agents on one repository, in a scratch folder.
//!
//! Each agent is a process of its own and works as Claude Code would: its session starts and ends through the hooks
//! of the installed settings.json, and every tool call passes them. What is printed is what happened: the exit codes
//! and the JSON of the real programs. It ends with 1 if anything went otherwise than it should.
//!
//! Usage: `crewkit-demo [--keep]`, with the program `crewkit` built beside it.

mod agent;
mod claude;
mod step;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;
use step::{Scene, Wrong};

/// The plan: a spec as users write it.
const SPEC: &str = include_str!("../../examples/two-waves.json");

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => stage(false),
        ["--keep"] => stage(true),
        ["agent", name, scratch, tree, plan] => {
            agent::work(&Scene::of(Path::new(scratch), name), Path::new(tree), plan)
        }
        _ => {
            eprintln!("usage: crewkit-demo [--keep]");
            return ExitCode::FAILURE;
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Wrong(what)) => {
            eprintln!("crewkit-demo: not as it should be: {what}");
            ExitCode::FAILURE
        }
    }
}

fn stage(keep: bool) -> Result<(), Wrong> {
    let folder = tempfile::Builder::new().prefix("crewkit-demo-").tempdir()?;
    let root = folder.path().canonicalize()?;
    let scene = Scene::of(&root, "demo");
    let outcome = play(&scene);
    if keep {
        println!("kept: {}", folder.keep().display());
    }
    outcome
}

fn play(scene: &Scene) -> Result<(), Wrong> {
    let program = std::env::current_exe()?.with_file_name("crewkit");
    let shop = project(scene)?;

    scene.title("install");
    let prefix = scene.home().join(".local");
    scene.run(&program, ["setup", "--prefix", &text(&prefix), "--claude-home", &text(&scene.claude())])?.ends(0)?;
    scene.tool("crewkit", ["doctor"])?.ends(0)?;

    scene.title("a plan of two waves");
    scene.write("plan.json", SPEC)?;
    scene.tool_in(&shop, "register-project", ["."])?.ends(0)?.has("/status", "success")?;
    let plan = scene.tool_in(&shop, "plan-db", ["create", "shop", "Greetings"])?.ends(0)?.line()?;
    scene.tool_in(&shop, "plan-db", ["import", &plan, &text(&scene.root().join("plan.json"))])?.ends(0)?;
    scene.tool_in(&shop, "plan-db", ["start", &plan])?.ends(0)?;
    let seen = scene.tool("plan-db", ["json", &plan])?.ends(0)?.has("/status", "doing")?.json()?;
    scene.check(seen["tasks_total"] == 3, "three tasks were imported")?;

    scene.title("a worktree each");
    for name in ["web", "api"] {
        scene.tool_in(&shop, "worktree-create", [format!("agent/{name}").as_str()])?.ends(0)?;
    }

    scene.title("two agents, side by side");
    let agents: Vec<_> = ["web", "api"]
        .into_iter()
        .map(|name| {
            scene.start_self([
                "agent",
                name,
                &text(scene.root()),
                &text(&scene.root().join(format!("work/shop-{name}"))),
                &plan,
            ])
        })
        .collect::<Result<_, _>>()?;
    // Both are waited for before either is judged: no agent may outlive the scratch folder.
    let ends: Vec<_> = agents.into_iter().map(|mut agent| agent.wait()).collect();
    for end in ends {
        scene.check(end?.success(), "both agents ended well")?;
    }

    scene.title("what is left");
    let plan_now = scene.tool("plan-db", ["json", &plan])?.ends(0)?.json()?;
    scene.check(plan_now["tasks_done"] == 3, "all three tasks are done")?;
    scene.check(plan_now["status"] == "done", "the last task has completed the plan")?;
    let verdicts = scene.tool("thor-audit-log", ["list", "--json"])?.ends(0)?.json()?;
    scene.check(verdicts.as_array().is_some_and(|list| list.len() == 5), "each task and wave has its verdict")?;
    let locks = scene.tool("file-lock", ["list"])?.ends(0)?.json()?;
    scene.check(locks == Value::Array(Vec::new()), "no lock is left")?;
    for (tree, subject) in [("shop-web", "Show a call"), ("shop-api", "Choose the language")] {
        let digest =
            scene.tool_in(&scene.root().join("work").join(tree), "git-digest", [])?.ends(0)?.has("/clean", true)?;
        scene.check(digest.stdout.contains(subject), "the work is committed")?;
    }
    let chat = scene.tool("comms", ["history", "50"])?.ends(0)?;
    println!("\nthe plan\n{}", scene.tool("plan-db", ["list-tasks", &plan])?.ends(0)?.stdout);
    println!("the chat\n{}", chat.stdout);
    println!("the locks\n{locks}\n");
    scene.report();
    Ok(())
}

/// A repository with a small Rust project.
fn project(scene: &Scene) -> Result<PathBuf, Wrong> {
    scene.title("a repository");
    let shop = scene.root().join("work/shop");
    scene.write("work/shop/Cargo.toml", "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n")?;
    scene.write("work/shop/src/lib.rs", "//! A shop.\n")?;
    scene.write("work/shop/README.md", "# Shop\n")?;
    scene.write("work/shop/.gitignore", "/target\n")?;
    for arguments in [&["init", "--quiet", "-b", "main"][..], &["add", "-A"], &["commit", "--quiet", "-m", "A shop"]] {
        scene.run_in(&shop, "git", arguments)?.ends(0)?;
    }
    Ok(shop)
}

/// A path as an argument; the scratch folder's are plain text.
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

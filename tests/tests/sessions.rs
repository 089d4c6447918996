//! Whole sessions of agents: the settings as they are installed, their command lines started as the agent starts them
//! (through a shell, all that match at once, within their time limits), real events on standard input.

mod agent;
mod faults;

use crewkit_tests::{Crew, json};

use super::comms::{messages, post};
use agent::{Claude, Copilot};

/// A plan of `project` with one task that is done and not validated.
fn unvalidated_task(crew: &Crew, project: &str) {
    crew.run("plan-db", ["create", project, "Shop"]).code(0);
    crew.run("plan-db", ["start", "1"]).code(0);
    crew.run("plan-db", ["add-wave", "1", "W1", "First"]).code(0);
    crew.run("plan-db", ["add-task", "1", "T1-01", "Wire the login"]).code(0);
    let connection = rusqlite::Connection::open(crew.database()).unwrap();
    connection.execute("UPDATE tasks SET status = 'done'", []).unwrap();
}

fn whole_session(form: &str) {
    let crew = Crew::new();
    let shop = crew.repository("shop-web");
    crew.write(&shop.join(".gitignore"), ".env\n");
    let claude = Claude::installed(&crew, form, &shop);

    claude.fire("SessionStart", "startup", &json!({"source": "startup", "model": "claude"})).silent();
    assert_eq!(messages(&crew), ["Web: Session started in shop-web"]);
    claude.fire("UserPromptSubmit", "", &json!({"prompt": "add a login"})).silent();
    post(&crew, "API", "Web: the API has moved");
    let heard = claude.fire("UserPromptSubmit", "", &json!({"prompt": "go on"}));
    assert!(heard.context().contains("API: Web: the API has moved >>> FOR YOU"), "{heard:?}");

    claude.tool("Read", &json!({"file_path": shop.join("README.md")})).silent();
    claude.bash("ls -la").silent();
    post(&crew, "API", "still there?");
    // What a blocked call would have been told comes with the next one.
    let blocked = claude.bash("git worktree add sub/x");
    assert!(blocked.reasons().contains("sub/x"), "{blocked:?}");
    let edit = json!({"file_path": shop.join("src.rs"), "old_string": "a", "new_string": "b"});
    let told = claude.tool("Edit", &edit);
    if form == "one" {
        assert!(told.context().contains("still there?"), "{told:?}");
    }
    claude.after("Edit", &edit, &json!({"filePath": "src.rs", "success": true})).silent();
    claude.tool("mcp__memory__search", &json!({"query": "x"})).silent();

    unvalidated_task(&crew, "shop-web");
    let refused = claude.bash("git add -A && git commit -m 'x'");
    assert!(refused.reasons().contains("T1-01: Wire the login"), "{refused:?}");
    let both = claude.bash("git worktree add sub/x && git commit -m x");
    assert!(both.reasons().contains("T1-01") && both.reasons().contains("sub/x"), "{both:?}");
    claude.bash("THOR_SKIP='a hotfix' git commit -m x").silent();

    claude.after("Bash", &json!({"command": "git push origin main"}), &json!({"stdout": "ok"})).silent();
    assert!(messages(&crew).contains(&"Web: git: git push origin main".to_owned()));

    let sub = json!({"agent_id": "a1", "agent_type": "Explore"});
    claude.fire("SubagentStart", "Explore", &sub);
    let mut inside = sub.clone();
    inside["tool_name"] = json!("Bash");
    inside["tool_input"] = json!({"command": "git worktree add inside"});
    assert!(claude.fire("PreToolUse", "Bash", &inside).reasons().contains("inside"));
    claude.fire("SubagentStop", "Explore", &sub);
    claude.fire("PreCompact", "auto", &json!({"trigger": "auto", "custom_instructions": ""}));
    claude.fire("SessionStart", "compact", &json!({"source": "compact"}));
    claude.fire("Notification", "", &json!({"message": "m", "notification_type": "idle_prompt"})).silent();
    claude.fire("Stop", "", &json!({"stop_hook_active": true, "last_assistant_message": "done"})).silent();
    assert!(!messages(&crew).iter().any(|line| line.ends_with("Session ended")), "Stop is no end");
    claude.fire("SessionEnd", "other", &json!({"reason": "other"})).silent();
    assert_eq!(messages(&crew).last().map(String::as_str), Some("Web: Session ended"));
}

#[test]
fn a_session_of_claude_code_with_one_process_an_event() {
    whole_session("one");
}

#[test]
fn a_session_of_claude_code_with_a_process_a_hook() {
    whole_session("each");
}

#[test]
fn two_sessions_at_once_hear_each_other() {
    let crew = Crew::new();
    let shop = crew.repository("shop");
    let (web, api) = (crew.work().join("shop-web"), crew.work().join("shop-api"));
    crew.git(&shop, &["worktree", "add", "-q", "-b", "web", web.to_str().unwrap()]);
    crew.git(&shop, &["worktree", "add", "-q", "-b", "api", api.to_str().unwrap()]);
    let (web, api) = (Claude::installed(&crew, "one", &web), Claude::installed(&crew, "one", &api));
    std::thread::scope(|scope| {
        for one in [&web, &api] {
            scope.spawn(|| {
                one.fire("SessionStart", "startup", &json!({"source": "startup"})).silent();
                for _ in 0..5 {
                    one.after("Bash", &json!({"command": "git push"}), &json!({"stdout": ""})).silent();
                }
            });
        }
    });
    let heard = web.bash("ls").context();
    assert_eq!((heard.matches("API: git: git push").count(), heard.matches("Web:").count()), (5, 0), "{heard}");
    assert!(!web.bash("ls").context().contains("git push"));
    assert_eq!(api.bash("ls").context().matches("Web: git: git push").count(), 5);
}

#[test]
fn what_a_repository_switches_off_does_not_run() {
    let crew = Crew::new();
    let shop = crew.repository("shop-web");
    let claude = Claude::installed(&crew, "one", &shop);
    assert!(claude.bash("git worktree add sub/x").is_blocked());
    crew.write(&shop.join(".crewkit.toml"), "[hooks]\ndisable = ['worktree-guard']\n");
    claude.bash("git worktree add sub/x").silent();
    crew.write(&crew.claude().join("crewkit.toml"), "[hooks]\nkeep = ['worktree-guard']\n");
    assert!(claude.bash("git worktree add sub/x").is_blocked());
    let list = crewkit_tests::finish(crew.command(crewkit_tests::program()).args(["hooks", "list"]), None).code(0);
    assert!(list.stdout.contains("worktree-guard") && list.stdout.contains("crewkit.toml"), "{list:?}");
}

#[test]
fn a_session_of_copilot() {
    let crew = Crew::new();
    let shop = crew.repository("shop-web");
    let copilot = Copilot::installed(&crew, &shop);
    copilot.fire("sessionStart", &json!({"source": "new", "initialPrompt": "go"}));
    assert_eq!(messages(&crew), ["Web: Session started in shop-web"]);
    post(&crew, "API", "hello Web");
    for arguments in [json!({"command": "git worktree add sub/x"}), json!("{\"command\": \"git worktree add sub/x\"}")]
    {
        let denied = copilot.fire("preToolUse", &json!({"toolName": "bash", "toolArgs": arguments}));
        assert_eq!(denied["permissionDecision"], "deny");
        assert!(
            denied["permissionDecisionReason"].as_str().unwrap().contains("sub/x")
                && denied.get("additionalContext").is_none()
        );
    }
    let heard = copilot.fire("preToolUse", &json!({"toolName": "view", "toolArgs": {"path": "README.md"}}));
    assert!(
        heard["additionalContext"].as_str().unwrap().contains("hello Web") && heard.get("permissionDecision").is_none()
    );
    let long = shop.join("long.rs");
    crew.write(&long, "x\n".repeat(300));
    let shorter = json!({"toolName": "create", "toolArgs": {"path": long, "content": "x\n"}});
    let mended = copilot.fire("preToolUse", &shorter);
    assert!(mended.get("permissionDecision").is_none(), "what a file was is no reason against mending it: {mended}");
    assert_eq!(copilot.fire("postToolUse", &shorter)["permissionDecision"], "deny");
    let pushed = json!({"toolName": "bash", "toolArgs": "{\"command\": \"git push\"}", "toolResult": {"resultType": "success", "textResultForLlm": "ok"}});
    copilot.fire("postToolUse", &pushed);
    copilot.fire("sessionEnd", &json!({"reason": "complete"}));
    assert_eq!(messages(&crew)[2..], ["Web: git: git push", "Web: Session ended"]);
}

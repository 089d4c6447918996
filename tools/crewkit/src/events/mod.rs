//! `crewkit hook EVENT`: all hooks of an event in one process. One reading of the event, one opening of the database, one
//! answer.
//!
//! A hook that fails or panics is a line on standard error: the others are asked all the same, and what one of them
//! denies stays denied. That is why programs are built with unwinding panics.

mod catch;
pub(crate) mod table;

use std::ffi::OsString;

use clap::{CommandFactory as _, Parser};
use crewkit_hook::{Event, Given};
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code};

use table::{Hook, Turn};

/// `crewkit hook`, a hook in itself.
pub(crate) const TOOL: Tool = Tool {
    name: "crewkit hook",
    summary: "all hooks of an event in one process",
    kind: Kind::Hook,
    command: HookArguments::command,
    run,
};

/// Runs all hooks of an event in one process: reads the event (JSON) from standard input, answers as a hook does.
///
/// Which hooks run is set in crewkit.toml (crewkit hooks list, crewkit hooks settings). A hook that fails is a line on
/// standard error; only one that blocks ends with exit code 2, anything else with 0.
#[derive(Debug, Parser)]
#[command(name = "crewkit-hook", bin_name = "crewkit hook", disable_version_flag = true)]
pub(crate) struct HookArguments {
    /// The event as the agent's settings name it (PreToolUse; Copilot's preToolUse is the same).
    #[arg(value_name = "EVENT")]
    event: String,
}

pub(crate) fn run(context: &Context, arguments: &[OsString]) -> Answer {
    match arguments {
        [only] if let Some(event) = only.to_str().and_then(table::event_named) => at(context, event),
        _ => args::with::<HookArguments>(arguments, exit_code::REFUSED, |arguments| named(context, &arguments)),
    }
}

/// The same with arguments that were read already.
pub(crate) fn named(context: &Context, arguments: &HookArguments) -> Answer {
    match table::event_named(&arguments.event) {
        Some(event) => at(context, event),
        None => {
            Err(Refusal::new(format!("unknown event '{}'; known are {}", arguments.event, table::EVENTS.join(", "))))
        }
    }
}

/// Reads the event and asks its hooks. What the event says of itself counts more than the argument.
fn at(context: &Context, named: &'static str) -> Answer {
    let event = Event::from_stdin(context)?.called_for(named);
    let name = match event.name() {
        Some(own) if own != named => {
            context.note(format!("called for {named}, but the event is {own}: answered as that"));
            own
        }
        _ => named,
    };
    Ok(ask(context, &event, table::of_event(name), subject(name, &event)))
}

/// What the matchers of hooks are compared with.
fn subject<'e>(name: &str, event: &'e Event) -> Option<&'e str> {
    match name {
        "SessionStart" => event.source(),
        "SessionEnd" => event.reason(),
        "PreCompact" => event.text("trigger"),
        "SubagentStart" | "SubagentStop" => event.agent_type(),
        "Notification" => event.text("notification_type"),
        _ => event.tool(),
    }
}

/// Asks `hooks` one after the other and merges their answers.
fn ask<'h>(context: &Context, event: &Event, hooks: impl Iterator<Item = &'h Hook>, subject: Option<&str>) -> Outcome {
    // Where the event does not say what it is about, a hook judges by itself whether it is meant.
    let meant = |hook: &&Hook| hook.matcher.is_empty() || subject.is_none_or(|subject| hook.matcher.contains(&subject));
    let mut hooks = hooks.filter(meant).peekable();
    if hooks.peek().is_none() {
        return Outcome::silent();
    }
    // What is wrong with the settings is no hook's own complaint.
    let _ = catch::panics(|| event.settings(context).paths().count());
    let own_notes = context.take_notes();
    let mut given: Vec<Given> = Vec::new();
    let mut complaints = Complaints::default();
    let mut block: Option<Outcome> = None;
    for hook in hooks {
        if block.is_some() && hook.turn != Turn::Judge {
            continue;
        }
        let outcome = match catch::panics(|| {
            let runs = event.settings(context).runs(hook.name, hook.default);
            if runs { (hook.answer)(context, event) } else { Ok(Outcome::silent()) }
        }) {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(refusal)) => complaints.add(hook.name, refusal.to_string()),
            Err(fault) => complaints.add(hook.name, format!("internal fault {fault}")),
        };
        for note in context.take_notes() {
            complaints.add(hook.name, note);
        }
        if outcome != Outcome::silent() {
            let one = Given { hook: hook.name, outcome, once: hook.turn == Turn::Deliver };
            if block.is_none() && one.blocks() {
                block = Some(one.outcome.clone());
            }
            given.push(one);
        }
    }
    given.extend(complaints.given());
    for note in own_notes {
        context.note(note);
    }
    // What was decided stands, whatever befalls the joining of the words.
    catch::panics(|| event.merge(given))
        .unwrap_or_else(|fault| block.unwrap_or_default().with_note(format!("{}: internal fault {fault}", TOOL.name)))
}

/// What hooks have to say to people of themselves: each thing once, with the names of those that say it.
#[derive(Default)]
struct Complaints(Vec<(Vec<&'static str>, String)>);

impl Complaints {
    /// Adds one; what the hook answers then is nothing.
    fn add(&mut self, hook: &'static str, said: String) -> Outcome {
        match self.0.iter_mut().find(|(_, known)| *known == said) {
            Some((hooks, _)) if hooks.contains(&hook) => {}
            Some((hooks, _)) => hooks.push(hook),
            None => self.0.push((vec![hook], said)),
        }
        Outcome::silent()
    }

    /// A line each.
    fn given(self) -> impl Iterator<Item = Given> {
        self.0.into_iter().map(|(hooks, said)| {
            let outcome = Outcome::silent().with_note(format!("{}: {said}", hooks.join(", ")));
            Given { hook: TOOL.name, outcome, once: false }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_hook::Plain;
    use crewkit_tool::{Clock, Script};
    use serde_json::{Value, json};

    fn context(stdin: &str) -> Context {
        Context::scripted(Script {
            environment: [("HOME".into(), "/nowhere".into())].into(),
            directory: "/".into(),
            clock: Clock::System,
            stdin: stdin.as_bytes().to_vec(),
        })
    }

    fn probe(name: &'static str, answer: fn(&Context, &Event) -> Answer) -> Hook {
        let program = ("", "");
        Hook {
            name,
            event: "PreToolUse",
            matcher: &["Bash"],
            answer,
            turn: Turn::Judge,
            default: true,
            program,
            seconds: 1,
        }
    }

    fn asked(hooks: &[Hook], event: &Value) -> Outcome {
        let context = context("");
        let event = Event::parse(event.to_string().as_bytes()).unwrap();
        let subject = subject("PreToolUse", &event);
        ask(&context, &event, hooks.iter(), subject)
    }

    fn bash() -> Value {
        json!({"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "ls"}})
    }

    #[test]
    fn a_panic_or_a_failure_lets_nothing_through_that_another_denies() {
        let deny = probe("deny", |_, event| Ok(event.block("no")));
        let advise = probe("advise", |_, event| Ok(event.advise("take care", Plain::Stderr)));
        let panic = probe("panic", |_, _| panic!("all\nis lost"));
        let fail = probe("fail", |_, _| Err(Refusal::new("no database")));
        for hooks in [[panic, deny, fail, advise], [deny, panic, advise, fail], [fail, panic, panic, deny]] {
            let outcome = asked(&hooks, &bash());
            let said = String::from_utf8(outcome.stderr).unwrap();
            assert!(outcome.code == 2 && said.starts_with("no\n"), "{said}");
        }
        let outcome = asked(&[panic, fail, advise], &bash());
        let said = String::from_utf8(outcome.stderr).unwrap();
        assert_eq!(outcome.code, 0);
        assert!(String::from_utf8(outcome.stdout).unwrap().contains("take care"));
        let lines: Vec<&str> = said.lines().collect();
        assert!(
            lines.len() == 2
                && lines[0].starts_with("panic: internal fault at ")
                && lines[0].ends_with("all\\nis lost")
        );
        assert_eq!(lines[1], "fail: no database");
    }

    #[test]
    fn what_befalls_several_hooks_is_said_once() {
        let fail = |name| probe(name, |_, _| Err(Refusal::new("no database")));
        let note = probe("note", |context, event| {
            context.note("no database");
            context.note("two\nlines");
            Ok(event.add_context("here"))
        });
        let outcome = asked(&[fail("one"), fail("two"), note], &bash());
        assert_eq!(String::from_utf8(outcome.stderr).unwrap(), "one, two, note: no database\nnote: two\\nlines\n");
        assert!(String::from_utf8(outcome.stdout).unwrap().contains("here"));
    }

    #[test]
    fn a_blocked_call_takes_nothing() {
        let deny = probe("deny", |_, event| Ok(event.block("no")));
        let act = Hook { turn: Turn::Act, ..probe("act", |_, event| Ok(event.add_context("done"))) };
        let deliver = Hook { turn: Turn::Deliver, ..probe("deliver", |_, event| Ok(event.add_context("unread"))) };
        assert_eq!(asked(&[deny, act, deliver], &bash()).stderr, b"no\n");
        let both = String::from_utf8(asked(&[act, deliver], &bash()).stdout).unwrap();
        assert!(both.contains("done\\n\\nunread"), "{both}");
        let copilot = json!({"toolName": "bash", "toolArgs": {"command": "ls"}});
        let denied = String::from_utf8(asked(&[deny, act, deliver], &copilot).stdout).unwrap();
        assert!(denied.contains("deny") && !denied.contains("done"), "{denied}");
    }

    #[test]
    fn hooks_are_asked_by_what_the_event_is_about() {
        let say = probe("say", |_, event| Ok(event.add_context("here")));
        let heard = |event: Value| !asked(&[say], &event).stdout.is_empty();
        assert!(heard(bash()));
        assert!(heard(json!({"tool_input": {"command": "ls"}})), "a tool that is not named");
        assert!(!heard(json!({"hook_event_name": "PreToolUse", "tool_name": "Edit"})));
        assert!(heard(json!({"toolName": "shell"})));
    }

    #[test]
    fn an_event_without_a_name_has_the_one_it_is_called_for() {
        let write = r#"{"toolName": "create", "toolArgs": {"path": "/nowhere/x.rs", "content": "CONTENT"}}"#;
        let context = context(&write.replace("CONTENT", &"x\\n".repeat(300)));
        let outcome = run(&context, &["preToolUse".into()]).unwrap();
        assert!(String::from_utf8(outcome.stderr).unwrap().contains("would have 300 lines"));
    }

    #[test]
    fn input_that_is_no_event_and_events_nobody_knows() {
        for (arguments, input) in
            [(&["PreToolUse"][..], "{"), (&["PreToolUse"], ""), (&["Nonsense"], "{}"), (&[], "{}")]
        {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            let refusal = run(&context(input), &arguments).unwrap_err();
            assert!(!refusal.to_string().is_empty());
        }
        let context = context(r#"{"hook_event_name": "Notification"}"#);
        assert_eq!(run(&context, &["PreToolUse".into()]), Ok(Outcome::silent()));
        assert!(context.take_notes()[0].contains("Notification"));
    }
}

//! The part of Claude Code that hooks see: events as JSON on standard input, all matching commands of settings.json run
//! in parallel through the shell, exit code 2 as a block, `additionalContext` into the model's context.

use std::path::Path;
use std::thread;

use serde_json::{Value, json};

use crate::step::{Scene, Step, Wrong};

/// A session of one agent in one worktree.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    scene: &'a Scene,
    id: String,
    directory: &'a Path,
    settings: Value,
    /// Everything that reached the model's context.
    pub(crate) context: String,
}

/// What the hooks made of a tool call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allowed,
    /// The reason that the model is told.
    Blocked(String),
}

impl<'a> Session<'a> {
    /// Starts a session in `directory` with the settings that are installed.
    pub(crate) fn start(scene: &'a Scene, directory: &'a Path) -> Result<Self, Wrong> {
        let text = std::fs::read_to_string(scene.claude().join("settings.json"))?;
        let settings = serde_json::from_str(&text).map_err(|fault| Wrong(format!("settings.json: {fault}")))?;
        let id = format!("{}-0000-4000-8000-{:012}", scene.who, std::process::id());
        let mut session = Self { scene, id, directory, settings, context: String::new() };
        session.event("SessionStart", directory, "startup", json!({"source": "startup", "model": "demo"}))?;
        Ok(session)
    }

    /// A call of the tool Bash: hooks before, the program, hooks after. `None` when a hook blocked it.
    pub(crate) fn bash(
        &mut self,
        directory: &Path,
        program: &str,
        arguments: &[&str],
    ) -> Result<Result<Step, String>, Wrong> {
        let line = std::iter::once(&program).chain(arguments).map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        let input = json!({"command": line, "description": "a step of the demo"});
        if let Verdict::Blocked(reason) = self.before("Bash", directory, &input)? {
            return Ok(Err(reason));
        }
        let step = self.scene.run_in(directory, program, arguments)?;
        self.after(
            "Bash",
            directory,
            &input,
            json!({"stdout": step.stdout, "stderr": step.stderr, "interrupted": false}),
        )?;
        Ok(Ok(step))
    }

    /// A call of the tool Edit on a file of the session's worktree.
    pub(crate) fn edit(&mut self, name: &str, old: &str, new: &str) -> Result<(), Wrong> {
        let directory = self.directory;
        let path = directory.join(name);
        let input = json!({"file_path": path, "old_string": old, "new_string": new});
        if let Verdict::Blocked(reason) = self.before("Edit", directory, &input)? {
            return Err(Wrong(format!("the edit of {name} was blocked: {reason}")));
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        std::fs::write(&path, if old.is_empty() { text + new } else { text.replacen(old, new, 1) })?;
        self.after("Edit", directory, &input, json!({"filePath": path, "success": true}))
    }

    /// Ends the session.
    pub(crate) fn end(mut self) -> Result<(), Wrong> {
        let directory = self.directory;
        self.event("SessionEnd", directory, "other", json!({"reason": "other"}))?;
        Ok(())
    }

    fn before(&mut self, tool: &str, directory: &Path, input: &Value) -> Result<Verdict, Wrong> {
        self.event(
            "PreToolUse",
            directory,
            tool,
            json!({"tool_name": tool, "tool_input": input, "tool_use_id": "toolu_demo"}),
        )
    }

    fn after(&mut self, tool: &str, directory: &Path, input: &Value, response: Value) -> Result<(), Wrong> {
        let fields =
            json!({"tool_name": tool, "tool_input": input, "tool_response": response, "tool_use_id": "toolu_demo"});
        self.event("PostToolUse", directory, tool, fields).map(drop)
    }

    /// Runs every hook that is configured for the event and matches `subject`.
    fn event(&mut self, event: &str, directory: &Path, subject: &str, fields: Value) -> Result<Verdict, Wrong> {
        let mut payload = json!({
            "session_id": self.id, "transcript_path": self.scene.root().join("transcript.jsonl"), "cwd": directory,
            "permission_mode": "default", "hook_event_name": event,
        });
        if let (Some(all), Value::Object(fields)) = (payload.as_object_mut(), fields) {
            all.extend(fields);
        }
        let payload = payload.to_string();
        let commands = self.matching(event, subject);
        let steps: Vec<Result<Step, Wrong>> = thread::scope(|scope| {
            let running: Vec<_> =
                commands.iter().map(|command| scope.spawn(|| self.hook(event, command, directory, &payload))).collect();
            running
                .into_iter()
                .map(|hook| hook.join().unwrap_or_else(|_| Err(Wrong("a hook's thread failed".into()))))
                .collect()
        });
        let mut verdict = Verdict::Allowed;
        for step in steps {
            let step = step?;
            match step.code {
                0 => self.take(event, &step)?,
                2 => verdict = Verdict::Blocked(step.stderr.trim().to_owned()),
                _ => return Err(Wrong(format!("a hook of {event} ended with {}: {}", step.code, step.stderr.trim()))),
            }
        }
        Ok(verdict)
    }

    fn matching(&self, event: &str, subject: &str) -> Vec<String> {
        let groups = self.settings.pointer(&format!("/hooks/{event}")).and_then(Value::as_array);
        let fits = |group: &&Value| match group.get("matcher").and_then(Value::as_str) {
            None | Some("" | "*") => true,
            Some(matcher) => matcher.split('|').any(|name| name == subject),
        };
        let handlers =
            groups.into_iter().flatten().filter(fits).filter_map(|group| group.get("hooks")?.as_array()).flatten();
        handlers.filter_map(|handler| handler.get("command")?.as_str().map(str::to_owned)).collect()
    }

    fn hook(&self, event: &str, line: &str, directory: &Path, payload: &str) -> Result<Step, Wrong> {
        let mut command = self.scene.command("/bin/sh", directory)?;
        command.args(["-c", line]).env("CLAUDE_PROJECT_DIR", self.directory);
        let name = line.rsplit('/').next().unwrap_or(line);
        self.scene.time(&format!("hook {name}"), format!("  {event}: {name}"), &mut command, Some(payload))
    }

    /// What a hook that ended with 0 adds to the context.
    fn take(&mut self, event: &str, step: &Step) -> Result<(), Wrong> {
        let text = step.stdout.trim();
        if text.starts_with('{') {
            let answer = step.json()?;
            let name = answer.pointer("/hookSpecificOutput/hookEventName").and_then(Value::as_str);
            if let Some(context) = answer.pointer("/hookSpecificOutput/additionalContext").and_then(Value::as_str) {
                self.scene.check(name == Some(event), "a hook's answer names its event")?;
                self.hear(context);
            }
        } else if matches!(event, "SessionStart" | "UserPromptSubmit") && !text.is_empty() {
            self.hear(text);
        }
        Ok(())
    }

    fn hear(&mut self, text: &str) {
        for line in text.lines() {
            println!("  {:<5}   hears: {line}", self.scene.who);
        }
        self.context.push_str(text);
        self.context.push('\n');
    }
}

/// One word of a shell's command line.
fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-=:,@".contains(c));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

//! The hooks' entries in the agent's settings.json: merged in, and taken out again.

use std::fs;
use std::path::{Path, PathBuf};

use crewkit_tool::{Context, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Manifest, files};
use crate::events::table;

/// How hooks stand in settings.json.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Form {
    /// One entry an event: `crewkit hook EVENT` runs all of its hooks in one process
    One,
    /// One entry a hook: each is a process of its own
    Each,
}

/// An entry as it is to stand in settings.json.
struct Row {
    event: &'static str,
    matcher: Option<String>,
    command: String,
    /// Seconds.
    timeout: u32,
}

/// The entries of a form.
fn rows(context: &Context, form: Form, prefix: &Path, claude_home: &Path) -> Vec<Row> {
    match form {
        Form::One => {
            let program = prefix.join("bin/crewkit");
            let row = |(event, matcher, timeout)| Row {
                event,
                matcher,
                command: command(context, &program, &format!("hook {event}")),
                timeout,
            };
            table::configured().into_iter().map(row).collect()
        }
        Form::Each => {
            let hooks = table::HOOKS.iter().filter(|hook| hook.default && hook.event != "*");
            hooks
                .map(|hook| {
                    let (program, argument) = hook.program;
                    Row {
                        event: hook.event,
                        matcher: (!hook.matcher.is_empty()).then(|| hook.matcher.join("|")),
                        command: command(context, &claude_home.join(program), argument),
                        timeout: hook.seconds,
                    }
                })
                .collect()
        }
    }
}

/// One entry that was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Added {
    event: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    matcher: Option<String>,
    command: String,
    /// Seconds; older manifests don't say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout: Option<u32>,
}

/// What was added to one settings.json, for the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Merged {
    /// The file, links resolved.
    pub(crate) path: PathBuf,
    /// The entries.
    pub(crate) added: Vec<Added>,
    /// The copy of the file as it was; none when there was no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backup: Option<PathBuf>,
}

/// A merge that is about to be made.
#[derive(Debug)]
pub(crate) struct Merge {
    pub(crate) merged: Merged,
    /// What an earlier version or another form added.
    pub(crate) dropped: Vec<Added>,
    before: Option<Vec<u8>>,
    after: Value,
}

/// Works out what has to be added to `settings.json` in `claude_home`, and which entries of an earlier installation (the
/// manifest knows them) have to go. Everything else that is there stays.
pub(crate) fn plan_merge(
    context: &Context,
    claude_home: &Path,
    prefix: &Path,
    form: Form,
    manifest: &Manifest,
) -> Result<Merge, Refusal> {
    let path = claude_home.join("settings.json");
    // People keep it in a repository of their own and link it: the link stays, its target is written.
    let path = path.canonicalize().unwrap_or(path);
    let before = match fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => None,
        Err(fault) => return Err(files::fault("read", &path, &fault)),
    };
    let mut after = parse(&path, before.as_deref())?;
    let rows = rows(context, form, prefix, claude_home);
    let earlier = manifest.settings.iter().find(|merged| merged.path == path);
    let wanted = |added: &&Added| !rows.iter().any(|row| added.is(row));
    let dropped: Vec<Added> = earlier.iter().flat_map(|merged| &merged.added).filter(wanted).cloned().collect();
    for old in &dropped {
        remove(&mut after, old);
    }
    if form == Form::One {
        note_doubles(context, claude_home, &after);
    }
    let mut added = Vec::new();
    for row in rows {
        let groups = groups_of(&path, &mut after, row.event)?;
        let wanted = plain(context, &row.command);
        let there = groups.iter().flat_map(handlers).any(|found| plain(context, found) == wanted);
        if there {
            continue;
        }
        let handler = json!({"type": "command", "command": row.command, "timeout": row.timeout});
        let same_matcher = |group: &Value| group.get("matcher").and_then(Value::as_str) == row.matcher.as_deref();
        let list = groups.iter_mut().find(|group| same_matcher(group)).and_then(|group| group.get_mut("hooks"));
        if let Some(list) = list.and_then(Value::as_array_mut) {
            list.push(handler);
        } else {
            let mut group = Map::new();
            if let Some(matcher) = &row.matcher {
                group.insert("matcher".to_owned(), json!(matcher));
            }
            group.insert("hooks".to_owned(), json!([handler]));
            groups.push(Value::Object(group));
        }
        added.push(Added {
            event: row.event.to_owned(),
            matcher: row.matcher,
            command: row.command,
            timeout: Some(row.timeout),
        });
    }
    // The copy from before the first installation is the one to go back to.
    let copied = before.is_some() && !added.is_empty() && earlier.is_none();
    let backup = if copied { Some(files::free_name(&path)?) } else { None };
    Ok(Merge { merged: Merged { path, added, backup }, dropped, before, after })
}

/// Tells of hooks that the person has configured by themselves and that `crewkit hook` would run once more.
fn note_doubles(context: &Context, claude_home: &Path, settings: &Value) {
    let configured = commands(settings);
    for hook in table::HOOKS.iter().filter(|hook| hook.default) {
        let own = plain(context, &command(context, &claude_home.join(hook.program.0), hook.program.1));
        if configured.iter().any(|(event, command)| event == hook.event && plain(context, command) == own) {
            let (name, event) = (hook.name, hook.event);
            context.note(format!(
                "settings.json calls {own} at {event} by itself: take that out, or {name} runs twice ([hooks] disable in \
                 crewkit.toml)"
            ));
        }
    }
}

impl Added {
    /// Whether it is what `row` asks for.
    fn is(&self, row: &Row) -> bool {
        self.event == row.event
            && self.matcher == row.matcher
            && self.command == row.command
            && self.timeout.is_none_or(|timeout| timeout == row.timeout)
    }
}

impl Merge {
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.dropped.is_empty() {
            let (count, path) = (self.dropped.len(), self.merged.path.display());
            lines.push(format!("remove {count} hooks of the earlier installation from {path}"));
        }
        if !self.merged.added.is_empty() {
            let mut line = format!("add {} hooks to {}", self.merged.added.len(), self.merged.path.display());
            if let Some(backup) = &self.merged.backup {
                line = format!("{line} (copy: {})", backup.display());
            }
            lines.push(line);
        }
        lines
    }

    pub(crate) fn carry_out(&self) -> Result<(), Refusal> {
        if self.merged.added.is_empty() && self.dropped.is_empty() {
            return Ok(());
        }
        let path = &self.merged.path;
        files::make_folder(path)?;
        let permissions = fs::metadata(path).ok().map(|data| data.permissions());
        if let (Some(backup), Some(before)) = (&self.merged.backup, &self.before) {
            files::replace(backup, before, permissions.clone())?;
        }
        files::replace(path, &pretty(&self.after), permissions)
    }
}

impl Merged {
    /// Enters what a later merge of the same file added. The first copy is the one that tells how it was.
    pub(crate) fn extend(&mut self, later: &Self) {
        for added in &later.added {
            if !self.added.contains(added) {
                self.added.push(added.clone());
            }
        }
    }

    /// Forgets what a later merge has taken out of the file.
    pub(crate) fn forget(&mut self, dropped: &[Added]) {
        self.added.retain(|added| !dropped.contains(added));
    }

    /// Event and command line of every entry.
    pub(crate) fn commands(&self) -> Vec<(&str, &str)> {
        self.added.iter().map(|added| (added.event.as_str(), added.command.as_str())).collect()
    }

    pub(crate) fn removal_line(&self) -> String {
        format!("remove {} hooks from {}", self.added.len(), self.path.display())
    }

    /// Takes the added entries out. Where the file then says what it said before, it is put back byte for byte.
    pub(crate) fn take_back(&self) -> Result<Option<String>, Refusal> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(fault) => return Err(files::fault("read", &self.path, &fault)),
        };
        let mut settings = parse(&self.path, Some(&bytes))?;
        for added in &self.added {
            remove(&mut settings, added);
        }
        let copy = self.backup.as_ref().and_then(|backup| Some((backup, fs::read(backup).ok()?)));
        let permissions = fs::metadata(&self.path).ok().map(|data| data.permissions());
        match copy {
            Some((backup, before))
                if parse(backup, Some(&before)).is_ok_and(|before| pruned(before) == pruned(settings.clone())) =>
            {
                files::replace(&self.path, &before, permissions)?;
                fs::remove_file(backup).map_err(|fault| files::fault("remove", backup, &fault))?;
            }
            None if settings == json!({}) => {
                fs::remove_file(&self.path).map_err(|fault| files::fault("remove", &self.path, &fault))?;
            }
            _ => files::replace(&self.path, &pretty(&settings), permissions)?,
        }
        Ok(Some(format!("took {} hooks out of {}", self.added.len(), self.path.display())))
    }
}

/// The settings as an object; an empty or missing file is an empty one.
fn parse(path: &Path, bytes: Option<&[u8]>) -> Result<Value, Refusal> {
    let broken =
        |why: String| Refusal::new(format!("{} {why}; it was left as it is and no hook was added", path.display()));
    let Some(bytes) = bytes.filter(|bytes| !bytes.trim_ascii().is_empty()) else { return Ok(json!({})) };
    match serde_json::from_slice(bytes) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(broken("is no JSON object".to_owned())),
        Err(fault) => Err(broken(format!("is not valid JSON ({fault})"))),
    }
}

/// The list of groups under `hooks` → `event`, made when missing.
fn groups_of<'a>(path: &Path, settings: &'a mut Value, event: &str) -> Result<&'a mut Vec<Value>, Refusal> {
    let odd = |what: &str| {
        Refusal::new(format!("{}: {what} has an unknown form; the file was left as it is", path.display()))
    };
    let hooks = settings.as_object_mut().map(|top| top.entry("hooks").or_insert_with(|| json!({})));
    let hooks = hooks.and_then(Value::as_object_mut).ok_or_else(|| odd("'hooks'"))?;
    let groups = hooks.entry(event).or_insert_with(|| json!([]));
    groups.as_array_mut().ok_or_else(|| odd(&format!("'hooks.{event}'")))
}

/// The command lines of a group: nested (`hooks: [{command}]`), or a handler that stands directly under the event.
fn handlers(group: &Value) -> Vec<&str> {
    let nested = group.get("hooks").and_then(Value::as_array).into_iter().flatten();
    nested.chain(std::iter::once(group)).filter_map(|handler| handler.get("command")?.as_str()).collect()
}

fn remove(settings: &mut Value, added: &Added) {
    let Some(hooks) = settings.get_mut("hooks").and_then(Value::as_object_mut) else { return };
    let Some(groups) = hooks.get_mut(&added.event).and_then(Value::as_array_mut) else { return };
    for group in groups.iter_mut() {
        let same_matcher = group.get("matcher").and_then(Value::as_str) == added.matcher.as_deref();
        if let (true, Some(list)) = (same_matcher, group.get_mut("hooks").and_then(Value::as_array_mut)) {
            let ours = |handler: &Value| handler.get("command").and_then(Value::as_str) == Some(&added.command);
            if let Some(at) = list.iter().position(ours) {
                list.remove(at);
                break;
            }
        }
    }
    groups.retain(|group| {
        let empty = group.get("hooks").and_then(Value::as_array).is_some_and(Vec::is_empty);
        !(empty && group.get("matcher").and_then(Value::as_str) == added.matcher.as_deref())
    });
    if groups.is_empty() {
        hooks.remove(&added.event);
    }
    if hooks.is_empty()
        && let Some(top) = settings.as_object_mut()
    {
        top.remove("hooks");
    }
}

/// A command line as the agent's shell will read it: `~/...` under the home folder, else the absolute path.
fn command(context: &Context, program: &Path, arguments: &str) -> String {
    let program = context.shorten_home(program);
    let program = quoted(&program.to_string_lossy());
    if arguments.is_empty() { program } else { format!("{program} {arguments}") }
}

/// `path` as one word of a shell, a leading `~/` left outside the quotes.
fn quoted(path: &str) -> String {
    let safe = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | ',' | '@' | '%');
    let (head, rest) = path.strip_prefix("~/").map_or(("", path), |rest| ("~/", rest));
    if rest.chars().all(safe) { path.to_owned() } else { format!("{head}'{}'", rest.replace('\'', r"'\''")) }
}

/// A command line in one spelling, to compare: quotes taken off, the home folder written out, the wrapper `bash` dropped,
/// crewkit itself without its folder.
fn plain(context: &Context, command: &str) -> String {
    let words = words(context, command);
    match words.split_first() {
        Some((program, rest)) if program.ends_with("/crewkit") => format!("crewkit {}", rest.join(" ")),
        _ => words.join(" "),
    }
}

/// The words of a command line, quotes taken off, the home folder written out, the wrapper `bash` dropped.
fn words(context: &Context, command: &str) -> Vec<String> {
    let home = context.home().unwrap_or_default();
    let home = home.to_string_lossy();
    let bare = command.replace(['"', '\''], "").replace("${HOME}", &home).replace("$HOME", &home);
    let words = bare.split_whitespace();
    let mut words: Vec<String> = words
        .map(|word| word.strip_prefix("~/").map_or_else(|| word.to_owned(), |rest| format!("{home}/{rest}")))
        .collect();
    if words.first().is_some_and(|word| word == "bash" || word == "sh") {
        words.remove(0);
    }
    words
}

/// The program that a hook's command line starts, `~` and `$HOME` written out.
pub(crate) fn command_program(context: &Context, command: &str) -> Option<PathBuf> {
    words(context, command).into_iter().next().map(PathBuf::from)
}

/// Event and command line of every hook that a settings.json configures.
pub(crate) fn commands(settings: &Value) -> Vec<(String, String)> {
    let events = settings.get("hooks").and_then(Value::as_object).into_iter().flatten();
    events
        .flat_map(|(event, groups)| {
            let groups = groups.as_array().into_iter().flatten();
            groups.flat_map(handlers).map(move |command| (event.clone(), command.to_owned()))
        })
        .collect()
}

/// The settings without empty lists of hooks: two files that differ in those say the same.
fn pruned(mut settings: Value) -> Value {
    if let Some(top) = settings.as_object_mut() {
        if let Some(hooks) = top.get_mut("hooks").and_then(Value::as_object_mut) {
            hooks.retain(|_, groups| groups.as_array().is_none_or(|groups| !groups.is_empty()));
        }
        if top.get("hooks").and_then(Value::as_object).is_some_and(Map::is_empty) {
            top.remove("hooks");
        }
    }
    settings
}

fn pretty(settings: &Value) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(settings).unwrap_or_default();
    text.push(b'\n');
    text
}

//! From a session's transcripts into the database.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crewkit_store::Store;
use crewkit_store::token_usage::{Added, Counted, Reading, Transcript as ReadTo};
use crewkit_tool::{Context, Refusal};
use serde::Deserialize;

use crate::read::hash;
use crate::{Answer, Place, Prices, project_of, read};

/// Who the answers of the session itself are from.
const AGENT: &str = "claude-code";

/// How much of a transcript's beginning is looked through for its session, in bytes.
const BEGINNING: u64 = 1 << 20;

/// A session's transcript and where it worked.
#[derive(Debug, Clone)]
pub struct Transcript {
    /// The session's id; `None` for the one that the file's first lines tell, else its name without the ending.
    pub session: Option<String>,
    /// The file.
    pub path: PathBuf,
    /// The directory that the session works in; `None` for the one that its answers tell.
    pub directory: Option<PathBuf>,
    /// A subagent's transcript beside those in the session's folder, and its kind.
    pub subagent: Option<(PathBuf, Option<String>)>,
}

/// What was counted.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Recorded {
    /// The project's id.
    pub project: String,
    /// What was added, by model; empty where nothing was.
    pub added: Vec<Added>,
}

/// Reads what was written since the last time into the session's transcript and those of its subagents
/// (`SESSION/subagents/*.jsonl` beside it), and counts it; nothing where there is no transcript. A subagent's file that
/// cannot be read is named in a note.
///
/// # Errors
/// When the transcript is there and cannot be read; see [`crewkit_store::Error`].
pub fn record(context: &Context, store: &Store, transcript: &Transcript) -> Result<Recorded, Refusal> {
    let session = match &transcript.session {
        Some(session) => session.clone(),
        None => session_of(&transcript.path)
            .unwrap_or_else(|| transcript.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()),
    };
    let mut reader = Reader { store, session: &session, answers: Vec::new(), directory: None, transcripts: Vec::new() };
    let whole = reader.read(&transcript.path, None);
    let named = transcript.subagent.iter().map(|(path, kind)| (path.clone(), kind.clone()));
    for (path, kind) in named.chain(subagents(&transcript.path).into_iter().map(|path| (path, None))) {
        let kind = kind.or_else(|| kind_of(&path)).unwrap_or_else(|| "subagent".to_owned());
        if let Err(refusal) = reader.read(&path, Some(&format!("{AGENT}:{kind}"))) {
            context.note(refusal.to_string());
        }
    }
    whole?;
    let Reader { answers, transcripts, directory, .. } = reader;
    if answers.is_empty() {
        return Ok(Recorded::default());
    }
    let directory = transcript.directory.clone().or(directory);
    let project = match &directory {
        Some(directory) => project_of(context, store, directory)?,
        None => "unknown".to_owned(),
    };
    let mut places = Vec::new();
    for folder in directory.iter().flat_map(|directory| directory.ancestors()) {
        places.extend(folder.to_str().map(ToOwned::to_owned));
        let short = context.shorten_home(folder);
        places.extend(short.to_str().filter(|_| short != *folder).map(ToOwned::to_owned));
    }
    let prices = Prices::load(context);
    let reading = Reading {
        session: &session,
        project: &project,
        places: &places,
        host: &context.host(),
        now: &context.now(),
        transcripts: &transcripts,
        answers: &answers,
    };
    let price = |answer: &Counted, day: &str, amounts: &_| prices.cost(&answer.model, day, answer.fast, amounts);
    let added = store.token_usage().record(&reading, &price)?;
    Ok(Recorded { project, added })
}

/// What is read of one session.
struct Reader<'a> {
    store: &'a Store,
    session: &'a str,
    answers: Vec<Counted>,
    directory: Option<PathBuf>,
    transcripts: Vec<ReadTo>,
}

impl Reader<'_> {
    /// Reads what is new in `path`, where there is such a file, as answers of `agent`, or of the session.
    fn read(&mut self, path: &Path, agent: Option<&str>) -> Result<(), Refusal> {
        let Some(name) = path.to_str() else {
            return Err(Refusal::new(format!("{}: the path is not UTF-8", path.display())));
        };
        if self.transcripts.iter().any(|known| known.path == name) {
            return Ok(());
        }
        match fs::metadata(path) {
            Ok(data) if data.is_file() => {}
            Ok(_) => return Err(Refusal::new(format!("{name}: not a file"))),
            Err(fault) if matches!(fault.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(()),
            Err(fault) => return Err(Refusal::new(format!("{name}: {fault}"))),
        }
        let from = self.store.token_usage().place(name)?.unwrap_or((0, 0));
        let from = Place { offset: u64::try_from(from.0).unwrap_or(0), ending: from.1.cast_unsigned() };
        let (answers, directory, session) = (&mut self.answers, &mut self.directory, self.session);
        let place = read(path, from, |answer| {
            if directory.is_none() {
                *directory = answer.directory.as_deref().map(PathBuf::from);
            }
            answers.push(counted(answer, session, name, agent));
        })
        .map_err(|fault| Refusal::new(format!("{name}: {fault}")))?;
        self.transcripts.push(ReadTo {
            path: name.to_owned(),
            read_to: i64::try_from(place.offset).unwrap_or(0),
            ending: place.ending.cast_signed(),
        });
        Ok(())
    }
}

fn counted(answer: Answer, session: &str, path: &str, agent: Option<&str>) -> Counted {
    let key = key(&answer, session, path);
    let own = if answer.sidechain { "claude-code:subagent" } else { AGENT };
    Counted {
        key,
        agent: agent.unwrap_or(own).to_owned(),
        model: answer.model.unwrap_or_else(|| "unknown".to_owned()),
        at: answer.at,
        branch: answer.branch,
        fast: answer.fast,
        amounts: answer.amounts,
    }
}

/// The name of an answer, hashed. With both ids it is the same answer wherever it stands: a session that is resumed or
/// forked begins with a copy of the other's lines. With the message's alone it is known in its session.
fn key(answer: &Answer, session: &str, path: &str) -> i64 {
    let hashed = match answer {
        Answer { message_id: Some(message), request_id: Some(request), .. } => {
            hash(&[b"answer", message.as_bytes(), request.as_bytes()])
        }
        Answer { message_id: Some(message), .. } => hash(&[b"message", session.as_bytes(), message.as_bytes()]),
        Answer { line_id: Some(line), .. } => hash(&[b"line", line.as_bytes()]),
        _ => hash(&[b"place", path.as_bytes(), answer.offset.to_string().as_bytes()]),
    };
    hashed.cast_signed()
}

/// The transcripts of a session's subagents, by name.
fn subagents(transcript: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(transcript.with_extension("").join("subagents")) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.as_os_str().as_bytes().ends_with(b".jsonl"))
        .collect();
    paths.sort();
    paths
}

/// The session that the first lines of a transcript tell.
fn session_of(path: &Path) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Line {
        session_id: String,
    }
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(BEGINNING).read_to_end(&mut bytes).ok()?;
    let lines = bytes.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| serde_json::from_slice::<Line>(line).ok())
        .map(|line| line.session_id)
        .find(|id| !id.is_empty())
}

/// The kind of a subagent, from the file that Claude Code writes beside its transcript (`agent-ID.meta.json`).
fn kind_of(path: &Path) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Meta {
        agent_type: String,
    }
    let meta: Meta = serde_json::from_slice(&fs::read(path.with_extension("meta.json")).ok()?).ok()?;
    Some(meta.agent_type).filter(|kind| !kind.is_empty())
}

//! The registry file, `plans/registry.json` in the agent's folder: `{"projects": {ID: {...}}, "meta": {...}}`.
//!
//! # Locking
//! A [`Registry`] holds the lock `registry.json.lock` from reading to writing, so that two at once lose nothing. The new
//! text is written beside the file and takes its place whole: a reader, or a failure, sees the old or the new one.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crewkit_store::queue::{self, Turn};
use crewkit_tool::{Context, Refusal};

/// How long another writer is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// The registry, read and locked. Everything in it that is not changed here is kept.
#[derive(Debug)]
pub(crate) struct Registry {
    path: PathBuf,
    permissions: Option<Permissions>,
    value: Value,
    _turn: Turn,
}

impl Registry {
    /// The folder that holds the registry and a folder for each project's plans.
    pub(crate) fn folder(context: &Context) -> Result<PathBuf, Refusal> {
        Ok(context.claude_home()?.join("plans"))
    }

    /// Locks and reads the registry; a missing or empty one is as good as one without projects.
    pub(crate) fn open(context: &Context) -> Result<Self, Refusal> {
        let folder = Self::folder(context)?;
        fs::create_dir_all(&folder)
            .map_err(|fault| Refusal::new(format!("{} cannot be made: {fault}", folder.display())))?;
        let path = folder.join("registry.json");
        // A registry kept elsewhere, behind a link, is replaced there.
        let path = path.canonicalize().unwrap_or(path);
        let turn = queue::wait(&queue::lock_path(&path), Instant::now() + PATIENCE)?;
        let (value, permissions) = read(&path)?;
        Ok(Self { path, permissions, value, _turn: turn })
    }

    /// The projects as they stand, without a lock: for looking only.
    pub(crate) fn look(context: &Context) -> Result<Map<String, Value>, Refusal> {
        let (mut value, _) = read(&Self::folder(context)?.join("registry.json"))?;
        Ok(value["projects"].as_object_mut().map(std::mem::take).unwrap_or_default())
    }

    /// The projects.
    pub(crate) fn projects(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.value["projects"].as_object().into_iter().flatten()
    }

    /// The entry of the project `id`.
    pub(crate) fn entry(&self, id: &str) -> Option<&Value> {
        self.value["projects"].get(id)
    }

    /// Sets these keys in the entry of the project `id`, which is made when missing; its other keys stay.
    pub(crate) fn set(&mut self, id: &str, keys: Map<String, Value>) {
        if let Some(projects) = self.value["projects"].as_object_mut() {
            let entry = projects.entry(id).or_insert_with(|| json!({}));
            if let Some(entry) = entry.as_object_mut() {
                entry.extend(keys);
            }
        }
    }

    /// Takes the entry of the project `id` out; whether there was one.
    pub(crate) fn remove(&mut self, id: &str) -> bool {
        self.value["projects"].as_object_mut().is_some_and(|projects| projects.shift_remove(id).is_some())
    }

    /// Writes the registry; `now` (UTC, ISO 8601) is its `meta.lastUpdated`. `meanwhile` runs when the new text is safely
    /// on the disk, before it takes the old one's place; its failure leaves the registry as it was.
    pub(crate) fn write(mut self, now: &str, meanwhile: impl FnOnce() -> Result<(), Refusal>) -> Result<(), Refusal> {
        self.value["meta"]["lastUpdated"] = json!(now);
        let mut text = serde_json::to_vec_pretty(&self.value)
            .map_err(|fault| Refusal::new(format!("{} cannot be written: {fault}", self.path.display())))?;
        text.push(b'\n');
        let beside = self.path.with_extension("json.new");
        let done = write_whole(&beside, &text, self.permissions.as_ref())
            .map_err(|fault| Refusal::new(format!("{} cannot be written: {fault}", self.path.display())))
            .and_then(|()| meanwhile())
            .and_then(|()| {
                fs::rename(&beside, &self.path)
                    .map_err(|fault| Refusal::new(format!("{} cannot be replaced: {fault}", self.path.display())))
            });
        if done.is_err() {
            let _ = fs::remove_file(&beside);
        } else if let Some(folder) = self.path.parent().and_then(|folder| File::open(folder).ok()) {
            // The text is on the disk already; a folder that cannot be synced only delays its name.
            let _ = folder.sync_all();
        }
        done
    }
}

fn read(path: &Path) -> Result<(Value, Option<Permissions>), Refusal> {
    let (text, permissions) = match fs::read(path) {
        Ok(text) => (text, fs::metadata(path).ok().map(|data| data.permissions())),
        Err(fault) if fault.kind() == ErrorKind::NotFound => (Vec::new(), None),
        Err(fault) => return Err(Refusal::new(format!("{} cannot be read: {fault}", path.display()))),
    };
    let broken = |why: String| Refusal::new(format!("{}: {why}; it was left as it is", path.display()));
    let mut value = if text.trim_ascii().is_empty() {
        json!({})
    } else {
        serde_json::from_slice(&text).map_err(|fault| broken(fault.to_string()))?
    };
    let Some(object) = value.as_object_mut() else { return Err(broken("not a JSON object".to_owned())) };
    for key in ["projects", "meta"] {
        let part = object.entry(key).or_insert_with(|| json!({}));
        if !part.is_object() {
            return Err(broken(format!("'{key}' is not a JSON object")));
        }
    }
    if let Some((id, _)) = object["projects"].as_object().into_iter().flatten().find(|(_, entry)| !entry.is_object()) {
        return Err(broken(format!("the project '{id}' is not a JSON object")));
    }
    Ok((value, permissions))
}

fn write_whole(path: &Path, text: &[u8], permissions: Option<&Permissions>) -> std::io::Result<()> {
    // What an earlier failure left behind; the lock keeps others from writing it now.
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    if let Some(permissions) = permissions {
        file.set_permissions(permissions.clone())?;
    }
    file.write_all(text)?;
    file.sync_all()
}

//! What each computer knows, and how the other one is asked for it.

use serde::{Deserialize, Serialize};

use crewkit_store::plan_views::CLUSTER_SQL;
use crewkit_tool::remote::{Remote, Reply, quote};
use crewkit_tool::{Context, Refusal};

/// What one computer knows.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Half {
    /// How it calls itself, when it said so.
    #[serde(default)]
    pub(super) host: Option<String>,
    /// Its plans in every state.
    pub(super) plans: Vec<Plan>,
    /// Its tasks in progress.
    pub(super) tasks: Vec<Task>,
}

/// A plan as one computer knows it.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) id: i64,
    pub(super) project: String,
    pub(super) name: String,
    pub(super) status: String,
    pub(super) tasks_done: i64,
    pub(super) tasks_total: i64,
    /// Who has claimed it.
    pub(super) host: Option<String>,
    /// Seconds since 1970 of its latest time.
    pub(super) activity: i64,
}

/// A task in progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) plan: Option<i64>,
    pub(super) code: String,
    pub(super) title: String,
    pub(super) wave: String,
    pub(super) host: Option<String>,
}

impl Half {
    /// What this computer knows.
    pub(super) fn here(context: &Context) -> Result<Self, Refusal> {
        Self::parse(context.store()?.plan_views().cluster()?.as_bytes())
    }

    pub(super) fn parse(json: &[u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(json).map_err(|fault| Refusal::new(format!("the plans cannot be read: {fault}")))
    }
}

/// The second computer, after it was asked.
#[derive(Debug)]
pub(super) struct Other {
    /// Its name as set up, without a user.
    pub(super) name: String,
    /// Whether it answered at all.
    reached: bool,
    /// What it knows; `None` when that could not be had.
    pub(super) half: Option<Half>,
}

impl Other {
    /// Asks the second computer, when one is set up. What keeps it from answering is a note.
    pub(super) fn ask(context: &Context) -> Result<Option<Self>, Refusal> {
        let Some(remote) = Remote::configured(context)? else { return Ok(None) };
        let name = remote.name().to_owned();
        let (reached, half) = match remote.ask(context, &half_script(&remote))? {
            Reply::Unreachable(reason) => (false, Err(reason)),
            Reply::Said(ended) if !ended.ok() => (true, Err(ended.complaint())),
            Reply::Said(ended) => (true, Half::parse(&ended.stdout).map_err(|refusal| refusal.message)),
        };
        if let Err(reason) = &half {
            context.note(format!("warning: {name}: {reason}"));
        }
        let half = half.ok().map(|half| Half { host: half.host.or_else(|| Some(name.clone())), ..half });
        Ok(Some(Self { name, reached, half }))
    }

    pub(super) fn online(&self) -> bool {
        self.reached
    }

    /// What it knows and the names it goes by: its own, and the one it is set up under.
    pub(super) fn half(&self) -> Option<(&Half, [&str; 2])> {
        let half = self.half.as_ref()?;
        Some((half, [half.host.as_deref().unwrap_or(&self.name), &self.name]))
    }
}

/// Sets `db` to the database there and `tool` to its plan-db, or to nothing.
fn preamble(remote: &Remote) -> String {
    format!(
        r#"db={db}
case $db in '~') db=$HOME;; '~/'*) db=$HOME/${{db#??}};; /*) ;; *) db=$HOME/$db;; esac
tool=
claude=${{CLAUDE_HOME:-$HOME/.claude}}
for place in "$claude/scripts/plan-db.sh" "$claude/bin/plan-db" "$HOME/.local/bin/plan-db" "$(command -v plan-db)"; do
  if [ -x "$place" ]; then tool=$place; break; fi
done
export PLAN_DB_FILE="$db""#,
        db = quote(&remote.database)
    )
}

/// Prints [`Half`] there.
fn half_script(remote: &Remote) -> String {
    format!(
        r#"{preamble}
if [ -n "$tool" ] && answer=$("$tool" cluster-local </dev/null 2>/dev/null); then
  printf '%s\n' "$answer"
  exit 0
fi
if [ ! -s "$db" ]; then echo "no database at $db" >&2; exit 1; fi
if ! command -v sqlite3 >/dev/null; then echo 'neither crewkit nor sqlite3 is installed there' >&2; exit 127; fi
exec sqlite3 -batch -init /dev/null -readonly "$db" {sql} </dev/null"#,
        preamble = preamble(remote),
        sql = quote(CLUSTER_SQL)
    )
}

/// Runs `plan-db status` there.
pub(super) fn status_script(remote: &Remote, project: Option<&str>, json: bool) -> String {
    let project = project.filter(|project| !project.is_empty()).map(|project| format!(" {}", quote(project)));
    format!(
        r#"{preamble}
if [ -z "$tool" ]; then echo 'plan-db is not installed there' >&2; exit 127; fi
exec "$tool" status{json}{separator}{project} </dev/null"#,
        preamble = preamble(remote),
        json = if json { " --json" } else { "" },
        // Only a word that looks like an option needs the separator, which older plan-dbs take for a project.
        separator = if project.as_ref().is_some_and(|word| word.starts_with(" '-")) { " --" } else { "" },
        project = project.unwrap_or_default(),
    )
}

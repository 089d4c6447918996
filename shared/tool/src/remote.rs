//! The second computer: whether one is set up, and asking it through ssh.
//!
//! Its settings stand in `config/sync-db.conf` in the agent's folder: lines `KEY=value` for `REMOTE_HOST`, `REMOTE_DB`
//! and `LOCAL_DB`, each overridden by an environment variable of the same name. The file is read, never executed.
//! Without `REMOTE_HOST` there is no second computer and nobody is asked.

use std::path::PathBuf;
use std::time::Duration;

use crate::process::{Ended, Run};
use crate::{Context, Refusal, exit_code};

/// Seconds to connect, unless `PLAN_DB_SSH_TIMEOUT` says otherwise.
const CONNECT_SECONDS: u64 = 5;
/// Seconds that an answer may take once connected.
const ANSWER_SECONDS: u64 = 20;
/// The line after which the answer of a script begins: login files of the other computer may print before it.
const BEGIN: &str = "==answer==";

/// Where the second computer and both databases are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoteSettings {
    /// `REMOTE_HOST`: the destination for ssh, `[user@]host` or an alias; `None` when there is no second computer.
    pub host: Option<String>,
    /// `REMOTE_DB`: the database there; a leading `~` is the home folder there.
    pub database: Option<String>,
    /// `LOCAL_DB`: the database here, its `~` expanded.
    pub local_database: Option<PathBuf>,
}

impl RemoteSettings {
    /// Reads the settings file and the environment. Lines that are not understood are named in a note.
    ///
    /// # Errors
    /// When the agent's folder is not known, the file cannot be read, or `REMOTE_HOST` is no host's name.
    pub fn read(context: &Context) -> Result<Self, Refusal> {
        let path = context.claude_home()?.join("config/sync-db.conf");
        let mut settings = match std::fs::read(&path) {
            Ok(bytes) => {
                let (settings, ignored) = parse(&String::from_utf8_lossy(&bytes));
                for line in ignored {
                    context.note(format!("warning: {}: ignored: {line}", path.display()));
                }
                settings
            }
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(fault) => return Err(Refusal::new(format!("{} cannot be read: {fault}", path.display()))),
        };
        settings.host = context.variable("REMOTE_HOST").or(settings.host);
        settings.database = context.variable("REMOTE_DB").or(settings.database);
        settings.local_database = context.variable_path("LOCAL_DB").or(settings.local_database);
        settings.local_database = settings.local_database.map(|path| context.expand_home(&path));
        if let Some(host) = &settings.host
            && !is_destination(host)
        {
            return Err(Refusal::new(format!("REMOTE_HOST: '{host}' is not the name of a host")));
        }
        Ok(settings)
    }
}

/// The second computer, ready to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// The destination for ssh.
    pub destination: String,
    /// The database there; a leading `~` is the home folder there.
    pub database: String,
}

/// What asking came to.
#[derive(Debug)]
pub enum Reply {
    /// The script ran there; its standard output without what login files printed before it, its exit code.
    Said(Ended),
    /// It did not: the reason, in one line.
    Unreachable(String),
}

impl Remote {
    /// The second computer, or `None` when none is set up.
    ///
    /// # Errors
    /// As [`RemoteSettings::read`].
    pub fn configured(context: &Context) -> Result<Option<Self>, Refusal> {
        let settings = RemoteSettings::read(context)?;
        let database = settings.database.unwrap_or_else(|| "~/.claude/data/dashboard.db".to_owned());
        Ok(settings.host.map(|destination| Self { destination, database }))
    }

    /// The host's name without a user before it.
    pub fn name(&self) -> &str {
        self.destination.rsplit_once('@').map_or(&self.destination, |(_, host)| host)
    }

    /// Runs `script` there by `sh`. The script travels on standard input, so that no login shell reads it; values in
    /// it have to be written with [`quote`]. Commands in it must not read standard input.
    ///
    /// # Errors
    /// Never for a computer that does not answer; only as [`Run::run`] for faults on this side other than a missing ssh.
    pub fn ask(&self, context: &Context, script: &str) -> Result<Reply, Refusal> {
        let script = format!("printf '%s\\n' '{BEGIN}'\n{script}\n");
        let seconds = connect_seconds(context);
        let run = ssh(context, &self.destination, seconds).arg("sh").stdin(script.into_bytes());
        let mut ended = match run.limit(Duration::from_secs(seconds + ANSWER_SECONDS)).run() {
            Ok(ended) => ended,
            Err(refusal) if refusal.code == exit_code::NOT_FOUND => return Ok(Reply::Unreachable(refusal.message)),
            Err(refusal) => return Err(refusal),
        };
        if ended.timed_out {
            return Ok(Reply::Unreachable("no answer in time".to_owned()));
        }
        let mark = format!("{BEGIN}\n").into_bytes();
        match ended.stdout.windows(mark.len()).position(|window| window == mark) {
            Some(at) => {
                ended.stdout.drain(..at + mark.len());
                Ok(Reply::Said(ended))
            }
            None => Ok(Reply::Unreachable(ended.complaint())),
        }
    }
}

/// Whether `host` answers ssh at all. A name that is none is not asked.
pub fn answers(context: &Context, host: &str) -> bool {
    let seconds = connect_seconds(context);
    is_destination(host)
        && ssh(context, host, seconds)
            .arg("true")
            .limit(Duration::from_secs(seconds + 5))
            .run()
            .is_ok_and(|ended| ended.ok() && !ended.timed_out)
}

fn ssh(context: &Context, destination: &str, seconds: u64) -> Run {
    let timeout = format!("ConnectTimeout={seconds}");
    Run::new(context, "ssh").args(["-o", "BatchMode=yes", "-o", &timeout, "--", destination])
}

fn connect_seconds(context: &Context) -> u64 {
    let given = context.variable("PLAN_DB_SSH_TIMEOUT").and_then(|text| text.parse().ok());
    given.filter(|seconds| (1..=600).contains(seconds)).unwrap_or(CONNECT_SECONDS)
}

/// `value` as one word of a script for `sh`.
pub fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// Whether ssh can be given `text`: no blank, nothing that an option or a shell would take for its own.
fn is_destination(text: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | ':' | '%' | '+' | '[' | ']');
    !text.is_empty() && !text.starts_with('-') && text.chars().all(allowed)
}

/// The settings in the text of a settings file, and the lines that were not understood.
fn parse(text: &str) -> (RemoteSettings, Vec<String>) {
    let mut settings = RemoteSettings::default();
    let mut ignored = Vec::new();
    let filled = |value: String| (!value.is_empty()).then_some(value);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let assignment = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let read = assignment.split_once('=').and_then(|(key, value)| Some((key, value_of(value)?)));
        match read {
            Some(("REMOTE_HOST", value)) => settings.host = filled(value),
            Some(("REMOTE_DB", value)) => settings.database = filled(value),
            Some(("LOCAL_DB", value)) => settings.local_database = filled(value).map(PathBuf::from),
            _ => ignored.push(line.to_owned()),
        }
    }
    (settings, ignored)
}

/// A value as a shell's assignment writes it, `$HOME` at its beginning as `~`; `None` when it asks for more than a value:
/// another variable, a command, a second word.
fn value_of(text: &str) -> Option<String> {
    let quoted = |mark: char| {
        let (value, rest) = text.strip_prefix(mark)?.split_once(mark)?;
        let rest = rest.trim_start();
        (rest.is_empty() || rest.starts_with('#')).then_some(value)
    };
    let value = if let Some(mark @ ('"' | '\'')) = text.chars().next() {
        quoted(mark)?
    } else {
        let value = text.find(" #").or_else(|| text.find("\t#")).map_or(text, |at| &text[..at]).trim_end();
        if value.contains([' ', '\t', '"', '\'', ';', '&', '|', '<', '>', '(', ')']) {
            return None;
        }
        value
    };
    let home = ["$HOME", "${HOME}"].into_iter().find_map(|name| value.strip_prefix(name));
    let value = match home {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("~{rest}"),
        _ => value.to_owned(),
    };
    (!value.contains(['$', '`', '\\'])).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, Script};

    fn context(folder: &std::path::Path, more: &[(&str, &str)]) -> Context {
        let path = format!("{}/bin:/usr/bin:/bin", folder.display());
        let variables = [("HOME", folder.to_str().unwrap()), ("PATH", path.as_str())];
        Context::scripted(Script {
            environment: variables.iter().chain(more).map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            directory: folder.to_owned(),
            clock: Clock::System,
            stdin: Vec::new(),
        })
    }

    fn write(path: &std::path::Path, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn every_form_of_a_line_is_read_and_none_is_run() {
        let host = |text: &str| parse(text).0.host;
        for (text, wanted) in [
            ("REMOTE_HOST=far", Some("far")),
            ("export REMOTE_HOST=\"far\" # the mini\r", Some("far")),
            ("  REMOTE_HOST='me@far'", Some("me@far")),
            ("REMOTE_HOST=far # remark", Some("far")),
            ("REMOTE_HOST=one\nREMOTE_HOST=two", Some("two")),
            ("#REMOTE_HOST=far", None),
            ("REMOTE_HOST=", None),
            ("REMOTE_HOST=$(touch /tmp/x)", None),
            ("REMOTE_HOST=`id`", None),
            ("REMOTE_HOST=\"far\" id", None),
            ("REMOTE_HOST=far; id", None),
            ("REMOTE_HOST=$OTHER", None),
        ] {
            assert_eq!(host(text).as_deref(), wanted, "{text}");
        }
        let (settings, ignored) = parse("REMOTE_DB=\"$HOME/a b.db\"\nLOCAL_DB=~/l.db\n\nif true; then\nOTHER=1\n");
        assert_eq!(settings.database.as_deref(), Some("~/a b.db"));
        assert_eq!(settings.local_database, Some("~/l.db".into()));
        assert_eq!(ignored, ["if true; then", "OTHER=1"]);
    }

    #[test]
    fn the_environment_comes_first_and_a_host_must_be_one() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(Remote::configured(&context(home.path(), &[])).unwrap(), None);
        write(&home.path().join(".claude/config/sync-db.conf"), "REMOTE_HOST=file\n");
        let found = |more: &[(&str, &str)]| Remote::configured(&context(home.path(), more)).map(|found| found.unwrap());
        assert_eq!(found(&[]).unwrap().name(), "file");
        assert_eq!(found(&[("REMOTE_HOST", "me@env")]).unwrap().name(), "env");
        for host in ["-oProxyCommand=id", "a b", "a;b", "$(id)"] {
            assert!(found(&[("REMOTE_HOST", host)]).unwrap_err().to_string().contains("REMOTE_HOST"), "{host}");
        }
    }

    #[test]
    fn an_answer_is_cut_free_of_what_login_files_print() {
        let home = tempfile::tempdir().unwrap();
        write(
            &home.path().join("bin/ssh"),
            "#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\nshift\n[ \"$1\" = far ] || { echo 'no route' >&2; exit 255; }\nshift\necho welcome\nexec \"$@\"\n",
        );
        let context = context(home.path(), &[]);
        let remote = |host: &str| Remote { destination: host.into(), database: String::new() };
        let value = "it's; $(id)";
        match remote("far").ask(&context, &format!("printf %s {}; exit 3", quote(value))).unwrap() {
            Reply::Said(ended) => assert_eq!((ended.code, ended.text().as_str()), (3, value)),
            Reply::Unreachable(reason) => panic!("{reason}"),
        }
        assert!(matches!(remote("gone").ask(&context, "true").unwrap(), Reply::Unreachable(why) if why == "no route"));
        assert!(answers(&context, "far") && !answers(&context, "gone") && !answers(&context, "-x"));
    }
}

//! diff-digest: size and shape of a diff before review or merge, without its text. Called by agents and by people.
//!
//! Git's two commands (the diff's numbers, the count of commits) run side by side; nothing is kept between calls.

mod generated;
mod numbers;
mod patch;
mod range;

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::{CommandFactory, Parser};
use crewkit_digest::{answer, tokens};
use crewkit_repo::{Git, Repository};
use crewkit_tool::process::Ended;
use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, Tool, args, exit_code};
use serde::Serialize;

use numbers::Numbers;
use range::Range;

/// diff-digest.
pub const TOOL: Tool = Tool {
    name: "diff-digest",
    summary: "size and shape of a diff, without its text",
    kind: Kind::Tool,
    command: Arguments::command,
    run,
};

/// Most kinds of files in the answer.
const TYPES: usize = 8;
/// Most files in `top_files`.
const TOP: usize = 10;

/// Most tokens of an answer with every path, unless the caller says otherwise.
const FULL_TOKENS: usize = 8_000;

/// Size and shape of a diff as one line of JSON: files, lines, commits, kinds of files, the files with most lines.
///
/// BASE and HEAD are commits. A BASE that does not begin with HEAD is compared from where both parted: what HEAD's branch
/// adds. HEAD, HEAD~N... alone is compared with the work tree; with a second commit, directly with that. A range (a..b,
/// a...b) means what it means to git diff.
///
/// Ends with 0 when the diff could be read, also when it is empty; else with 1 and an object with status "error" and msg.
#[derive(Parser, Debug)]
#[command(name = "diff-digest", disable_version_flag = true)]
struct Arguments {
    /// What is compared with (main; where there is none, the remote's default branch)
    #[arg(value_name = "BASE")]
    base: Option<String>,
    /// What is compared (HEAD)
    #[arg(value_name = "HEAD")]
    head: Option<String>,
    /// Only files that match this pathspec of git; may be given several times
    #[arg(long = "files", value_name = "PATTERN")]
    patterns: Vec<String>,
    /// Every file, as "ADDED DELETED PATH", in place of the ten with most lines
    #[arg(long, conflicts_with = "patch")]
    full: bool,
    /// The changed lines of this one file too, path from the top of the work tree
    #[arg(long, value_name = "FILE")]
    patch: Option<String>,
    /// Most tokens of the answer, as estimated (2000; with --full 8000); what is left out is counted under `more`
    #[arg(long, value_name = "N")]
    max_tokens: Option<usize>,
    /// Accepted for old callers: no answer is ever kept
    #[arg(long, overrides_with = "no_cache")]
    no_cache: bool,
}

/// The answer.
#[derive(Debug, Serialize)]
struct Digest<'a> {
    base: &'a str,
    head: &'a str,
    files_changed: usize,
    insertions: u64,
    deletions: u64,
    commits: u64,
    by_type: Vec<Type<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_files: Option<Vec<File<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paths: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    /// What the answer left out for its size: paths, or lines of the patch.
    #[serde(skip_serializing_if = "answer::is_zero")]
    more: usize,
    /// Lock files, snapshots and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    generated: Option<Count>,
    /// Files that git does not know, when the work tree is compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    untracked: Option<usize>,
    /// Only when nothing changed: an empty list.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<[(); 0]>,
}

#[derive(Debug, Serialize)]
struct Type<'a> {
    ext: &'a str,
    count: usize,
    lines: u64,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "names of the answer")]
struct File<'a> {
    file: &'a str,
    add: u64,
    del: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    binary: bool,
    /// The earlier path of a renamed or copied file.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    generated: bool,
}

#[derive(Debug, Serialize)]
struct Count {
    count: usize,
    lines: u64,
}

fn run(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Arguments>(arguments, exit_code::REFUSED, |arguments| {
        digest(context, &arguments).map_err(|refusal| {
            let message = refusal.message.clone();
            refusal.with_code(exit_code::REFUSED).with_json(&answer::Failure::new(&message))
        })
    })
}

fn digest(context: &Context, arguments: &Arguments) -> Answer {
    let directory = context.directory()?;
    let git = || Git::at(context, directory);
    let range = Range::of(arguments.base.as_deref(), arguments.head.as_deref(), || default_base(context, git))?;
    let numbers = numbers::read(git, &range, &arguments.patterns)?;
    let mut files: Vec<&Numbers> = numbers.files.iter().collect();
    files.sort_by(|one, other| other.lines().cmp(&one.lines()).then_with(|| one.path.cmp(&other.path)));
    let generated = generated(&files);
    let mut digest = Digest {
        base: &range.base,
        head: &range.head,
        files_changed: files.len(),
        insertions: files.iter().map(|file| file.added).sum(),
        deletions: files.iter().map(|file| file.deleted).sum(),
        commits: numbers.commits,
        by_type: by_type(&files),
        top_files: (!arguments.full).then(|| top(&files)),
        paths: None,
        patch: None,
        more: 0,
        generated,
        untracked: numbers.untracked,
        files: files.is_empty().then_some([]),
    };
    let most = arguments.max_tokens.unwrap_or(if arguments.full { FULL_TOKENS } else { answer::MAX_TOKENS });
    let room = most.saturating_sub(tokens::estimate(&text_of(&digest)));
    if let Some(file) = &arguments.patch {
        let (patch, more) = patch::of(git(), &range, file, room)?;
        (digest.patch, digest.more) = (Some(patch), more);
    }
    if arguments.full {
        let (paths, more) = paths(&files, room);
        (digest.paths, digest.more) = (Some(paths), more);
    }
    Ok(Outcome::json(&digest))
}

/// The base where none is given: `main`, else the default branch of the remote.
fn default_base(context: &Context, git: impl Fn() -> Git) -> Result<String, Refusal> {
    let repository = Repository::discover(context.directory()?);
    let main = || "main".to_owned();
    // The usual case costs no process.
    if repository.is_some_and(|repository| repository.common_dir.join("refs/heads/main").is_file()) {
        return Ok(main());
    }
    let ask = |arguments: &[&str]| Ok::<_, Refusal>(Some(git().args(arguments).run()?).filter(Ended::ok));
    if ask(&["rev-parse", "--verify", "--quiet", "refs/heads/main"])?.is_some() {
        return Ok(main());
    }
    if let Some(ended) = ask(&["rev-parse", "--abbrev-ref", "--verify", "--quiet", "refs/remotes/origin/HEAD"])? {
        return Ok(ended.text());
    }
    if ask(&["rev-parse", "--git-dir"])?.is_none() {
        return Err(Refusal::new("not a git repository"));
    }
    Err(Refusal::new("there is neither a branch 'main' nor a remote whose default branch is known: name a base"))
}

fn text_of(digest: &Digest<'_>) -> String {
    String::from_utf8(Outcome::json(digest).stdout).unwrap_or_default()
}

/// The part after the last dot of the file's name.
fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

fn by_type<'a>(files: &[&'a Numbers]) -> Vec<Type<'a>> {
    let mut types: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
    for file in files {
        let (count, lines) = types.entry(extension(&file.path)).or_default();
        *count += 1;
        *lines += file.lines();
    }
    let mut types: Vec<Type<'_>> = types.into_iter().map(|(ext, (count, lines))| Type { ext, count, lines }).collect();
    types.sort_by_key(|kind| std::cmp::Reverse(kind.lines));
    types.truncate(TYPES);
    types
}

/// The files with most lines. Where there are more than fit, those that a program wrote give way to the others.
fn top<'a>(files: &[&'a Numbers]) -> Vec<File<'a>> {
    let mut chosen: Vec<&Numbers> = files.to_vec();
    if chosen.len() > TOP {
        chosen.sort_by_key(|file| generated::is_generated(&file.path));
        chosen.truncate(TOP);
        chosen.sort_by(|one, other| other.lines().cmp(&one.lines()).then_with(|| one.path.cmp(&other.path)));
    }
    chosen
        .into_iter()
        .map(|file| File {
            file: &file.path,
            add: file.added,
            del: file.deleted,
            binary: file.binary,
            from: file.from.as_deref(),
            generated: generated::is_generated(&file.path),
        })
        .collect()
}

fn generated(files: &[&Numbers]) -> Option<Count> {
    let mut all = Count { count: 0, lines: 0 };
    for file in files.iter().filter(|file| generated::is_generated(&file.path)) {
        all.count += 1;
        all.lines += file.lines();
    }
    (all.count > 0).then_some(all)
}

/// Every file in a short form, as many as fit into `room` tokens, and the number of the others.
fn paths(files: &[&Numbers], room: usize) -> (Vec<String>, usize) {
    let mut kept = Vec::new();
    let mut spent = 0;
    for file in files {
        let line = if file.binary {
            format!("- - {}", file.path)
        } else {
            format!("{} {} {}", file.added, file.deleted, file.path)
        };
        // Quotes and the comma.
        spent += tokens::estimate(&line) + 1;
        if spent > room && !kept.is_empty() {
            break;
        }
        kept.push(line);
    }
    let more = files.len() - kept.len();
    (kept, more)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_tool::{Clock, Script};
    use std::collections::HashMap;

    fn numbers(path: &str, added: u64, deleted: u64) -> Numbers {
        Numbers { path: path.to_owned(), from: None, added, deleted, binary: false }
    }

    #[test]
    fn every_path_of_139_files_costs_few_tokens() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().canonicalize().unwrap();
        let mut environment: HashMap<OsString, OsString> = HashMap::from([("HOME".into(), directory.clone().into())]);
        environment.extend(Context::process().environment.get("PATH").map(|path| ("PATH".into(), path)));
        let context = Context::scripted(Script {
            environment,
            directory: directory.clone(),
            clock: Clock::System,
            stdin: Vec::new(),
        });
        let git = |arguments: &[&str]| {
            let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"];
            assert!(Git::at(&context, &directory).args(identity).args(arguments).run().unwrap().ok(), "{arguments:?}");
        };
        git(&["init", "-q"]);
        git(&["commit", "-q", "--allow-empty", "-m", "base"]);
        let (folders, names) = (["orders", "refunds", "shipping", "accounts"], ["parser", "totals", "report", "mod"]);
        for number in 0..139 {
            let (folder, name) = (folders[number % 4], names[number / 4 % 4]);
            let path = directory.join(format!("services/{folder}/src/{name}{}.rs", number / 16));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "line\n".repeat(number % 50 + 1)).unwrap();
        }
        git(&["checkout", "-q", "-b", "side"]);
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "side"]);
        let outcome = run(&context, &["--full".into()]).unwrap();
        let text = String::from_utf8(outcome.stdout).unwrap();
        let seen: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((seen["paths"].as_array().unwrap().len(), seen.get("more")), (139, None));
        let tokens = tiktoken_rs::o200k_base_singleton().encode_ordinary(text.trim_end()).len();
        assert!(tokens <= 2_100, "{tokens}: {text}");
    }

    #[test]
    fn a_type_is_what_stands_after_the_last_dot_of_the_name() {
        let wanted = ["rs", "gz", "", "", "gitignore", "", "md"];
        let paths = ["a.rs", "x/a.tar.gz", "Makefile", "a.b/c", ".gitignore", "dot.", "ü/ä ö.md"];
        assert_eq!(paths.map(extension), wanted);
    }

    #[test]
    fn programs_files_give_way_where_not_all_fit() {
        let mut all = vec![numbers("package-lock.json", 9000, 1)];
        all.extend((0..10).map(|number| numbers(&format!("f{number}.rs"), number, 0)));
        let files: Vec<&Numbers> = all.iter().collect();
        assert!(top(&files).iter().all(|file| !file.generated));
        assert_eq!(top(&files[..5])[0].file, "package-lock.json");
        let count = generated(&files).unwrap();
        assert_eq!((count.count, count.lines), (1, 9001));
    }

    #[test]
    fn a_long_list_is_cut_to_its_room_and_counted() {
        let all: Vec<Numbers> = (0..50).map(|number| numbers(&format!("some/folder/file{number}.rs"), 1, 2)).collect();
        let files: Vec<&Numbers> = all.iter().collect();
        let (kept, more) = paths(&files, 100);
        assert!(!kept.is_empty() && kept.len() + more == 50 && more > 0, "{more}");
        assert_eq!(kept[0], "1 2 some/folder/file0.rs");
        assert_eq!(paths(&files, 0).1, 49);
    }
}

//! `crewkit setup`: installs the program, its links and hooks, and takes all of it away again.
//!
//! One program lies in PREFIX/bin; everything else is a symbolic link to it, so that an upgrade is one rename. What
//! was installed stands in a manifest, written before anything is done: a second call finds an interrupted one's
//! traces, and uninstall touches only what is listed.

mod files;
mod hooks;
mod manifest;

use std::path::PathBuf;

use crewkit_tool::{Answer, Context, Kind, Outcome, Refusal, exit_code};

use crate::manual;
use crate::table::TOOLS;
use files::{Place, Step};
pub(crate) use hooks::{command_program, commands as hook_commands};
pub(crate) use manifest::{Entry, Manifest};

/// Arguments of `crewkit setup`; install.sh passes its own on.
#[derive(Debug, clap::Args)]
pub(crate) struct SetupArguments {
    /// Where bin and share lie.
    #[arg(long, value_name = "DIR", default_value = "~/.local")]
    prefix: PathBuf,
    /// The agent's folder, which gets scripts, hooks and settings.json.
    #[arg(long, value_name = "DIR", default_value = "~/.claude")]
    claude_home: PathBuf,
    /// How hooks stand in settings.json: as asked for at the last installation, else one.
    #[arg(long, value_enum, value_name = "FORM", conflicts_with = "no_hooks")]
    hooks: Option<hooks::Form>,
    /// Leaves settings.json alone.
    #[arg(long)]
    no_hooks: bool,
    /// Says what would be done and does nothing.
    #[arg(long)]
    dry_run: bool,
    /// Takes away what an installation with the same prefix made, and puts back what it moved aside.
    #[arg(long)]
    uninstall: bool,
}

/// `crewkit setup`.
pub(crate) fn run(context: &Context, arguments: &SetupArguments) -> Answer {
    let prefix = context.absolute(&context.expand_home(&arguments.prefix))?;
    let claude_home = context.absolute(&context.expand_home(&arguments.claude_home))?;
    if arguments.uninstall {
        return uninstall(&prefix, arguments.dry_run);
    }
    let source = std::env::current_exe()
        .map_err(|fault| Refusal::new(format!("the running program cannot be found: {fault}")))?;
    let places = wanted(&prefix, &claude_home, source)?;
    let manifest_path = Manifest::path(&prefix);
    let mut manifest = Manifest::load(&manifest_path)?.unwrap_or_default();

    let mut lines = Vec::new();
    let mut steps: Vec<Step> = Vec::new();
    for place in places {
        steps.push(files::plan(place, &manifest)?);
    }
    let stale = manifest.without(&steps);
    let changed: Vec<&Step> = steps.iter().filter(|step| !step.done).collect();
    lines.extend(changed.iter().filter_map(|step| step.aside_line()));
    lines.extend(stale.iter().map(|entry| format!("remove {}", entry.path.display())));
    let links = changed.iter().filter(|step| step.is_link()).count();
    if links > 0 {
        lines.push(format!("link {links} names in {} and {}", prefix.join("bin").display(), claude_home.display()));
    }
    let others = changed.iter().filter(|step| !step.is_link());
    let manual = prefix.join("share/man/man1");
    let is_manual = |step: &Step| step.is_page() && step.path().starts_with(&manual);
    lines.extend(others.filter(|step| !is_manual(step)).map(|step| format!("write {}", step.path().display())));
    let pages = changed.iter().filter(|step| is_manual(step)).count();
    if pages > 0 {
        lines.push(format!("write {pages} man pages in {}", manual.display()));
    }

    let form = arguments.hooks.or(manifest.form);
    let same_form = form == manifest.form;
    manifest.form = form;
    let form = form.unwrap_or(hooks::Form::One);
    let merge = (!arguments.no_hooks).then(|| hooks::plan_merge(context, &claude_home, &prefix, form, &manifest));
    if let Some(Ok(merge)) = &merge {
        lines.extend(merge.lines());
    }
    if lines.is_empty() && same_form && !matches!(merge, Some(Err(_))) {
        return Ok(Outcome::text(format!("crewkit is installed in {}; nothing to do", prefix.display())));
    }
    if arguments.dry_run {
        let would = lines.iter().map(|line| format!("would {line}\n")).collect::<String>();
        return Ok(finish(would, merge.and_then(Result::err)));
    }

    manifest.add(&steps);
    if let Some(Ok(merge)) = &merge {
        manifest.add_settings(merge);
    }
    manifest.save(&manifest_path)?;
    for step in &steps {
        step.carry_out()?;
    }
    for entry in &stale {
        files::take_away(entry)?;
    }
    manifest.all_placed();
    manifest.save(&manifest_path)?;
    let fault = match merge {
        Some(Ok(merge)) => match merge.carry_out() {
            Ok(()) if !merge.dropped.is_empty() => {
                manifest.drop_settings(&merge);
                manifest.save(&manifest_path).err()
            }
            carried_out => carried_out.err(),
        },
        Some(Err(fault)) => Some(fault),
        None => None,
    };
    let mut lines: Vec<String> = lines.iter().map(|line| past(line)).collect();
    lines.push(format!("crewkit {} is installed in {}", env!("CARGO_PKG_VERSION"), prefix.display()));
    let bin = prefix.join("bin");
    let search = context.environment.get("PATH").unwrap_or_default();
    if !std::env::split_paths(&search).any(|folder| folder == bin) {
        lines.push(format!("{} is not in PATH", bin.display()));
    }
    Ok(finish(lines.join("\n"), fault))
}

/// A line of the plan once it has been carried out.
fn past(line: &str) -> String {
    let verbs =
        [("move ", "moved "), ("link ", "linked "), ("write ", "wrote "), ("add ", "added "), ("remove ", "removed ")];
    let done = verbs.iter().find_map(|(verb, past)| Some(format!("{past}{}", line.strip_prefix(verb)?)));
    done.unwrap_or_else(|| line.to_owned())
}

/// The text as an outcome; with a fault the same text, the fault on standard error and exit code 1.
fn finish(text: String, fault: Option<Refusal>) -> Outcome {
    match fault {
        None => Outcome::text(text),
        Some(fault) => Outcome::text(text).with_note(format!("crewkit: {fault}")).with_code(exit_code::REFUSED),
    }
}

/// Everything that an installation consists of, the program first.
fn wanted(prefix: &std::path::Path, claude_home: &std::path::Path, source: PathBuf) -> Result<Vec<Place>, Refusal> {
    let bin = prefix.join("bin");
    let program = bin.join("crewkit");
    let mut places = vec![Place::program(program.clone(), source)];
    for entry in TOOLS {
        if entry.tool.kind == Kind::Tool {
            places.push(Place::link(bin.join(entry.tool.name), PathBuf::from("crewkit")));
        }
        places.extend(entry.drop_ins.iter().map(|drop_in| Place::link(claude_home.join(drop_in), program.clone())));
    }
    let library = claude_home.join("scripts/lib/quality-gate-templates.sh");
    places.push(Place::page(library, crewkit_quality::quality_gate_templates::LIBRARY.into()));
    for (name, page) in manual::pages()? {
        places.push(Place::page(prefix.join("share/man/man1").join(name), page));
    }
    Ok(places)
}

fn uninstall(prefix: &std::path::Path, dry_run: bool) -> Answer {
    let path = Manifest::path(prefix);
    let Some(manifest) = Manifest::load(&path)? else {
        return Ok(Outcome::text(format!("no crewkit is installed in {}", prefix.display())));
    };
    if dry_run {
        let mut lines: Vec<String> = manifest.settings.iter().map(hooks::Merged::removal_line).collect();
        lines.extend(manifest.entries.iter().map(files::removal_line));
        return Ok(Outcome::text(lines.iter().map(|line| format!("would {line}\n")).collect::<String>()));
    }
    let mut said = Vec::new();
    let mut faults = Vec::new();
    for merged in &manifest.settings {
        match merged.take_back() {
            Ok(line) => said.extend(line),
            Err(fault) => faults.push(fault),
        }
    }
    // The program goes last: until then an interrupted call can be repeated.
    for entry in manifest.entries.iter().rev() {
        match files::take_away(entry) {
            Ok(line) => said.extend(line),
            Err(fault) => faults.push(fault),
        }
    }
    let fault = faults.into_iter().next();
    if fault.is_none() {
        manifest.remove(&path)?;
        said.push(format!("crewkit was taken out of {}", prefix.display()));
    }
    Ok(finish(said.join("\n"), fault))
}

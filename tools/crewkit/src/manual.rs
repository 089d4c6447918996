//! Man pages and completions, made from the arguments of each tool.

use std::fs;
use std::path::PathBuf;

use clap::ValueEnum;
use crewkit_tool::{Answer, Context, Outcome, Refusal, Tool};

use crate::crewkit;
use crate::table::{self, TOOLS};

/// Arguments of `crewkit man`.
#[derive(Debug, clap::Args)]
pub(crate) struct ManArguments {
    /// The tool; without one, crewkit's own page.
    #[arg(value_name = "TOOL", conflicts_with = "dir")]
    tool: Option<String>,
    /// Writes every page as DIR/TOOL.1 instead.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// The shells that completions are made for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Shell {
    /// `source <(crewkit completions bash)`
    Bash,
    /// `source <(crewkit completions zsh)`, after compinit
    Zsh,
    /// `crewkit completions fish | source`
    Fish,
}

/// Every tool that is called by name, crewkit first.
fn called_by_name() -> impl Iterator<Item = &'static Tool> {
    std::iter::once(&crewkit::TOOL).chain(TOOLS.iter().map(|entry| &entry.tool))
}

/// The man page of a tool in roff.
pub(crate) fn page(tool: &Tool) -> Result<Vec<u8>, Refusal> {
    let command = (tool.command)().name(tool.name).version(env!("CARGO_PKG_VERSION"));
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|fault| Refusal::new(format!("the page of {}: {fault}", tool.name)))?;
    Ok(page)
}

/// The name and the page of every tool.
pub(crate) fn pages() -> Result<Vec<(String, Vec<u8>)>, Refusal> {
    called_by_name().map(|tool| Ok((format!("{}.1", tool.name), page(tool)?))).collect()
}

/// `crewkit man`.
pub(crate) fn man(context: &Context, arguments: &ManArguments) -> Answer {
    if let Some(dir) = &arguments.dir {
        let dir = context.absolute(dir)?;
        let fail = |fault: std::io::Error| Refusal::new(format!("{} cannot be written: {fault}", dir.display()));
        fs::create_dir_all(&dir).map_err(fail)?;
        let pages = pages()?;
        for (name, page) in &pages {
            fs::write(dir.join(name), page).map_err(fail)?;
        }
        return Ok(Outcome::text(format!("{} pages in {}", pages.len(), dir.display())));
    }
    let tool = match &arguments.tool {
        None => &crewkit::TOOL,
        Some(name) => match table::find(name) {
            Some(entry) => &entry.tool,
            None => return Err(Refusal::new(format!("unknown tool '{name}'; 'crewkit list' shows all"))),
        },
    };
    Ok(Outcome { stdout: page(tool)?, ..Outcome::default() })
}

/// `crewkit completions`.
pub(crate) fn completions(shell: Shell) -> Outcome {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut script = Vec::new();
    for tool in called_by_name() {
        let mut command = (tool.command)();
        if tool.name == crewkit::TOOL.name {
            for entry in TOOLS {
                command = command.subcommand(clap::Command::new(entry.tool.name).about(entry.tool.summary));
            }
        }
        clap_complete::generate(shell, &mut command, tool.name, &mut script);
    }
    Outcome { stdout: script, ..Outcome::default() }
}

//! The agents that get worktrees.

use crewkit_repo::is_branch_name;
use crewkit_tool::{Context, Refusal};

/// The agents of a project that names none.
const USUAL: [&str; 4] = ["web", "api", "data", "sysadmin"];

/// The agents' names, each once, in their order: `given`, else those in `AGENTS` (commas or blanks between), else those
/// in `COMMS_AGENT_NAMES` (commas between), else the usual four.
///
/// # Errors
/// When one of them cannot be the last part of a branch's and a folder's name.
pub(super) fn names(context: &Context, given: &[String]) -> Result<Vec<String>, Refusal> {
    let (source, mut names) = if given.is_empty() { from_environment(context) } else { ("", given.to_vec()) };
    for name in &names {
        let fits = !name.contains('/') && !name.starts_with('-') && is_branch_name(&format!("agent/{name}"));
        if !fits {
            return Err(Refusal::new(format!(
                "{source}'{name}' cannot be an agent's name: it names a branch and a folder"
            )));
        }
    }
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    Ok(names)
}

fn from_environment(context: &Context) -> (&'static str, Vec<String>) {
    let split = |text: String, between: fn(char) -> bool| -> Vec<String> {
        text.split(between).map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    let read = |variable: &str, between| split(context.variable(variable).unwrap_or_default(), between);
    let own = read("AGENTS", |c| c == ',' || c.is_whitespace());
    if !own.is_empty() {
        return ("AGENTS: ", own);
    }
    let chat = read("COMMS_AGENT_NAMES", |c| c == ',');
    if !chat.is_empty() {
        return ("COMMS_AGENT_NAMES: ", chat);
    }
    ("", USUAL.map(str::to_owned).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_tool::{Clock, Script};

    fn context(variables: &[(&str, &str)]) -> Context {
        Context::scripted(Script {
            environment: variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            directory: "/".into(),
            clock: Clock::System,
            stdin: Vec::new(),
        })
    }

    #[test]
    fn arguments_come_before_the_environment() {
        let (own, chat) = (("AGENTS", " red,blue\tred\ngreen "), ("COMMS_AGENT_NAMES", " Web , API,"));
        let given = ["x".to_owned(), "y".to_owned(), "x".to_owned()];
        assert_eq!(names(&context(&[own, chat]), &given).unwrap(), ["x", "y"]);
        assert_eq!(names(&context(&[own, chat]), &[]).unwrap(), ["red", "blue", "green"]);
        assert_eq!(names(&context(&[("AGENTS", " , "), chat]), &[]).unwrap(), ["Web", "API"]);
        assert_eq!(names(&context(&[]), &[]).unwrap(), USUAL);
    }

    #[test]
    fn what_cannot_name_a_branch_and_a_folder_is_refused() {
        for name in ["", "a/b", "../up", "..", ".", ".git", "a b", "-x", "a\nb", "a:b", "x.lock", "a~", "\u{1b}[31m"] {
            let refusal = names(&context(&[]), &["web".to_owned(), name.to_owned()]).unwrap_err();
            assert!(refusal.message.contains(&format!("'{name}'")), "{name:?}: {refusal}");
        }
        let refusal = names(&context(&[("COMMS_AGENT_NAMES", "Web,two words")]), &[]).unwrap_err();
        assert!(refusal.message.starts_with("COMMS_AGENT_NAMES: 'two words'"), "{refusal}");
    }
}

//! From a directory to a name and a project.

use std::path::Path;

use crewkit_repo::Repository;
use crewkit_store::chat::GENERAL;
use crewkit_tool::Context;

use super::folder_name;

/// The names that auto-assign gives when `COMMS_AGENT_NAMES` names none.
const NAMES: [&str; 7] = ["Sysadmin", "Web", "API", "Data", "Integr", "App", "Misc"];

/// The names that auto-assign gives.
pub(crate) fn available(context: &Context) -> Vec<String> {
    let set = context.variable("COMMS_AGENT_NAMES").unwrap_or_default();
    let names: Vec<String> = set.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if names.is_empty() { NAMES.map(str::to_owned).to_vec() } else { names }
}

/// The name that `directory` (absolute) stands for: by the map, else by the ending of its last component.
pub(crate) fn name_of(context: &Context, directory: &Path) -> Option<String> {
    let folder = folder_name(directory).to_lowercase();
    if let Some(name) = Map::read(context, "COMMS_DIR_MAP").get(&folder) {
        return Some(name.to_owned());
    }
    available(context)
        .into_iter()
        .find(|name| folder.strip_suffix(&name.to_lowercase()).is_some_and(|before| before.ends_with('-')))
}

/// The project of `directory` (absolute): by the map (for its own name, its work tree's, its main work tree's), else
/// the name of the repository's main work tree in lower case, else general.
pub(crate) fn project_of(context: &Context, directory: &Path) -> String {
    let map = Map::read(context, "COMMS_PROJECT_MAP");
    if let Some(project) = map.get(&folder_name(directory).to_lowercase()) {
        return project.to_owned();
    }
    let Some(repository) = Repository::discover(directory) else { return GENERAL.to_owned() };
    let work_tree = repository.top.as_deref().map(|top| folder_name(top).to_lowercase());
    let main = match repository.main_worktree() {
        Some(main) => folder_name(&main),
        None => folder_name(&repository.common_dir).trim_end_matches(".git").to_owned(),
    };
    let main = main.to_lowercase();
    let mapped = work_tree.as_deref().and_then(|name| map.get(name)).or_else(|| map.get(&main));
    match mapped {
        Some(project) => project.to_owned(),
        None if main.is_empty() => GENERAL.to_owned(),
        None => main,
    }
}

/// A setting that maps directories: `dir:Name,dir:Name`, or a JSON object of texts.
#[derive(Debug, Default)]
struct Map(Vec<(String, String)>);

impl Map {
    /// The map in the variable `variable`; one that cannot be read is no map, and said so.
    fn read(context: &Context, variable: &str) -> Self {
        let Some(text) = context.variable(variable) else { return Self::default() };
        let read = if text.trim_start().starts_with('{') { Self::from_json(&text) } else { Self::from_pairs(&text) };
        read.unwrap_or_else(|why| {
            context.note(format!("{variable} is left out: {why}"));
            Self::default()
        })
    }

    fn from_json(text: &str) -> Result<Self, String> {
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(text).map_err(|fault| format!("it is no JSON object ({fault})"))?;
        let pairs = object.into_iter().map(|(key, value)| match value.as_str().map(str::trim) {
            Some(value) if !value.is_empty() && !key.trim().is_empty() => {
                Ok((key.trim().to_lowercase(), value.to_owned()))
            }
            _ => Err(format!("the value of '{key}' is no name")),
        });
        pairs.collect::<Result<_, _>>().map(Self)
    }

    fn from_pairs(text: &str) -> Result<Self, String> {
        let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty()).map(|pair| {
            match pair.split_once(':').map(|(key, value)| (key.trim(), value.trim())) {
                Some((key, value)) if !key.is_empty() && !value.is_empty() => {
                    Ok((key.to_lowercase(), value.to_owned()))
                }
                _ => Err(format!("'{pair}' is not dir:Name")),
            }
        });
        pairs.collect::<Result<_, _>>().map(Self)
    }

    /// The value of `folder`, which is in lower case.
    fn get(&self, folder: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == folder).map(|(_, value)| value.as_str())
    }
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

    fn name(variables: &[(&str, &str)], directory: &str) -> Option<String> {
        let context = context(variables);
        let name = name_of(&context, Path::new(directory));
        assert_eq!(context.take_notes(), [""; 0]);
        name
    }

    #[test]
    fn the_ending_of_the_last_component_is_the_name() {
        for (directory, wanted) in [
            ("/src/shop-web", Some("Web")),
            ("/src/Shop-API/", Some("API")),
            ("/src/shop-web-data//", Some("Data")),
            ("/src/shop-integr", Some("Integr")),
            ("/src/shop", None),
            ("/src/web", None),
            ("/src/cobweb", None),
            ("/src/shop-web/deeper", None),
            ("/", None),
        ] {
            assert_eq!(name(&[], directory).as_deref(), wanted, "{directory}");
        }
    }

    #[test]
    fn settings_replace_the_names_and_win_over_the_ending() {
        let names = ("COMMS_AGENT_NAMES", " Infra, ,QA ");
        assert_eq!(name(&[names], "/x-infra").as_deref(), Some("Infra"));
        assert_eq!(name(&[names], "/x-web"), None);
        assert_eq!(name(&[("COMMS_AGENT_NAMES", " , ")], "/x-web").as_deref(), Some("Web"));
        for map in ["Shop-Web : Front ,ops:Sysadmin,", r#"{" Shop-Web ": "Front", "ops": "Sysadmin"}"#] {
            assert_eq!(name(&[("COMMS_DIR_MAP", map)], "/shop-web").as_deref(), Some("Front"));
            assert_eq!(name(&[("COMMS_DIR_MAP", map)], "/OPS").as_deref(), Some("Sysadmin"));
        }
    }

    #[test]
    fn a_broken_map_is_said_and_left_out() {
        for map in ["{\"a\": ", "{\"a\": 1}", "a", "a:", ":B", "[1]", "{\"\":\"A\"}"] {
            let context = context(&[("COMMS_DIR_MAP", map)]);
            assert_eq!(name_of(&context, Path::new("/x-web")).as_deref(), Some("Web"), "{map}");
            let notes = context.take_notes();
            assert!(notes.len() == 1 && notes[0].contains("COMMS_DIR_MAP"), "{map}: {notes:?}");
        }
    }

    #[test]
    fn a_project_comes_from_the_map_before_the_repository() {
        let context = context(&[("COMMS_PROJECT_MAP", "shop-web:Market")]);
        assert_eq!(project_of(&context, Path::new("/src/Shop-Web")), "Market");
        assert_eq!(project_of(&context, Path::new("/not/there")), GENERAL);
    }
}

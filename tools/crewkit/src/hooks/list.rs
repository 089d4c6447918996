//! `crewkit hooks list`.

use crewkit_hook::Settings;
use crewkit_tool::{Answer, Context, Outcome, text};
use serde::Serialize;

use crate::events::table::HOOKS;

#[derive(Serialize)]
struct Row {
    name: &'static str,
    event: &'static str,
    matcher: Option<String>,
    runs: bool,
    default: bool,
    program: String,
}

pub(super) fn run(context: &Context, json: bool) -> Answer {
    let settings = Settings::load(context, context.directory()?);
    let rows = HOOKS.iter().map(|hook| Row {
        name: hook.name,
        event: hook.event,
        matcher: (!hook.matcher.is_empty()).then(|| hook.matcher.join("|")),
        runs: settings.runs(hook.name, hook.default),
        default: hook.default,
        program: format!("{} {}", hook.program.0, hook.program.1).trim_end().to_owned(),
    });
    let rows: Vec<Row> = rows.collect();
    if json {
        return Ok(Outcome::json(&rows));
    }
    let cells = rows.into_iter().map(|row| {
        let state = match (row.runs, row.default) {
            (true, true) => "on",
            (true, false) => "on (set)",
            (false, false) => "off",
            (false, true) => "off (set)",
        };
        vec![
            row.event.to_owned(),
            row.name.to_owned(),
            state.to_owned(),
            row.matcher.unwrap_or_else(|| "all".to_owned()),
        ]
    });
    let files: Vec<String> = settings.paths().map(|path| path.display().to_string()).collect();
    let from = if files.is_empty() { "no settings: all as by default".to_owned() } else { files.join(", then ") };
    Ok(Outcome::text(format!("{}{}", text::columns(&cells.collect::<Vec<_>>()), text::one_line(&from))))
}

//! export: a plan as the spec that import makes the same plan of.

use std::ffi::OsString;
use std::fmt::Write as _;

use clap::{CommandFactory as _, Parser};
use crewkit_store::plan_views::{ExportTask, ExportWave, PlanDocument};
use crewkit_tool::args::{self, RowId};
use crewkit_tool::{Answer, Context, Outcome, Refusal, exit_code, text};
use serde_json::{Map, Value, json};

use super::{Subcommand, plan_spec, show};
use crate::task_files::split_part;

pub(super) const SUBCOMMANDS: &[Subcommand] = &[Subcommand { name: "export", command: Export::command, run: export }];

/// Print a plan as a spec: imported into an empty plan it makes the same waves and tasks, all pending
#[derive(Debug, Parser)]
#[command(name = "export", bin_name = "plan-db export")]
struct Export {
    /// Row id of the plan
    #[arg(value_name = "PLAN_ID")]
    plan: RowId,
}

fn export(context: &Context, arguments: &[OsString]) -> Answer {
    args::with::<Export>(arguments, exit_code::REFUSED, |args| {
        let views = context.store()?.plan_views();
        let document = views.document(args.plan.0)?.ok_or_else(|| show::no_plan(args.plan))?;
        let plan = views.export(args.plan.0)?.ok_or_else(|| show::no_plan(args.plan))?;
        let mut root = asked(context, &document);
        if let Some(description) = &plan.description {
            root.insert("description".to_owned(), json!(description));
        }
        let waves: Vec<Value> = plan.waves.iter().map(|one| wave(context, one)).collect();
        root.insert("waves".to_owned(), Value::Array(waves));
        if !plan.lost.is_empty() {
            context.note(format!("[WARN] left out, being in no wave of the plan: {}", plan.lost.join(", ")));
        }
        let pretty = serde_json::to_string_pretty(&root).map_err(|fault| Refusal::new(fault.to_string()))?;
        Ok(Outcome::text(pretty))
    })
}

/// Request and requirements as the plan's own spec has them.
fn asked(context: &Context, plan: &PlanDocument) -> Map<String, Value> {
    let file = plan.markdown_path.as_deref().map(|path| context.expand_home(path));
    let spec = plan_spec::find(context, plan, file.as_deref()).unwrap_or_default();
    let kept = ["user_request", "requirements"].into_iter();
    kept.filter_map(|key| Some((key.to_owned(), spec.get(key)?.clone()))).collect()
}

fn wave(context: &Context, wave: &ExportWave) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    put("id", json!(wave.code));
    put("name", json!(wave.name));
    put("estimated_hours", json!(wave.estimated_hours));
    if let Some(codes) = &wave.depends_on {
        put("depends_on", json!(codes));
    }
    if let Some(precondition) = &wave.precondition {
        match serde_json::from_str::<Value>(precondition) {
            Ok(Value::Null) => {}
            Ok(conditions @ (Value::Array(_) | Value::Object(_))) => {
                put("precondition", conditions);
            }
            _ => context.note(format!("[WARN] wave {}: its precondition cannot be read and is left out", wave.code)),
        }
    }
    put("tasks", wave.tasks.iter().map(task).collect());
    Value::Object(out)
}

fn task(task: &ExportTask) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    put("id", json!(task.code));
    let files: Option<Vec<String>> =
        task.files.as_deref().map_or(Some(Vec::new()), |files| serde_json::from_str(files).ok());
    let files = files.unwrap_or_default();
    if let Some(new) = NewForm::of(task, &files) {
        put("do", json!(new.to_do));
        if !new.after.is_empty() {
            put("depends_on", json!(new.after));
        }
        if !files.is_empty() {
            put("files", json!(files));
        }
        if let Some(reference) = new.reference {
            put("ref", json!(reference));
        }
        if !new.verify.is_empty() {
            put("verify", json!(new.verify));
        }
    } else {
        put("title", json!(task.title));
        put("description", json!(task.description));
        if !files.is_empty() {
            put("files", json!(files));
        }
        if !task.requirements.is_empty() {
            put("ref", json!(task.requirements.join(", ")));
        }
        if let Some(criteria) = &task.test_criteria {
            put("test_criteria", serde_json::from_str(criteria).unwrap_or_else(|_| json!(criteria)));
        }
    }
    put("priority", json!(task.priority));
    put("type", json!(task.kind));
    put("model", json!(task.model));
    put("effort", json!(task.effort));
    if let Some(agent) = &task.executor_agent {
        put("executor_agent", json!(agent));
    }
    Value::Object(out)
}

/// A task as `do` with its parts.
struct NewForm {
    to_do: String,
    after: Vec<String>,
    reference: Option<String>,
    verify: Vec<Value>,
}

impl NewForm {
    /// `None` where import would not make the same task of it.
    fn of(task: &ExportTask, files: &[String]) -> Option<Self> {
        let (rest, reference) = split_part(&task.description, "Ref");
        let (rest, listed) = split_part(&rest, "Files");
        let (to_do, after) = split_part(&rest, "After");
        let after: Vec<String> = after.map(|part| part.split(", ").map(str::to_owned).collect()).unwrap_or_default();
        let verify = match &task.test_criteria {
            None => Vec::new(),
            Some(criteria) => match serde_json::from_str(criteria).ok()? {
                Value::Object(object) if object.len() == 1 => object.get("verify")?.as_array()?.clone(),
                _ => return None,
            },
        };
        let criteria = (!verify.is_empty()).then(|| json!({ "verify": verify }).to_string());
        let mut description = to_do.clone().into_owned();
        for (name, part) in [("After", &after[..]), ("Files", files)] {
            if !part.is_empty() {
                let _ = write!(description, " | {name}: {}", part.join(", "));
            }
        }
        if let Some(reference) = reference {
            let _ = write!(description, " | Ref: {reference}");
        }
        let same = description == task.description
            && listed.is_none() == files.is_empty()
            && criteria == task.test_criteria
            && text::fold_line_ends(&to_do) == task.title
            && !to_do.trim().is_empty();
        same.then(|| Self { to_do: to_do.clone().into_owned(), after, reference: reference.map(str::to_owned), verify })
    }
}

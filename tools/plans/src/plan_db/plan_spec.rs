//! Where the spec of a plan is found.

use std::fs;
use std::path::{Path, PathBuf};

use crewkit_store::plan_views::PlanDocument;
use crewkit_tool::Context;
use serde_json::Value;

use super::{import, spec};

/// The plan's spec: beside its Markdown file, else the copy that import keeps, else its source.
pub(super) fn find(
    context: &Context,
    plan: &PlanDocument,
    file: Option<&Path>,
) -> Option<serde_json::Map<String, Value>> {
    let beside = file.and_then(Path::parent).map(|folder| folder.join("spec.json"));
    let copy = import::spec_copy(context, &plan.project, &plan.name).ok();
    let source = plan.source_file.as_deref().map(|path| context.expand_home(path));
    let places: [(Option<PathBuf>, bool); 3] = [(beside, true), (copy, true), (source, false)];
    places.into_iter().find_map(|(path, is_spec)| {
        let path = path?;
        match spec::parse(&fs::read(&path).ok()?) {
            // A source may be any document, and many of them are YAML of a kind.
            Ok(root) => (is_spec || root.contains_key("waves") || root.contains_key("user_request")).then_some(root),
            Err(fault) => {
                if is_spec {
                    context.note(format!("[WARN] {} is not read: {fault}", path.display()));
                }
                None
            }
        }
    })
}

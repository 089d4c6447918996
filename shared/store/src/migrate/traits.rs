//! What was peculiar to the tables before any was changed, and how their rows' values become the current ones.

use rusqlite::Connection;

use super::facts::{self, ColumnInfo, Tables, has};

/// Peculiarities of older tables, read before they are changed.
#[derive(Debug, Clone, Default)]
pub(super) struct Traits {
    /// Plans call themselves draft, active, completed, abandoned.
    pub(super) first_plans: bool,
    /// Waves don't say which plan they belong to.
    pub(super) waves_without_plan: bool,
    /// Waves have no order.
    pub(super) waves_without_position: bool,
    /// Tasks name their wave by its row id.
    pub(super) tasks_by_row: bool,
    /// Tasks have no row id of their wave or plan, or only half of them.
    pub(super) tasks_without_links: bool,
    /// There are token counts without a host.
    pub(super) tokens_without_host: bool,
    /// Versions of plans don't name the plan's row.
    pub(super) versions_without_plan: bool,
    /// Requirements stand in the tasks' descriptions alone.
    pub(super) no_requirements: bool,
    /// Waves were made from what the tasks say.
    pub(super) waves_remade: bool,
}

impl Traits {
    /// Reads them.
    pub(super) fn read(connection: &Connection, tables: &Tables, first_plans: bool) -> rusqlite::Result<Self> {
        let lacks = |table: &str, column: &str| tables.contains_key(table) && !has(tables, table, column);
        let tasks_by_row = facts::tasks_by_row(connection)?;
        let waves_without_plan = first_plans || lacks("waves", "plan_id");
        Ok(Self {
            first_plans,
            waves_without_plan,
            waves_without_position: lacks("waves", "position") || first_plans && all_at_zero(connection, tables)?,
            tasks_by_row,
            tasks_without_links: !tasks_by_row
                && (waves_without_plan || lacks("tasks", "wave_id_fk") || lacks("tasks", "plan_id")),
            tokens_without_host: lacks("token_usage", "execution_host"),
            versions_without_plan: lacks("plan_versions", "plan_id"),
            no_requirements: !tables.contains_key("task_requirements"),
            waves_remade: false,
        })
    }

    /// The value of `column` of `table` for the row `old`, as SQL, where it is not simply the old one. `have` are the
    /// columns that the old table has.
    pub(super) fn expression(&self, table: &str, column: &str, have: &[ColumnInfo]) -> Option<String> {
        let had = |name: &str| have.iter().any(|column| column.name.eq_ignore_ascii_case(name));
        let sql = match (table, column.to_ascii_lowercase().as_str()) {
            ("plans", "status") if self.first_plans => {
                "CASE old.status WHEN 'draft' THEN 'todo' WHEN 'active' THEN 'doing' WHEN 'completed' THEN 'done' \
                 WHEN 'abandoned' THEN 'archived' ELSE old.status END"
                    .to_owned()
            }
            ("plans", "updated_at") if !had("updated_at") => {
                let times = ["created_at", "started_at", "completed_at", "validated_at"];
                let there: Vec<String> =
                    times.iter().filter(|time| had(time)).map(|time| format!("COALESCE(old.{time}, '')")).collect();
                // With one argument alone max() counts over rows.
                format!("NULLIF(max('', {}), '')", if there.is_empty() { "''".to_owned() } else { there.join(", ") })
            }
            ("waves", "project_id") if !had("project_id") => {
                "COALESCE((SELECT p.project_id FROM plans p WHERE p.id = old.plan_id), 'unknown')".to_owned()
            }
            ("tasks", "wave_id") if self.tasks_by_row => {
                "COALESCE((SELECT w.wave_id FROM waves w WHERE w.id = old.wave_id), CAST(old.wave_id AS TEXT))"
                    .to_owned()
            }
            ("tasks", "wave_id_fk") if self.tasks_by_row => {
                "(SELECT w.id FROM waves w WHERE w.id = old.wave_id)".to_owned()
            }
            ("tasks", "plan_id") if self.tasks_by_row => {
                "(SELECT w.plan_id FROM waves w WHERE w.id = old.wave_id)".to_owned()
            }
            ("tasks", "project_id") if self.tasks_by_row => {
                "COALESCE((SELECT w.project_id FROM waves w WHERE w.id = old.wave_id), 'unknown')".to_owned()
            }
            ("conversation_logs", "project_id") if !had("project_id") && had("task_id") => {
                "COALESCE((SELECT t.project_id FROM tasks t WHERE t.id = old.task_id), 'unknown')".to_owned()
            }
            (_, "project_id") if !had("project_id") && table != "plan_versions" && table != "metrics_history" => {
                "'unknown'".to_owned()
            }
            _ => return None,
        };
        Some(sql)
    }
}

fn all_at_zero(connection: &Connection, tables: &Tables) -> rusqlite::Result<bool> {
    if !has(tables, "waves", "position") {
        return Ok(false);
    }
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM waves WHERE position <> 0)", [], |row| row.get(0))
}

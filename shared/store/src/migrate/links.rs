//! What the rows of older tables don't say and others do: the plan of a wave, the wave of a task, the requirements that
//! stand in a task's description.

use rusqlite::Connection;

use super::Report;
use super::facts;
use super::traits::Traits;
use crate::Settings;

/// How many rows a warning names.
const NAMED: usize = 5;

/// Fills in what can be told; what cannot becomes a warning.
pub(super) fn fill(
    connection: &Connection,
    settings: &Settings,
    traits: &Traits,
    report: &mut Report,
) -> rusqlite::Result<()> {
    if traits.waves_without_plan || traits.waves_remade {
        plans_of_waves(connection)?;
        name_them(
            connection,
            "SELECT project_id || ' ' || wave_id FROM waves WHERE plan_id IS NULL ORDER BY id",
            |count, names| {
                format!(
                    "{count} waves could not be given to a plan, because their project has none or several: {names}"
                )
            },
            report,
        )?;
    }
    if traits.waves_without_position || traits.waves_remade {
        connection.execute_batch(
            "UPDATE waves SET position = ranked.place FROM (SELECT id, row_number() OVER (PARTITION BY project_id, plan_id \
             ORDER BY id) AS place FROM waves) AS ranked WHERE ranked.id = waves.id",
        )?;
    }
    if traits.tasks_without_links || traits.waves_remade {
        waves_of_tasks(connection)?;
    }
    right_wrong_links(connection, report)?;
    if traits.tasks_without_links || traits.tasks_by_row || traits.waves_remade {
        name_them(
            connection,
            "SELECT project_id || ' ' || task_id FROM tasks WHERE wave_id_fk IS NULL ORDER BY id",
            |count, names| format!("{count} tasks belong to no wave that is there; they stay without one: {names}"),
            report,
        )?;
    }
    if traits.tokens_without_host {
        connection.execute("UPDATE token_usage SET execution_host = ?1", [&settings.host])?;
    }
    if traits.versions_without_plan {
        connection.execute_batch(
            "UPDATE plan_versions SET plan_id = (SELECT p.id FROM plans p WHERE p.project_id = plan_versions.project_id \
             AND p.name = plan_versions.plan_name) WHERE plan_id IS NULL",
        )?;
    }
    if traits.no_requirements {
        requirements(connection)?;
    }
    Ok(())
}

/// A wave without a plan gets the one plan in the first of these sets of its project's plans that has exactly one: all,
/// those not archived, those under way.
fn plans_of_waves(connection: &Connection) -> rusqlite::Result<()> {
    let one = |condition: &str| {
        format!(
            "(SELECT CASE count(*) WHEN 1 THEN min(p.id) END FROM plans p WHERE p.project_id = waves.project_id {condition})"
        )
    };
    connection.execute_batch(&format!(
        "UPDATE waves SET plan_id = COALESCE({}, {}, {}) WHERE plan_id IS NULL",
        one(""),
        one("AND p.status <> 'archived'"),
        one("AND p.status = 'doing'")
    ))
}

/// A task without a wave gets that of its project (and plan, when it has one) with the same code; then its wave's plan.
/// Codes that occur in several plans tell nothing.
fn waves_of_tasks(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "UPDATE tasks SET wave_id_fk = (SELECT CASE WHEN count(DISTINCT COALESCE(w.plan_id, 0)) = 1 THEN min(w.id) END \
         FROM waves w WHERE w.project_id = tasks.project_id AND w.wave_id = tasks.wave_id \
         AND (tasks.plan_id IS NULL OR w.plan_id = tasks.plan_id)) WHERE wave_id_fk IS NULL; \
         UPDATE tasks SET plan_id = (SELECT w.plan_id FROM waves w WHERE w.id = tasks.wave_id_fk) \
         WHERE plan_id IS NULL AND wave_id_fk IS NOT NULL;",
    )
}

/// A task whose wave belongs to another plan than it does gets the wave of the same code in its own plan, where there
/// is one: an older migration matched waves by project and code alone.
fn right_wrong_links(connection: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    let own = "(SELECT CASE count(*) WHEN 1 THEN min(o.id) END FROM waves o WHERE o.plan_id = tasks.plan_id AND o.wave_id = tasks.wave_id)";
    let righted = connection.execute(
        &format!(
            "UPDATE tasks SET wave_id_fk = {own} WHERE {own} IS NOT NULL AND EXISTS (SELECT 1 FROM waves w \
             WHERE w.id = tasks.wave_id_fk AND w.plan_id <> tasks.plan_id)"
        ),
        [],
    )?;
    if righted > 0 {
        report
            .warn(format!("{righted} tasks pointed at a wave of another plan; they point at that of their own again"));
    }
    name_them(
        connection,
        "SELECT t.project_id || ' ' || t.task_id FROM tasks t JOIN waves w ON w.id = t.wave_id_fk WHERE w.plan_id <> t.plan_id ORDER BY t.id",
        |count, names| {
            format!("{count} tasks point at a wave of another plan, and theirs has none of that code: {names}")
        },
        report,
    )
}

/// Requirements stand at the end of older descriptions: `... | Ref: F-01, F-02`.
fn requirements(connection: &Connection) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare("SELECT id, CAST(description AS TEXT) FROM tasks WHERE description LIKE '% | Ref: %'")?;
    let mut insert =
        connection.prepare("INSERT OR IGNORE INTO task_requirements (task_id, requirement_id) VALUES (?1, ?2)")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, description): (i64, String) = (row.get(0)?, facts::lossy(row, 1)?);
        let Some((_, named)) = description.rsplit_once(" | Ref: ") else { continue };
        let named = named.split(" | ").next().unwrap_or_default();
        for requirement in named.split([',', ';']).map(str::trim).filter(|name| !name.is_empty()) {
            insert.execute((id, requirement))?;
        }
    }
    Ok(())
}

/// A warning that names the rows of `sql`, when there are any.
pub(super) fn name_them(
    connection: &Connection,
    sql: &str,
    line: impl FnOnce(usize, String) -> String,
    report: &mut Report,
) -> rusqlite::Result<()> {
    let names: Vec<String> =
        connection.prepare(sql)?.query_map([], |row| facts::lossy(row, 0))?.collect::<Result<_, _>>()?;
    if !names.is_empty() {
        let more = if names.len() > NAMED { ", ..." } else { "" };
        let shown = names[..names.len().min(NAMED)].join(", ");
        report.warn(line(names.len(), shown + more));
    }
    Ok(())
}

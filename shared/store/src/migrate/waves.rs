//! An older migration lost waves: their rows stand in `waves_new`, or only in a copy, or nowhere but in what the tasks
//! say of them.

use std::path::Path;

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, OpenFlags};

use super::facts::{self, Tables, has};
use super::target::{Target, objects};
use super::{Report, ddl};
use crate::copies;

/// Whether the waves are gone: none are there, but tasks that had some.
pub(super) fn are_lost(connection: &Connection, tables: &Tables) -> rusqlite::Result<bool> {
    let rows = |table: &str| if tables.contains_key(table) { facts::count(connection, table) } else { Ok(0) };
    if rows("tasks")? == 0 || rows("waves")? > 0 || rows("waves_new")? > 0 {
        return Ok(false);
    }
    if !tables.contains_key("waves") || !has(tables, "tasks", "wave_id_fk") || facts::tasks_by_row(connection)? {
        return Ok(true);
    }
    // Tasks that never had a wave don't name one, and a table that was never made anew knows what a plan is.
    let named = "SELECT EXISTS (SELECT 1 FROM tasks WHERE wave_id_fk IS NOT NULL)";
    let rebuilt = facts::table_sql(connection, "waves")?.is_some_and(|sql| !ddl::mentions(&sql, "plans"));
    Ok(rebuilt || connection.query_row(named, [], |row| row.get(0))?)
}

/// Puts lost waves back; views and triggers have to be gone. True when rows were made or restored.
pub(super) fn recover(
    connection: &Connection,
    path: Option<&Path>,
    target: &Target,
    report: &mut Report,
) -> rusqlite::Result<Recovered> {
    let tables = facts::tables(connection)?;
    let lost = are_lost(connection, &tables)?;
    let rows = |table: &str| if tables.contains_key(table) { facts::count(connection, table) } else { Ok(0) };
    let mut recovered = Recovered::default();
    for (table, copy) in [("waves", "waves_new"), ("tasks", "tasks_new")] {
        if !tables.contains_key(copy) {
            continue;
        }
        if rows(copy)? == 0 {
            connection.execute_batch(&format!("DROP TABLE {copy}"))?;
            recovered.dropped.push(copy);
        } else if rows(table)? == 0 {
            connection.execute_batch(&format!("DROP TABLE IF EXISTS {table}; ALTER TABLE {copy} RENAME TO {table}"))?;
            recovered.renamed.push((copy, table));
        } else {
            report.warn(format!("table {copy} holds rows and {table} does too: both are left as they are"));
        }
    }
    if !lost {
        return Ok(recovered);
    }
    if let Some(path) = path
        && let Some((found, rows)) = from_copy(connection, path)?
    {
        report.warn(format!("{rows} lost waves were restored from {}", found.display()));
        report.restored_from = Some(found);
        recovered.waves = rows;
        return Ok(recovered);
    }
    recovered.waves = from_tasks(connection, target)?;
    recovered.remade = true;
    report.warn(format!(
        "the waves were lost and no copy has them: {} were made again from their tasks; names, times and order are gone",
        recovered.waves
    ));
    Ok(recovered)
}

/// What became of tables before the rest was looked at.
#[derive(Debug, Default)]
pub(super) struct Recovered {
    /// Empty copies of tables that are gone now.
    pub(super) dropped: Vec<&'static str>,
    /// Copies of tables that became the tables: old name, new name.
    pub(super) renamed: Vec<(&'static str, &'static str)>,
    /// The number of waves restored or made again.
    pub(super) waves: i64,
    /// Whether they were made from what tasks say.
    pub(super) remade: bool,
}

/// Takes the table `waves` of the newest copy that has rows for the tasks; the copy and the number of rows.
fn from_copy(connection: &Connection, path: &Path) -> rusqlite::Result<Option<(std::path::PathBuf, i64)>> {
    let by_row = facts::tasks_by_row(connection)?;
    let column = |name: &str| Ok::<_, rusqlite::Error>(has(&facts::tables(connection)?, "tasks", name));
    let links = column("wave_id_fk")?;
    for copy in copies::older(path) {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        #[expect(clippy::disallowed_methods, reason = "an older copy, read alone")]
        let Ok(source) = Connection::open_with_flags(&copy, flags) else { continue };
        if let Ok(Some(sql)) = facts::table_sql(&source, "waves")
            && crate::open::prepare(&source).is_ok()
            && knows_tasks(connection, &source, by_row, links).unwrap_or(false)
        {
            connection.execute_batch("DROP TABLE IF EXISTS waves")?;
            connection.execute_batch(&sql)?;
            let rows = copy_rows(&source, connection, "waves")?;
            let taken = objects(connection)?;
            for object in objects(&source)? {
                let of_waves = object.table == "waves" && object.kind == "index";
                if of_waves && !taken.iter().any(|other| other.name == object.name) {
                    connection.execute_batch(&object.sql)?;
                }
            }
            return Ok(Some((copy, rows)));
        }
    }
    Ok(None)
}

/// Whether the waves of `source` are those of some task.
fn knows_tasks(connection: &Connection, source: &Connection, by_row: bool, links: bool) -> rusqlite::Result<bool> {
    let tables = facts::tables(source)?;
    let (ask, find) = if by_row {
        ("SELECT DISTINCT wave_id, 0 FROM tasks", "SELECT EXISTS (SELECT 1 FROM waves WHERE id = ?1 OR ?2)")
    } else if has(&tables, "waves", "project_id") {
        (
            "SELECT DISTINCT project_id, wave_id FROM tasks",
            "SELECT EXISTS (SELECT 1 FROM waves WHERE project_id = ?1 AND wave_id = ?2)",
        )
    } else if links {
        (
            "SELECT DISTINCT wave_id_fk, wave_id FROM tasks WHERE wave_id_fk IS NOT NULL",
            "SELECT EXISTS (SELECT 1 FROM waves WHERE id = ?1 AND wave_id = ?2)",
        )
    } else {
        return Ok(false);
    };
    let mut statement = connection.prepare(ask)?;
    let mut find = source.prepare(find)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let key = (ToSqlOutput::Borrowed(row.get_ref(0)?), ToSqlOutput::Borrowed(row.get_ref(1)?));
        if find.query_row(key, |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Copies the rows of `table` by the names of its columns; both have the same.
fn copy_rows(source: &Connection, to: &Connection, table: &str) -> rusqlite::Result<i64> {
    let columns = facts::columns(source, table)?;
    let names: Vec<String> =
        columns.iter().filter(|column| !column.computed).map(|column| ddl::quoted(&column.name)).collect();
    let (list, marks) = (names.join(", "), vec!["?"; names.len()].join(", "));
    let mut read = source.prepare(&format!("SELECT {list} FROM {}", ddl::quoted(table)))?;
    let mut write = to.prepare(&format!("INSERT INTO {} ({list}) VALUES ({marks})", ddl::quoted(table)))?;
    let mut rows = read.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let values: Vec<ToSqlOutput<'_>> =
            (0..names.len()).map(|at| row.get_ref(at).map(ToSqlOutput::Borrowed)).collect::<Result<_, _>>()?;
        write.execute(rusqlite::params_from_iter(values))?;
        count += 1;
    }
    Ok(count)
}

/// Makes waves of what the tasks say: one for each row id that tasks name, else for each project, plan and code.
fn from_tasks(connection: &Connection, target: &Target) -> rusqlite::Result<i64> {
    let by_row = facts::tasks_by_row(connection)?;
    let tables = facts::tables(connection)?;
    let Some(waves) = target.table("waves") else { return Ok(0) };
    connection.execute_batch("DROP TABLE IF EXISTS waves")?;
    connection.execute_batch(&waves.sql)?;
    let open = "sum(status NOT IN ('done', 'skipped'))";
    let counts = format!(
        "CASE WHEN {open} = 0 AND sum(status = 'done') > 0 THEN 'done' WHEN sum(status IN ('in_progress', 'done')) > 0 THEN 'in_progress' \
         ELSE 'pending' END, sum(status = 'done'), count(*)"
    );
    let into = "INSERT INTO waves (id, project_id, plan_id, wave_id, name, status, tasks_done, tasks_total)";
    if by_row {
        // T1-01 is the first task of W1: where all tasks of a wave agree, that was its code.
        let code = "CASE WHEN min(substr(task_id, 2, 1)) = max(substr(task_id, 2, 1)) AND min(task_id) GLOB 'T?-*' AND max(task_id) GLOB 'T?-*' \
            THEN 'W' || substr(min(task_id), 2, 1) ELSE 'W' || wave_id END";
        let only = "(SELECT CASE count(*) WHEN 1 THEN min(id) END FROM plans)";
        let project = "(SELECT CASE count(*) WHEN 1 THEN min(project_id) END FROM plans)";
        connection.execute_batch(&format!(
            "{into} SELECT wave_id, COALESCE({project}, 'unknown'), {only}, {code}, {code}, {counts} FROM tasks \
             WHERE wave_id IS NOT NULL GROUP BY wave_id ORDER BY wave_id"
        ))?;
    } else {
        let plan = if has(&tables, "tasks", "plan_id") { "plan_id" } else { "NULL" };
        if has(&tables, "tasks", "wave_id_fk") {
            connection.execute_batch(&format!(
                "{into} SELECT wave_id_fk, min(project_id), min({plan}), min(wave_id), min(wave_id), {counts} FROM tasks \
                 WHERE wave_id_fk IS NOT NULL GROUP BY wave_id_fk ORDER BY wave_id_fk"
            ))?;
        }
        let own = if plan == "NULL" { "NULL" } else { "t.plan_id" };
        let rest = if has(&tables, "tasks", "wave_id_fk") { "wave_id_fk IS NULL" } else { "1" };
        connection.execute_batch(&format!(
            "{into} SELECT NULL, project_id, {own} AS plan, wave_id, wave_id, {counts} FROM tasks t WHERE {rest} \
             AND NOT EXISTS (SELECT 1 FROM waves w WHERE w.project_id = t.project_id AND w.wave_id = t.wave_id \
             AND w.plan_id IS {own}) GROUP BY project_id, plan, wave_id ORDER BY min(id)"
        ))?;
    }
    facts::count(connection, "waves")
}

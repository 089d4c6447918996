//! Views and triggers: taken away while tables change, made again after, each tried.

use rusqlite::Connection;

use super::Report;
use super::ddl::{self, quoted, squeezed};
use super::facts;
use super::target::{Object, Target, objects};

/// The triggers of the plan tables that every public version has under these names.
const COUNTERS: &[&str] = &["task_done_counter", "task_undone_counter"];

/// All views and triggers of a database.
#[derive(Debug)]
pub(super) struct Taken {
    objects: Vec<Object>,
}

/// Takes away the views and triggers that don't work: with one of them SQLite renames no column.
pub(super) fn take_broken(connection: &Connection) -> rusqlite::Result<Taken> {
    let Taken { mut objects } = take(connection)?;
    let mut failed = Ok(());
    objects.retain(|object| {
        let works = connection.execute_batch(&object.sql).is_ok()
            && match object.kind.as_str() {
                "view" => view_columns(connection, &object.name).is_ok(),
                _ => tried(connection, &object.table).is_ok_and(|tried| tried.is_ok()),
            };
        if !works && let Err(fault) = drop_object(connection, object) {
            failed = Err(fault);
        }
        !works
    });
    failed.map(|()| Taken { objects })
}

/// Takes all views and triggers away.
pub(super) fn take(connection: &Connection) -> rusqlite::Result<Taken> {
    let objects: Vec<Object> = objects(connection)?.into_iter().filter(|object| object.kind != "index").collect();
    let (triggers, views): (Vec<Object>, Vec<Object>) =
        objects.into_iter().partition(|object| object.kind == "trigger");
    for object in triggers.iter().chain(&views) {
        drop_object(connection, object)?;
    }
    Ok(Taken { objects: views.into_iter().chain(triggers).collect() })
}

fn drop_object(connection: &Connection, object: &Object) -> rusqlite::Result<()> {
    connection.execute_batch(&format!("DROP {} IF EXISTS {}", object.kind, quoted(&object.name)))
}

impl Taken {
    /// These, and then the others.
    pub(super) fn and(mut self, others: Self) -> Self {
        self.objects.extend(others.objects);
        self
    }

    /// Makes them again, and those of the current schema in place of the older ones of the same name. In a database of
    /// a later public version (`later`) its own stay.
    pub(super) fn put_back(
        self,
        connection: &Connection,
        target: &Target,
        later: bool,
        tasks_by_row: bool,
        report: &mut Report,
    ) -> rusqlite::Result<()> {
        let ours = |object: &Object| {
            target
                .objects
                .iter()
                .find(|other| other.kind == object.kind && other.name.eq_ignore_ascii_case(&object.name))
        };
        for mut object in self.objects.iter().filter(|object| object.kind == "view").cloned() {
            if tasks_by_row {
                joined_by_row(&mut object, report);
            }
            if let Err(fault) = connection.execute_batch(&object.sql) {
                report.warn(format!("view {} could not be made again ({fault}); the copy has it", object.name));
                continue;
            }
            let columns = view_columns(connection, &object.name);
            let Some(current) = ours(&object) else {
                if let Err(fault) = columns {
                    report.warn(format!("view {} no longer works: {fault}", object.name));
                }
                continue;
            };
            let wanted = target.view_columns.iter().find(|(name, _)| *name == current.name).map(|(_, columns)| columns);
            let whole = columns
                .as_ref()
                .is_ok_and(|columns| wanted.is_none_or(|wanted| wanted.iter().all(|name| columns.contains(name))));
            let more = columns.is_ok_and(|columns| wanted.is_some_and(|wanted| columns.len() > wanted.len()));
            if !whole || current.name == "v_kanban" && !(later && more) {
                connection.execute_batch(&format!("DROP VIEW {}; {}", quoted(&object.name), current.sql))?;
            }
        }
        let taken = objects(connection)?;
        for view in target.objects.iter().filter(|object| object.kind == "view") {
            if taken.iter().any(|object| object.kind == "view" && object.name.eq_ignore_ascii_case(&view.name)) {
                continue;
            }
            make(connection, view, report)?;
        }
        for object in self.objects.iter().filter(|object| object.kind == "trigger") {
            let replaced = ours(object).is_some() && !(later && COUNTERS.contains(&object.name.as_str()));
            if !replaced && !is_auto_complete(object, later) {
                put_trigger_back(connection, object, report)?;
            }
        }
        let taken = objects(connection)?;
        for object in target.objects.iter().filter(|object| object.kind != "view") {
            if !taken.iter().any(|other| other.kind == object.kind && other.name.eq_ignore_ascii_case(&object.name)) {
                make(connection, object, report)?;
            }
        }
        Ok(())
    }
}

/// Makes those indexes again that went with a table that gave way to another.
pub(super) fn put_indexes_back(
    connection: &Connection,
    indexes: &[Object],
    report: &mut Report,
) -> rusqlite::Result<()> {
    let there = objects(connection)?;
    for index in indexes.iter().filter(|index| !there.iter().any(|other| other.name == index.name)) {
        let gone = facts::table_sql(connection, &index.table)?.is_none();
        if !gone && let Err(fault) = connection.execute_batch(&index.sql) {
            report.warn(format!("index {} no longer fits and was left out ({fault}); the copy has it", index.name));
        }
    }
    Ok(())
}

/// Makes an object of the current schema, unless the name belongs to something else of the user's.
fn make(connection: &Connection, object: &Object, report: &mut Report) -> rusqlite::Result<()> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = ?1 COLLATE NOCASE)";
    if connection.query_row(sql, [&object.name], |row| row.get(0))? {
        report.warn(format!(
            "{} {} was not made: the database has something else of that name",
            object.kind, object.name
        ));
        return Ok(());
    }
    connection.execute_batch(&object.sql)
}

/// The columns of a view, which also shows whether it works.
fn view_columns(connection: &Connection, name: &str) -> rusqlite::Result<Vec<String>> {
    let statement = connection.prepare(&format!("SELECT * FROM {}", quoted(name)))?;
    Ok(statement.column_names().map(str::to_owned).collect())
}

/// A view of the third generation joins tasks to waves by `wave_id`, which now holds the wave's code: the row id is in
/// `wave_id_fk`. A view of the user's that may do so too is named.
fn joined_by_row(object: &mut Object, report: &mut Report) {
    if object.name == "v_plan_details" {
        object.sql = object.sql.replace("t.wave_id = w.id", "t.wave_id_fk = w.id");
    } else if ddl::mentions(&object.sql, "wave_id") && ddl::mentions(&object.sql, "tasks") && object.name != "v_kanban"
    {
        report.warn(format!(
            "view {} reads tasks.wave_id, which now holds the wave's code; the row id is in wave_id_fk",
            object.name
        ));
    }
}

/// Whether a trigger is the one that set a wave's state when its counters became equal: the tools do that now. In a
/// database of a later public version one that does something else stays.
fn is_auto_complete(object: &Object, later: bool) -> bool {
    let body = squeezed(&object.sql);
    let known = ["merging", "done"].iter().any(|state| {
        body.ends_with(&format!(
            "beginupdatewavessetstatus='{state}',completed_at=coalesce(completed_at,datetime('now'))whereid=new.id;end"
        ))
    });
    object.name == "wave_auto_complete" && (known || !later)
}

/// Makes a trigger of the user's again. One that no longer fits its tables would fail every write to them: it is left
/// out, and named.
fn put_trigger_back(connection: &Connection, object: &Object, report: &mut Report) -> rusqlite::Result<()> {
    let fault = match connection.execute_batch(&object.sql) {
        Ok(()) => tried(connection, &object.table)?.err(),
        Err(fault) => Some(fault),
    };
    // What another program's SQLite knows and ours does not is no fault of the trigger.
    if let Some(fault) = fault
        && !fault.to_string().contains("no such function")
    {
        drop_object(connection, object)?;
        report.warn(format!("trigger {} no longer fits and was left out ({fault}); the copy has it", object.name));
    }
    Ok(())
}

/// Whether statements that run the triggers of `table` can be prepared.
fn tried(connection: &Connection, table: &str) -> rusqlite::Result<rusqlite::Result<()>> {
    let columns = facts::columns(connection, table)?;
    let sets: Vec<String> = columns
        .iter()
        .filter(|column| !column.computed)
        .map(|column| format!("{0} = {0}", quoted(&column.name)))
        .collect();
    let name = quoted(table);
    let view = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'view' AND name = ?1 COLLATE NOCASE)";
    let is_view: bool = connection.query_row(view, [table], |row| row.get(0))?;
    let mut statements = vec![
        format!("INSERT INTO {name} DEFAULT VALUES"),
        format!("UPDATE {name} SET {}", sets.join(", ")),
        format!("DELETE FROM {name}"),
    ];
    if is_view {
        // A view takes only what one of its triggers takes; that it has one for each is not asked.
        statements.retain(|_| false);
    }
    Ok(statements.iter().try_for_each(|sql| connection.prepare(sql).map(drop)))
}

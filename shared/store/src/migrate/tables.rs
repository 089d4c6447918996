//! Brings one table to the current schema: makes it, adds columns, or, where a check, a type or a column that must be
//! filled asks for it, makes it anew and copies the rows by name.

use rusqlite::Connection;

use super::Report;
use super::ddl::{self, quoted};
use super::facts::{self, ColumnInfo};
use super::target::{CHECKED, RELAXED, TargetTable, UNIQUE_NO_MORE};
use super::traits::Traits;

/// Brings `target` to the current schema.
pub(super) fn bring(
    connection: &Connection,
    target: &TargetTable,
    traits: &Traits,
    report: &mut Report,
) -> rusqlite::Result<()> {
    let name = &target.name;
    let Some(sql) = facts::table_sql(connection, name)? else {
        connection.execute_batch(&target.sql)?;
        report.made.push(name.clone());
        return Ok(());
    };
    let Some(old) = ddl::parse(&sql) else { return Ok(()) };
    let change = Change::between(connection, &old, target)?;
    report.added.extend(change.missing.iter().map(|column| (name.clone(), column.name.clone())));
    if change.needs_rebuild() {
        rebuild(connection, &old, target, &change, traits)?;
        report.rebuilt.push(name.clone());
        return Ok(());
    }
    for column in &change.missing {
        let Some(definition) = target.ddl.column(&column.name) else { continue };
        connection.execute_batch(&format!("ALTER TABLE {} ADD COLUMN {}", quoted(name), definition.text))?;
    }
    Ok(())
}

/// What an old table lacks.
struct Change<'a> {
    have: Vec<ColumnInfo>,
    missing: Vec<&'a ColumnInfo>,
    /// Columns with a check that is too narrow, and the values that it must let pass (`None`: any).
    narrow: Vec<(&'static str, Option<&'static [&'static str]>)>,
    /// Columns that refuse null and may not.
    relax: Vec<String>,
    /// Columns with another kind of content, or that are unique and may not be.
    retype: Vec<String>,
}

impl<'a> Change<'a> {
    fn between(connection: &Connection, old: &ddl::Table, target: &'a TargetTable) -> rusqlite::Result<Self> {
        let have = facts::columns(connection, &target.name)?;
        let known = |name: &str| target.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name));
        let missing = target
            .columns
            .iter()
            .filter(|column| !have.iter().any(|other| other.name.eq_ignore_ascii_case(&column.name)))
            .collect();
        let mut narrow = Vec::new();
        for checked in CHECKED.iter().filter(|checked| checked.table == target.name) {
            let values = checked.values.unwrap_or(&["no list holds this"]);
            if values.iter().any(|value| facts::refuses(connection, old, checked.column, value)) {
                narrow.push((checked.column, checked.values));
            }
        }
        let must_be_filled =
            |column: &&ColumnInfo| column.not_null && column.default.is_none() && !column.key && !column.computed;
        let relaxed = |column: &&ColumnInfo| {
            known(&column.name).is_none()
                || RELAXED.iter().any(|(table, name)| *table == target.name && column.name.eq_ignore_ascii_case(name))
        };
        let relax = have.iter().filter(must_be_filled).filter(relaxed).map(|column| column.name.clone()).collect();
        let unique = |column: &str| old.column(column).is_some_and(|column| ddl::mentions(&column.text, "UNIQUE"));
        let mut retype: Vec<String> = UNIQUE_NO_MORE
            .iter()
            .filter(|(table, column)| *table == target.name && unique(column))
            .map(|(_, column)| (*column).to_owned())
            .collect();
        if target.name == "tasks" && facts::tasks_by_row(connection)? {
            retype.push("wave_id".to_owned());
        }
        Ok(Self { have, missing, narrow, relax, retype })
    }

    fn needs_rebuild(&self) -> bool {
        // SQLite adds columns that may be null or have a constant for a default.
        let addable = |column: &&ColumnInfo| {
            let computed_default =
                column.default.as_deref().is_some_and(|sql| sql.starts_with('(') || sql.starts_with("CURRENT_"));
            !(column.key || computed_default || column.not_null && column.default.is_none())
        };
        !(self.narrow.is_empty() && self.relax.is_empty() && self.retype.is_empty() && self.missing.iter().all(addable))
    }
}

/// Makes the table anew: every old column and constraint word for word where it can stay, the missing ones behind them.
fn rebuild(
    connection: &Connection,
    old: &ddl::Table,
    target: &TargetTable,
    change: &Change<'_>,
    traits: &Traits,
) -> rusqlite::Result<()> {
    let name = &target.name;
    let in_list = |list: &[String], name: &str| list.iter().any(|other| other.eq_ignore_ascii_case(name));
    let expression = |column: &str| traits.expression(name, column, &change.have);
    let mut new = ddl::Table { columns: Vec::new(), constraints: Vec::new(), options: old.options.clone() };
    let (mut into, mut from) = (Vec::new(), Vec::new());
    for info in &change.have {
        let Some(column) = old.column(&info.name) else { continue };
        let wanted = target.columns.iter().find(|other| other.name.eq_ignore_ascii_case(&info.name));
        let definition = target.ddl.column(&info.name).filter(|_| in_list(&change.retype, &info.name));
        let mut text = definition.unwrap_or(column).text.clone();
        if in_list(&change.relax, &info.name) {
            text = ddl::without_not_null(&text);
        }
        if let Some((_, values)) = change.narrow.iter().find(|(narrow, _)| info.name.eq_ignore_ascii_case(narrow)) {
            let own = values.map(|values| widened(connection, old, name, &info.name, values, traits)).transpose()?;
            text = format!("{} {}", ddl::without_checks(&text), own.unwrap_or_default());
        }
        if info.default.is_none()
            && !info.computed
            && let Some(default) = wanted.and_then(|wanted| wanted.default.as_deref())
            && definition.is_none()
        {
            text = format!("{text}\n DEFAULT {default}");
        }
        new.columns.push(ddl::Column { name: info.name.clone(), text });
        if !info.computed {
            into.push(quoted(&info.name));
            from.push(expression(&info.name).unwrap_or_else(|| format!("old.{}", quoted(&info.name))));
        }
    }
    for info in &change.missing {
        let Some(column) = target.ddl.column(&info.name) else { continue };
        new.columns.push(column.clone());
        let value =
            expression(&info.name).or_else(|| (info.not_null && info.default.is_none()).then(|| "''".to_owned()));
        if let Some(value) = value {
            into.push(quoted(&info.name));
            from.push(value);
        }
    }
    for constraint in &old.constraints {
        let narrow = |(column, _): &(&str, _)| !ddl::checks(constraint).is_empty() && ddl::mentions(constraint, column);
        let retyped = |column: &String| ddl::mentions(constraint, "FOREIGN") && ddl::mentions(constraint, column);
        if !change.narrow.iter().any(narrow) && !change.retype.iter().any(retyped) {
            new.constraints.push(constraint.clone());
        }
    }
    let indexes: Vec<String> = super::target::objects(connection)?
        .into_iter()
        .filter(|object| object.kind == "index" && object.table.eq_ignore_ascii_case(name))
        .map(|object| object.sql)
        .collect();
    let last_id: Option<i64> = last_id(connection, name)?;
    let fresh = format!("crewkit_new_{name}");
    connection.execute_batch(&new.sql(&fresh))?;
    let order = if old.options.to_ascii_uppercase().contains("WITHOUT") { "" } else { " ORDER BY old.rowid" };
    let (into, from, table) = (into.join(", "), from.join(", "), quoted(name));
    connection
        .execute_batch(&format!("INSERT INTO {} ({into}) SELECT {from} FROM {table} AS old{order}", quoted(&fresh)))?;
    connection.execute_batch(&format!("DROP TABLE {table}; ALTER TABLE {} RENAME TO {table};", quoted(&fresh)))?;
    for index in indexes {
        connection.execute_batch(&index)?;
    }
    if let Some(last) = last_id {
        keep_last_id(connection, name, last)?;
    }
    Ok(())
}

/// The check of a column whose old one is too narrow: what the current schema knows, what the old check let pass and
/// what the rows hold.
fn widened(
    connection: &Connection,
    old: &ddl::Table,
    table: &str,
    column: &str,
    values: &[&str],
    traits: &Traits,
) -> rusqlite::Result<String> {
    let mut all: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
    let mapped = traits.expression(table, column, &[]);
    if mapped.is_none() {
        let own = old.column(column).map(|column| column.text.as_str());
        let parts = own.into_iter().chain(old.constraints.iter().map(String::as_str));
        all.extend(
            parts
                .flat_map(ddl::checks)
                .filter(|check| ddl::mentions(check, column))
                .flat_map(|check| ddl::literals(&check)),
        );
    }
    let value = mapped.unwrap_or_else(|| format!("old.{}", quoted(column)));
    let sql = format!("SELECT DISTINCT CAST({value} AS TEXT) FROM {} AS old WHERE {value} IS NOT NULL", quoted(table));
    let mut statement = connection.prepare(&sql)?;
    for found in statement.query_map([], |row| facts::lossy(row, 0))? {
        all.push(found?);
    }
    let mut seen = std::collections::HashSet::new();
    all.retain(|value| seen.insert(value.clone()));
    Ok(ddl::check_of(column, &all))
}

/// The highest row id that a table ever gave out, where SQLite keeps count.
pub(super) fn last_id(connection: &Connection, table: &str) -> rusqlite::Result<Option<i64>> {
    if facts::table_sql(connection, "sqlite_sequence")?.is_none() {
        return Ok(None);
    }
    connection.query_row("SELECT max(seq) FROM sqlite_sequence WHERE name = ?1", [table], |row| row.get(0))
}

/// Makes sure that `table` gives out no row id up to `last` again.
pub(super) fn keep_last_id(connection: &Connection, table: &str, last: i64) -> rusqlite::Result<()> {
    let changed = connection.execute("UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1", (table, last))?;
    if changed == 0 {
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)", (table, last))?;
    }
    Ok(())
}

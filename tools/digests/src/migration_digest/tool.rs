//! Which migration tool a project has, and the command lines of its commands.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

/// A migration tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Orm {
    Prisma,
    Drizzle,
    Alembic,
    Django,
    Diesel,
    Sqlx,
}

/// A project's tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Project {
    pub(super) orm: Orm,
    /// Prisma's schema, a file or a folder, relative to the project.
    schema: String,
    /// Prisma 7 and later, whose diff has options of other names.
    has_config_datasource: bool,
}

impl Project {
    /// The tool of the project in `folder`; `None` without one.
    pub(super) fn find(folder: &Path) -> Option<Self> {
        let has = |name: &str| folder.join(name).exists();
        let of = |orm| Some(Self { orm, schema: String::new(), has_config_datasource: false });
        let schema = prisma_schema(folder);
        let is_configured = ["ts", "mts", "js", "mjs", "cjs"].iter().any(|end| has(&format!("prisma.config.{end}")));
        if schema.is_some() || is_configured {
            let schema = schema.unwrap_or_else(|| "prisma/schema.prisma".to_owned());
            let has_config_datasource = major_of_prisma(folder).is_some_and(|major| major >= 7);
            return Some(Self { orm: Orm::Prisma, schema, has_config_datasource });
        }
        if ["ts", "js", "mts", "mjs", "cjs", "json"].iter().any(|end| has(&format!("drizzle.config.{end}"))) {
            return of(Orm::Drizzle);
        }
        if has("alembic.ini") {
            return of(Orm::Alembic);
        }
        if has("manage.py") {
            return of(Orm::Django);
        }
        if has("diesel.toml") {
            return of(Orm::Diesel);
        }
        let uses_sqlx = || std::fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|text| text.contains("sqlx"));
        if has("migrations") && uses_sqlx() { of(Orm::Sqlx) } else { None }
    }

    /// Where the tool keeps its migrations, where that is known.
    pub(super) fn migrations(&self) -> Option<PathBuf> {
        (self.orm == Orm::Prisma).then(|| match Path::new(&self.schema).parent() {
            Some(parent) => parent.join("migrations"),
            None => PathBuf::from("migrations"),
        })
    }

    /// The command line for `command`, with the name of a new migration; `None` when the tool has no such command.
    pub(super) fn command(&self, command: &str, name: &str) -> Option<Vec<String>> {
        let line: Vec<&str> = match (self.orm, command) {
            (Orm::Prisma, "status") => vec!["npx", "prisma", "migrate", "status"],
            (Orm::Prisma, "push") => vec!["npx", "prisma", "db", "push"],
            (Orm::Prisma, "generate") => vec!["npx", "prisma", "generate"],
            (Orm::Prisma, "create") => vec!["npx", "prisma", "migrate", "dev", "--name", name, "--create-only"],
            (Orm::Prisma, "deploy") => vec!["npx", "prisma", "migrate", "deploy"],
            (Orm::Prisma, "diff") if self.has_config_datasource => {
                vec!["npx", "prisma", "migrate", "diff", "--from-schema", &self.schema, "--to-config-datasource"]
            }
            (Orm::Prisma, "diff") => {
                let (from, to) = ("--from-schema-datamodel", "--to-schema-datasource");
                vec!["npx", "prisma", "migrate", "diff", from, &self.schema, to, &self.schema]
            }
            (Orm::Drizzle, "status") => vec!["npx", "drizzle-kit", "check"],
            (Orm::Drizzle, "push" | "generate") => vec!["npx", "drizzle-kit", command],
            (Orm::Drizzle, "deploy") => vec!["npx", "drizzle-kit", "migrate"],
            (Orm::Alembic, "status") => vec!["alembic", "history", "--indicate-current"],
            (Orm::Alembic, "deploy" | "push") => vec!["alembic", "upgrade", "head"],
            (Orm::Alembic, "create") => vec!["alembic", "revision", "-m", name],
            (Orm::Django, "status") => vec!["python3", "manage.py", "showmigrations", "--list"],
            (Orm::Django, "deploy" | "push") => vec!["python3", "manage.py", "migrate", "--noinput"],
            (Orm::Django, "generate") => vec!["python3", "manage.py", "makemigrations", "--noinput"],
            (Orm::Django, "create") => vec!["python3", "manage.py", "makemigrations", "--noinput", "--name", name],
            (Orm::Diesel, "status") => vec!["diesel", "migration", "list"],
            (Orm::Diesel, "deploy" | "push") => vec!["diesel", "migration", "run"],
            (Orm::Diesel, "create") => vec!["diesel", "migration", "generate", name],
            (Orm::Sqlx, "status") => vec!["sqlx", "migrate", "info"],
            (Orm::Sqlx, "deploy" | "push") => vec!["sqlx", "migrate", "run"],
            (Orm::Sqlx, "create") => vec!["sqlx", "migrate", "add", name],
            _ => return None,
        };
        Some(line.into_iter().map(str::to_owned).collect())
    }
}

/// Prisma's schema: where package.json says, else in the places that Prisma itself looks at.
fn prisma_schema(folder: &Path) -> Option<String> {
    if folder.join("prisma/schema.prisma").is_file() {
        return Some("prisma/schema.prisma".to_owned());
    }
    let package = std::fs::read(folder.join("package.json")).ok();
    let package: Option<Value> = package.and_then(|text| serde_json::from_slice(&text).ok());
    let named = package.as_ref().and_then(|package| package["prisma"]["schema"].as_str());
    if let Some(named) = named.filter(|named| folder.join(named).exists()) {
        return Some(named.to_owned());
    }
    if folder.join("schema.prisma").is_file() {
        return Some("schema.prisma".to_owned());
    }
    ["prisma/schema", "prisma"].into_iter().find(|place| has_schema_file(&folder.join(place))).map(str::to_owned)
}

fn has_schema_file(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.take(1_000).any(|entry| entry.path().extension().is_some_and(|end| end == "prisma"))
}

fn major_of_prisma(folder: &Path) -> Option<u32> {
    let text = std::fs::read(folder.join("node_modules/prisma/package.json")).ok()?;
    let package: Value = serde_json::from_slice(&text).ok()?;
    package["version"].as_str()?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[(&str, &str)]) -> Option<Project> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Project::find(folder.path())
    }

    #[test]
    fn tools_are_known_by_their_files() {
        let orm = |files: &[(&str, &str)]| project(files).map(|project| project.orm);
        assert_eq!(orm(&[]), None);
        assert_eq!(orm(&[("prisma/schema.prisma", ""), ("drizzle.config.ts", "")]), Some(Orm::Prisma));
        assert_eq!(orm(&[("prisma/schema/user.prisma", "")]), Some(Orm::Prisma));
        assert_eq!(orm(&[("prisma.config.ts", "")]), Some(Orm::Prisma));
        let package = ("package.json", r#"{"prisma":{"schema":"db/main.prisma"}}"#);
        assert_eq!(project(&[package, ("db/main.prisma", "")]).unwrap().schema, "db/main.prisma");
        assert_eq!(orm(&[package]), None);
        assert_eq!(orm(&[("drizzle.config.js", "")]), Some(Orm::Drizzle));
        assert_eq!(orm(&[("alembic.ini", "")]), Some(Orm::Alembic));
        assert_eq!(orm(&[("migrations/1.sql", ""), ("Cargo.toml", "sqlx = \"1\"")]), Some(Orm::Sqlx));
        assert_eq!(orm(&[("migrations/1.sql", "")]), None);
    }

    #[test]
    fn the_diff_speaks_the_language_of_its_version() {
        let schema = ("prisma/schema.prisma", "");
        let line = |project: &Project| project.command("diff", "").unwrap().join(" ");
        let old = project(&[schema]).unwrap();
        let wanted = "npx prisma migrate diff --from-schema-datamodel prisma/schema.prisma --to-schema-datasource prisma/schema.prisma";
        assert_eq!(line(&old), wanted);
        let new = project(&[schema, ("node_modules/prisma/package.json", r#"{"version":"7.0.1"}"#)]).unwrap();
        assert_eq!(line(&new), "npx prisma migrate diff --from-schema prisma/schema.prisma --to-config-datasource");
    }
}

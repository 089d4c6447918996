//! What a line of a migration tool's output says: tables, loss of data, errors. Words count only as words: not in the
//! name of a migration, a table or an option.

/// Words that begin a statement or a part of one.
const SQL: [&str; 16] = [
    "create",
    "alter",
    "drop",
    "insert",
    "update",
    "delete",
    "select",
    "constraint",
    "primary",
    "foreign",
    "references",
    "unique",
    "grant",
    "comment",
    "truncate",
    "add",
];

/// The words of a line; letters, digits, underscores, hyphens and quotes hold together.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '`' | '"' | '\'')))
        .filter(|word| !word.is_empty())
}

/// `CREATE TABLE "User"` and the like in a line of SQL, `model User` in one of a schema.
pub(super) fn table(line: &str) -> Option<String> {
    let text = line.trim().trim_start_matches("-- ").trim_start_matches(['+', '-']).trim_start();
    let mut parts = text.split_whitespace();
    let verb = parts.next()?;
    if verb == "model" {
        let name = parts.next()?;
        let is_name =
            name.starts_with(|c: char| c.is_uppercase()) && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        let is_model = is_name && parts.next().is_none_or(|next| next.starts_with('{'));
        return is_model.then(|| format!("model {name}"));
    }
    // A statement may stand anywhere in a line of a log; its verb is written in capitals there.
    let at = ["CREATE", "ALTER", "DROP"].iter().filter_map(|verb| statement_at(text, verb)).min()?;
    let mut parts = text[at..].split_whitespace();
    let verb = parts.next()?.to_ascii_uppercase();
    let mut name = parts.nth(1)?;
    while ["if", "not", "exists", "only"].contains(&name.to_ascii_lowercase().as_str()) {
        name = parts.next()?;
    }
    let name = name.split(['(', ';', ',']).next().unwrap_or_default();
    (!name.is_empty()).then(|| format!("{verb} TABLE {name}"))
}

/// Where `VERB TABLE ` stands in `text`: in any case at its beginning, else in capitals.
fn statement_at(text: &str, verb: &str) -> Option<usize> {
    let phrase = format!("{verb} TABLE ");
    if text.get(..phrase.len()).is_some_and(|head| head.eq_ignore_ascii_case(&phrase)) {
        return Some(0);
    }
    let at = text.find(&phrase)?;
    let before = text[..at].chars().next_back();
    before.is_none_or(|c| !c.is_alphanumeric() && c != '_').then_some(at)
}

/// Whether a line announces that something is dropped, deleted, truncated, or that data is lost.
pub(super) fn is_destructive(line: &str) -> bool {
    let text = line.trim();
    let advice = ["To ", "Run ", "You may ", "You can ", "If you ", "Use ", "Please ", "Learn ", "See "];
    if advice.iter().any(|word| text.starts_with(word)) {
        return false;
    }
    let list: Vec<String> = words(text).map(str::to_ascii_lowercase).collect();
    let pair = |at: usize, next: &[&str]| list.get(at + 1).is_some_and(|word| next.contains(&word.as_str()));
    let things = [
        "table",
        "column",
        "the",
        "schema",
        "database",
        "type",
        "view",
        "index",
        "constraint",
        "enum",
        "sequence",
        "foreign",
        "primary",
        "if",
        "materialized",
    ];
    list.iter().enumerate().any(|(at, word)| match word.as_str() {
        "drop" | "dropping" | "truncating" | "deleting" => pair(at, &things),
        "truncate" => pair(at, &["table", "the", "only"]) || at == 0,
        "delete" => pair(at, &["from"]),
        "about" => {
            pair(at, &["to"])
                && list
                    .get(at + 2)
                    .is_some_and(|word| ["drop", "delete", "truncate", "remove"].contains(&word.as_str()))
        }
        "data" => pair(at, &["loss"]),
        "be" => pair(at, &["lost", "dropped", "deleted", "truncated"]),
        _ => false,
    })
}

/// Whether a line tells of an error by its form: `Error: ...`, `Error [x]`, `error P1001`, `✘ ...`.
pub(super) fn is_plain_error(line: &str) -> bool {
    let text = line.trim();
    let first = text.split(|c: char| c.is_whitespace() || matches!(c, ':' | '[')).next().unwrap_or_default();
    let after = text[first.len()..].chars().next();
    let named = first.ends_with("Error") && first.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
    (named || matches!(first, "error" | "ERROR" | "FAILED" | "FATAL")) && matches!(after, None | Some(':' | ' ' | '['))
        || text.starts_with(['✘', '✖', '✗'])
}

/// Whether a line speaks of an error: a plain one, the words error or failed, or one of Prisma's codes.
pub(super) fn speaks_of_error(line: &str) -> bool {
    let text = line.trim();
    if is_plain_error(text) {
        return true;
    }
    let first = words(text).next().unwrap_or_default().to_ascii_lowercase();
    if SQL.contains(&first.as_str()) || text.starts_with("--") || text.starts_with("at ") {
        return false;
    }
    if text.starts_with("\"message\":") {
        return true;
    }
    let list: Vec<String> = words(text).map(str::to_ascii_lowercase).collect();
    list.iter().enumerate().any(|(at, word)| match word.as_str() {
        "error" | "errors" => at == 0 || !matches!(list[at - 1].as_str(), "0" | "no" | "without"),
        "failed" => at == 0 || list[at - 1] != "0",
        code => code.len() == 5 && code.starts_with('p') && code[1..].bytes().all(|byte| byte.is_ascii_digit()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_named_by_statements_and_models() {
        for (line, wanted) in [
            ("CREATE TABLE \"User\" (", Some("CREATE TABLE \"User\"")),
            ("  create table if not exists users(id int);", Some("CREATE TABLE users")),
            ("ALTER TABLE ONLY \"public\".\"Post\" ADD x int;", Some("ALTER TABLE \"public\".\"Post\"")),
            ("DROP TABLE `old`;", Some("DROP TABLE `old`")),
            ("applying: DROP TABLE old;", Some("DROP TABLE old")),
            ("model User {", Some("model User")),
            ("the model Useful is", None),
            ("-- CreateTable", None),
            ("you may create table stakes", None),
        ] {
            assert_eq!(table(line).as_deref(), wanted, "{line}");
        }
    }

    #[test]
    fn loss_of_data_is_announced_in_words_not_in_names() {
        for (line, wanted) in [
            ("⚠️  There might be data loss when applying the changes:", true),
            ("  • You are about to drop the column `age` on the `User` table", true),
            ("You're about to delete users table with 5 items", true),
            ("DROP TABLE \"Old\";", true),
            ("ALTER TABLE x DROP COLUMN y;", true),
            ("TRUNCATE users;", true),
            ("DELETE FROM users;", true),
            ("All data will be lost.", true),
            ("ALTER TABLE x ALTER COLUMN y DROP NOT NULL;", false),
            ("Applying migration `20240101_drop_table_users`", false),
            ("  └─ 20240101_delete_from/", false),
            ("You may use prisma migrate reset to drop the development database.", false),
            ("Run prisma db push --accept-data-loss", false),
            ("ON DELETE CASCADE", false),
        ] {
            assert_eq!(is_destructive(line), wanted, "{line}");
        }
    }

    #[test]
    fn errors_are_words_not_parts_of_names() {
        for (line, plain, speaks) in [
            ("Error: P1001: Can't reach database server", true, true),
            ("Error [ERR_MODULE_NOT_FOUND]: x", true, true),
            ("PrismaClientInitializationError: x", true, true),
            ("sqlalchemy.exc.OperationalError: x", true, true),
            ("error: relation \"x\" does not exist", true, true),
            ("The migration `x` failed to apply", false, true),
            ("P3009", false, true),
            ("found 0 errors", false, false),
            (" CONSTRAINT \"User_pkey\" PRIMARY KEY (\"id\")", false, false),
            ("CREATE TABLE \"error\" (", false, false),
            ("Applying migration `20240101_failed_p1234`", false, false),
            ("Errors_total", false, false),
        ] {
            assert_eq!((is_plain_error(line), speaks_of_error(line)), (plain, speaks), "{line}");
        }
    }
}

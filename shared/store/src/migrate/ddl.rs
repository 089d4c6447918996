//! The parts of a `CREATE TABLE` statement as SQLite keeps it (<https://www.sqlite.org/lang_createtable.html>), so that
//! a table can be made anew with one part changed and every other kept word for word.

/// A `CREATE TABLE` statement in its parts.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// The columns in order.
    pub(super) columns: Vec<Column>,
    /// The constraints behind the columns, each as it is written.
    pub(super) constraints: Vec<String>,
    /// What stands behind the closing parenthesis: `WITHOUT ROWID`, `STRICT`.
    pub(super) options: String,
}

/// A column's definition.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// Its name without quotes.
    pub(super) name: String,
    /// The whole definition, name included.
    pub(super) text: String,
}

/// A word, a quoted text or name, a sign, or blank space and remarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Token<'a> {
    text: &'a str,
    blank: bool,
}

impl Token<'_> {
    fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }
}

fn tokens(sql: &str) -> Vec<Token<'_>> {
    let bytes = sql.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let rest = &sql[at..];
        let mut blank = false;
        match bytes[at] {
            b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' => {
                blank = true;
                at += 1;
            }
            b'-' if rest.starts_with("--") => {
                blank = true;
                at += rest.find('\n').map_or(rest.len(), |end| end + 1);
            }
            b'/' if rest.starts_with("/*") => {
                blank = true;
                at += rest.find("*/").map_or(rest.len(), |end| end + 2);
            }
            b'[' => at += rest.find(']').map_or(rest.len(), |end| end + 1),
            quote @ (b'\'' | b'"' | b'`') => {
                at += 1;
                while at < bytes.len() {
                    if bytes[at] != quote {
                        at += 1;
                    } else if bytes.get(at + 1) == Some(&quote) {
                        at += 2;
                    } else {
                        at += 1;
                        break;
                    }
                }
            }
            byte if is_word(byte) => {
                while at < bytes.len() && is_word(bytes[at]) {
                    at += 1;
                }
            }
            _ => at += 1,
        }
        out.push(Token { text: &sql[start..at], blank });
    }
    out
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}

/// A name without its quotes.
fn unquoted(name: &str) -> String {
    let inner = |quote: char| name.strip_prefix(quote)?.strip_suffix(quote);
    if let Some(inner) = inner('"') {
        return inner.replace("\"\"", "\"");
    }
    if let Some(inner) = inner('`') {
        return inner.replace("``", "`");
    }
    name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name).to_owned()
}

/// A name in quotes, for a statement that cannot bind it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text in quotes, for a check that cannot bind it.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The statement's parts; `None` for what is no plain `CREATE TABLE` (a virtual table).
pub(super) fn parse(sql: &str) -> Option<Table> {
    let tokens = tokens(sql);
    let words: Vec<&Token<'_>> = tokens.iter().filter(|token| !token.blank).take(3).collect();
    if !words.first()?.is("CREATE") || words.get(1)?.is("VIRTUAL") {
        return None;
    }
    let open = tokens.iter().position(|token| token.text == "(")?;
    let (mut depth, mut part) = (1_usize, String::new());
    let mut parts = Vec::new();
    let mut rest = tokens[open + 1..].iter();
    for token in rest.by_ref() {
        match token.text {
            "(" => depth += 1,
            ")" => depth -= 1,
            "," if depth == 1 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
        part.push_str(token.text);
    }
    parts.push(part);
    let options: String = rest.map(|token| token.text).collect();
    let mut table = Table { columns: Vec::new(), constraints: Vec::new(), options: options.trim().to_owned() };
    for part in parts {
        let text = part.trim().to_owned();
        let first = self::tokens(&text).into_iter().find(|token| !token.blank)?.text.to_owned();
        let starts = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];
        if starts.iter().any(|word| first.eq_ignore_ascii_case(word)) {
            table.constraints.push(text);
        } else {
            table.columns.push(Column { name: unquoted(&first), text });
        }
    }
    Some(table)
}

impl Table {
    /// The statement that makes a table `name` of these parts.
    pub(super) fn sql(&self, name: &str) -> String {
        let parts: Vec<&str> = self
            .columns
            .iter()
            .map(|column| column.text.as_str())
            .chain(self.constraints.iter().map(String::as_str))
            .collect();
        // A part may end in a remark, which would swallow what follows on its line.
        format!("CREATE TABLE {} (\n  {}\n) {}", quoted(name), parts.join("\n, "), self.options)
    }

    /// The column `name`, in any spelling of its letters' case.
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }
}

/// Where the checks of a part begin (a `CONSTRAINT name` before them included), where their expression begins and ends,
/// and where they end, as places in `tokens`.
fn check_spans(tokens: &[Token<'_>]) -> Vec<(usize, usize, usize)> {
    let mut spans = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let next_word = |from: usize| (from..tokens.len()).find(|&i| !tokens[i].blank);
        let check = tokens[at].is("CHECK").then(|| next_word(at + 1)).flatten().filter(|&i| tokens[i].text == "(");
        let Some(open) = check else {
            at += 1;
            continue;
        };
        let mut depth = 0_usize;
        let close = (open..tokens.len()).find(|&i| {
            match tokens[i].text {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        let close = close.unwrap_or(tokens.len() - 1);
        let words: Vec<usize> = (0..at).filter(|&i| !tokens[i].blank).collect();
        let named = words.len() >= 2 && tokens[words[words.len() - 2]].is("CONSTRAINT");
        let start = if named { words[words.len() - 2] } else { at };
        spans.push((start, open, close));
        at = close + 1;
    }
    spans
}

/// The expressions of all checks in a column's definition or a constraint, without their parentheses.
pub(super) fn checks(part: &str) -> Vec<String> {
    let tokens = tokens(part);
    let inside = |open: usize, close: usize| tokens[open + 1..close].iter().map(|token| token.text).collect();
    check_spans(&tokens).into_iter().map(|(_, open, close)| inside(open, close)).collect()
}

/// A column's definition or a constraint without its checks.
pub(super) fn without_checks(part: &str) -> String {
    let tokens = tokens(part);
    let spans = check_spans(&tokens);
    let kept = |at: &usize| !spans.iter().any(|&(start, _, close)| (start..=close).contains(at));
    let text: String = (0..tokens.len()).filter(kept).map(|at| tokens[at].text).collect();
    text.trim().to_owned()
}

/// A column's definition that takes null.
pub(super) fn without_not_null(part: &str) -> String {
    let tokens = tokens(part);
    let words: Vec<usize> = (0..tokens.len()).filter(|&at| !tokens[at].blank).collect();
    let found = words.windows(2).find(|pair| tokens[pair[0]].is("NOT") && tokens[pair[1]].is("NULL"));
    let Some(found) = found else { return part.to_owned() };
    let (from, to) = (found[0], found[1]);
    let text: String = (0..tokens.len()).filter(|at| !(from..=to).contains(at)).map(|at| tokens[at].text).collect();
    text.trim().to_owned()
}

/// Whether a part holds the word or name `name`, outside of texts and remarks.
pub(super) fn mentions(part: &str, name: &str) -> bool {
    tokens(part)
        .iter()
        .any(|token| !token.blank && !token.text.starts_with('\'') && unquoted(token.text).eq_ignore_ascii_case(name))
}

/// The texts in quotes that an expression holds.
pub(super) fn literals(expression: &str) -> Vec<String> {
    let inner = |token: &Token<'_>| Some(token.text.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'"));
    tokens(expression).iter().filter_map(inner).collect()
}

/// A check that lets `column` have one of `values`.
pub(super) fn check_of(column: &str, values: &[String]) -> String {
    let list: Vec<String> = values.iter().map(|value| literal(value)).collect();
    format!("CHECK ({} IN ({}))", quoted(column), list.join(","))
}

/// A statement in small letters without blanks and remarks, to compare one with another.
pub(super) fn squeezed(sql: &str) -> String {
    tokens(sql).iter().filter(|token| !token.blank).map(|token| token.text.to_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQL: &str = "CREATE TABLE IF NOT EXISTS \"wa(ves\" ( -- a remark, with a comma\n id INTEGER PRIMARY KEY AUTOINCREMENT,\n \
        status TEXT NOT NULL CONSTRAINT known CHECK(status IN ('a,b', 'it''s (x')) , /* , */ \"odd \"\"name\" REAL(4,2) DEFAULT (1+(2)), \
        n INT GENERATED ALWAYS AS (id + 1) VIRTUAL,\n FOREIGN KEY (id) REFERENCES x(id), CHECK (id > 0)) WITHOUT ROWID";

    #[test]
    fn a_table_falls_into_its_parts() {
        let table = parse(SQL).unwrap();
        let names: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["id", "status", "odd \"name", "n"]);
        assert_eq!(table.constraints, ["FOREIGN KEY (id) REFERENCES x(id)", "CHECK (id > 0)"]);
        assert_eq!(table.options, "WITHOUT ROWID");
        assert!(parse("CREATE VIRTUAL TABLE t USING fts5(a)").is_none());
    }

    #[test]
    fn checks_are_read_and_taken_out() {
        let table = parse(SQL).unwrap();
        let status = &table.column("STATUS").unwrap().text;
        assert_eq!(checks(status), ["status IN ('a,b', 'it''s (x')"]);
        assert_eq!(literals(&checks(status)[0]), ["a,b", "it's (x"]);
        assert_eq!(without_checks(status), "status TEXT NOT NULL");
        assert_eq!(
            squeezed(&without_not_null(status)),
            squeezed("status TEXT CONSTRAINT known CHECK(status IN ('a,b', 'it''s (x'))")
        );
        assert_eq!(check_of("s", &["it's".into()]), "CHECK (\"s\" IN ('it''s'))");
    }

    #[test]
    fn a_table_made_of_its_parts_is_the_same_table() {
        let table = parse(SQL).unwrap();
        assert_eq!(squeezed(&parse(&table.sql("w")).unwrap().sql("w")), squeezed(&table.sql("w")));
        assert!(mentions("FOREIGN KEY (wave_id) REFERENCES waves(id)", "WAVE_ID"));
        assert!(!mentions("CHECK (a <> 'wave_id') -- wave_id", "wave_id"));
    }
}

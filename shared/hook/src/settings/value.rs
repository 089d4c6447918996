//! A value of a settings file.

use toml::de::{DeTable, DeValue};

use super::DEFAULTS;

/// A value as it stands in a settings file. Floating-point numbers and dates, which no setting has, are kept as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// True or false.
    Flag(bool),
    /// A list.
    List(Vec<Value>),
    /// A table, in the order of its keys.
    Table(Vec<(String, Value)>),
}

impl Value {
    /// Reads a whole file.
    ///
    /// # Errors
    /// One line: the place of the first fault and what it is.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let table = DeTable::parse(text).map_err(|fault| {
            let before = fault.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            format!("line {line}: {}", fault.message().trim())
        })?;
        Ok(Self::table(table.get_ref()))
    }

    fn table(table: &DeTable<'_>) -> Self {
        let pair = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
            let key: &std::borrow::Cow<'_, str> = key.get_ref();
            (key.clone().into_owned(), Self::of(value.get_ref()))
        };
        Self::Table(table.iter().map(pair).collect())
    }

    fn of(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text.clone().into_owned()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| Self::Text(number.as_str().to_owned()), Self::Number),
            DeValue::Float(number) => Self::Text(number.as_str().to_owned()),
            DeValue::Boolean(flag) => Self::Flag(*flag),
            DeValue::Datetime(time) => Self::Text(time.to_string()),
            DeValue::Array(values) => Self::List(values.iter().map(|value| Self::of(value.get_ref())).collect()),
            DeValue::Table(table) => Self::table(table),
        }
    }

    /// The value of `key`, of a table.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// Keys and values of a table; nothing for any other value.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Self)> {
        let entries = if let Self::Table(entries) = self { entries.as_slice() } else { &[] };
        entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The items of a list; nothing for any other value.
    pub fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<i64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The flag, if it is one.
    pub fn as_flag(&self) -> Option<bool> {
        if let Self::Flag(flag) = self { Some(*flag) } else { None }
    }

    /// The texts of a list, or the one text; `None` for a list that holds anything else.
    pub fn as_texts(&self) -> Option<Vec<&str>> {
        match self {
            Self::Text(text) => Some(vec![text]),
            Self::List(items) => items.iter().map(Self::as_text).collect(),
            _ => None,
        }
    }

    /// What is wrong with a file's tables, measured by those that [`DEFAULTS`] names: a line for each table or key that
    /// no hook reads, and for each value of another type.
    ///
    /// # Errors
    /// When the defaults cannot be read, which is a fault of the program.
    pub fn complaints(&self) -> Result<Vec<String>, String> {
        let known = known()?;
        let mut lines = Vec::new();
        for (table, values) in self.entries() {
            let Some(wanted) = known.get(table) else {
                lines.push(format!("[{table}] is the table of no hook"));
                continue;
            };
            for (key, value) in values.entries() {
                match wanted.get(key) {
                    None => lines.push(format!("[{table}] {key} is read by nothing")),
                    Some(wanted) if !wanted.is_like(value) => {
                        lines.push(format!("[{table}] {key} should be {}, not {}", wanted.kind(), value.kind()));
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(lines)
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Number(_) => "a whole number",
            Self::Flag(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }

    /// Whether `other` can stand where this one does. One text may stand for a list.
    fn is_like(&self, other: &Self) -> bool {
        matches!((self, other), (Self::List(_), Self::Text(_)))
            || std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// [`DEFAULTS`] with every `#key = value` uncommented.
pub(super) fn known() -> Result<Value, String> {
    let set = |line: &str| line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', '#'])).map(str::to_owned);
    let text: String = DEFAULTS.lines().map(|line| set(line).unwrap_or_else(|| line.to_owned()) + "\n").collect();
    Value::parse(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_all_kinds() {
        let read =
            Value::parse("a = 0x1F\nb = 1_000\nc = 1.5\nd = [1, 'x']\n[t.u]\nk = \"é\\n\"\n[[r]]\nn = 1\n[[r]]\n")
                .unwrap();
        let number = |key: &str| read.get(key).and_then(Value::as_number);
        assert_eq!((number("a"), number("b"), number("c")), (Some(31), Some(1000), None));
        assert_eq!(read.get("d").unwrap().as_texts(), None);
        assert_eq!(read.get("t").and_then(|t| t.get("u")?.get("k")?.as_text()), Some("é\n"));
        assert_eq!(read.get("r").unwrap().items().len(), 2);
        for broken in ["a = ", "a = 1\na = 2", "[a", "a b", "a = 99999999999999999999x", "\u{0}"] {
            let fault = Value::parse(broken).unwrap_err();
            assert!(fault.starts_with("line ") && !fault.contains('\n'), "{broken}: {fault}");
        }
        assert!(Value::parse(&"[".repeat(10_000)).is_err());
    }

    #[test]
    fn what_nobody_reads_is_named() {
        let complaints = |text: &str| Value::parse(text).unwrap().complaints().unwrap();
        assert_eq!(complaints(DEFAULTS), [""; 0]);
        assert_eq!(complaints("[hooks]\ndisable = 'worktree-guard'\n"), [""; 0]);
        assert_eq!(complaints("[hooks]\ndisable = 3\nenabel = []\n[nothing]\n").len(), 3);
    }
}

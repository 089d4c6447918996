//! YAML (1.2, core schema: <https://yaml.org/spec/1.2.2/#103-core-schema>) as JSON values.
//!
//! Refused are: several documents, a key twice, keys that are no scalar, merge keys, tags beyond the core schema, and
//! what grows out of bounds through nesting or aliases.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};
use serde_json::{Map, Number, Value};

/// Levels that lists and mappings may be nested.
const DEPTH: usize = 100;
/// Values in all, those that aliases repeat counted as often as they stand.
const VALUES: usize = 2_000_000;

/// Reads the one document in `text`.
///
/// # Errors
/// What is wrong, in one line with the place of the line.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|fault| place(fault.marker(), fault.info()))?;
        builder.take(event).map_err(|fault| place(&span.start, &fault))?;
    }
    builder.document.ok_or_else(|| "there is nothing in it".to_owned())
}

fn place(marker: &Marker, what: &str) -> String {
    format!("line {}: {what}", marker.line())
}

/// A list or mapping that is not at its end yet.
#[derive(Debug)]
enum Open {
    List(Vec<Value>),
    Mapping(Map<String, Value>, Option<String>),
}

#[derive(Debug, Default)]
struct Builder {
    open: Vec<(Open, usize)>,
    anchors: HashMap<usize, (Value, usize)>,
    document: Option<Value>,
    values: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::DocumentStart(_) if self.document.is_some() => Err("a second document begins".to_owned()),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
            Event::Alias(anchor) => {
                let (value, size) = self.anchors.get(&anchor).cloned().ok_or("an alias of something unfinished")?;
                self.count(size)?;
                self.put(value, 0, size)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style, tag.as_deref())?;
                self.count(1)?;
                self.put(value, anchor, 1)
            }
            Event::SequenceStart(anchor, tag) => self.begin(Open::List(Vec::new()), anchor, tag.as_deref(), "seq"),
            Event::MappingStart(anchor, tag) => {
                self.begin(Open::Mapping(Map::new(), None), anchor, tag.as_deref(), "map")
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some((Open::List(list), anchor)) => self.close(Value::Array(list), anchor),
                Some((Open::Mapping(map, _), anchor)) => self.close(Value::Object(map), anchor),
                None => Err("an end without a beginning".to_owned()),
            },
        }
    }

    fn count(&mut self, more: usize) -> Result<(), String> {
        self.values = self.values.saturating_add(more);
        if self.values > VALUES { Err(format!("more than {VALUES} values")) } else { Ok(()) }
    }

    fn begin(&mut self, open: Open, anchor: usize, tag: Option<&Tag>, own: &str) -> Result<(), String> {
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema() || tag.suffix != own) {
            return Err(format!("the tag {tag} is not known"));
        }
        if self.open.len() >= DEPTH {
            return Err(format!("nested deeper than {DEPTH} levels"));
        }
        self.count(1)?;
        self.open.push((open, anchor));
        Ok(())
    }

    fn close(&mut self, value: Value, anchor: usize) -> Result<(), String> {
        // Only what has an anchor can be repeated, so only that has to be measured.
        let size = if anchor == 0 { 0 } else { size(&value) };
        self.put(value, anchor, size)
    }

    fn put(&mut self, value: Value, anchor: usize, size: usize) -> Result<(), String> {
        if anchor != 0 {
            self.count(size)?;
            self.anchors.insert(anchor, (value.clone(), size));
        }
        match self.open.last_mut() {
            None => self.document = Some(value),
            Some((Open::List(list), _)) => list.push(value),
            Some((Open::Mapping(map, key), _)) => match key.take() {
                Some(key) => {
                    if map.contains_key(&key) {
                        return Err(format!("the key '{key}' twice"));
                    }
                    map.insert(key, value);
                }
                None => {
                    *key = Some(match value {
                        Value::String(text) if text == "<<" => return Err("merge keys (<<) are not read".to_owned()),
                        Value::String(text) => text,
                        Value::Null => "null".to_owned(),
                        Value::Bool(_) | Value::Number(_) => value.to_string(),
                        Value::Array(_) | Value::Object(_) => return Err("a key that is no text".to_owned()),
                    });
                }
            },
        }
        Ok(())
    }
}

fn size(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(size).sum(),
        Value::Object(map) => map.values().map(size).sum(),
        _ => 0,
    }
}

/// A scalar by its tag, else by its form when it is not quoted.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    let string = || Ok(Value::String(text.to_owned()));
    match tag {
        None if style == ScalarStyle::Plain => Ok(plain(text)),
        None => string(),
        Some(tag) if tag.handle == "!" && tag.suffix.is_empty() => string(),
        Some(tag) if tag.is_yaml_core_schema() => match (tag.suffix.as_str(), plain(text)) {
            ("str", _) => string(),
            ("null", value @ Value::Null)
            | ("bool", value @ Value::Bool(_))
            | ("int" | "float", value @ Value::Number(_)) => Ok(value),
            (kind, _) => Err(format!("'{text}' is no {kind}")),
        },
        Some(tag) => Err(format!("the tag {tag} is not known")),
    }
}

/// A plain scalar by the core schema. What JSON has no number for (`.inf`) stays text.
fn plain(text: &str) -> Value {
    let based = |prefix: &str, base: u32| {
        let digits = text.strip_prefix(prefix)?;
        let fits = digits.starts_with(|c: char| c.is_digit(base));
        fits.then(|| i64::from_str_radix(digits, base).ok()).flatten().map(Value::from)
    };
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    if let Some(number) = based("0x", 16).or_else(|| based("0o", 8)) {
        return number;
    }
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let numeric = body.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && body.contains(|c: char| c.is_ascii_digit())
        && body.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    if numeric {
        if let Ok(number) = text.parse::<i64>() {
            return Value::from(number);
        }
        if let Some(number) = text.parse::<f64>().ok().and_then(Number::from_f64) {
            return Value::Number(number);
        }
    }
    Value::String(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn scalars_are_told_apart() {
        let text = "a: 1\nb: -2.5e3\nc: 0x1F\nd: 0o17\ne: ~\nf:\ng: True\nh: 'true'\ni: \"1\"\nj: W1\nk: 1.2.3\nl: 2024-01-02\n\
                    m: +7\nn: .inf\no: !!str 5\np: |\n  two\n  lines\nq: >-\n  one\n  line\nr: yes\ns:\n  -\n1: one\ntrue: two\n";
        let wanted = json!({"a": 1, "b": -2500.0, "c": 31, "d": 15, "e": null, "f": null, "g": true, "h": "true", "i": "1", "j": "W1",
            "k": "1.2.3", "l": "2024-01-02", "m": 7, "n": ".inf", "o": "5", "p": "two\nlines\n", "q": "one line", "r": "yes", "s": [null],
            "1": "one", "true": "two"});
        assert_eq!(parse(text).unwrap(), wanted);
    }

    #[test]
    fn aliases_repeat_and_stay_within_bounds() {
        assert_eq!(parse("a: &x [1, {b: 2}]\nc: *x\n").unwrap(), json!({"a": [1, {"b": 2}], "c": [1, {"b": 2}]}));
        let line = |i: usize| format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 10].join(", "));
        let bomb: String = std::iter::once("a0: &a0 [x, x]\n".to_owned()).chain((1..12).map(line)).collect();
        assert!(parse(&bomb).unwrap_err().contains("values"));
        let nested = |levels: usize| parse(&format!("{}{}", "[".repeat(levels), "]".repeat(levels)));
        assert!(nested(DEPTH).is_ok());
        assert!(nested(DEPTH + 1).unwrap_err().contains("nested deeper"));
        assert!(nested(5000).is_err());
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_line() {
        for (text, part) in [
            ("", "nothing"),
            ("# only a remark\n", "nothing"),
            ("a: 1\n---\nb: 2\n", "second document"),
            ("a: 1\nb: 2\na: 3\n", "line 3: the key 'a' twice"),
            ("? [a]\n: b\n", "key"),
            ("b: &x {a: 1}\nc:\n  <<: *x\n", "merge keys"),
            ("a: !ruby/object x\n", "ruby/object"),
            ("a: !!int x\n", "no int"),
            ("a: *x\n", "line 1"),
            ("a: [1\n", "line"),
            ("a:\n\t- b\n", "line"),
        ] {
            let fault = parse(text).unwrap_err();
            assert!(fault.contains(part) && !fault.contains('\n'), "{text:?}: {fault}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_fall(text in "[ \\n\\t:\\-,\\[\\]{}&*!|>'\"#%?@a<1.~]{0,60}") {
            let _ = parse(&text);
        }

        #[test]
        fn json_is_yaml(value in "[a-z \\n:#'\"\\\\-]{0,20}", number in any::<i64>()) {
            let value = json!({"text": value, "list": [number, null, true, {"a": value}]});
            prop_assert_eq!(parse(&value.to_string()).unwrap(), value);
        }
    }
}

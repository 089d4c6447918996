//! List prices: `prices.json`, which stands in the program, and the user's own entries before it.
//!
//! The first entry that names an answer's model holds, of those for one model the one with the latest `since` that is
//! not after the answer. A model that no entry names has no price, which is not the price 0.

use std::path::PathBuf;

use crewkit_store::token_usage::Amounts;
use crewkit_tool::Context;
use serde::Deserialize;

/// The table in the program: its date and source stand in it.
const LIST: &str = include_str!("prices.json");

/// Prices of one kind of call, in USD per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Tokens that were read anew.
    pub input: f64,
    /// Tokens that were written.
    pub output: f64,
    /// Tokens kept for five minutes; not given: 1.25 times the input.
    #[serde(default)]
    pub cache_write_5m: Option<f64>,
    /// Tokens kept for an hour; not given: twice the input.
    #[serde(default)]
    pub cache_write_1h: Option<f64>,
    /// Kept tokens that were read; not given: a tenth of the input.
    #[serde(default)]
    pub cache_read: Option<f64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct LongRates {
    /// The number of tokens that the model reads, from whichever source, above which all of the call costs this.
    above: i64,
    input: f64,
    output: f64,
    #[serde(default)]
    cache_write_5m: Option<f64>,
    #[serde(default)]
    cache_write_1h: Option<f64>,
    #[serde(default)]
    cache_read: Option<f64>,
}

/// What some models cost.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Names of models, or what they contain (`opus-4-1`).
    models: Vec<String>,
    /// The day (UTC, `YYYY-MM-DD`) that the price holds from; not given: always.
    #[serde(default)]
    since: Option<String>,
    input: f64,
    output: f64,
    #[serde(default)]
    cache_write_5m: Option<f64>,
    #[serde(default)]
    cache_write_1h: Option<f64>,
    #[serde(default)]
    cache_read: Option<f64>,
    /// What a call with a long context costs.
    #[serde(default)]
    long: Option<LongRates>,
    /// What the faster inference costs, whatever the context.
    #[serde(default)]
    fast: Option<Rates>,
}

#[derive(Debug, Deserialize)]
struct List {
    prices: Vec<Price>,
}

/// All prices, the user's before those in the program.
#[derive(Debug, Clone)]
pub struct Prices {
    list: Vec<Price>,
}

impl Prices {
    /// The prices: those of `MODEL_PRICES` or `data/model-prices.json` in the agent's folder, then those in the program. A
    /// file that cannot be used is named in a note and left out.
    pub fn load(context: &Context) -> Self {
        let mut list = Vec::new();
        if let Some(path) = file(context) {
            let read = std::fs::read(&path).map_err(|fault| fault.to_string());
            match read.and_then(|bytes| parse(&bytes)) {
                Ok(own) => list = own,
                Err(reason) => {
                    context.note(format!("{}: {reason}; the built-in prices are used", path.display()));
                }
            }
        }
        list.extend(parse(LIST.as_bytes()).unwrap_or_default());
        Self { list }
    }

    /// What `amounts` of `model` on `day` (`YYYY-MM-DD`) cost, in millionths of a millionth of a dollar; `None` where the
    /// price is not known.
    pub fn cost(&self, model: &str, day: &str, fast: bool, amounts: &Amounts) -> Option<i64> {
        let model = plain(model);
        let named = |price: &&Price| price.models.iter().any(|name| names(&plain(name), &model));
        let first = self.list.iter().position(|price| named(&price))?;
        let same = |price: &&Price| price.models == self.list[first].models && price.applies(day);
        let price = self.list[first..].iter().filter(same).max_by(|a, b| a.since.cmp(&b.since))?;
        Some(price.rates(fast, amounts)?.cost(amounts))
    }
}

/// The user's price list, where there is one.
fn file(context: &Context) -> Option<PathBuf> {
    if let Some(path) = context.variable_path("MODEL_PRICES") {
        return Some(context.expand_home(&path));
    }
    let path = context.claude_home().ok()?.join("data/model-prices.json");
    path.exists().then_some(path)
}

fn parse(bytes: &[u8]) -> Result<Vec<Price>, String> {
    let list: List = serde_json::from_slice(bytes).map_err(|fault| fault.to_string())?;
    for price in &list.prices {
        let parts = [Some(price.plain_rates()), price.long.as_ref().map(LongRates::rates), price.fast];
        let sound = parts.iter().flatten().all(Rates::sound);
        if !sound || price.models.iter().any(|name| name.trim().is_empty()) {
            return Err(format!("no price for {:?}: a number is negative or a name empty", price.models));
        }
    }
    Ok(list.prices)
}

/// A model's name as it is compared: small letters, `.` as `-`.
fn plain(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace('.', "-")
}

/// Whether `name` (`opus-4`) stands in `model` (`us-anthropic-claude-opus-4-20250514-v1:0`) and nothing there carries it
/// on to another version (`claude-opus-4-9`).
fn names(name: &str, model: &str) -> bool {
    model.match_indices(name).any(|(at, _)| {
        let (before, after) = (&model[..at], &model[at + name.len()..]);
        let word = !before.ends_with(|c: char| c.is_ascii_alphanumeric());
        let mut rest = after.chars();
        let ends = match rest.next() {
            None => true,
            Some('-') => {
                let digits = after[1..].bytes().take_while(u8::is_ascii_digit).count();
                // A date, or a word such as `latest`.
                digits == 0 || digits >= 6
            }
            Some(c) => !c.is_ascii_alphanumeric(),
        };
        word && ends
    })
}

impl LongRates {
    fn rates(&self) -> Rates {
        let Self { input, output, cache_write_5m, cache_write_1h, cache_read, above: _ } = *self;
        Rates { input, output, cache_write_5m, cache_write_1h, cache_read }
    }
}

impl Price {
    fn plain_rates(&self) -> Rates {
        let Self { input, output, cache_write_5m, cache_write_1h, cache_read, .. } = *self;
        Rates { input, output, cache_write_5m, cache_write_1h, cache_read }
    }

    fn applies(&self, day: &str) -> bool {
        self.since.as_deref().is_none_or(|since| since <= day)
    }

    fn rates(&self, fast: bool, amounts: &Amounts) -> Option<Rates> {
        if fast {
            return self.fast;
        }
        Some(match &self.long {
            Some(long) if amounts.context() > long.above => long.rates(),
            _ => self.plain_rates(),
        })
    }
}

impl Rates {
    fn sound(&self) -> bool {
        [Some(self.input), Some(self.output), self.cache_write_5m, self.cache_write_1h, self.cache_read]
            .iter()
            .flatten()
            .all(|rate| rate.is_finite() && *rate >= 0.0 && *rate < 1e6)
    }

    fn cost(&self, amounts: &Amounts) -> i64 {
        [
            (amounts.input, self.input),
            (amounts.output, self.output),
            (amounts.cache_write_5m, self.cache_write_5m.unwrap_or(self.input * 1.25)),
            (amounts.cache_write_1h, self.cache_write_1h.unwrap_or(self.input * 2.0)),
            (amounts.cache_read, self.cache_read.unwrap_or(self.input * 0.1)),
        ]
        .into_iter()
        .fold(0, |sum: i64, (tokens, rate)| sum.saturating_add(tokens.saturating_mul(trillionths(rate))))
    }
}

/// Dollars a million tokens, as trillionths of a dollar a token.
#[expect(clippy::cast_possible_truncation, reason = "rates are below a million")]
fn trillionths(rate: f64) -> i64 {
    (rate * 1e6).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_tool::{Clock, Script};

    fn prices() -> Prices {
        Prices { list: parse(LIST.as_bytes()).unwrap() }
    }

    fn context(home: &std::path::Path) -> Context {
        Context::scripted(Script {
            environment: [("HOME".into(), home.into())].into(),
            directory: home.to_owned(),
            clock: Clock::System,
            stdin: Vec::new(),
        })
    }

    const INPUT: Amounts = Amounts { input: 1_000_000, output: 0, cache_write_5m: 0, cache_write_1h: 0, cache_read: 0 };
    const MILLIONS: Amounts =
        Amounts { input: 10_000, output: 10_000, cache_write_5m: 10_000, cache_write_1h: 10_000, cache_read: 10_000 };

    /// Dollars for a million of input, without the long context's price.
    fn dollars(model: &str, day: &str) -> Option<f64> {
        let amounts = Amounts { input: 100_000, ..INPUT };
        let cost = prices().cost(model, day, false, &amounts)?;
        Some(f64::from(u32::try_from(cost / 1_000_000_000).unwrap()) / 100.0)
    }

    #[test]
    fn models_are_known_by_all_their_names() {
        for (model, wanted) in [
            ("claude-opus-4-1-20250805", Some(15.0)),
            ("claude-opus-4-20250514", Some(15.0)),
            ("claude-opus-4@20250514", Some(15.0)),
            ("us.anthropic.claude-opus-4-20250514-v1:0", Some(15.0)),
            ("anthropic/claude-opus-4.5", Some(5.0)),
            ("Claude-Opus-4-6[1m]", Some(5.0)),
            ("claude-opus-5", Some(5.0)),
            ("claude-opus-5-5", Some(4.0)),
            ("claude-opus-4-9", None),
            ("claude-opus-6", None),
            ("claude-sonnet-4", Some(3.0)),
            ("claude-3-7-sonnet-latest", Some(3.0)),
            ("claude-3-5-haiku-20241022", Some(0.8)),
            ("claude-haiku-4-5-20251001", Some(1.0)),
            ("claude-haiku-5-5", Some(0.1)),
            ("gpt-5", None),
            ("claude-myopus-4-1", None),
            ("unknown", None),
            ("", None),
        ] {
            assert_eq!(dollars(model, "2026-11-01"), wanted, "{model}");
        }
    }

    #[test]
    fn every_kind_of_token_has_its_price() {
        // A hundredth of 3 + 15 + 3.75 + 6 + 0.30 dollars.
        assert_eq!(prices().cost("claude-sonnet-4", "2026-01-01", false, &MILLIONS), Some(280_500_000_000));
        // A price that is not the usual part of the input.
        let read = Amounts { cache_read: 1000, ..Amounts::default() };
        let cost = |day: &str| prices().cost("claude-sonnet-5-5", day, false, &read);
        assert_eq!((cost("2026-10-06"), cost("2026-10-07")), (Some(200_000_000), Some(100_000_000)));
    }

    #[test]
    fn a_long_context_costs_more_where_it_does() {
        let cost = |model: &str, day: &str, cache_read: i64| {
            prices().cost(model, day, false, &Amounts { input: 1000, output: 1000, cache_read, ..Amounts::default() })
        };
        assert_eq!(cost("claude-sonnet-4-5", "2026-01-01", 199_000), Some(18_000_000_000 + 59_700_000_000));
        assert_eq!(cost("claude-sonnet-4-5", "2026-01-01", 199_001), Some(28_500_000_000 + 199_001 * 600_000));
        assert_eq!(cost("claude-opus-4-6", "2026-03-13", 300_000), Some(30_000_000_000 + 300_000 * 500_000));
        assert_eq!(cost("claude-opus-4-6", "2026-03-12", 300_000), Some(47_500_000_000 + 300_000 * 1_000_000));
    }

    #[test]
    fn fast_answers_have_their_own_price_or_none() {
        let cost =
            |model: &str| prices().cost(model, "2026-11-01", true, &Amounts { input: 1000, ..Amounts::default() });
        assert_eq!(cost("claude-opus-4-6"), Some(30_000_000_000));
        assert_eq!(cost("claude-sonnet-4"), None);
    }

    #[test]
    fn own_prices_come_first_and_a_broken_list_is_named() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".claude/data");
        std::fs::create_dir_all(&folder).unwrap();
        let write = |text: &str| std::fs::write(folder.join("model-prices.json"), text).unwrap();
        let ctx = context(home.path());
        write(r#"{"prices": [{"models": ["house-model", "opus-4-1"], "input": 1, "output": 2}]}"#);
        let own = Prices::load(&ctx);
        assert_eq!(own.cost("house-model", "2026-01-01", false, &INPUT), Some(1_000_000_000_000));
        assert_eq!(own.cost("claude-opus-4-1", "2026-01-01", false, &INPUT), Some(1_000_000_000_000));
        assert_eq!(own.cost("claude-opus-4", "2026-01-01", false, &INPUT), Some(15_000_000_000_000));
        assert!(ctx.take_notes().is_empty());
        for broken in ["", "[]", "{}", r#"{"prices": [{"models": ["x"], "input": -1, "output": 2}]}"#] {
            write(broken);
            let left = Prices::load(&ctx);
            assert!(left.cost("claude-opus-4", "2026-01-01", false, &INPUT).is_some());
            let notes = ctx.take_notes();
            assert!(notes.len() == 1 && notes[0].contains("model-prices.json"), "{broken}: {notes:?}");
        }
    }

    #[test]
    fn the_largest_amounts_do_not_overflow() {
        let amounts = Amounts { input: 1 << 40, output: 1 << 40, ..Amounts::default() };
        assert!(prices().cost("claude-opus-4", "2026-01-01", false, &amounts).is_some_and(|cost| cost > 0));
    }
}

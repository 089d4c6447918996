//! The sums of many transcripts, against the rules that ccusage documents (<https://github.com/ryoppippi/ccusage>): an
//! answer is its `message.id` and `requestId`, the first line of it counts, in whichever file; lines without tokens or
//! JSON are nothing; days are those of the timestamps; tokens are summed by kind.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crewkit_tests::{Crew, Value, json};

use super::{Line, append, user};

const MODELS: [&str; 4] = ["claude-opus-4-1-20250805", "claude-sonnet-4-5-20250929", "claude-haiku-4-5", "unheard-of"];

/// Numbers that are the same in each run (Knuth's MMIX generator).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// Twelve sessions in three folders: answers on several lines, copies of earlier sessions, subagents, noise.
fn make(folder: &Path) {
    let mut numbers = Numbers(7);
    let mut earlier: Vec<String> = Vec::new();
    for session in 0..12 {
        let mut text = String::new();
        if session % 4 == 3 {
            text += &earlier[numbers.below(session) as usize];
        }
        for answer in 0..40 {
            let id = format!("msg_{session}_{answer}");
            let day = 1 + numbers.below(5);
            let at = format!("2026-03-0{day}T12:00:{:02}.{:03}Z", answer, numbers.below(1000));
            let mut tokens = [0; 5];
            for (kind, most) in [100, 900, 3000, 500, 90_000].into_iter().enumerate() {
                tokens[kind] = numbers.below(most) as i64;
            }
            let model = MODELS[numbers.below(4) as usize];
            let more = json!({"sessionId": format!("s{session}"), "isSidechain": numbers.below(5) == 0});
            let line = Line { id: &id, model, tokens, at: &at, more }.text();
            for _ in 0..=numbers.below(3) {
                text += &line;
                if numbers.below(3) == 0 {
                    text += &user("\"usage\": {\"input_tokens\": 5}");
                }
            }
            if numbers.below(10) == 0 {
                let _ = writeln!(text, "{}", &line[..line.len() / 2]);
            }
        }
        append(&folder.join(format!("-p{}/s{session}.jsonl", session % 3)), &text);
        earlier.push(text);
    }
}

/// Input, output, cache written and read, by name.
type Sums = BTreeMap<String, [i64; 4]>;

/// Tokens by model and by day, and the dollars of models with one price each, as the rules say.
fn expected(folder: &Path) -> (Sums, Sums, f64) {
    let (mut by_model, mut by_day) = (Sums::new(), Sums::new());
    let mut seen = BTreeSet::new();
    let mut dollars = 0.0;
    for project in fs::read_dir(folder).unwrap() {
        for file in fs::read_dir(project.unwrap().path()).unwrap() {
            for line in fs::read_to_string(file.unwrap().path()).unwrap().lines() {
                let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
                let (message, usage) = (&line["message"], &line["message"]["usage"]);
                if usage.is_null() || !seen.insert(format!("{}:{}", message["id"], line["requestId"])) {
                    continue;
                }
                let count = |key: &str| usage[key].as_i64().unwrap();
                let kinds = ["input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"]
                    .map(count);
                let model = message["model"].as_str().unwrap();
                for sum in [
                    by_model.entry(model.to_owned()).or_default(),
                    by_day.entry(line["timestamp"].as_str().unwrap()[..10].to_owned()).or_default(),
                ] {
                    for (sum, count) in sum.iter_mut().zip(kinds) {
                        *sum += count;
                    }
                }
                let (input, output) = match MODELS.iter().position(|known| *known == model) {
                    Some(0) => (15.0, 75.0),
                    Some(1) => (3.0, 15.0),
                    Some(2) => (1.0, 5.0),
                    _ => continue,
                };
                let hour = usage["cache_creation"]["ephemeral_1h_input_tokens"].as_i64().unwrap();
                let weighted =
                    kinds[0] as f64 + 1.25 * (kinds[2] - hour) as f64 + 2.0 * hour as f64 + 0.1 * kinds[3] as f64;
                dollars += (weighted * input + kinds[1] as f64 * output) / 1e6;
            }
        }
    }
    (by_model, by_day, dollars)
}

#[test]
fn the_sums_are_those_of_the_rules() {
    let crew = Crew::new();
    let folder = crew.claude().join("projects");
    make(&folder);
    let (by_model, by_day, dollars) = expected(&folder);
    for (by, wanted) in [("model", by_model), ("day", by_day)] {
        let report = crew.run("token-report", ["--scan", "--by", by, "--json"]).code(0).json();
        let mut found = BTreeMap::new();
        for row in report["rows"].as_array().unwrap() {
            let kinds = ["input_tokens", "output_tokens", "cache_write_tokens", "cache_read_tokens"];
            found.insert(row[by].as_str().unwrap().to_owned(), kinds.map(|key| row[key].as_i64().unwrap()));
        }
        assert_eq!(found, wanted);
        let cost = report["total"]["cost_usd"].as_f64().unwrap();
        assert!((cost - dollars).abs() < 1e-6, "{cost} {dollars}");
        assert_eq!(report["unpriced_models"], json!(["unheard-of"]));
    }
}

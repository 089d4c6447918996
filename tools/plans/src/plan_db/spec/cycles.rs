//! Things that wait for each other.

use std::collections::HashMap;

use crewkit_store::plans::SpecWave;
use serde_json::Value;

use super::{Place, Reader, code_list};

impl Reader<'_> {
    /// Waves that wait for each other would never begin.
    pub(super) fn circle(&mut self, waves: &[SpecWave]) {
        let waits: Vec<(&str, Vec<&str>)> = waves
            .iter()
            .map(|SpecWave { wave, .. }| {
                let named = wave.depends_on.as_deref().unwrap_or_default();
                (wave.code.as_str(), named.split(|c: char| c == ',' || c.is_whitespace()).collect())
            })
            .collect();
        if let Some((index, codes)) = find(&waits) {
            let place = Place::new(format!("wave {}", waits[index].0), format!("/waves/{index}"));
            self.fault(&place, "depends_on", format!("depends_on runs in a circle: {}", codes.join(" -> ")));
        }
    }

    /// The same of the tasks of a wave.
    pub(super) fn circle_of_tasks(&mut self, wave: &Place, tasks: &[Value]) {
        let text =
            |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        let named: Vec<(String, Vec<String>)> = tasks
            .iter()
            .map(|task| {
                let list = task.get("depends_on").and_then(Value::as_array);
                let waits = list.map_or_else(
                    || code_list(&text(task, "depends_on")),
                    |list| list.iter().filter_map(Value::as_str).map(|code| code.trim().to_owned()).collect(),
                );
                (text(task, "id"), waits)
            })
            .collect();
        let waits: Vec<(&str, Vec<&str>)> =
            named.iter().map(|(code, waits)| (code.as_str(), waits.iter().map(String::as_str).collect())).collect();
        if let Some((index, codes)) = find(&waits) {
            let Place { name, pointer } = wave;
            let place = Place::new(format!("{name}, task {}", waits[index].0), format!("{pointer}/tasks/{index}"));
            self.fault(&place, "depends_on", format!("depends_on runs in a circle: {}", codes.join(" -> ")));
        }
    }
}

/// The first circle among things, each given with the codes it waits for: the place of a member, and the codes in order,
/// the first again at the end. Codes that no thing has are left out; of several things of one code the first counts.
fn find<'a>(things: &[(&'a str, Vec<&str>)]) -> Option<(usize, Vec<&'a str>)> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (place, (code, _)) in things.iter().enumerate() {
        if !code.is_empty() {
            places.entry(code).or_insert(place);
        }
    }
    let next: Vec<Vec<usize>> =
        things.iter().map(|(_, waits)| waits.iter().filter_map(|code| places.get(code).copied()).collect()).collect();
    // Depth first with a way of its own: a spec may be a chain of many thousands.
    let mut seen = vec![false; things.len()];
    let mut on_way: Vec<Option<usize>> = vec![None; things.len()];
    for start in 0..things.len() {
        let mut way: Vec<(usize, usize)> = Vec::new();
        if !seen[start] {
            seen[start] = true;
            on_way[start] = Some(0);
            way.push((start, 0));
        }
        while let Some((place, taken)) = way.last().copied() {
            let Some(&other) = next[place].get(taken) else {
                on_way[place] = None;
                way.pop();
                continue;
            };
            if let Some(last) = way.last_mut() {
                last.1 += 1;
            }
            if let Some(begin) = on_way[other] {
                let codes = way[begin..].iter().map(|(place, _)| things[*place].0);
                return Some((other, codes.chain([things[other].0]).collect()));
            }
            if !seen[other] {
                seen[other] = true;
                on_way[other] = Some(way.len());
                way.push((other, 0));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn circles_are_found_and_nets_are_none() {
        let net =
            [("A", vec![]), ("B", vec!["A"]), ("C", vec!["A", "B"]), ("D", vec!["C", "B", "X", ""]), ("", vec![""])];
        assert_eq!(find(&net), None);
        assert_eq!(find(&[("A", vec!["A"])]), Some((0, vec!["A", "A"])));
        let circle = [("A", vec![]), ("B", vec!["A", "D"]), ("C", vec!["B"]), ("D", vec!["C"])];
        assert_eq!(find(&circle), Some((1, vec!["B", "D", "C", "B"])));
    }

    #[test]
    fn a_long_chain_is_walked() {
        let names: Vec<String> = (0..50_000).map(|number| format!("T{number}")).collect();
        let chain: Vec<(&str, Vec<&str>)> = names
            .iter()
            .enumerate()
            .map(|(at, name)| (name.as_str(), names.get(at + 1).map(String::as_str).into_iter().collect()))
            .collect();
        assert_eq!(find(&chain), None);
    }
}

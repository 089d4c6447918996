//! Each file of `corpus/` holds snippets for the check it is named after. A snippet begins with `--- ENDING [FOUND] what`,
//! FOUND being the lines on which the check finds something: numbers in the snippet, `FILE:LINE` in a further file of it,
//! `-` for a finding without a line. `+++ NAME` begins a further file.

use std::fs;

use super::super::checks::CHECKS;
use super::runs::Scratch;

const CORPUS: [(&str, &str); CHECKS.len()] = [
    ("unguarded_json_parse", include_str!("../corpus/unguarded_json_parse.txt")),
    ("unguarded_method_call", include_str!("../corpus/unguarded_method_call.txt")),
    ("react_lazy_named_export", include_str!("../corpus/react_lazy_named_export.txt")),
    ("load_all_paginate", include_str!("../corpus/load_all_paginate.txt")),
    ("duplicate_class_names", include_str!("../corpus/duplicate_class_names.txt")),
    ("unused_parameters", include_str!("../corpus/unused_parameters.txt")),
    ("insecure_file_write", include_str!("../corpus/insecure_file_write.txt")),
    ("missing_error_boundary", include_str!("../corpus/missing_error_boundary.txt")),
    ("comment_density", include_str!("../corpus/comment_density.txt")),
];

struct Snippet {
    what: String,
    found: Vec<String>,
    files: Vec<(String, String)>,
}

fn snippets(text: &str) -> Vec<Snippet> {
    let mut list: Vec<Snippet> = Vec::new();
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("--- ") {
            let (ending, rest) = head.split_once(" [").unwrap();
            let (found, what) = rest.split_once(']').unwrap();
            list.push(Snippet {
                what: what.trim().to_owned(),
                found: found.split_whitespace().map(str::to_owned).collect(),
                files: vec![(format!("main.{ending}"), String::new())],
            });
        } else if let Some(name) = line.strip_prefix("+++ ") {
            list.last_mut().unwrap().files.push((name.to_owned(), String::new()));
        } else {
            let (_, text) = list.last_mut().unwrap().files.last_mut().unwrap();
            *text += line;
            *text += "\n";
        }
    }
    list
}

#[test]
fn every_snippet_gives_what_it_says() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for (place, (check, text)) in CORPUS.iter().enumerate() {
        assert_eq!(*check, CHECKS[place].name);
        for (number, snippet) in snippets(text).into_iter().enumerate() {
            count += 1;
            let scratch = Scratch::new();
            for (name, text) in &snippet.files {
                scratch.put(name, text);
            }
            // What a component loads is read from the disk, not checked.
            let alone = *check == "react_lazy_named_export";
            let names = snippet.files.iter().take(if alone { 1 } else { usize::MAX }).map(|(name, _)| name.as_str());
            let report = scratch.json(&["--files"].into_iter().chain(names).chain(["--json"]).collect::<Vec<_>>());
            let main = &snippet.files[0].0;
            let findings = report["results"][place]["findings"].as_array().unwrap();
            let found: Vec<String> = findings
                .iter()
                .map(|finding| match (finding["file"].as_str().unwrap(), finding["line"].as_u64()) {
                    (file, Some(line)) if file == main => line.to_string(),
                    (file, Some(line)) => format!("{file}:{line}"),
                    (file, None) if file == main => "-".to_owned(),
                    (file, None) => file.to_owned(),
                })
                .collect();
            if found != snippet.found {
                let what = &snippet.what;
                wrong.push(format!("{check} {}: {what}: want {:?}, found {found:?}", number + 1, snippet.found));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} snippets:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 200, "{count}");
}

#[test]
fn a_snippet_is_found_the_same_whatever_its_line_ends() {
    for (check, text) in CORPUS {
        for snippet in snippets(text).into_iter().filter(|snippet| snippet.files.len() == 1) {
            let (unix, windows) = (Scratch::new(), Scratch::new());
            let (name, text) = &snippet.files[0];
            unix.put(name, text);
            windows.put(name, text.replace('\n', "\r\n"));
            let lines = |scratch: &Scratch| {
                let report = scratch.json(&["--files", name, "--json"]);
                let results = report["results"].as_array().unwrap().clone();
                let findings = results.iter().flat_map(|result| result["findings"].as_array().unwrap().clone());
                findings.map(|finding| finding["line"].clone()).collect::<Vec<_>>()
            };
            assert_eq!(lines(&unix), lines(&windows), "{check}: {}", snippet.what);
        }
    }
}

#[test]
fn the_corpus_knows_every_file_of_its_folder() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/code_pattern_check/corpus");
    assert_eq!(fs::read_dir(folder).unwrap().count(), CORPUS.len());
}

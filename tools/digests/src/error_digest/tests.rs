//! The corpus: real traces under `tests/corpus/error`, each with the right answer beside it, and what holds for any
//! input.

use std::fs;

use crewkit_tool::{Clock, Script};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn context(home: &Path, stdin: &[u8]) -> Context {
    Context::scripted(Script {
        environment: [("HOME".into(), home.into())].into(),
        directory: home.to_owned(),
        clock: Clock::System,
        stdin: stdin.to_vec(),
    })
}

fn read_with(stdin: &[u8], arguments: &[&str]) -> Value {
    let home = tempfile::tempdir().unwrap();
    let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    let outcome = run(&context(home.path(), stdin), &arguments).unwrap();
    assert_eq!(outcome.code, 0);
    serde_json::from_slice(&outcome.stdout).unwrap()
}

fn read(stdin: &[u8]) -> Value {
    let mut answer = read_with(stdin, &[]);
    let keys = answer.as_object_mut().unwrap();
    keys.shift_remove("log");
    keys.shift_remove("log_bytes");
    answer
}

fn corpus() -> Vec<(String, String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/error");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "txt") {
            let wanted = serde_json::from_slice(&fs::read(path.with_extension("json")).unwrap()).unwrap();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            found.push((name, fs::read_to_string(&path).unwrap(), wanted));
        }
    }
    assert!(found.len() > 15);
    found
}

#[test]
fn every_trace_of_the_corpus_is_read_right() {
    let wrong: Vec<String> = corpus()
        .into_iter()
        .map(|(name, text, wanted)| (name, wanted, read(text.as_bytes())))
        .filter(|(_, wanted, answer)| wanted != answer)
        .map(|(name, wanted, answer)| format!("{name}\n want {wanted}\n got  {answer}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn colours_line_ends_and_indentation_change_nothing() {
    for (name, text, wanted) in corpus() {
        let coloured: String = text.lines().map(|line| format!("\u{1b}[31m{line}\u{1b}[0m\r\n")).collect();
        assert_eq!(read(coloured.as_bytes()), wanted, "{name}");
        // Go, Ruby and pytest begin at the margin.
        if ["node", "python-c", "python-s", "java", "rust", "dotnet"].iter().any(|start| name.starts_with(start)) {
            let indented: String = text.lines().map(|line| format!("    {line}\n")).collect();
            let errors = |answer: &Value| {
                answer["errors"].as_array().unwrap().iter().map(|error| error["type"].clone()).collect::<Vec<_>>()
            };
            assert_eq!(errors(&read(indented.as_bytes())), errors(&wanted), "{name}");
        }
    }
}

#[test]
fn nothing_wrong_is_said_so() {
    let wanted = json!({"errors": [], "count": 0, "assertions": []});
    assert_eq!((read(b""), read(b"all 12 steps done\n")), (wanted.clone(), wanted));
}

#[test]
fn bytes_that_are_no_text_hide_nothing() {
    let answer = read(b"\x00\xffgarbage\nTyp\x00eError: a\tb \xff\r\n    at f (/app/a.js:1:2)\n");
    let wanted = json!([{"type": "TypeError", "msg": "a\tb \u{fffd}", "file": "/app/a.js", "line": 1}]);
    assert_eq!(answer["errors"], wanted);
}

#[test]
fn many_errors_are_counted_and_the_first_ten_listed() {
    let text: String =
        (0..70_000).map(|number| format!("TypeError: number {number}\n    at f (/app/a.js:{number}:2)\n")).collect();
    let answer = read(text.as_bytes());
    assert_eq!((&answer["count"], &answer["more"]), (&json!(70_000), &json!(69_990)));
    let msgs: Vec<_> = answer["errors"].as_array().unwrap().iter().map(|error| error["msg"].clone()).collect();
    assert_eq!((msgs.len(), &msgs[9]), (10, &json!("number 9")));
    let last = read_with(text.as_bytes(), &["--last", "--no-cache"]);
    assert_eq!((&last["errors"][0]["msg"], &last["count"]), (&json!("number 69999"), &json!(70_000)));
    let long = read(format!("Error: {}\nassert {}\n", "ż".repeat(300), "ż".repeat(300)).as_bytes());
    let length = |value: &Value| value.as_str().unwrap().chars().count();
    assert_eq!((length(&long["errors"][0]["msg"]), length(&long["assertions"][0])), (200, 200));
}

#[test]
fn snippets_come_from_the_folder_alone() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("app");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("a.js"), "one\n  two();\n").unwrap();
    fs::write(home.path().join("secret.js"), "secret\n").unwrap();
    let context = Context::scripted(Script {
        environment: [("HOME".into(), home.path().into())].into(),
        directory: folder.clone(),
        clock: Clock::System,
        stdin: b"Error: a\n at f (a.js:2:1)\nError: b\n at f (../secret.js:1:1)\nError: c\n at f (/dev/zero:1:1)\nError: d\n at f (a.js:9:1)\n".to_vec(),
    });
    let outcome = run(&context, &["--snippet".into()]).unwrap();
    let answer: Value = serde_json::from_slice(&outcome.stdout).unwrap();
    let snippets: Vec<_> = answer["errors"].as_array().unwrap().iter().map(|error| error["snippet"].clone()).collect();
    assert_eq!(snippets, [json!("two();"), Value::Null, Value::Null, Value::Null]);
}

#[test]
fn a_cap_takes_detail_first() {
    let text: String = (0..10)
        .map(|number| format!("TypeError: {number} {}\n    at f (/app/a.js:{number}:2)\n", "word ".repeat(60)))
        .collect();
    for most in [250, 600, 2_000] {
        let mut answer = read_with(text.as_bytes(), &["--max-tokens", &most.to_string()]);
        answer.as_object_mut().unwrap().shift_remove("log");
        assert!(crewkit_digest::tokens::estimate(&answer.to_string()) <= most, "{answer}");
        let listed = answer["errors"].as_array().unwrap().len() as u64;
        assert_eq!(listed + answer["more"].as_u64().unwrap_or(0), 10);
    }
}

#[test]
fn answers_cost_few_tokens() {
    for (name, most) in
        [("node-cause", 190), ("python-chained", 150), ("server-log", 130), ("java-spring", 130), ("rust-panics", 110)]
    {
        let (_, text, _) = corpus().into_iter().find(|(found, ..)| found == name).unwrap();
        let answer = read(text.as_bytes()).to_string();
        let count = tiktoken_rs::o200k_base_singleton().encode_ordinary(&answer).len();
        assert!(count <= most, "{name}: {count} tokens, at most {most}: {answer}");
    }
}

#[test]
fn wrong_usage_is_named() {
    let home = tempfile::tempdir().unwrap();
    for (arguments, part) in [
        (&["--run"][..], "--run"),
        (&["--run", " "], "--run"),
        (&["--run", "x", "--", "y"], "--run"),
        (&["--"], "--"),
        (&["--unknown"], "--unknown"),
        (&["file.log"], "file.log"),
        (&["--time-limit", "3"], "--time-limit"),
        (&["--max-tokens", "few"], "few"),
    ] {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let refusal = run(&context(home.path(), b""), &arguments).unwrap_err();
        assert!(refusal.code == 1 && refusal.message.contains(part), "{arguments:?}: {refusal:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_give_one_object(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(read(&bytes).is_object());
    }

    #[test]
    fn mixed_traces_give_one_object(picks in proptest::collection::vec((0usize..40, 0usize..1_500, 1usize..400), 1..6)) {
        let corpus = corpus();
        let mut text = Vec::new();
        for (which, from, length) in picks {
            let source = corpus[which % corpus.len()].1.as_bytes();
            let from = from.min(source.len());
            text.extend_from_slice(&source[from..(from + length).min(source.len())]);
        }
        let answer = read(&text);
        let told: u64 = answer["errors"].as_array().unwrap().iter().map(|error| error["times"].as_u64().unwrap_or(1)).sum();
        prop_assert_eq!(told + answer["more"].as_u64().unwrap_or(0), answer["count"].as_u64().unwrap());
    }
}

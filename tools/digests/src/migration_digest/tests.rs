//! The corpus under `tests/corpus/migration`: outputs with the files, the arguments and the right answer beside them. A
//! stand-in for the tool prints each.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crewkit_tool::{Clock, Script};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// A project with these files in which every tool prints `text` and ends with `code`.
fn project(files: &[&str], text: &[u8], code: i64) -> (tempfile::TempDir, Context) {
    let home = tempfile::tempdir().unwrap();
    for name in files.iter().chain(&["output"]) {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, if *name == "output" { text } else { b"" }).unwrap();
    }
    fs::create_dir(home.path().join("bin")).unwrap();
    for name in ["npx", "alembic", "diesel", "sqlx", "python3"] {
        let path = home.path().join("bin").join(name);
        fs::write(
            &path,
            format!("#!/bin/sh\nwhile IFS= read -r x; do exit 99; done\ncat \"$HOME/output\"\nexit {code}\n"),
        )
        .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut search = home.path().join("bin").into_os_string();
    search.push(":/usr/bin:/bin");
    let context = Context::scripted(Script {
        environment: [("HOME".into(), home.path().into()), ("PATH".into(), search)].into(),
        directory: home.path().to_owned(),
        clock: Clock::System,
        stdin: b"yes\n".to_vec(),
    });
    (home, context)
}

fn answer(context: &Context, arguments: &[&str]) -> (Value, u8) {
    let outcome = run(context, &arguments.iter().map(OsString::from).collect::<Vec<_>>()).unwrap();
    let mut answer: Value = serde_json::from_slice(&outcome.stdout).unwrap();
    for key in ["log", "log_bytes"] {
        answer.as_object_mut().unwrap().shift_remove(key);
    }
    (answer, outcome.code)
}

#[test]
fn every_output_of_the_corpus_is_read_right() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/migration");
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "txt") {
            continue;
        }
        seen += 1;
        let wanted: Value = serde_json::from_slice(&fs::read(path.with_extension("json")).unwrap()).unwrap();
        let texts = |key: &str| -> Vec<String> { serde_json::from_value(wanted[key].clone()).unwrap() };
        let (files, arguments, code) = (texts("files"), texts("args"), wanted["exit_code"].as_i64().unwrap());
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (_home, context) = project(&files, &fs::read(&path).unwrap(), code);
        let (got, ended) = answer(&context, &arguments);
        if got != wanted["answer"] || i64::from(ended) != code {
            wrong.push(format!("{} ({ended})\n want {}\n got  {got}", path.display(), wanted["answer"]));
        }
    }
    assert!(wrong.is_empty() && seen >= 20, "{seen}\n{}", wrong.join("\n"));
}

#[test]
fn lists_of_other_tools_are_counted() {
    let status = |file: &str, text: &[u8]| {
        let (_home, context) = project(&[file], text, 0);
        let (answer, _) = answer(&context, &["status"]);
        (answer["pending"].clone(), answer["applied"].clone(), answer["destructive"].clone())
    };
    let none = json!([]);
    assert_eq!(
        status("diesel.toml", b"Migrations:\n  [X] 2024_init\n  [ ] 2024 drop table x\n"),
        (json!(1), json!(1), none.clone())
    );
    assert_eq!(
        status("manage.py", b"app\n [X] 0001_initial\n [X] 0002_x\nauth\n (no migrations)\n"),
        (json!(0), json!(2), none)
    );
}

#[test]
fn an_error_of_a_command_that_ended_with_0_makes_unsure() {
    let (_home, context) = project(&["prisma/schema.prisma"], b"Error: something\n", 0);
    let (answer, code) = answer(&context, &["push"]);
    assert_eq!((&answer["status"], &answer["errors"], code), (&json!("unsure"), &json!(["Error: something"]), 0));
}

#[test]
fn a_silent_failure_still_has_an_error() {
    let (_home, context) = project(&["drizzle.config.ts"], b"", 3);
    let (answer, code) = answer(&context, &["push", "--no-cache"]);
    assert_eq!((&answer["status"], answer["errors"].as_array().unwrap().len(), code), (&json!("error"), 1, 3));
}

#[test]
fn the_sql_of_a_new_migration_is_read() {
    let (home, context) = project(&["prisma/schema.prisma"], b"created\n", 0);
    let place = home.path().join("prisma/migrations/2024_x");
    let script = format!(
        "#!/bin/sh\nmkdir -p '{0}'; printf 'DROP TABLE \"Old\";\\nCREATE TABLE \"New\" (id int);\\n' > '{0}/migration.sql'\n",
        place.display()
    );
    fs::write(home.path().join("bin/npx"), script).unwrap();
    let (answer, _) = answer(&context, &["create", "x"]);
    assert_eq!(answer["tables"], json!(["CREATE TABLE \"New\"", "DROP TABLE \"Old\""]));
    assert_eq!(
        (&answer["destructive"], &answer["created"]),
        (&json!(["DROP TABLE \"Old\";"]), &json!("prisma/migrations/2024_x/migration.sql"))
    );
}

#[test]
fn few_tokens_drop_detail_and_count_it() {
    let text: String =
        (0..300).map(|number| format!("CREATE TABLE t{number} (id int);\nDROP TABLE o{number};\n")).collect();
    let (_home, context) = project(&["prisma/schema.prisma"], text.as_bytes(), 0);
    let (small, _) = answer(&context, &["push", "--max-tokens", "100"]);
    assert!(small.to_string().len() < 400, "{small}");
    let listed = small["tables"].as_array().unwrap().len() + small["destructive"].as_array().unwrap().len();
    assert_eq!(small["more"], 600 + 300 - listed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_output_gives_one_object(bytes in proptest::collection::vec(any::<u8>(), 0..400), code in 0u8..3) {
        let (_home, context) = project(&["prisma/schema.prisma"], &bytes, i64::from(code));
        let (answer, ended) = answer(&context, &[]);
        prop_assert!(answer.is_object() && ended == code);
    }
}

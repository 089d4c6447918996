//! The gates over code, on real repositories.

use super::*;

#[test]
fn only_changed_lines_of_declared_files_count() {
    let (crew, top) = with_code("src/a.ts, src/b.ts");
    // Debt of others, on the base branch.
    crew.git(&top, &["checkout", "-q", "main"]);
    write(&crew, &top, "src/a.ts", "// TODO old\nexport const a = 1;\n");
    crew.git(&top, &["add", "-A"]);
    crew.git(&top, &["commit", "-q", "-m", "feat: debt"]);
    crew.git(&top, &["checkout", "-q", "feature"]);
    crew.git(&top, &["merge", "-q", "main"]);
    write(&crew, &top, "src/a.ts", "// TODO old\nexport const a = 2;\n");
    write(&crew, &top, "src/other.ts", "// FIXME of another task\n");
    let verdict = safe(&crew, &["gates", "1"]).code(0).json();
    assert_eq!(gate(&verdict, "9")["result"], "pass", "{verdict}");
    // Committed, staged, unstaged and untracked lines all count.
    for (name, git) in [("src/a.ts", None), ("src/b.ts", None), ("src/b.ts", Some("add")), ("src/b.ts", Some("commit"))]
    {
        write(&crew, &top, name, "// TODO old\nexport const a = 2;\nconst s = 'TODO'; // FIXME now\n");
        if git.is_some() {
            crew.git(&top, &["add", name]);
        }
        if git == Some("commit") {
            crew.git(&top, &["commit", "-q", "-m", "feat: b", name]);
        }
        let verdict = safe(&crew, &["gates", "1"]).code(1).json();
        let evidence = gate(&verdict, "9")["evidence"].to_string();
        assert!(evidence.contains(&format!("{name}:3 FIXME")), "{evidence}");
        assert!(!evidence.contains("other.ts") && !evidence.contains("a.ts:1"), "{evidence}");
    }
    assert_eq!(crew.value("SELECT COUNT(*) FROM tasks WHERE validation_report IS NOT NULL"), json!(0));
}

#[test]
fn on_the_base_branch_it_is_compared_with_head() {
    let (crew, top) = with_code("a.py");
    crew.git(&top, &["checkout", "-q", "main"]);
    write(&crew, &top, "a.py", "try:\n    a()\nexcept Exception:\n    pass\n");
    let verdict = safe(&crew, &["gates", "1"]).code(1).json();
    assert!(gate(&verdict, "9")["evidence"].to_string().contains("a.py:3 except"), "{verdict}");
    crew.git(&top, &["add", "-A"]);
    crew.git(&top, &["commit", "-q", "-m", "feat: a"]);
    safe(&crew, &["gates", "1"]).code(0);
}

#[test]
fn a_credential_is_shown_masked_and_one_from_the_environment_is_none() {
    let (crew, top) = with_code("src/");
    let key = format!("AKIA{}", "Q2WERTYUIOP3ASDF");
    write(&crew, &top, "src/my file.ts", &format!("const a = 1;\nconst id = '{key}';\n"));
    let ended = safe(&crew, &["update-task", "1", "done"]).code(1);
    assert!(ended.stderr.contains("src/my file.ts:2") && ended.stdout.is_empty(), "{ended:?}");
    assert!(!ended.stderr.contains(&key), "{ended:?}");
    let report = crew.value("SELECT validation_report FROM tasks WHERE id = 1");
    assert!(!report.to_string().contains(&key) && report.to_string().contains("REJECTED"), "{report}");
    write(&crew, &top, "src/my file.ts", "const a = 1;\nconst id = process.env.ID;\nconst password = 'changeme';\n");
    safe(&crew, &["update-task", "1", "done"]).code(0);
}

#[test]
fn a_file_over_the_limit_rejects_unless_it_was_so_before() {
    let (crew, top) = with_code("src/");
    let lines = |count: usize| "x = 1\n".repeat(count);
    crew.git(&top, &["checkout", "-q", "main"]);
    write(&crew, &top, "src/old.rb", &lines(300));
    crew.git(&top, &["add", "-A"]);
    crew.git(&top, &["commit", "-q", "-m", "feat: old"]);
    crew.git(&top, &["checkout", "-q", "feature"]);
    crew.git(&top, &["merge", "-q", "main"]);
    write(&crew, &top, "src/old.rb", &(lines(298) + "y = 2\n"));
    write(&crew, &top, "src/edge.rb", &(lines(249) + "x = 1"));
    write(&crew, &top, "src/dist/made.rb", &lines(400));
    let verdict = safe(&crew, &["gates", "1"]).code(0).json();
    assert_eq!(gate(&verdict, "9")["result"], "person");
    assert!(gate(&verdict, "9")["evidence"].to_string().contains("it had 300 before"), "{verdict}");
    write(&crew, &top, "src/edge.rb", &(lines(250) + "x = 1"));
    let verdict = safe(&crew, &["gates", "1"]).code(1).json();
    assert!(gate(&verdict, "9")["evidence"].to_string().contains("src/edge.rb 251 lines"), "{verdict}");
}

#[test]
fn patterns_count_on_changed_lines_and_people_can_read_the_verdict() {
    let (crew, top) = with_code("src/a.ts");
    write(&crew, &top, "src/a.ts", "export const a = JSON.parse(text);\n");
    let verdict = safe(&crew, &["gates", "1"]).code(1).json();
    assert!(gate(&verdict, "4b")["evidence"].to_string().contains("src/a.ts:1"), "{verdict}");
    assert_eq!(gate(&verdict, "4b")["findings"][0]["rejects"], true);
    let ended = safe(&crew, &["gates", "1", "--explain"]).code(1);
    assert!(ended.stdout.contains("Task T1-01 (First): REJECTED"), "{ended:?}");
    write(&crew, &top, ".code-patterns.toml", "max_lines = 300\n");
    let waived = "// pattern-ok: unguarded_json_parse made by us\nexport const a = JSON.parse(text);\n";
    write(&crew, &top, "src/a.ts", waived);
    let told = gate(&safe(&crew, &["gates", "1"]).code(0).json(), "4b")["evidence"].to_string();
    for part in ["src/a.ts:2 waived: unguarded_json_parse (made by us)", ".code-patterns.toml changes the checks"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn nothing_hides_from_the_gates_behind_an_encoding_or_an_attribute() {
    let (crew, top) = with_code("src/");
    write(&crew, &top, ".gitattributes", "*.js binary\n");
    write(&crew, &top, "src/attribute.js", "a();\n");
    write(&crew, &top, "src/wide.ts", "a();\n");
    crew.git(&top, &["add", "-A"]);
    crew.git(&top, &["commit", "-q", "-m", "feat: old"]);
    crew.git(&top, &["branch", "-q", "-f", "main"]);
    write(&crew, &top, "src/attribute.js", "a(); // TODO\n");
    let wide = "\u{FEFF}// FIXME\nexport const b = JSON.parse(text);\n".encode_utf16();
    crew.write(&top.join("src/wide.ts"), wide.flat_map(u16::to_le_bytes).collect::<Vec<_>>());
    write(&crew, &top, "src/nul.ts", "const a = '\0'; // TODO\n");
    let verdict = safe(&crew, &["gates", "1"]).code(1).json();
    let ninth = gate(&verdict, "9")["evidence"].to_string();
    for part in ["src/attribute.js:1 TODO", "src/wide.ts:1 FIXME", "src/nul.ts not judged: no text"] {
        assert!(ninth.contains(part), "{part}: {ninth}");
    }
    let fourth = gate(&verdict, "4b")["evidence"].to_string();
    for part in ["src/wide.ts:2 P1 unguarded_json_parse", "src/nul.ts not checked: no text"] {
        assert!(fourth.contains(part), "{part}: {fourth}");
    }
}

#[test]
fn criteria_run_only_on_request() {
    let (crew, top) = with_code("src/");
    let there = top.join("ran");
    let criteria = json!({"verify": [format!("touch '{}'", there.display()), "exit 3"]}).to_string();
    plan_db(&crew, &["add-task", "1", "T1-03", "Third", "--test-criteria", &criteria]).code(0);
    plan_db(&crew, &["update-task", "3", "in_progress"]).code(0);
    let verdict = safe(&crew, &["gates", "3"]).code(0).json();
    assert_eq!((gate(&verdict, "1")["result"].as_str(), there.exists()), (Some("person"), false));
    let ended = safe(&crew, &["update-task", "3", "done", "--run-verify"]).code(1);
    assert!(there.exists() && ended.stderr.contains("exit 3 (exit code 3)"), "{ended:?}");
    let by_variable =
        crewkit_tests::finish(crew.tool("plan-db-safe").args(["gates", "3"]).env("THOR_RUN_VERIFY", "1"), None);
    assert_eq!(gate(&by_variable.code(1).json(), "1")["result"], "reject");
}

#[test]
fn warn_tells_and_off_does_not_look() {
    let (crew, top) = with_code("src/a.ts");
    write(&crew, &top, "src/a.ts", "// FIXME\n");
    let with = |mode: &str, arguments: &[&str]| {
        crewkit_tests::finish(crew.tool("plan-db-safe").args(arguments).env("THOR_GATES", mode), None)
    };
    let warned = with("warn", &["update-task", "1", "done", "--dry-run"]).code(0);
    assert!(warned.stderr.contains("src/a.ts:1 FIXME"), "{warned:?}");
    let off = with("off", &["gates", "1"]).code(0).json();
    assert_eq!((off["mode"].as_str(), gate(&off, "9")["result"].as_str()), (Some("off"), Some("skipped")));
    with("perhaps", &["update-task", "1", "done"]).refused(1, &["THOR_GATES", "perhaps"]);
    with("enforce", &["update-task", "1", "done", "--dry-run"]).code(1);
    assert_eq!(crew.value("SELECT status FROM tasks WHERE id = 1"), json!("in_progress"));
    assert_eq!(crew.value("SELECT COUNT(*) FROM task_rejections"), json!(0));
}

#[test]
fn a_wave_is_judged_whole_on_request() {
    let crew = plan(&["T1-01"]);
    let top = crew.repository("shop");
    crew.git(&top, &["checkout", "-q", "-b", "feature"]);
    write(&crew, &top, "src/a.ts", "export const a = 1;\n");
    crew.git(&top, &["add", "-A"]);
    crew.git(&top, &["commit", "-q", "-m", "no type"]);
    plan_db(&crew, &["set-worktree", "1", top.to_str().unwrap()]).code(0);
    change(&crew, "UPDATE tasks SET status = 'done', validated_at = datetime('now'), validated_by = 'thor'");
    let build = |line: &str, arguments: &[&str]| {
        crewkit_tests::finish(crew.tool("plan-db").args(arguments).env("THOR_BUILD", line), None)
    };
    let failed = build("echo broken; exit 4", &["validate-wave", "1", "--full"]).code(1);
    assert!(failed.stderr.contains("build_status: FAIL") && failed.stderr.contains("exit code 4"), "{failed:?}");
    let told = build("true", &["validate-wave", "1", "--full"]).code(0);
    for part in ["no document did", "no conventional commit", "no test file"] {
        assert!(told.stderr.contains(part), "{part}: {told:?}");
    }
    write(&crew, &top, "scripts/perf-check.sh", "exit 9\n");
    let slow = build("true", &["validate-wave", "1", "--full", "--json"]).code(1).json();
    assert_eq!(gate(&slow, "7")["findings"][0]["exit_code"], 9);
    let verdicts: Vec<_> =
        audit(&crew).into_iter().map(|line| (line["gates_passed"][2].clone(), line["gates_failed"].clone())).collect();
    let failed = |gate: &str| (json!("3 credentials"), json!([gate]));
    assert_eq!(
        verdicts,
        [
            failed("2 code quality"),
            (json!("wave-validation"), json!([])),
            (json!("2 code quality"), json!(["7 performance"]))
        ]
    );
    crew.git(&top, &["checkout", "-q", "main"]);
    plan_db(&crew, &["set-wave-worktree", "1", top.to_str().unwrap()]).code(0);
    let on_main = plan_db(&crew, &["validate-wave", "1", "--full"]).code(1);
    assert!(on_main.stderr.contains("gate 6 git") && on_main.stderr.contains("build_status: SKIPPED"), "{on_main:?}");
}

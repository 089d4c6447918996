//! wave-overlap: two tasks of one wave and the files they name.

use crewkit_tests::{Crew, Value, json};

use crate::plans_read::execute;

fn crew(rows: &str) -> Crew {
    let crew = Crew::new();
    crew.run("plan-db", ["list", "none"]).code(0);
    execute(&crew.database(), rows);
    crew
}

const WAVES: &str = "INSERT INTO plans(id,project_id,name,status) VALUES(1,'demo','A','todo'),(2,'demo','B','todo');
    INSERT INTO waves(id,project_id,plan_id,wave_id,name,status,position,tasks_total) VALUES
    (1,'demo',1,'W2','two','pending',2,3),(2,'demo',1,'W1','one','pending',1,2),(3,'demo',1,'W3','three','pending',3,1);
    INSERT INTO tasks(id,project_id,wave_id,wave_id_fk,plan_id,task_id,title,description,test_criteria,files,status) VALUES
    (5,'demo','W2',1,1,'T2-02','x','x | Files: Makefile, src/auth/ | Ref: F-01',NULL,NULL,'pending'),
    (6,'demo','W2',1,1,'T2-01','y','Run the Makefile in Node.js','{\"verify\":[\"test -f ./src//auth/login.vue; grep a\\nsrc/auth/form.ts\"]}',NULL,'done'),
    (7,'demo','W2',1,1,'T2-03','z','src/auth/form.ts',NULL,NULL,'skipped'),
    (8,'demo','W1',2,1,'T 1','a','Node.js',NULL,'[\"a, b.ts\",\"c.ts\",\"d.ts\"]','pending'),
    (9,'demo','W1',2,1,'T 1','b','Node.js, c.ts. d.ts!',NULL,'[\"a, b.ts\"]','in_progress'),
    (10,'demo','W3',3,1,'T3','c','c.ts',NULL,NULL,'pending')";

#[test]
fn a_wave_is_judged_by_its_largest_pair() {
    let crew = crew(WAVES);
    let wave = crew.run("wave-overlap", ["check-wave", "1", "1"]).code(1).json();
    let pair = json!([{"task_a": "T2-02", "task_b": "T2-01", "shared_files": ["src/auth/form.ts"]}]);
    assert_eq!(
        wave,
        json!({"overlaps": pair, "risk": "warning", "max_shared_files": 1, "wave": {"wave_id": "W2", "name": "two", "tasks_total": 3}})
    );
    let wave = crew.run("wave-overlap", ["check-wave", "1", "2"]).code(2).json();
    let pair = json!([{"task_a": "T 1", "task_b": "T 1", "shared_files": ["a, b.ts", "c.ts", "d.ts"]}]);
    assert_eq!((&wave["overlaps"], &wave["risk"], &wave["max_shared_files"]), (&pair, &json!("critical"), &json!(3)));
    let wave = crew.run("wave-overlap", ["check-wave", "1", "3"]).code(0).json();
    assert_eq!((&wave["overlaps"], &wave["risk"], &wave["max_shared_files"]), (&json!([]), &json!("none"), &json!(0)));
    for other in [["check-wave", "2", "1"], ["check-wave", "1", "99"], ["check-wave", "99", "1"]] {
        assert_eq!(crew.run("wave-overlap", other).code(2).json(), json!({"error": "wave not found"}), "{other:?}");
    }
}

#[test]
fn a_plan_names_its_waves_by_position() {
    let crew = crew(WAVES);
    let plan = crew.run("wave-overlap", ["check-plan", "1"]).code(0).json();
    let waves: Vec<&Value> =
        plan["waves_with_overlap"].as_array().unwrap().iter().map(|w| &w["wave"]["wave_id"]).collect();
    assert_eq!(
        (waves, &plan["waves_checked"], &plan["overall_risk"]),
        (vec![&json!("W1"), &json!("W2")], &json!(3), &json!("critical"))
    );
    crew.run("wave-overlap", ["check-plan", "1", "--exit-code"]).code(2);
    let empty = crew.run("wave-overlap", ["check-plan", "2", "--exit-code"]).code(0).json();
    assert_eq!(empty, json!({"plan_id": 2, "waves_checked": 0, "waves_with_overlap": [], "overall_risk": "none"}));
    assert_eq!(crew.run("wave-overlap", ["check-plan", "77"]).code(2).json(), json!({"error": "plan not found"}));
    let through = crew.run("plan-db", ["wave-overlap", "check-plan", "1"]).code(0).json();
    assert_eq!(through, plan);
}

#[test]
fn wrong_usage_is_told_and_is_no_verdict() {
    let crew = crew(WAVES);
    for arguments in [&[][..], &["frobnicate"], &["--json"], &[""]] {
        let ended = crew.run("wave-overlap", arguments).code(1);
        assert!(
            ended.stdout.is_empty() && ended.stderr.contains("check-spec") && ended.stderr.contains("Usage"),
            "{ended:?}"
        );
    }
    for (arguments, part) in [
        (&["check-wave", "1 OR 1=1", "1"][..], "1 OR 1=1"),
        (&["check-wave", "1", "-1"], "-1"),
        (&["check-wave", "1"], "WAVE_DB_ID"),
        (&["check-plan", "0"], "'0'"),
        (&["check-plan", "1", "--nonsense"], "--nonsense"),
        (&["check-plan", "1", "2"], "'2'"),
        (&["check-spec"], "SPEC_FILE"),
        (&["check-spec", "."], "cannot be read"),
    ] {
        crew.run("wave-overlap", arguments).refused(2, &[part]);
    }
    for help in [&["help"][..], &["--help"], &["-h"], &["check-wave", "--help"]] {
        assert!(crew.run("wave-overlap", help).code(0).stdout.contains("check-wave"));
    }
}

fn spec(tasks: &str) -> String {
    format!("{{\"waves\":[{{\"id\":\"W1\",\"name\":\"n\",\"tasks\":[{tasks}]}}]}}")
}

#[test]
fn a_spec_is_checked_without_a_database() {
    let crew = Crew::new();
    let check = |text: &str| crew.feed(text, "wave-overlap", ["check-spec", "-"]);
    let shared = |text: &str| -> Vec<Value> {
        let waves = check(text).code(0).json()["waves_with_overlap"].clone();
        let pairs = waves.as_array().unwrap().iter().flat_map(|wave| wave["overlaps"].as_array().unwrap().clone());
        pairs.map(|pair| pair["shared_files"].clone()).collect()
    };
    for (tasks, wanted) in [
        (r#"{"id":"A","do":"x","files":["a.ts"]},{"id":"B","do":"y","files":["src/data.ts"]}"#, json!([])),
        (r#"{"id":"A","do":"x","files":["src/"]},{"id":"B","do":"y","files":["lib/src/a.ts"]}"#, json!([])),
        (r#"{"id":"A","do":"x","files":["x.tsv"]},{"id":"B","do":"edit x.ts"}"#, json!([])),
        (r#"{"id":"A","do":"use node.js"},{"id":"B","do":"use Node.js"}"#, json!([])),
        (r#"{"id":"A","do":"x","files":["node.js"]},{"id":"B","do":"x","files":["node.js"]}"#, json!([["node.js"]])),
        (
            r#"{"id":"A","do":"x","files":["./src//App.vue"]},{"id":"B","do":"x","files":["src/App.vue"]}"#,
            json!([["src/App.vue"]]),
        ),
        (r#"{"id":"A","do":"x","files":["src/"]},{"id":"B","do":"fix src/a.ts."}"#, json!([["src/a.ts"]])),
        (r#"{"id":"A","do":"x","files":["a"]},{"id":"B","do":"x","files":["a"],"depends_on":["A"]}"#, json!([])),
        (
            r#"{"id":"A","do":"x","files":["a"]},{"id":"B","title":"t","description":"b.ts","files":["a"]}"#,
            json!([["a"]]),
        ),
        ("", json!([])),
    ] {
        assert_eq!(json!(shared(&spec(tasks))), wanted, "{tasks}");
    }
    assert!(!crew.database().exists());
    for (text, part) in [
        ("{\"waves\":[", "JSON"),
        ("", "JSON"),
        ("[]", "object"),
        ("{}", "waves is missing"),
        ("{\"waves\":[{\"id\":\"W1\"}]}", "tasks is missing"),
        (r#"{"waves":[{"id":"W1","tasks":[{"id":"T1","files":"a"}]}]}"#, "T1"),
    ] {
        let answer = check(text).code(2).json();
        assert!(answer["error"].as_str().unwrap().contains(part), "{text}: {answer}");
    }
    let heavy = spec(r#"{"id":"A","do":"a.py b.py c.py"},{"id":"B","do":"c.py, b.py (a.py)"}"#);
    crew.feed(&heavy, "wave-overlap", ["check-spec", "-", "--exit-code"]).code(2);
    crew.write(&crew.work().join("a spec.json"), &heavy);
    let answer = crew.run("wave-overlap", ["check-spec", "a spec.json"]).code(0).json();
    assert_eq!((&answer["spec"], &answer["waves_with_overlap"][0]["wave_id"]), (&json!("a spec.json"), &json!("W1")));
    let absent = crew.run("wave-overlap", ["check-spec", "absent.json"]).code(2).json();
    assert_eq!(absent, json!({"error": "spec file not found"}));
}

#[test]
fn the_check_before_an_import_and_the_one_after_agree() {
    let crew = Crew::new();
    let text = spec(
        r#"{"id":"A","do":"x","files":["Makefile","a, b"]},{"id":"B","do":"y","files":["Makefile"],"depends_on":"C"},{"id":"C","do":"z","files":["a, b","Makefile"]}"#,
    );
    let before = crew.feed(&text, "wave-overlap", ["check-spec", "-"]).code(0).json();
    crew.run("plan-db", ["create", "demo", "A"]).code(0);
    crew.feed(&text, "plan-db", ["import", "1", "-"]).code(0);
    let after = crew.run("wave-overlap", ["check-plan", "1"]).code(0).json();
    assert_eq!(before["waves_with_overlap"][0]["overlaps"], after["waves_with_overlap"][0]["overlaps"]);
    let codes = |answer: &Value| -> Vec<String> {
        let pairs = answer["waves_with_overlap"][0]["overlaps"].as_array().unwrap().clone();
        pairs.iter().map(|pair| format!("{}{}", pair["task_a"], pair["task_b"])).collect()
    };
    assert_eq!(codes(&after), ["\"A\"\"B\"", "\"A\"\"C\""]);
}

#[test]
fn locks_on_the_files_of_a_wave_are_named() {
    let crew = crew(WAVES);
    let top = crew.repository("demo");
    execute(&crew.database(), &format!("INSERT INTO projects(id,name,path) VALUES('demo','Demo','{}')", top.display()));
    crew.git(&top, &["worktree", "add", "-q", "-b", "side", "../side"]);
    let side = crew.work().join("side");
    for (place, file, task) in
        [(&side, "src/auth/x.rs", "OTHER"), (&top, "Makefile", "T2-02"), (&top, "docs/y.md", "OTHER")]
    {
        crew.write(&place.join(file), "");
        crew.run_in(place, "file-lock", ["acquire", file, task, "--agent", "web"]).code(0);
    }
    let wave = crew.run("wave-overlap", ["check-wave", "1", "1"]).code(1).json();
    let locks = wave["locks"].as_array().unwrap();
    assert_eq!(locks.len(), 1, "{wave}");
    assert_eq!(
        (&locks[0]["file"], &locks[0]["tasks"], &locks[0]["task_id"], &locks[0]["agent"]),
        (&json!("src/auth/x.rs"), &json!(["T2-02"]), &json!("OTHER"), &json!("web"))
    );
}

#[test]
fn four_hundred_tasks_are_checked_at_once() {
    let crew = Crew::new();
    let tasks: Vec<String> = (0..400)
        .map(|i| format!(r#"{{"id":"T1-{i}","do":"task {i} src/w{i}.ts","files":["src/m{}/a.ts","src/m{i}/b.ts","lib/{i}.py"]}}"#, i / 2))
        .collect();
    let text = spec(&tasks.join(","));
    let started = std::time::Instant::now();
    let answer = crew.feed(&text, "wave-overlap", ["check-spec", "-"]).code(0).json();
    assert_eq!(answer["waves_with_overlap"][0]["overlaps"].as_array().unwrap().len(), 200);
    assert!(started.elapsed() < std::time::Duration::from_secs(2), "{:?}", started.elapsed());
}

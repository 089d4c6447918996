//! plan-db's reading subcommands on databases made by hand.

use std::path::Path;

use crewkit_tests::{Crew, json};

/// A crew with an empty database at the current schema and these rows in it.
fn crew(rows: &str) -> Crew {
    let crew = Crew::new();
    crew.run("plan-db", ["list", "none"]).code(0);
    execute(&crew.database(), rows);
    crew
}

/// Runs statements on a database, with plans that name no project among them.
pub(crate) fn execute(database: &Path, statements: &str) {
    let connection = rusqlite::Connection::open(database).expect("a database");
    connection.pragma_update(None, "foreign_keys", false).expect("a pragma");
    connection.execute_batch(statements).unwrap_or_else(|fault| panic!("{statements}: {fault}"));
}

const BOARD: &str = "INSERT INTO projects(id,name,path) VALUES('demo','Demo','~/demo');
    INSERT INTO plans(id,project_id,name,status,is_master,tasks_done,tasks_total,execution_host,description,updated_at,completed_at) VALUES
    (1,'demo','Alpha','doing',0,1,3,'testhost','line one' || char(10) || 'and more than forty characters of it','2026-01-01 00:00:00',NULL),
    (2,'demo','Beta','doing',1,0,0,NULL,NULL,'2026-01-02T00:00:00Z',NULL),
    (3,'lost','Gamma','todo',0,0,0,NULL,NULL,NULL,NULL),
    (4,'demo','Delta','done',0,2,2,NULL,NULL,NULL,'2026-01-03T00:00:00Z'),
    (5,'demo','Epsilon','done',0,2,2,NULL,NULL,NULL,'2026-01-04 00:00:00'),
    (6,'demo','Zeta','archived',0,2,2,NULL,NULL,'2026-02-02 00:00:00',NULL);
    INSERT INTO waves(id,project_id,plan_id,wave_id,name,status,position) VALUES(1,'demo',1,'W2','two','pending',2),(2,'demo',1,'W1','one','in_progress',1);
    INSERT INTO tasks(id,project_id,wave_id,wave_id_fk,plan_id,task_id,title,status,executor_host,output_data,model,validated_at) VALUES
    (1,'demo','W2',1,1,'T2-01','Later','pending',NULL,NULL,NULL,NULL),
    (2,'demo','W1',2,1,'T1-02','Under' || char(27) || '[31m way','in_progress','testhost',NULL,'opus',NULL),
    (3,'demo','W1',2,1,'T1-01','Done','done',NULL,'{\"a\":1}',NULL,'2026-01-01 00:00:00'),
    (4,'demo','W9',NULL,1,'T9-01','No wave','pending',NULL,NULL,NULL,NULL),
    (5,'lost','W1',NULL,NULL,'T0-01','No plan','in_progress',NULL,NULL,NULL,NULL)";

#[test]
fn every_reader_refuses_what_is_no_plan() {
    let crew = crew(BOARD);
    for command in ["json", "get-context", "get-worktree", "get-wave-worktree", "list-tasks", "where"] {
        crew.run("plan-db", [command, "99"]).refused(1, &["99", "not found"]);
        for id in ["1 OR 1=1", "abc", "0", "-1", "1.0", ""] {
            crew.run("plan-db", [command, id]).refused(1, &[id]);
        }
        crew.run("plan-db", [command, "1", "--nonsense"]).refused(1, &["--nonsense"]);
        if command != "where" {
            crew.run("plan-db", [command]).refused(1, &["_ID"]);
        }
        let help = crew.run("plan-db", [command, "--help"]).code(0);
        assert!(help.stdout.contains(&format!("plan-db {command}")), "{help:?}");
    }
    crew.run("plan-db", ["get-failures", "demo", "--task-pattern"]).refused(1, &["--task-pattern"]);
    crew.run("plan-db", ["kanban", "extra"]).refused(1, &["extra"]);
    crew.run("plan-db", ["list"]).refused(1, &["PROJECT_ID"]);
}

#[test]
fn list_puts_masters_first_and_knows_json() {
    let crew = crew(BOARD);
    let text = crew.run("plan-db", ["list", "demo"]).code(0).stdout;
    let order: Vec<&str> = text.lines().skip(3).filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(order, ["Beta", "Zeta", "Alpha", "Delta", "Epsilon"], "{text}");
    assert!(text.contains("MASTER"));
    assert_eq!(crew.run("plan-db", ["list", "nobody"]).code(0).stdout, "Plans for project: nobody\n");
    let rows = crew.run("plan-db", ["list", "demo", "--json"]).code(0).json();
    let beta = json!({"id": 2, "name": "Beta", "is_master": 1, "status": "doing", "tasks_done": 0, "tasks_total": 0});
    assert_eq!((rows.as_array().unwrap().len(), &rows[0]), (5, &beta));
    assert_eq!(crew.run("plan-db", ["list", "nobody", "--json"]).code(0).json(), json!([]));
}

#[test]
fn the_machine_readable_views_keep_plans_without_a_project_row() {
    let crew = crew(BOARD);
    let plan = crew.run("plan-db", ["json", "3"]).code(0).json();
    assert_eq!((&plan["project_id"], &plan["project_name"]), (&json!("lost"), &json!("lost")));
    assert_eq!((&plan["started_at"], &plan["is_master"]), (&json!(null), &json!(0)));
    let rows = crew.run("plan-db", ["kanban-json"]).code(0).json();
    let order: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["plan_id"].as_i64().unwrap()).collect();
    assert_eq!(order, [2, 1, 3, 5, 4, 6], "both forms of a time count, archived comes last");
    assert_eq!((&rows[1]["progress"], &rows[0]["progress"]), (&json!(33.0), &json!(0.0)));
    assert_eq!((&rows[2]["project_name"], &rows[2]["project_path"]), (&json!("lost"), &json!("")));
    let columns = crew.sql("SELECT name FROM pragma_table_info('v_kanban')");
    let keys: Vec<_> = rows[0].as_object().unwrap().keys().map(|key| vec![json!(key)]).collect();
    assert_eq!(keys, columns);
    assert_eq!(Crew::new().run("plan-db", ["kanban-json"]).code(0).json(), json!([]));
}

#[test]
fn the_board_says_only_of_empty_sections_that_they_are() {
    let crew = crew(BOARD);
    let text = crew.run("plan-db", ["kanban"]).code(0).stdout;
    assert!(!text.contains("(none)") && !text.contains("Zeta"), "{text}");
    let line = |name: &str| text.lines().find(|line| line.contains(name)).unwrap().to_owned();
    let alpha: Vec<_> = line("Alpha").split("  ").map(str::trim).map(str::to_owned).collect();
    assert_eq!(alpha.iter().filter(|cell| !cell.is_empty()).count(), 6, "{alpha:?}");
    assert!(line("Alpha").contains("33%") && line("Alpha").contains("line one and more than forty characters ..."));
    assert!(line("Beta").contains('*') && line("Beta").trim_end().ends_with('-'));
    assert!(text.find("Epsilon").unwrap() < text.find("Delta").unwrap(), "newest completion first");
    execute(&crew.database(), "UPDATE plans SET status = 'archived' WHERE status IN ('doing', 'done')");
    let text = crew.run("plan-db", ["kanban"]).code(0).stdout;
    assert_eq!(text.matches("(none)").count(), 2, "{text}");
}

#[test]
fn long_boards_count_what_they_leave_out() {
    let many: String = (10..40)
        .map(|i| {
            format!("INSERT INTO plans(project_id,name,status,completed_at) VALUES('p','todo {i}','todo',NULL),('p','done {i}','done','2026-01-{i} 00:00:00'),('p','doing {i}','doing',NULL);")
        })
        .collect();
    let crew = crew(&many);
    let text = crew.run("plan-db", ["kanban"]).code(0).stdout;
    let count = |what: &str| text.matches(what).count();
    assert_eq!([count("todo "), count("done "), count("doing "), count("more")], [10, 5, 30, 2], "{text}");
    assert!(text.contains("... and 20 more") && text.contains("... and 25 more"), "{text}");
    let status = crew.run("plan-db", ["status"]).code(0).stdout;
    assert!(status.matches("doing ").count() == 5 && status.contains("... and 25 more"), "{status}");
    assert_eq!(crew.run("plan-db", ["status", "p"]).code(0).stdout.matches("doing ").count(), 30);
}

#[test]
fn status_shows_what_is_under_way() {
    let crew = crew(BOARD);
    let text = crew.run("plan-db", ["status"]).code(0).stdout;
    assert!(text.contains("Demo") && text.contains("1/3") && text.contains("T1-02"), "{text}");
    assert!(
        text.contains("\\u{1b}[31m") && !text.contains('\u{1b}'),
        "no control character reaches a terminal: {text:?}"
    );
    assert!(text.contains("T0-01"), "a task without a plan is under way as well: {text}");
    let one = crew.run("plan-db", ["status", "demo"]).code(0).stdout;
    assert!(!one.contains("T0-01") && !one.contains("Demo"), "{one}");
    let other = crew.run("plan-db", ["status", "other"]).code(0).stdout;
    assert_eq!(other.matches("(none)").count(), 2);
    let object = crew.run("plan-db", ["status", "demo", "--json"]).code(0).json();
    assert_eq!(object["active_plans"].as_array().unwrap().len(), 2);
    assert_eq!(object["in_progress_tasks"][0]["task_id"], "T1-02");
}

#[test]
fn the_branch_of_a_worktree_is_read_from_the_worktree() {
    let crew = crew(BOARD);
    let top = crew.repository("shop");
    crew.git(&top, &["worktree", "add", "-q", "-b", "plan/1-alpha", "../shop-plan-1"]);
    std::fs::create_dir_all(top.join("inside")).unwrap();
    let set = |path: &Path| {
        execute(&crew.database(), &format!("UPDATE plans SET worktree_path = '{}' WHERE id = 1", path.display()))
    };
    let shown = || crew.run("plan-db", ["kanban"]).code(0).stdout;
    set(&crew.work().join("shop-plan-1"));
    assert!(shown().contains("work/shop-plan-1:plan/1-alpha"), "{}", shown());
    for lost in ["shop/inside", "gone"] {
        set(&crew.work().join(lost));
        assert!(shown().contains(&format!("{}:-", if lost == "gone" { "work/gone" } else { lost })), "{}", shown());
    }
}

#[test]
fn the_context_is_whole_and_in_the_waves_order() {
    let crew = crew(BOARD);
    crew.write(&crew.home().join("wt/Cargo.toml"), "");
    execute(&crew.database(), "UPDATE plans SET worktree_path = '~/wt', markdown_path = '~x/a.md' WHERE id = 1");
    let context = crew.run("plan-db", ["get-context", "1"]).code(0).json();
    let codes: Vec<_> =
        context["pending_tasks"].as_array().unwrap().iter().map(|task| task["task_id"].clone()).collect();
    assert_eq!(codes, ["T1-02", "T2-01", "T9-01"]);
    let first = &context["pending_tasks"][0];
    assert_eq!((&first["wave_db_id"], &first["wave_id"], &first["model"]), (&json!(2), &json!("W1"), &json!("opus")));
    let orphan = &context["pending_tasks"][2];
    assert_eq!(
        (&orphan["wave_db_id"], &orphan["wave_id"], &orphan["model"]),
        (&json!(null), &json!("W9"), &json!("sonnet"))
    );
    assert_eq!(
        context["completed_tasks_output"],
        json!([{"task_id": "T1-01", "wave_id": "W1", "executor_agent": "", "output_data": "{\"a\":1}"}])
    );
    assert_eq!(context["worktree_path"], json!(crew.home().join("wt")));
    assert_eq!((&context["markdown_path"], &context["source_file"]), (&json!("~x/a.md"), &json!("")));
    assert_eq!(context["framework"], "cargo");
}

#[test]
fn paths_come_back_whole_and_byte_for_byte() {
    let crew = crew(BOARD);
    crew.run("plan-db", ["get-worktree", "1"]).refused(1, &["1", "no worktree"]);
    crew.run("plan-db", ["get-wave-worktree", "1"]).refused(1, &["1", "no worktree"]);
    execute(
        &crew.database(),
        "UPDATE plans SET worktree_path = '~/a b''c' WHERE id = 1; UPDATE plans SET worktree_path = CAST(x'2f78ff' AS TEXT) WHERE id = 2;
         UPDATE waves SET worktree_path = '~' WHERE id = 1",
    );
    let home = crew.home().display().to_string();
    assert_eq!(crew.run("plan-db", ["get-worktree", "1"]).code(0).stdout, format!("{home}/a b'c\n"));
    assert_eq!(crew.run("plan-db", ["get-wave-worktree", "1"]).code(0).stdout, format!("{home}\n"));
    let raw = crew.tool("plan-db").args(["get-worktree", "2"]).output().unwrap();
    assert_eq!(raw.stdout, b"/x\xff\n");
}

#[test]
fn tasks_and_failures_are_listed() {
    let crew = crew(BOARD);
    let rows = crew.run("plan-db", ["list-tasks", "1", "--json"]).code(0).json();
    let order: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["code"].as_str().unwrap()).collect();
    assert_eq!(order, ["T1-01", "T1-02", "T2-01", "T9-01"]);
    assert_eq!(
        (&rows[0]["validated"], &rows[1]["validated"], &rows[0]["executor"]),
        (&json!(true), &json!(false), &json!(null))
    );
    let text = crew.run("plan-db", ["list-tasks", "1"]).code(0).stdout;
    assert!(
        text.lines().any(|line| line.starts_with("3 ") && line.contains("T1-01") && line.contains("yes")),
        "{text}"
    );

    assert_eq!(crew.run("plan-db", ["get-failures", "demo"]).code(0).json(), json!([]));
    execute(
        &crew.database(),
        "INSERT INTO task_failures(plan_id,project_id,task_id,approach,reason,host,created_at) VALUES
         (1,'demo','T1-01','a','r1','h','2026-01-01T09:00:00Z'),(1,'demo','T1-02','b','r2',NULL,'2026-01-01 08:00:00'),(1,'other','T1-01','c','r3',NULL,'2026-01-01 08:00:00')",
    );
    let reasons = |more: &[&str]| -> Vec<String> {
        let rows = crew.run("plan-db", ["get-failures", "demo"].iter().chain(more)).code(0).json();
        rows.as_array().unwrap().iter().map(|row| row["reason"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(reasons(&[]), ["r1", "r2"]);
    assert_eq!(reasons(&["--task-pattern", "02"]), ["r2"]);
    assert_eq!(reasons(&["--task-pattern", "T1-%"]), ["r1", "r2"]);
}

#[test]
fn tokens_are_summed_by_project_and_host() {
    let crew = crew("");
    let none = crew.run("plan-db", ["token-report"]).code(0).stdout;
    assert!(none.contains("Input: 0 | Output: 0 | Cost: $0.00 | Calls: 0"), "{none}");
    execute(
        &crew.database(),
        "INSERT INTO token_usage(project_id,model,input_tokens,output_tokens,cost_usd,execution_host) VALUES
         ('a|b','m',1,2,0.5,NULL),('a|b','m',1,NULL,NULL,''),('dear','m',1,1,9,'far')",
    );
    let report = crew.run("plan-db", ["token-report", "--json"]).code(0).json();
    let total = json!({"input_tokens": 3, "output_tokens": 3, "cost_usd": 9.5, "calls": 3});
    assert_eq!((&report["total"], &report["usage"][0]["project_id"]), (&total, &json!("dear")));
    let cheap = json!({"project_id": "a|b", "host": "unknown", "input_tokens": 2, "output_tokens": 2, "cost_usd": 0.5, "calls": 2});
    assert_eq!(report["usage"][1], cheap);
}

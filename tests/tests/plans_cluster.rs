//! plan-db between two computers: `where`, `remote-status`, `cluster-*`. The second computer is a folder behind a
//! stand-in for ssh.

use std::fs;
use std::path::{Path, PathBuf};

use crewkit_tests::{Crew, json, program};

use crate::plans_read::execute;

fn far(crew: &Crew) -> PathBuf {
    crew.root().join("far")
}

/// Two computers with a database each; `far` has crewkit when `tools` says so.
fn two(tools: bool) -> Crew {
    let crew = Crew::new();
    let far = far(&crew);
    fs::create_dir_all(far.join(".claude/scripts")).unwrap();
    fs::create_dir_all(far.join(".claude/data")).unwrap();
    crew.stub(
        "ssh",
        &format!(
            "echo \"$@\" >> {root}/ssh.log\nwhile [ \"$1\" != -- ]; do shift; done\nshift\n\
             [ \"$1\" = far ] && [ ! -e {root}/down ] || {{ echo \"no route to $1\" >&2; exit 255; }}\nshift\n\
             export HOME={root}/far HOSTNAME=far\necho 'Welcome to far'\ncd && exec sh -c \"$*\"",
            root = crew.root().display()
        ),
    );
    crew.write(&crew.claude().join("config/sync-db.conf"), "REMOTE_HOST=\"far\"\n");
    crew.run("plan-db", ["list", "none"]).code(0);
    fs::copy(crew.database(), far.join(".claude/data/dashboard.db")).unwrap();
    let wal = |database: &Path| PathBuf::from(format!("{}-wal", database.display()));
    fs::copy(wal(&crew.database()), wal(&far.join(".claude/data/dashboard.db"))).unwrap();
    if tools {
        std::os::unix::fs::symlink(program(), far.join(".claude/scripts/plan-db.sh")).unwrap();
    }
    execute(
        &crew.database(),
        "INSERT INTO plans(id,project_id,name,status,tasks_done,tasks_total,execution_host) VALUES
         (1,'demo','Alpha','doing',1,3,'testhost'),(4,'demo','A plan with quite a long name','doing',0,2,'far');
         INSERT INTO tasks(project_id,plan_id,wave_id,task_id,title,status,executor_host) VALUES('demo',1,'W1','T1-01','ours','in_progress','testhost')",
    );
    execute(
        &far.join(".claude/data/dashboard.db"),
        "INSERT INTO plans(id,project_id,name,status,tasks_done,tasks_total,execution_host) VALUES
         (1,'demo','Only far','todo',0,5,NULL),(7,'demo','A plan with quite a long name','doing',1,2,'far');
         INSERT INTO tasks(project_id,plan_id,wave_id,task_id,title,status) VALUES('demo',7,'W1','T1-09','theirs','in_progress')",
    );
    crew
}

#[test]
fn both_computers_plans_are_one_list() {
    for tools in [true, false] {
        let crew = two(tools);
        let state = crew.run("plan-db", ["cluster-status", "--json"]).code(0).json();
        let lines: Vec<_> =
            state["plans"].as_array().unwrap().iter().map(|p| json!([p["host"], p["id"], p["tasks_done"]])).collect();
        assert_eq!(
            lines,
            [json!(["LOCAL", 1, 1]), json!(["REMOTE", 7, 1]), json!(["REMOTE", 1, 0])],
            "crewkit there: {tools}"
        );
        assert_eq!(
            (&state["host"], &state["remote"], &state["online"]),
            (&json!("testhost"), &json!("far"), &json!(true))
        );
        let text = crew.run("plan-db", ["cluster-status"]).code(0).stdout;
        assert!(text.contains("far [ONLINE]") && text.contains("A plan with quite a long..."), "{text}");
        let tasks = crew.run("plan-db", ["cluster-tasks"]).code(0).stdout;
        assert!(tasks.contains("testhost (local):") && tasks.contains("T1-09  theirs  W1  -"), "{tasks}");
    }
}

#[test]
fn without_the_other_computer_there_is_this_one() {
    let crew = two(true);
    fs::write(crew.root().join("down"), "").unwrap();
    let status = crew.run("plan-db", ["cluster-status"]).code(0);
    assert!(status.stdout.contains("[OFFLINE]") && status.stdout.contains("Alpha"), "{status:?}");
    assert!(status.stderr.contains("no route"), "{status:?}");
    let tasks = crew.run("plan-db", ["cluster-tasks"]).code(0).stdout;
    assert!(tasks.contains("T1-01") && tasks.contains("far: UNREACHABLE"), "{tasks}");
    crew.run("plan-db", ["remote-status"]).refused(1, &["far", "no route"]);

    fs::remove_file(crew.claude().join("config/sync-db.conf")).unwrap();
    fs::remove_file(crew.root().join("ssh.log")).unwrap();
    assert!(crew.run("plan-db", ["cluster-status"]).code(0).stdout.contains("none set up"));
    assert!(!crew.run("plan-db", ["cluster-tasks"]).code(0).stdout.contains("far"));
    crew.run("plan-db", ["remote-status"]).refused(1, &["REMOTE_HOST"]);
    assert!(!crew.root().join("ssh.log").exists(), "nobody is asked without settings");
}

#[test]
fn what_is_missing_there_is_said() {
    let crew = two(false);
    crew.run("plan-db", ["remote-status"]).refused(1, &["far", "not installed"]);
    let crew = crew.with("REMOTE_DB", "~/other.db");
    let status = crew.run("plan-db", ["cluster-status"]).code(0);
    assert!(status.stdout.contains("[ONLINE]") && status.stderr.contains("other.db"), "{status:?}");
    fs::rename(far(&crew).join(".claude/data/dashboard.db"), far(&crew).join("other.db")).unwrap();
    let wal = far(&crew).join(".claude/data/dashboard.db-wal");
    if wal.exists() {
        fs::rename(wal, far(&crew).join("other.db-wal")).unwrap();
    }
    let status = crew.run("plan-db", ["cluster-status"]).code(0).stdout;
    assert!(status.contains("Only far"), "REMOTE_DB is honoured: {status}");
}

#[test]
fn nothing_in_an_argument_reaches_a_shell() {
    let crew = two(true);
    let trap = crew.root().join("owned");
    for word in [format!("x; touch {}", trap.display()), format!("'; touch {} #", trap.display()), "-x".to_owned()] {
        let status = crew.run("plan-db", ["remote-status", "--", &word]).code(0);
        assert!(status.stdout.contains("far") && status.stdout.matches("(none)").count() == 2, "{status:?}");
    }
    crew.write(
        &crew.claude().join("config/sync-db.conf"),
        format!("REMOTE_HOST=$(touch {})\nREMOTE_HOST=far\n", trap.display()),
    );
    let status = crew.run("plan-db", ["remote-status", "demo"]).code(0);
    assert!(status.stdout.contains("A plan with quite") && status.stderr.contains("ignored"), "{status:?}");
    assert!(!trap.exists());
    let one = crew.run("plan-db", ["remote-status", "--json"]).code(0).json();
    assert_eq!((&one["host"], &one["status"]["in_progress_tasks"][0]["task_id"]), (&json!("far"), &json!("T1-09")));
}

#[test]
fn where_tells_who_is_alive() {
    let crew = two(true);
    execute(
        &crew.database(),
        "INSERT INTO plans(id,project_id,name,status,execution_host) VALUES(10,'d','Stale','doing','stale'),(11,'d','Fresh','doing','fresh'),
         (12,'d','Gone','doing','-oProxyCommand=id'),(13,'d','No' || char(10) || 'body | x','todo','');
         INSERT INTO host_heartbeats(host,last_seen) VALUES('stale',datetime('now','-900 seconds')),('fresh',strftime('%Y-%m-%dT%H:%M:%SZ','now','-60 seconds'))",
    );
    for (plan, word) in
        [("1", "LOCAL"), ("4", "ALIVE"), ("10", "STALE"), ("11", "ALIVE"), ("12", "UNREACHABLE"), ("13", "LOCAL")]
    {
        let line = crew.run("plan-db", ["where", plan]).code(0).stdout;
        assert!(line.lines().next().unwrap().ends_with(word), "{plan}: {line}");
        assert_eq!(crew.run("plan-db", ["where", plan, "--json"]).code(0).json()["liveness"], word);
    }
    let log = fs::read_to_string(crew.root().join("ssh.log")).unwrap();
    assert!(!log.contains("ProxyCommand"), "a host that looks like an option is not asked: {log}");
    let all = crew.run("plan-db", ["where"]).code(0).stdout;
    assert!(all.contains("  Plan 13 (No\\nbody | x) [todo] -> unknown"), "{all}");
    assert!(all.contains("Current host: testhost"));
    let one = crew.run("plan-db", ["where", "1"]).code(0).stdout;
    assert!(one.contains("  T1-01 [in_progress] -> testhost"), "{one}");
}

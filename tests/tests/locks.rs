//! file-lock with the real program: races, crashes, waiting, work trees.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crewkit_tests::{Crew, Ended, Value, json};

const MS: Duration = Duration::from_millis(1);

/// Rounds of a race: a few, or as many as `make soak` asks for.
fn rounds(few: usize, soak: usize) -> usize {
    if std::env::var_os("CREWKIT_SOAK").is_some() { soak } else { few }
}

/// Starts all, then waits for all.
fn at_once(crew: &Crew, calls: impl IntoIterator<Item = Vec<String>>) -> Vec<Ended> {
    let children: Vec<Child> = calls.into_iter().map(|arguments| crew.start("file-lock", arguments)).collect();
    children.into_iter().map(end).collect()
}

fn end(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn call(crew: &Crew, line: &str) -> Ended {
    crew.run("file-lock", words(line))
}

/// The JSON on standard error's last line.
#[track_caller]
fn said(ended: &Ended) -> Value {
    let line = ended.stderr.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|fault| panic!("no JSON ({fault}): {ended:?}"))
}

/// How many answers were `status`.
fn tally(answers: &[Ended], status: &str) -> usize {
    answers
        .iter()
        .filter(|ended| {
            let answer = if ended.code == 0 { ended.json() } else { said(ended) };
            answer["status"] == status
        })
        .count()
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(10), "{what}");
        sleep(10 * MS);
    }
}

fn locked(crew: &Crew, file: &str) -> bool {
    call(crew, &format!("check {file}")).json()["locked"] == json!(true)
}

#[test]
fn of_a_hundred_processes_one_wins_a_free_file() {
    let crew = Crew::new();
    call(&crew, "acquire other T0 --timeout 0").code(0);
    for round in 0..rounds(3, 50) {
        let file = format!("file{round}");
        let answers = at_once(&crew, (0..100).map(|n| words(&format!("acquire {file} T{n} --timeout 0"))));
        assert_eq!((tally(&answers, "acquired"), tally(&answers, "blocked")), (1, 99));
        let winner = answers.iter().find(|ended| ended.code == 0).unwrap().json()["task_id"].clone();
        for ended in answers.iter().filter(|ended| ended.code != 0) {
            assert_eq!((ended.code, &said(ended)["held_by"]["task_id"]), (1, &winner), "{ended:?}");
        }
        assert_eq!(crew.sql(&format!("SELECT task_id FROM file_locks WHERE file_path LIKE '%/{file}'")), [[winner]]);
    }
    let twice = "SELECT count(*) - count(DISTINCT fence) FROM file_locks";
    assert_eq!((crew.value(twice), crew.value("PRAGMA integrity_check")), (json!(0), json!("ok")));
}

#[test]
fn a_stale_lock_is_broken_by_one() {
    let crew = Crew::new();
    for _ in 0..rounds(3, 30) {
        call(&crew, "release a").json();
        call(&crew, "acquire a T0 --agent gone --pid 4194305 --timeout 0").code(0);
        crew.sql("UPDATE file_locks SET heartbeat_at = datetime('now', '-400 seconds')");
        let answers = at_once(&crew, (1..21).map(|n| words(&format!("acquire a T{n} --timeout 0"))));
        assert_eq!((tally(&answers, "acquired"), tally(&answers, "blocked")), (1, 19));
        let warned: Vec<&Ended> = answers.iter().filter(|ended| ended.stderr.contains("T0")).collect();
        assert!(warned.len() == 1 && warned[0].code == 0, "{warned:?}");
    }
}

#[test]
fn two_sessions_keep_each_other_out_and_enter_their_own() {
    let crew = Crew::new();
    call(&crew, "acquire other T0 --timeout 0").code(0);
    for round in 0..rounds(3, 30) {
        let calls = (0..20).map(|n| words(&format!("acquire-session file{round} S{} agent{n} 0", n % 2)));
        let answers = at_once(&crew, calls);
        assert_eq!(["acquired", "reentrant", "blocked"].map(|status| tally(&answers, status)), [1, 9, 10]);
        let holders = crew.value(&format!("SELECT count(*) FROM file_locks WHERE file_path LIKE '%/file{round}'"));
        assert_eq!(holders, json!(1));
    }
}

#[test]
fn a_release_is_noticed_at_once_and_waiting_costs_nothing() {
    let crew = Crew::new();
    call(&crew, "acquire a T1 --timeout 0").code(0);
    let waiters: Vec<Child> =
        (2..5).map(|n| crew.start("file-lock", words(&format!("acquire a T{n} --timeout 20")))).collect();
    sleep(1500 * MS);
    if cfg!(target_os = "linux") {
        for waiter in &waiters {
            let stat = fs::read_to_string(format!("/proc/{}/stat", waiter.id())).unwrap();
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_ascii_whitespace().collect();
            let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
            // A tick is 10 ms; starting the program is among them.
            assert!(ticks <= 10, "{ticks} ticks");
        }
    }
    let released = Instant::now();
    call(&crew, "release a T1").code(0);
    wait_until("one waiter goes on", || locked(&crew, "a"));
    // The time of two calls of ours, on a machine that runs other tests, is in it.
    assert!(released.elapsed() < 1000 * MS, "{:?}", released.elapsed());
    for _ in 0..3 {
        wait_until("the next waiter goes on", || locked(&crew, "a"));
        call(&crew, "release a").code(0);
    }
    for waiter in waiters {
        assert_eq!(end(waiter).code(0).json()["status"], json!("acquired"));
    }
}

#[test]
fn waiters_are_served_in_order_of_arrival() {
    let crew = Crew::new();
    call(&crew, "acquire a T0 --timeout 0").code(0);
    let waiters: Vec<Child> = (1..7)
        .map(|n| {
            let mut call = words(&format!("hold a T{n} --timeout 20 -- sh -c"));
            call.push("echo $FILE_LOCK_FENCE".to_owned());
            let child = crew.start("file-lock", call);
            sleep(150 * MS);
            child
        })
        .collect();
    // The owner does not stand behind those who wait for it.
    let again = Instant::now();
    assert_eq!(call(&crew, "acquire a T0").code(0).json()["status"], json!("reentrant"));
    assert!(again.elapsed() < Duration::from_secs(3));
    call(&crew, "release a T0").code(0);
    let served: Vec<u64> = waiters.into_iter().map(|child| end(child).code(0).stdout.trim().parse().unwrap()).collect();
    assert!(served.is_sorted(), "{served:?}");
    assert_eq!(call(&crew, "list").json(), json!([]));
}

#[test]
fn a_timeout_is_kept_and_names_the_holder() {
    let crew = Crew::new();
    call(&crew, "acquire a T1 --agent amy --timeout 0").code(0);
    let started = Instant::now();
    let blocked = call(&crew, "acquire a T2 --timeout 1").code(1);
    let took = started.elapsed();
    assert!(took >= 1000 * MS && took < 2500 * MS, "{took:?}");
    assert_eq!((&said(&blocked)["status"], &said(&blocked)["held_by"]["agent"]), (&json!("blocked"), &json!("amy")));
    assert_eq!(call(&crew, "wait a --timeout 0").code(1).stderr.matches("blocked").count(), 1);
    let waiting = crew.start("file-lock", words("wait a --timeout 10"));
    sleep(300 * MS);
    call(&crew, "release a").code(0);
    assert_eq!(end(waiting).code(0).json()["status"], json!("free"));
    assert!(!locked(&crew, "a"), "wait takes nothing");
}

#[test]
fn a_busy_database_is_waited_for_and_then_an_error() {
    let crew = Crew::new();
    call(&crew, "acquire other T0 --timeout 0").code(0);
    let writer = rusqlite::Connection::open(crew.database()).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let started = Instant::now();
    let patient = crew.start("file-lock", words("acquire b T1 --timeout 9"));
    let failed = call(&crew, "acquire a T1 --timeout 0").code(1);
    assert!(started.elapsed() >= 4900 * MS && started.elapsed() < 8500 * MS, "{:?}", started.elapsed());
    let answer = said(&failed);
    assert!(failed.stdout.is_empty() && answer["status"] == "error" && answer["held_by"].is_null(), "{answer}");
    writer.execute_batch("COMMIT").unwrap();
    assert_eq!(end(patient).code(0).json()["status"], json!("acquired"));
}

#[test]
fn whatever_is_killed_the_table_is_sound_and_the_owner_comes_back() {
    let crew = Crew::new();
    call(&crew, "acquire other T0 --timeout 0").code(0);
    let started = Instant::now();
    for round in 0..rounds(8, 100) {
        let children: Vec<Child> =
            (0..6).map(|n| crew.start("file-lock", words(&format!("acquire a{} T{n} --timeout 5", n % 2)))).collect();
        for (n, mut child) in children.into_iter().enumerate() {
            // Spread over the life of a call, which takes some milliseconds.
            sleep(Duration::from_micros(
                (started.elapsed().subsec_nanos() as usize + n * 977 + round * 311) as u64 % 4000,
            ));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert_eq!(crew.value("PRAGMA integrity_check"), json!("ok"));
        for file in ["a0", "a1"] {
            let lock = call(&crew, &format!("check {file}")).json();
            // A kill between the row and the answer leaves a lock its owner does not know of: it takes it again.
            let owner = lock["task_id"].as_str().unwrap_or("T9").to_owned();
            call(&crew, &format!("acquire {file} {owner} --timeout 0")).code(0);
            call(&crew, &format!("release {file} {owner}")).code(0);
        }
    }
    let children = (0..4).map(|n| crew.start("file-lock", words(&format!("acquire other W{n} --timeout 30"))));
    let mut children: Vec<Child> = children.collect();
    sleep(300 * MS);
    for child in &mut children[..3] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    call(&crew, "release other").code(0);
    assert_eq!(
        end(children.remove(3)).code(0).json()["status"],
        json!("acquired"),
        "the dead hold no place in the line"
    );
}

#[test]
fn sets_that_overlap_do_not_wait_in_a_circle() {
    let crew = Crew::new();
    call(&crew, "acquire other T0 --timeout 0").code(0);
    let started = Instant::now();
    let calls = (0..12).map(|n| {
        let set = ["a b", "b c", "c a"][n % 3];
        words(&format!("hold --task T{n} --timeout 20 {set} -- sleep 0.02"))
    });
    let answers = at_once(&crew, calls);
    assert!(answers.iter().all(|ended| ended.code == 0), "{answers:?}");
    assert!(started.elapsed() < Duration::from_secs(15));
    assert_eq!(call(&crew, "list").json().as_array().unwrap().len(), 1);
}

#[test]
fn a_file_has_one_lock_under_all_its_names() {
    let crew = Crew::new();
    let work = crew.work();
    crew.write(&work.join("src/real.txt"), "x");
    std::os::unix::fs::symlink("real.txt", work.join("src/link.txt")).unwrap();
    std::os::unix::fs::symlink(work.join("src"), crew.root().join("alias")).unwrap();
    call(&crew, "acquire src/real.txt T1 --timeout 0").code(0);
    let through = crew.root().join("alias/link.txt");
    for name in ["./src//real.txt", "src/../src/link.txt", "src/real.txt/", through.to_str().unwrap()] {
        let blocked = call(&crew, &format!("acquire {name} T2 --timeout 0")).code(1);
        assert_eq!(said(&blocked)["file"], json!(work.join("src/real.txt")), "{name}");
    }
    let climbing = "../".repeat(60) + "no-such/x";
    assert_eq!(call(&crew, &format!("acquire {climbing} T3 --timeout 0")).json()["file"], json!("/no-such/x"));
    assert_eq!(call(&crew, "acquire / T3 --timeout 0").json()["file"], json!("/"));
}

#[test]
fn copies_in_other_worktrees_count_when_asked_for() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    let side = crew.work().join("shop-side");
    crew.git(&top, &["worktree", "add", "-q", "-b", "side", side.to_str().unwrap()]);
    let run = |at: &std::path::Path, line: &str| crew.run_in(at, "file-lock", words(line));
    run(&top, "acquire src/a.rs T1 --timeout 0").code(0);
    assert_eq!(run(&side, "check src/a.rs").json()["locked"], json!(false));
    let seen = run(&side, "check src/a.rs --across-worktrees").json();
    assert_eq!((&seen["task_id"], &seen["locked_file"]), (&json!("T1"), &json!(top.join("src/a.rs"))));
    let blocked = run(&side, "acquire src/a.rs T2 --timeout 0 --across-worktrees").code(1);
    let answer = said(&blocked);
    assert_eq!(
        (&answer["file"], &answer["held_by"]["file"]),
        (&json!(side.join("src/a.rs")), &json!(top.join("src/a.rs")))
    );
    run(&side, "acquire src/a.rs T1 --timeout 0 --across-worktrees").code(0);
    run(&side, "acquire src/b.rs T2 --timeout 0 --across-worktrees").code(0);
    run(&side, "acquire README.md T2 --timeout 0").code(0);
    assert_eq!(run(&top, "acquire README.md T1 --timeout 0").code(0).json()["status"], json!("acquired"));
    let row =
        crew.sql("SELECT repository, repository_path FROM file_locks WHERE task_id = 'T2' AND file_path LIKE '%b.rs'");
    assert_eq!(row, [[json!(top.join(".git")), json!("src/b.rs")]]);
}

#[test]
fn the_process_of_a_lock_outlives_the_call() {
    let crew = Crew::new();
    crew.tool("file-lock");
    let bin = crew.claude().join("bin");
    for (n, line) in [
        "sh -c 'file-lock acquire f0 T --timeout 0; true'",
        "timeout 5 file-lock acquire f1 T --timeout 0",
        "timeout 5 bash -c 'file-lock acquire f2 T --timeout 0; true'",
    ]
    .iter()
    .enumerate()
    {
        // The shell that runs a script stays, as an agent does; those it starts for one line are gone.
        let script = crew.root().join("agent.sh");
        crew.write(&script, format!("PATH=\"{}:$PATH\"\n{line} >/dev/null\necho $$\nexec sleep 5\n", bin.display()));
        let mut child: Child = crew.command("sh").arg(&script).stdout(Stdio::piped()).spawn().unwrap();
        wait_until("the lock is taken", || crew.database().exists() && locked(&crew, &format!("f{n}")));
        let pid = call(&crew, &format!("check f{n}")).json()["pid"].as_u64().unwrap();
        if cfg!(target_os = "linux") {
            assert_eq!(pid, u64::from(child.id()), "{line}");
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn a_lock_without_a_time_is_decided_by_its_process() {
    let crew = Crew::new();
    call(&crew, "acquire a T1 --timeout 0").code(0);
    crew.sql(&format!("UPDATE file_locks SET heartbeat_at = 'soon', acquired_at = NULL, pid = {}", std::process::id()));
    let answer = said(&call(&crew, "acquire a T2 --timeout 0").code(1));
    assert_eq!((&answer["status"], &answer["held_by"]["age_sec"]), (&json!("blocked"), &Value::Null));
    crew.sql("UPDATE file_locks SET pid = 4194305");
    call(&crew, "acquire a T2 --timeout 0").code(0);
}

#[test]
fn hold_hands_on_the_exit_code_and_gives_the_lock_back() {
    let crew = Crew::new();
    let hold = |arguments: &[&str]| crew.run("file-lock", [&["hold"], arguments].concat());
    let ended = hold(&["a", "T1", "--", "sh", "-c", "echo out; echo err >&2; exit 7"]).code(7);
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("out\n", "err\n"));
    assert!(!locked(&crew, "a"));
    hold(&["a", "T1", "--", "no-such-program-here"]).refused(127, &["no-such-program-here"]);
    assert!(!locked(&crew, "a"), "a command that cannot start leaves no lock");
    call(&crew, "acquire a T1 --timeout 0").code(0);
    hold(&["a", "T1", "--", "true"]).code(0);
    assert!(locked(&crew, "a"), "what the owner had before stays");
    let blocked = hold(&["a", "T2", "--timeout", "0", "--", "sh", "-c", "touch ran"]).code(1);
    assert_eq!(said(&blocked)["held_by"]["task_id"], json!("T1"));
    assert!(!crew.work().join("ran").exists());
}

#[test]
fn hold_ends_its_command_with_the_lock_and_with_itself() {
    let crew = Crew::new();
    call(&crew, "acquire other T0 --timeout 0").code(0);
    let started = Instant::now();
    let lost = crew.start("file-lock", ["hold", "a", "T1", "--", "sh", "-c", "sleep 30; touch ran"]);
    wait_until("the lock is taken", || locked(&crew, "a"));
    call(&crew, "release a").code(0);
    call(&crew, "acquire a T2 --timeout 0").code(0);
    let ended = end(lost);
    assert!(ended.code != 0 && ended.stderr.contains("lost the lock"), "{ended:?}");
    assert_eq!(call(&crew, "check a").json()["task_id"], json!("T2"), "the new owner's lock is left alone");

    let told = crew.start("file-lock", ["hold", "b", "T1", "--", "sh", "-c", "sleep 30; touch ran"]);
    wait_until("the lock is taken", || locked(&crew, "b"));
    Command::new("kill").arg(told.id().to_string()).status().unwrap();
    assert_eq!(end(told).code, 128 + 15);
    assert!(!locked(&crew, "b"));
    assert!(!crew.work().join("ran").exists() && started.elapsed() < Duration::from_secs(20));
}

#[test]
fn locks_are_listed_for_programs_and_for_people() {
    let crew = Crew::new();
    assert_eq!(crew.run("file-lock", ["list", "--human"]).code(0).stdout, "no locks\n");
    crew.run("file-lock", ["acquire", "a\nb.txt", "T1", "--agent", "amy"]).code(0);
    assert_eq!(crew.run("file-lock", ["list", "--json"]).code(0).json()[0]["task_id"], "T1");
    let table = crew.run("file-lock", ["list", "--human"]).code(0).stdout;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("FILE") && lines[1].contains("a\\nb.txt"), "{table}");
    assert!(lines[1].contains("T1") && lines[1].contains("amy"), "{table}");
    crew.run("file-lock", ["list", "--json", "--human"]).refused(1, &["--human"]);
}

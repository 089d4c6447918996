//! stale-check in a repository, beside other tools.

use crewkit_tests::Crew;

#[test]
fn a_gate_tells_what_changed_since_the_task_read() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    crew.write(&top.join("list.txt"), "apples\npears\nplums\n");
    crew.git(&top, &["add", "-A"]);
    crew.git(&top, &["commit", "-q", "-m", "list"]);
    let call = |arguments: &[&str]| crew.run_in(&top, "stale-check", arguments);
    assert_eq!(call(&["snapshot", "T1", "list.txt"]).code(0).json()["branch"], "main");
    assert_eq!(call(&["refuse", "list.txt", "--task", "T1"]).code(0).json()["stale"], false);

    crew.write(&top.join("list.txt"), "apples\ncherries\x1b[31m\nplums\n");
    crew.git(&top, &["commit", "-qam", "cherries"]);
    let refused = call(&["refuse", "list.txt", "--task", "T1"]).code(2);
    for part in ["list.txt has changed since task T1 read it", "-pears", "+cherries\\u{1b}[31m"] {
        assert!(refused.stderr.contains(part), "no '{part}': {}", refused.stderr);
    }
    assert!(!refused.stderr.contains("apples") && refused.stdout.is_empty());

    crew.run_in(&top, "file-lock", ["acquire", "list.txt", "T2", "--agent", "bob"]).code(0);
    let checked = call(&["check", "T1"]).code(0).json();
    assert_eq!(checked["changed_files"][0]["locked_by"]["task_id"], "T2");
    crew.git(&top, &["checkout", "-q", "--detach"]);
    assert_eq!(call(&["snapshot", "T1"]).code(0).json()["branch"], "DETACHED");
}

#[test]
fn what_differs_from_main_is_taken_with_one_word() {
    let crew = Crew::new();
    let top = crew.repository("shop");
    crew.git(&top, &["checkout", "-q", "-b", "feat"]);
    crew.write(&top.join("committed.txt"), "x");
    crew.git(&top, &["add", "-A"]);
    crew.git(&top, &["commit", "-q", "-m", "one"]);
    crew.write(&top.join("README.md"), "# changed\n");
    crew.write(&top.join("sub dir/new.txt"), "x");
    crew.git(&top, &["update-ref", "refs/heads/main", "main"]);
    let call = |arguments: &[&str]| crew.run_in(&top.join("sub dir"), "stale-check", arguments);
    assert_eq!(call(&["snapshot", "T1", "--git"]).code(0).json()["snapshots"], 3);
    let names = crew.sql("SELECT file_path FROM file_snapshots ORDER BY file_path");
    let names: Vec<_> = names.iter().map(|row| row[0].as_str().unwrap().rsplit('/').next().unwrap()).collect();
    assert_eq!(names, ["README.md", "committed.txt", "new.txt"]);
    crew.run("stale-check", ["snapshot", "T1", "--git"]).refused(1, &["not inside a git repository"]);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let crew = Crew::new();
    // The superuser reads everything: a link to itself is what nobody can read.
    std::os::unix::fs::symlink("loop", crew.work().join("loop")).unwrap();
    crew.run("stale-check", ["snapshot", "T1", "loop"]).refused(1, &["loop"]);
    assert!(!crew.database().exists());
}

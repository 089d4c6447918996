//! The demo is the main job of the house: it is run as a test, too.

use crewkit_tests::{Crew, finish, program};

#[test]
fn a_crew_of_two_agents_does_its_work() {
    let crew = Crew::new();
    let demo = program().with_file_name("crewkit-demo");
    assert!(demo.is_file(), "{} is not built: run `cargo build` first (make test does)", demo.display());
    let ended = finish(&mut crew.command(demo), None).code(0);
    for part in ["what is left", "hears:", "T2-01", "committed: Choose the language by its code"] {
        assert!(ended.stdout.contains(part), "no '{part}' in {}", ended.stdout);
    }
    let left: Vec<_> =
        std::fs::read_dir(crew.home()).unwrap().chain(std::fs::read_dir(crew.root().join("tmp")).unwrap()).collect();
    assert!(left.is_empty(), "{left:?}");
}

//! Random commands against a model: the counters always are what the rows say, and the states what the model says.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone, Copy)]
enum Step {
    Set(usize, &'static str),
    Done(usize),
    Validate(usize),
    Wave(usize),
    Plan,
    Sync,
}

const TASKS: usize = 4;

fn step() -> impl Strategy<Value = Step> {
    let state = prop::sample::select(vec!["pending", "in_progress", "blocked", "skipped"]);
    prop_oneof![
        4 => (0..TASKS, state).prop_map(|(task, to)| Step::Set(task, to)),
        4 => (0..TASKS).prop_map(Step::Done),
        1 => (0..TASKS).prop_map(Step::Validate),
        1 => (0..2_usize).prop_map(Step::Wave),
        1 => Just(Step::Plan),
        1 => Just(Step::Sync),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn rows_counters_and_the_model_agree_after_every_step(steps in prop::collection::vec(step(), 1..14)) {
        let crew = Crew::new();
        plan_db(&crew, &["create", "demo", "Alpha"]).code(0);
        plan_db(&crew, &["start", "1"]).code(0);
        for wave in ["W1", "W2"] {
            plan_db(&crew, &["add-wave", "1", wave, wave]).code(0);
        }
        for task in 0..TASKS {
            let wave = (task / 2 + 1).to_string();
            plan_db(&crew, &["add-task", &wave, &format!("T{task}"), "work"]).code(0);
        }
        let mut model = ["pending"; TASKS];
        for step in steps {
            match step {
                Step::Set(task, to) => {
                    plan_db(&crew, &["update-task", &(task + 1).to_string(), to]).code(0);
                    model[task] = to;
                }
                Step::Done(task) => {
                    let allowed = !matches!(model[task], "pending" | "skipped");
                    safe(&crew, &["update-task", &(task + 1).to_string(), "done"]).code(i32::from(!allowed));
                    if allowed {
                        model[task] = "done";
                    }
                }
                Step::Validate(task) => {
                    let ended = plan_db(&crew, &["validate-task", &(task + 1).to_string(), "1"]);
                    prop_assert_eq!(ended.code, i32::from(model[task] != "done"));
                }
                Step::Wave(wave) => {
                    let whole = model[wave * 2..wave * 2 + 2].iter().all(|state| matches!(*state, "done" | "skipped"));
                    let ended = plan_db(&crew, &["validate-wave", &(wave + 1).to_string()]);
                    prop_assert_eq!(ended.code, i32::from(!whole), "{:?}", ended);
                }
                Step::Plan => {
                    plan_db(&crew, &["validate", "1"]).code(0);
                }
                Step::Sync => {
                    plan_db(&crew, &["sync", "1"]).code(0);
                }
            }
            let rows: Vec<Value> = crew.sql("SELECT status FROM tasks ORDER BY id").concat();
            prop_assert_eq!(rows, model.map(|state| json!(state)).to_vec());
            let counters = crew.sql(
                "SELECT (SELECT tasks_done FROM plans), (SELECT SUM(tasks_done) FROM waves), (SELECT COUNT(*) FROM tasks WHERE status = 'done')",
            );
            let done = json!(model.iter().filter(|state| **state == "done").count());
            prop_assert_eq!(&counters[0], &vec![done.clone(), done.clone(), done]);
            let stamps = crew.value("SELECT COUNT(*) FROM tasks WHERE (status = 'done') <> (validated_at IS NOT NULL)");
            prop_assert_eq!(stamps, json!(0));
        }
    }
}

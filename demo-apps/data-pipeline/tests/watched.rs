//! What stallscope shows of the pipeline: a task per stage that stays, and a consumer per calibration that goes.
#![cfg(all(unix, tokio_unstable))]

use demo_support::{Session, Task, Tree, place};

#[test]
fn every_stage_is_a_task_below_the_root_and_stays_the_same_task() {
    let mut session = Session::start(env!("CARGO_BIN_EXE_data-pipeline"), &["--load", "6"]);
    session.expect_log("of 6 sensors");
    let root = place!("src/main.rs", "async fn main()");
    let guard = place!("src/app.rs", "spawn(disk::guard(");
    let writer = place!("src/pipeline.rs", "spawn(async move {");
    let consumer = place!("src/pipeline.rs", "spawn(consumer::run(");
    let producer = place!("src/pipeline.rs", "spawn(producer::run(");
    let mut outline = vec![
        format!("root {root}"),
        format!("  disk guard {guard}"),
        format!("  writer {writer}"),
    ];
    outline.extend(vec![format!("  task {consumer}"); 4]);
    let period = place!("src/period.rs", "tokio::spawn(consume(");
    for _ in 0..6 {
        outline.push(format!("  task {producer}"));
        outline.push(format!("    task {period}"));
    }

    let ids = |tree: &Tree| {
        let (periods, stages): (Vec<_>, _) = tree.all().partition(|task| task.place() == period);
        let ids = |tasks: Vec<&Task>| tasks.iter().map(|task| task.id).collect::<Vec<_>>();
        (ids(stages), ids(periods))
    };
    let (stages, periods) = ids(&session.expect_tree(&outline));
    // Longer than from one calibration to the next.
    session.expect_log("readings produced");
    let (same, others) = ids(&session.expect_tree(&outline));
    assert_eq!(same, stages);
    assert!(!others.iter().any(|id| periods.contains(id)));
}

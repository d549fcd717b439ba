//! What stallscope shows of the pipeline: a task per stage that stays, and a consumer per calibration that goes.
#![cfg(all(unix, tokio_unstable))]

use demo_support::{Session, Task, Tree, eventually, place};

#[test]
fn every_stage_is_a_task_below_the_root_and_stays_the_same_task() {
    let mut session = Session::start(env!("CARGO_BIN_EXE_data-pipeline"), &["--load", "6"]);
    session.expect_log("of 6 sensors");
    let root = place!("src/main.rs", "async fn main()");
    let guard = place!("src/app.rs", "spawn(guard)");
    let meter = place!("src/app.rs", "spawn(meter)");
    let writer = place!("src/pipeline.rs", "spawn(async move {");
    let consumer = place!("src/pipeline.rs", "spawn(consumer::run(");
    let producer = place!("src/pipeline.rs", "spawn(producer::run(");
    let mut outline = vec![format!("root {root}"), format!("  writer {writer}")];
    outline.extend(vec![format!("  task {consumer}"); 4]);
    let period = place!("src/period.rs", "tokio::spawn(consume(");
    for _ in 0..6 {
        outline.push(format!("  task {producer}"));
        outline.push(format!("    task {period}"));
    }
    outline.push(format!("  disk guard {guard}"));
    outline.push(format!("  meter {meter}"));

    let ids = |tree: &Tree| {
        let (periods, stages): (Vec<_>, _) = tree.all().partition(|task| task.place() == period);
        let ids = |tasks: Vec<&Task>| tasks.iter().map(|task| task.id).collect::<Vec<_>>();
        (ids(stages), ids(periods))
    };
    let (stages, periods) = ids(&session.expect_tree(&outline));
    // From one calibration to the next.
    eventually(|| {
        let (same, others) = ids(&session.expect_tree(&outline));
        assert_eq!(same, stages);
        if others.iter().any(|id| periods.contains(id)) {
            return Err(format!("the same periods for a minute: {others:?}"));
        }
        Ok(())
    });
}

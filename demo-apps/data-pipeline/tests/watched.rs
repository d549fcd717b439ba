//! What stallscope shows of the pipeline: a task per stage, and nothing that comes or goes.
#![cfg(all(unix, tokio_unstable))]

use demo_support::{Session, Tree, place};

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
    outline.extend(vec![format!("  task {producer}"); 6]);

    let ids = |tree: &Tree| tree.all().map(|task| task.id).collect::<Vec<_>>();
    let at_first = ids(&session.expect_tree(&outline));
    session.expect_log("readings produced");
    assert_eq!(ids(&session.expect_tree(&outline)), at_first);
}

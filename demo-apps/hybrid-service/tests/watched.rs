//! What stallscope shows of the service while its customers come and go.
#![cfg(all(unix, tokio_unstable))]

mod http;

use demo_support::{Session, Task, Tree, eventually, place};
use serde_json::Value;

use http::Http;

fn start(arguments: &[&str]) -> Session {
    Session::start(env!("CARGO_BIN_EXE_hybrid-service"), arguments)
}

#[test]
fn it_can_be_looked_at_from_the_first_line_of_its_log() {
    let mut session = start(&[]);
    session.expect_log("serving 8 customers");

    let list: Value = session.ask("list");
    assert_eq!(
        list["processes"].as_array().map(Vec::len),
        Some(1),
        "{list}"
    );
    let process = &list["processes"][0];
    assert_eq!(process["pid"], session.pid(), "{list}");
    assert_eq!(process["program"], "hybrid-service", "{list}");
    assert_eq!(process["error"], Value::Null, "{list}");

    let doctor: Value = session.ask("doctor");
    assert_eq!(doctor["process"]["pid"], session.pid(), "{doctor}");
    assert_eq!(doctor["tiers"]["core"], "on", "{doctor}");
    assert_eq!(doctor["tiers"]["hooks"], "on", "{doctor}");
    let entries = doctor["entries"].as_array().expect("entries");
    let warnings = entries.iter().filter(|entry| entry["level"] == "warning");
    assert_eq!(warnings.count(), 0, "{doctor}");
}

#[test]
fn the_tree_shows_every_task_below_the_one_that_spawned_it_with_the_line_that_did() {
    let mut session = start(&["--load", "3"]);
    session.expect_log("serving 3 customers");
    let root = place!("src/main.rs", "stallscope::root(");
    let refresher = place!("src/app.rs", "spawn(refresher::run(");
    let accept_loop = place!("src/app.rs", "spawn(server::accept_loop(");
    let connection = place!("src/server.rs", "spawn(connection::serve(");
    let heartbeat = place!("src/heartbeat.rs", "tokio::spawn(beat(");
    let load = place!("src/app.rs", "spawn(load::generate(");
    let customer = place!("src/load/mod.rs", "spawn(customer::shop(");

    let mut outline = vec![
        format!("root {root}"),
        format!("  refresher {refresher}"),
        format!("  accept loop {accept_loop}"),
    ];
    for _ in 0..3 {
        outline.push(format!("    task {connection}"));
        outline.push(format!("      task {heartbeat}"));
    }
    outline.push(format!("  load generator {load}"));
    for _ in 0..3 {
        outline.push(format!("    task {customer}"));
        // The client's side of a connection.
        outline.push("      task hyper-util-…".to_owned());
    }
    let first = session.expect_tree(&outline);

    // Customers leave and come back over new connections: other tasks, the same picture.
    let of = |tree: &Tree| {
        tree.at(&connection)
            .iter()
            .map(|task| task.id)
            .collect::<Vec<_>>()
    };
    eventually(|| {
        let tree = session.expect_tree(&outline);
        if of(&tree).iter().any(|id| of(&first).contains(id)) {
            return Err(format!("the same connections for a minute: {tree}"));
        }
        Ok(())
    });
}

#[test]
fn the_counts_agree_with_tokios_own_while_tasks_come_and_go() {
    let mut session = start(&["--load", "2"]);
    let address = session.expect_log("customers at http://");
    // Five seconds of coming and going: a task lost or counted twice would stay so.
    session.expect_log("requests/s");
    eventually(|| {
        let mut probe = Http::connect(&address)?;
        let before = probe.alive_tasks()?;
        let list: Value = session.ask("list");
        let listed = list["processes"][0]["live_tasks"].as_u64();
        let in_tree = session.tree().spawned();
        let is_spawned = |task: &&Task| task.kind == "task";
        let in_ps = session.ps().iter().filter(is_spawned).count() as u64;
        let after = probe.alive_tasks()?;
        if listed == Some(before) && [in_tree, in_ps, after] == [before; 3] {
            return Ok(());
        }
        Err(format!(
            "tokio counts {before} tasks, list {listed:?}, tree {in_tree}, ps {in_ps}, then tokio {after}"
        ))
    });
}

//! What stallscope shows of a program that knows nothing of it, while real clients use that program.
#![cfg(all(unix, tokio_unstable))]

mod client;

use std::collections::BTreeSet;

use demo_support::{Session, Task, Tree, eventually, place};
use serde_json::Value;

use client::Redis;

/// Where mini-redis spawns the task that removes expired keys.
const PURGE: &str = "mini-redis-0.4.1/src/db.rs:111:9";

/// Where mini-redis spawns the task of a connection.
const CONNECTION: &str = "mini-redis-0.4.1/src/server.rs:276:13";

/// The server and the address it listens at.
fn start() -> (Session, String) {
    let mut session = Session::start(env!("CARGO_BIN_EXE_third-party"), &["127.0.0.1:0"]);
    let address = session.expect_log("listening on ");
    (session, address)
}

/// The tree with so many connections.
fn with_connections(count: usize) -> Vec<String> {
    let root = format!("root {}", place!("src/main.rs", "async fn main()"));
    let mut outline = vec![root, format!("  task {PURGE}")];
    outline.extend(std::iter::repeat_n(format!("  task {CONNECTION}"), count));
    outline
}

/// The tasks of the connections, in the order in which they were accepted.
fn connections(tree: &Tree) -> Vec<u64> {
    tree.at(CONNECTION).iter().map(|task| task.id).collect()
}

#[test]
fn every_connection_is_a_task_below_the_root_until_its_client_leaves() {
    let (session, address) = start();
    session.expect_tree(&with_connections(0));

    let mut clients: Vec<_> = (0..5).map(|_| Redis::connect(&address)).collect();
    let before = connections(&session.expect_tree(&with_connections(5)));

    drop(clients.remove(1));
    let after = connections(&session.expect_tree(&with_connections(4)));
    let stayed = [before[0], before[2], before[3], before[4]];
    assert_eq!(after, stayed, "the second one left, of {before:?}");

    for client in &mut clients {
        client.expect("SET who still-here", "OK");
    }
    drop(clients);
    session.expect_tree(&with_connections(0));
}

#[test]
fn polls_are_counted_where_the_requests_arrive() {
    let (session, address) = start();
    let (mut busy, _idle) = (Redis::connect(&address), Redis::connect(&address));
    let polls = |session: &Session| {
        let tree = session.expect_tree(&with_connections(2));
        let polls: Vec<_> = tree.at(CONNECTION).iter().map(|task| task.polls).collect();
        [0, 1].map(|index| polls[index].expect("its polls are known"))
    };
    let before = polls(&session);
    for n in 0..100 {
        busy.expect(&format!("SET key {n}"), "OK");
        busy.expect("GET key", &n.to_string());
    }
    let after = polls(&session);
    // The next request leaves when the last is answered, so each wakes the task once at least.
    assert!(after[0] >= before[0] + 200, "{before:?} {after:?}");
    assert_eq!(after[1], before[1], "nobody asked the other anything");
}

#[test]
fn all_listings_agree() {
    let (session, address) = start();
    let _clients: Vec<_> = (0..20).map(|_| Redis::connect(&address)).collect();
    let tree = session.expect_tree(&with_connections(20));

    let of_tree: BTreeSet<_> = tree.all().map(identity).collect();
    let of_ps: BTreeSet<_> = session.ps().iter().map(identity).collect();
    assert_eq!(of_ps, of_tree);

    let list: Value = session.ask("list");
    assert_eq!(
        list["processes"].as_array().map(Vec::len),
        Some(1),
        "{list}"
    );
    let process = &list["processes"][0];
    assert_eq!(process["pid"], session.pid(), "{list}");
    assert_eq!(process["program"], "third-party", "{list}");
    assert_eq!(process["live_tasks"], tree.spawned(), "{list}");

    let doctor: Value = session.ask("doctor");
    assert_eq!(doctor["tiers"]["hooks"], "on", "{doctor}");
    let entries = doctor["entries"].as_array().expect("entries");
    let warnings = entries.iter().filter(|entry| entry["level"] == "warning");
    assert_eq!(warnings.count(), 0, "{doctor}");
}

/// What is said of a task that does not change while it lives.
fn identity(task: &Task) -> (u64, Option<u64>, String, String) {
    (
        task.id,
        task.parent,
        task.kind.clone(),
        task.place().to_owned(),
    )
}

#[test]
fn ctrl_c_ends_it_as_it_ends_mini_redis() {
    let (session, address) = start();
    let mut client = Redis::connect(&address);
    // In its first poll the root future accepts clients and begins to listen for Ctrl-C, in either order.
    eventually(|| {
        let tree = session.tree();
        match tree.all().find(|task| task.kind == "root") {
            Some(root) if root.state == "idle" => Ok(()),
            root => Err(format!("its first poll does not end: {root:?}")),
        }
    });
    session.interrupt();
    let ended = session.finish();
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(client.answer(), "", "the connection was closed");
}

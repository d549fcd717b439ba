//! What `stacks` tells: every thread, what it does, and where.

use insta::assert_snapshot;
use serde_json::json;

use crate::answers::{process, small, tiers};

#[test]
fn stacks_show_each_thread_and_mark_the_applications_frames() {
    let (sandbox, _agent) = small();
    assert_snapshot!(sandbox.run("stacks").answer());
}

#[test]
fn stacks_as_json() {
    let (sandbox, _agent) = small();
    let answer = sandbox.run("stacks --json").json();
    assert_eq!(
        (&answer["process"], &answer["tiers"]),
        (&process(), &tiers())
    );
    let threads = &answer["threads"];
    let busy = &threads[0];
    assert_eq!(
        busy,
        &json!({
            "tid": 4713, "name": "tokio-rt-worker", "worker": 1, "runtime": 0, "state": "sleeping",
            "doing": "read on /var/data/big.csv", "task": 88, "polling_ms": 55.0, "stack": busy["stack"], "missing": null,
        })
    );
    let in_app: Vec<_> = busy["stack"]
        .as_array()
        .expect("frames")
        .iter()
        .map(|frame| (&frame["function"], &frame["in_app"]))
        .collect();
    assert_eq!(
        in_app,
        [
            (&json!("std::fs::read"), &json!(false)),
            (&json!("hybrid_service::report::render"), &json!(true)),
        ]
    );
    assert_eq!(
        threads[1]["stack"],
        json!([{
            "function": null, "file": null, "line": null, "column": null, "in_app": false, "origin": "native",
            "inlined": false, "address": "0x7f100011ba61", "module": "/usr/lib/libc.so.6", "build_id": null,
            "module_offset": "0x11ba61",
        }])
    );
    assert_eq!(
        threads[2],
        json!({
            "tid": 4731, "name": null, "worker": null, "runtime": 0, "state": null, "doing": null, "task": null,
            "polling_ms": null, "stack": [], "missing": "the thread ended meanwhile",
        })
    );
}

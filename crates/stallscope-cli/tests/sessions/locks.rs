//! What `locks` tells of those who hold locks and those who wait.

use insta::assert_snapshot;
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{LockQuery, LockSort};

use crate::answers::small;

#[test]
fn each_lock_is_a_line_with_its_holder_and_its_queue() {
    let (sandbox, _agent) = small();
    assert_snapshot!(sandbox.run("locks").answer());
}

#[test]
fn json_has_every_holder_and_the_first_waiters() {
    let (sandbox, _agent) = small();
    let answer = sandbox.run("locks --json").json();
    assert_eq!(
        (answer["matched"].as_u64(), answer["left_out"].as_u64()),
        (Some(3), Some(0))
    );
    assert_snapshot!(format!("{:#}", answer["locks"]));
}

#[test]
fn the_agent_sorts_filters_and_cuts() {
    let (sandbox, agent) = small();
    let session = sandbox.run("locks --sort wait --reverse --limit 1 --filter pool.rs");
    let shown = session.answer();
    assert!(
        shown.contains("the first 1 of 3 that match the filter"),
        "{shown}"
    );
    sandbox.run("locks --sort place").answer();
    let asked = agent
        .heard()
        .into_iter()
        .filter_map(|question| match question.topic {
            Some(Topic::Locks(query)) => Some(query),
            _ => None,
        });
    let expected = [
        LockQuery {
            sort: LockSort::Wait.into(),
            ascending: true,
            limit: 1,
            text: "pool.rs".to_owned(),
        },
        LockQuery {
            sort: LockSort::Place.into(),
            ascending: true,
            ..LockQuery::default()
        },
    ];
    assert_eq!(asked.collect::<Vec<_>>(), expected);
}

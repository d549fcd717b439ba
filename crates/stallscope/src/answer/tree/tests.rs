//! Trees as a client would draw them.

use stallscope_wire::message::{Comparison, Field, Group, TaskSort, Term};

use super::super::source::fake::Fake;
use super::*;

/// root 0 ── accept loop 1 ── connections 10..20 (folded), and 2 with a child 3; task 4 has lost
/// its parent.
fn service() -> Fake {
    let mut fake = Fake {
        files: vec!["main.rs", "conn.rs", "job.rs"],
        ..Fake::default()
    };
    fake.add(0, None, 0);
    fake.add(1, Some(0), 1);
    fake.add(2, Some(0), 3);
    fake.add(3, Some(2), 3);
    fake.add(4, Some(77), 3);
    for id in 10..20 {
        fake.add(id, Some(1), 2);
    }
    fake
}

fn draw(query: &TreeQuery) -> Vec<String> {
    let window = window(query, &service()).expect("a query that can be answered");
    window.rows.iter().map(line).collect()
}

fn line(row: &stallscope_wire::message::TreeRow) -> String {
    let indent: String = (0..row.depth)
        .map(|depth| {
            if row.guides >> depth & 1 == 1 {
                "│ "
            } else {
                "  "
            }
        })
        .collect();
    let later = if row.guides >> row.depth & 1 == 1 {
        "├"
    } else {
        "└"
    };
    let mark = match (row.children, row.expanded) {
        (0, _) => "",
        (_, true) => "▾",
        (_, false) => "▸",
    };
    match row.node.as_ref().expect("every row has a node") {
        tree_row::Node::Task(task) => format!("{indent}{later}{mark}{}", task.id),
        tree_row::Node::Group(Group { count, .. }) => format!("{indent}{later}{mark}×{count}"),
    }
}

fn open() -> TreeQuery {
    TreeQuery {
        default_depth: 3,
        ..TreeQuery::default()
    }
}

fn group(parent: u64, site: u32) -> NodeKey {
    NodeKey {
        node: Some(node_key::Node::Group(GroupKey {
            parent: Some(parent),
            site,
        })),
    }
}

fn node(task: u64) -> NodeKey {
    NodeKey {
        node: Some(node_key::Node::Task(task)),
    }
}

#[test]
fn siblings_from_one_place_are_folded_and_orphans_stand_at_the_top() {
    assert_eq!(
        draw(&open()),
        ["├▾0", "│ ├▾1", "│ │ └▸×10", "│ └▾2", "│   └3", "└4"]
    );
}

#[test]
fn collapsed_nodes_tell_how_much_is_below_them() {
    assert_eq!(draw(&TreeQuery::default()), ["├▸0", "└4"]);
    let collapsed = TreeQuery {
        collapsed: vec![node(1)],
        ..open()
    };
    assert_eq!(draw(&collapsed), ["├▾0", "│ ├▸1", "│ └▾2", "│   └3", "└4"]);
}

#[test]
fn a_group_opens_into_a_window_of_its_members() {
    let query = TreeQuery {
        expanded: vec![group(1, 2)],
        offset: 2,
        limit: 4,
        ..open()
    };
    assert_eq!(
        draw(&query),
        ["│ │ └▾×10", "│ │   ├10", "│ │   ├11", "│ │   ├12"]
    );
    let answer = window(&query, &service()).expect("an answer");
    assert_eq!(
        (answer.total_rows, answer.offset, answer.matched),
        (16, 2, 15)
    );
}

#[test]
fn a_window_past_the_end_is_the_last_one() {
    let query = TreeQuery {
        offset: 1000,
        limit: 2,
        ..open()
    };
    assert_eq!(draw(&query), ["│   └3", "└4"]);
}

#[test]
fn children_are_sorted_and_a_group_by_what_its_members_add_up_to() {
    let query = TreeQuery {
        sort: TaskSort::Busy.into(),
        descending: true,
        ..open()
    };
    // busy: 4 → 40, 0 → 0; below 0: 2 → 20, 1 → 10
    assert_eq!(
        draw(&query),
        ["├4", "└▾0", "  ├▾2", "  │ └3", "  └▾1", "    └▸×10"]
    );
    let answer = window(&query, &service()).expect("an answer");
    let Some(tree_row::Node::Group(group)) = &answer.rows[5].node else {
        panic!("a group")
    };
    assert_eq!(
        (group.busy_ns, group.longest_poll_ns, group.oldest_ns),
        ((10..20).sum::<u64>() * 10, 19, 990)
    );
}

#[test]
fn a_followed_task_is_brought_into_view() {
    let query = TreeQuery {
        follow: Some(17),
        limit: 3,
        ..TreeQuery::default()
    };
    let answer = window(&query, &service()).expect("an answer");
    let row = answer.follow_row.expect("task 17 has a row");
    assert!((answer.offset..answer.offset + 3).contains(&row));
    assert!(
        draw(&query).iter().any(|line| line.ends_with("17")),
        "{:?}",
        draw(&query)
    );

    let gone = TreeQuery {
        follow: Some(5555),
        ..open()
    };
    assert_eq!(
        window(&gone, &service()).expect("an answer").follow_row,
        None
    );
}

#[test]
fn a_filter_shows_what_matches_with_its_ancestors() {
    let term = Term {
        field: Field::Any.into(),
        comparison: Comparison::Contains.into(),
        text: "job".to_owned(),
        ..Term::default()
    };
    let query = TreeQuery {
        filter: vec![term],
        ..TreeQuery::default()
    };
    assert_eq!(draw(&query), ["├▾0", "│ └▾2", "│   └3", "└4"]);
    assert_eq!(window(&query, &service()).expect("an answer").matched, 3);
}

#[test]
fn a_filter_that_nothing_matches_leaves_an_empty_window() {
    let term = Term {
        field: Field::Polls.into(),
        comparison: Comparison::Above.into(),
        number: 1000,
        ..Term::default()
    };
    let answer = window(
        &TreeQuery {
            filter: vec![term],
            ..open()
        },
        &service(),
    )
    .expect("an answer");
    assert_eq!(
        (answer.rows.len(), answer.total_rows, answer.matched),
        (0, 0, 0)
    );
}

#[test]
fn parents_in_a_circle_end() {
    let mut fake = Fake {
        files: vec!["a.rs"],
        ..Fake::default()
    };
    fake.add(1, Some(2), 1);
    fake.add(2, Some(1), 1);
    let query = TreeQuery {
        follow: Some(1),
        ..open()
    };
    assert_eq!(window(&query, &fake).expect("an answer").total_rows, 0);
}

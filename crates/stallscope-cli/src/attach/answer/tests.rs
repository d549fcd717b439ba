//! What the view is told of made-up pictures.

use stallscope_wire::message::{
    AsyncStackQuery, DetailsQuery, LockQuery, NodeKey, OverviewQuery, TaskSort,
};

use super::*;
use crate::attach::words::samples::{running, select, task};

fn picture(tasks: Vec<Task>) -> Picture {
    let mut picture = Picture::default();
    picture.take(Rc::new(tasks));
    picture
}

fn answer(picture: &Picture, topic: &Topic) -> Result<update::Body, String> {
    picture.answer(Some(topic), &Found::default(), Clock::default())
}

fn tree(picture: &Picture, query: TreeQuery) -> TreeWindow {
    match answer(picture, &Topic::Tree(query)) {
        Ok(update::Body::Tree(window)) => window,
        other => panic!("no tree: {other:?}"),
    }
}

/// `#7`, `×9`, deeper ones behind a `>`.
fn outline(window: &TreeWindow) -> Vec<String> {
    let row = |row: &TreeRow| match &row.node {
        Some(tree_row::Node::Task(task)) => {
            format!("{}#{}", ">".repeat(row.depth as usize), task.id)
        }
        Some(tree_row::Node::Group(group)) => format!("×{}", group.count),
        None => "?".to_owned(),
    };
    window.rows.iter().map(row).collect()
}

#[test]
fn many_tasks_in_one_line_stand_as_one_until_they_are_wanted() {
    let mut tasks: Vec<Task> = (1..=9).map(task).collect();
    tasks.extend([select(20), running(21)]);
    let picture = picture(tasks);
    let window = tree(&picture, TreeQuery::default());
    assert_eq!(outline(&window), ["×9", "#20", "#21"]);
    assert_eq!(window.matched, 11);

    let Some(tree_row::Node::Group(group)) = &window.rows[0].node else {
        panic!("a group comes first");
    };
    let expanded = NodeKey {
        node: group.key.map(message::node_key::Node::Group),
    };
    let window = tree(
        &picture,
        TreeQuery {
            expanded: vec![expanded],
            limit: 3,
            ..TreeQuery::default()
        },
    );
    assert_eq!(outline(&window), ["×9", ">#1", ">#2"]);
    assert_eq!(window.total_rows, 12);
}

#[test]
fn a_followed_task_is_in_the_window() {
    let picture = picture((1..=200).map(task).collect());
    let query = TreeQuery {
        follow: Some(150),
        limit: 10,
        ..TreeQuery::default()
    };
    let window = tree(&picture, query);
    assert!(outline(&window).contains(&">#150".to_owned()));
    let row = window.follow_row.expect("it is there");
    let at = usize::try_from(row - window.offset).expect("in the window");
    assert_eq!(outline(&window)[at], ">#150");
}

#[test]
fn a_filter_folds_nothing_and_an_order_that_is_not_known_is_refused() {
    let picture = picture((1..=9).map(task).collect());
    let filter = crate::filter::parse("handler").expect("a filter");
    let query = TreeQuery {
        filter: filter.terms().to_vec(),
        ..TreeQuery::default()
    };
    assert_eq!(outline(&tree(&picture, query)).len(), 9);
    let query = TreeQuery {
        sort: TaskSort::Busy.into(),
        ..TreeQuery::default()
    };
    assert!(answer(&picture, &Topic::Tree(query)).is_err());
}

#[test]
fn a_line_keeps_its_number_from_picture_to_picture() {
    let mut picture = picture(vec![task(1), select(2)]);
    let number = |picture: &Picture| picture.site(&select(2));
    let before = number(&picture);
    picture.take(Rc::new(vec![select(2)]));
    assert_eq!(number(&picture), before);
}

#[test]
fn details_say_what_is_known_beside_the_task() {
    let picture = picture(vec![select(3)]);
    let Ok(update::Body::Details(details)) =
        answer(&picture, &Topic::Details(DetailsQuery { task: 3 }))
    else {
        panic!("no details");
    };
    insta::assert_snapshot!(details.unseen);
}

#[test]
fn every_branch_that_waits_is_a_stack_from_the_top() {
    let picture = picture(vec![select(3), running(4)]);
    let stack = |task| match answer(&picture, &Topic::AsyncStack(AsyncStackQuery { task })) {
        Ok(update::Body::AsyncStack(stack)) => stack,
        other => panic!("no stack: {other:?}"),
    };
    let branches = stack(3).branches;
    let functions: Vec<&str> = branches[0]
        .frames
        .iter()
        .map(|frame| frame.function.as_str())
        .collect();
    assert_eq!(branches.len(), 1);
    assert_eq!(
        functions,
        [
            "shop::Shop::run",
            "shop::next_order",
            "tokio::sync::mpsc::Recv"
        ]
    );
    assert_eq!(stack(4).missing, "it runs at this moment");
}

#[test]
fn what_only_an_agent_knows_is_refused_and_not_told_as_nothing() {
    let picture = picture(vec![task(1)]);
    let refused = answer(&picture, &Topic::Locks(LockQuery::default()));
    assert!(refused.is_err_and(|reason| reason.contains("needs stallscope in the program")));
    let Ok(update::Body::Overview(overview)) = answer(&picture, &Topic::Overview(OverviewQuery {}))
    else {
        panic!("no overview");
    };
    assert_eq!(overview.live_tasks, 1);
}

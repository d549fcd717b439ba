//! What the user does with the tree.

use std::time::Duration;

use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{Task, TreeRow, TreeWindow, tree_row, update};

use super::agent::{Agent, FakeAgent, SECOND, task};
use super::session::Session;

fn session() -> Session {
    Session::on(FakeAgent::hybrid_service(), 80, 24)
}

#[test]
fn siblings_of_one_place_are_folded_with_their_number_and_unfold() {
    let mut session = session();
    session.expect_rows(&["root", "accept", "×40", "db pool", "db conn 0"]);
    session
        .press("j j Enter")
        .expect_rows(&["root", "accept", "×40", "#100", "#101"]);
    session
        .press("Left")
        .expect_rows(&["root", "accept", "×40", "db pool"]);
}

#[test]
fn enter_on_a_task_without_children_opens_its_details() {
    let mut session = session();
    session
        .press("j j j j Enter")
        .expect("task #300")
        .expect("accept")
        .expect("db pool #3");
    session.press("Esc").expect_none("task #300");
}

#[test]
fn left_goes_to_the_parent_where_nothing_folds() {
    session()
        .press("j j j j")
        .expect_selected("db conn 0")
        .press("Left")
        .expect_selected("db pool");
}

#[test]
fn the_selection_stays_with_the_task_when_the_order_changes() {
    let mut session = session();
    session.press("j j j").expect_selected("db pool").press(">");
    session.expect_selected("db pool");
    session.press("r").expect_selected("db pool");
}

#[test]
fn the_selection_stays_with_the_task_when_others_come_and_go() {
    let mut session = session();
    session.press("j j j").expect_selected("db pool");
    session.outside(|outside| {
        outside.agent.add(Task {
            id: 1,
            parent: Some(0),
            name: "earlier".to_owned(),
            age_ns: SECOND,
            ..task(1)
        });
    });
    session
        .pass(Duration::from_secs(1))
        .expect_rows(&["root", "earlier", "accept"])
        .expect_selected("db pool");
    session.outside(|outside| outside.agent.end(1));
    session
        .pass(Duration::from_secs(1))
        .expect_none("earlier")
        .expect_selected("db pool");
}

#[test]
fn a_selected_task_that_ends_stays_until_the_selection_moves() {
    let mut session = session();
    session.press("j j j j j").expect_selected("db conn 1");
    session.outside(|outside| outside.agent.end(301));
    session
        .pass(Duration::from_secs(1))
        .expect_selected("db conn 1")
        .expect_selected("ended");
    session.expect_rows(&[
        "root",
        "accept",
        "×40",
        "db pool",
        "db conn 0",
        "db conn 1",
        "db conn 2",
    ]);
    session
        .press("j")
        .expect_selected("db conn 2")
        .expect_none("db conn 1");
}

#[test]
fn moving_up_from_an_ended_task_goes_to_the_one_above() {
    let mut session = session();
    session.press("j j j j j");
    session.outside(|outside| outside.agent.end(301));
    session
        .pass(Duration::from_secs(1))
        .press("k")
        .expect_selected("db conn 0");
}

#[test]
fn without_a_choice_the_first_row_is_selected_whatever_it_is() {
    let mut session = session();
    session.expect_selected("root").press("> > > > r");
    session.outside(|outside| {
        outside.agent.add(Task {
            id: 7,
            age_ns: 1,
            name: "first".to_owned(),
            ..task(1)
        });
    });
    session
        .pass(Duration::from_secs(1))
        .expect_selected("first");
}

#[test]
fn sorting_is_chosen_from_a_list_and_shown_in_the_head() {
    let mut session = session();
    session
        .press("s")
        .expect("sort siblings by")
        .press("j j j j j j j Enter");
    session.expect("BUSY▼").expect_rows(&[
        "root",
        "accept",
        "×40",
        "db pool",
        "db conn 2",
        "db conn 1",
    ]);
    session
        .press("r")
        .expect("BUSY▲")
        .expect_rows(&["root", "reports", "db pool"]);
}

#[test]
fn a_filter_works_while_it_is_typed_and_esc_brings_back_the_one_before() {
    let mut session = session();
    session
        .press("/")
        .type_text("db conn")
        .expect("3 of 47 tasks")
        .expect_rows(&["root", "db pool", "db conn 0"]);
    session
        .press("Enter")
        .expect("filter db conn")
        .expect_none("accept");
    session
        .press("/")
        .type_text(" 2")
        .expect_none("db conn 1")
        .press("Esc");
    session.expect_rows(&["root", "db pool", "db conn 0", "db conn 1", "db conn 2"]);
    session
        .press("Esc")
        .expect_rows(&["root", "accept"])
        .expect_none("filter db");
}

#[test]
fn a_filter_that_cannot_be_read_says_why_and_keeps_the_last_good_one() {
    let mut session = session();
    session.press("/").type_text("db").expect("of 47 tasks");
    session
        .type_text(" age>fast")
        .expect("column 8: expected a time")
        .expect("no task matches db age");
    session
        .press("Enter")
        .expect("column")
        .press("Esc")
        .expect_rows(&["root", "accept"]);
}

#[test]
fn nothing_matches_is_said_in_words() {
    session()
        .press("/")
        .type_text("zebra")
        .press("Enter")
        .expect("no task matches zebra");
}

#[test]
fn after_a_filter_the_task_that_was_found_stays_selected() {
    let mut session = session();
    session
        .press("/")
        .type_text("id=120")
        .press("Enter j j")
        .expect_selected("#120");
    session.press("Esc").expect_selected("#120").expect("#119");
}

#[test]
fn a_followed_task_is_found_wherever_it_goes() {
    let mut session = session();
    session
        .press("#")
        .type_text("120")
        .press("Enter")
        .expect_selected("#120")
        .expect("following #120");
    session.press("> > > > >").expect_none("following");
    session
        .expect_selected("#120")
        .press("F")
        .expect("following #120");
    session.outside(|outside| {
        for n in 0..30 {
            outside.agent.add(Task {
                id: 20 + n,
                parent: Some(0),
                site: 90,
                name: format!("new {n}"),
                ..task(9_999)
            });
        }
    });
    session.pass(Duration::from_secs(1)).expect_selected("#120");
    session
        .press("Esc")
        .expect_none("following")
        .pass(Duration::from_secs(1))
        .expect_selected("#120");
}

#[test]
fn a_followed_task_that_ends_says_so() {
    let mut session = session();
    session.press("j j j j F").expect("following #300");
    session.outside(|outside| outside.agent.end(300));
    session
        .pass(Duration::from_secs(1))
        .expect("task 300 has ended")
        .expect_selected("ended");
}

#[test]
fn a_frozen_picture_stands_still_and_goes_on_where_the_program_is() {
    let mut session = session();
    session.press("f").expect("frozen");
    session.outside(|outside| outside.agent.end(4));
    session
        .pass(Duration::from_secs(3))
        .expect("frozen 3s")
        .expect("reports")
        .expect("2m04s");
    session.press("/").expect("the picture is frozen");
    session
        .press("f")
        .expect_none("frozen")
        .expect_none("reports")
        .expect("2m07s");
}

#[test]
fn esc_ends_one_thing_at_a_time_and_never_the_view() {
    let mut session = session();
    session
        .press("/")
        .type_text("db conn")
        .press("Enter j j d F");
    session
        .expect("task #300")
        .expect("following")
        .expect("filter db conn");
    session
        .press("Esc")
        .expect_none("─ task #300")
        .expect("following");
    session
        .press("Esc")
        .expect_none("following")
        .expect("filter db conn");
    session
        .press("Esc")
        .expect_none("filter db conn")
        .press("Esc Esc Esc")
        .expect("root");
}

/// A million tasks below one another's parent, made up when asked for.
struct Million;

impl Agent for Million {
    fn answer(&self, topic: &Topic, _: u64) -> Result<update::Body, String> {
        let Topic::Tree(query) = topic else {
            return Err("only the tree".to_owned());
        };
        let rows = (query.offset..1_000_000)
            .take(query.limit as usize)
            .map(|id| TreeRow {
                node: Some(tree_row::Node::Task(Task { id, ..task(1) })),
                ..TreeRow::default()
            });
        Ok(update::Body::Tree(TreeWindow {
            total_rows: 1_000_000,
            offset: query.offset,
            rows: rows.collect(),
            matched: 1_000_000,
            ..TreeWindow::default()
        }))
    }
}

#[test]
fn a_million_tasks_are_asked_for_by_the_screenful() {
    let mut session = Session::on(Million, 80, 24);
    session.expect_rows(&["#0", "#1"]);
    session
        .press("G")
        .expect_selected("#999999")
        .expect("#999990");
    session
        .press("PgUp PgUp")
        .expect_none("…")
        .press("g")
        .expect_selected("#0");
    let asked = session.outside(|outside| outside.asked.clone());
    let largest = asked.iter().filter_map(|asked| match &asked.topic {
        Some(Topic::Tree(query)) => Some(query.limit),
        _ => None,
    });
    assert!(
        largest.max() <= Some(128),
        "a window of a few screens is enough"
    );
}

#[test]
fn scrolling_by_lines_asks_for_nothing_new() {
    let mut session = Session::on(Million, 80, 24);
    let before = session.outside(|outside| outside.asked.len());
    session.press(&["j"; 15].join(" "));
    assert_eq!(session.outside(|outside| outside.asked.len()), before);
    session
        .press(&["j"; 100].join(" "))
        .expect_selected("#115")
        .expect_none("…");
}

#[test]
fn a_selected_task_that_ends_with_those_above_it_stays_on_the_screen() {
    let mut session = Session::on(FakeAgent::hybrid_service(), 80, 24);
    session.press("G").expect_selected("reports");
    session.outside(|outside| {
        let ids: Vec<u64> = outside.agent.tasks.keys().copied().collect();
        for id in ids.into_iter().filter(|id| *id > 2) {
            outside.agent.end(id);
        }
    });
    session
        .pass(Duration::from_secs(1))
        .expect_rows(&["root #0", "accept", "reports"])
        .expect_selected("ended");
}

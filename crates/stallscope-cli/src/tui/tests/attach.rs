//! The view on a process that is read from outside: what is not known is not shown, and never as nothing.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use insta::assert_snapshot;
use stallscope_attach::tasks::Task;
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::update;

use super::agent::Agent;
use super::session::Session;
use crate::attach::words::samples::{running, select, task};
use crate::attach::{Clock, Found, Picture, findings};
use crate::source::Source;
use crate::target::Target;
use crate::tui::theme::Theme;

/// A process as it was seen.
struct Seen {
    picture: Picture,
    found: Found,
}

impl Agent for Seen {
    fn answer(&self, topic: &Topic, _at_ns: u64) -> Result<update::Body, String> {
        // When the process of a session was started.
        let clock = Clock::began_at(1);
        self.picture.answer(Some(topic), &self.found, clock)
    }
}

fn view(tasks: Vec<Task>, width: u16, height: u16) -> Session<Seen> {
    view_with(tasks, Found::default(), width, height)
}

fn view_with(tasks: Vec<Task>, found: Found, width: u16, height: u16) -> Session<Seen> {
    let mut picture = Picture::default();
    picture.take(Rc::new(tasks));
    let seen = Seen { picture, found };
    let mut session = Session::new(seen, width, height, Theme::Colour);
    session.start(Some(Target::Attach { pid: 4711 }));
    session.pass(Duration::from_secs(1));
    session
}

fn shop() -> Vec<Task> {
    let mut tasks: Vec<Task> = (20..32).map(task).collect();
    tasks.extend([select(3), running(12)]);
    tasks
}

#[test]
fn the_view_shows_what_is_known_at_every_size() {
    for (width, height) in [(80, 24), (120, 40), (40, 10)] {
        let screen = view(shop(), width, height).screen();
        assert_snapshot!(format!("attach_{width}x{height}"), screen);
    }
}

#[test]
fn enter_shows_what_a_task_waits_for() {
    assert_snapshot!(
        "attach_task_80x24",
        view(shop(), 80, 24).press("Enter").screen()
    );
    assert_snapshot!(
        "attach_group_80x24",
        view(shop(), 80, 24).press("G d").screen()
    );
}

#[test]
fn the_stack_is_that_of_the_selected_task() {
    let mut session = view(shop(), 80, 30);
    session.press("Enter").expect("shop::next_order");
    session
        .press("j")
        .expect("it runs at this moment")
        .expect_none("shop::next_order");
}

#[test]
fn findings_come_up_by_themselves_and_stand_above_the_tasks() {
    let mut session = view(shop(), 80, 24);
    session.expect("no findings so far");
    session.outside(|outside| outside.agent.found = findings::stalls());
    session.pass(Duration::from_millis(500));
    assert_snapshot!("attach_findings_80x24", session.screen());
    for (width, height) in [(120, 40), (40, 10)] {
        let screen = view_with(shop(), findings::stalls(), width, height).screen();
        assert_snapshot!(format!("attach_findings_{width}x{height}"), screen);
    }
}

#[test]
fn key_1_leads_to_the_findings_and_enter_to_the_page_of_one() {
    let mut session = view_with(shop(), findings::stalls(), 80, 24);
    session.outside(|outside| {
        outside.source = vec![Source {
            path: "/home/me/shop/src/stock.rs".into(),
            first: 10,
            lines: vec![
                "fn reserve(&self) {".to_owned(),
                "\t// The till is slow.".to_owned(),
                "\tthread::sleep(TILL);".to_owned(),
                "}".to_owned(),
            ],
        }];
    });
    session.press("1 Enter");
    assert_snapshot!("attach_finding_80x24", session.screen());
    session.press("o");
    let edited = session.outside(|outside| outside.edited.clone());
    let file = PathBuf::from("/home/me/shop/src/stock.rs");
    assert_eq!(edited, [(file, 12)]);
}

#[test]
fn a_task_that_nothing_can_wake_has_a_page_too() {
    let mut session = view_with(shop(), findings::stalls(), 80, 24);
    session.press("1 j Enter");
    assert_snapshot!("attach_lost_task_80x24", session.screen());
}

#[test]
fn a_stall_that_ends_while_its_page_is_open_is_told_as_over() {
    let mut session = view_with(shop(), findings::stalls(), 80, 24);
    session.press("1 Enter").expect("has been in one poll");
    session.outside(|outside| outside.agent.found.end());
    session
        .pass(Duration::from_millis(500))
        .expect("was in one poll")
        .expect_none("has been in one poll");
}

#[test]
fn what_needs_an_agent_says_so() {
    view(shop(), 80, 24)
        .press("3")
        .expect("where tasks are spawned cannot be read from outside");
    view(shop(), 80, 24)
        .press("4")
        .expect("who holds which lock cannot be read from outside");
}

#[test]
fn a_process_that_ends_is_told_as_the_end_of_an_agent_is() {
    view(shop(), 80, 24)
        .lose_connection("process 4711 closed the connection")
        .expect("process 4711 closed")
        .expect("no connection for");
}

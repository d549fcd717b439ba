//! The view on a process that is read from outside: what is not known is not shown, and never as nothing.

use std::time::Duration;

use insta::assert_snapshot;
use stallscope_attach::tasks::Task;
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::update;

use super::agent::Agent;
use super::session::Session;
use crate::attach::Picture;
use crate::attach::words::samples::{running, select, task};
use crate::target::Target;
use crate::tui::theme::Theme;

impl Agent for Picture {
    fn answer(&self, topic: &Topic, _at_ns: u64) -> Result<update::Body, String> {
        Picture::answer(self, Some(topic))
    }
}

fn view(tasks: Vec<Task>, width: u16, height: u16) -> Session<Picture> {
    let mut picture = Picture::default();
    picture.take(tasks);
    let mut session = Session::new(picture, width, height, Theme::Colour);
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
fn what_needs_an_agent_says_so() {
    view(shop(), 80, 24)
        .press("1")
        .expect("findings need a watch: stallscope findings --attach 4711 --for 5s")
        .expect_none("no findings");
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

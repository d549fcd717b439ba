//! After a panic the terminal is as it was, and the report can be read: this test's own binary is started again in a
//! terminal, to take it over and to panic.

use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use portable_pty::CommandBuilder;

use super::terminal::Terminal;
use crate::tui::app::App;
use crate::tui::effect::{Effect, World};
use crate::tui::term;
use crate::tui::theme::Theme;

/// Names the thread that is to panic, in the process that is started again.
const WHERE: &str = "STALLSCOPE_TEST_PANIC_IN";

#[test]
fn a_panic_in_the_view_gives_the_terminal_back() {
    after_a_panic_in("view", "the view fell over");
}

#[test]
fn a_panic_in_any_other_thread_gives_the_terminal_back_and_ends_the_view() {
    after_a_panic_in("thread", "a thread fell over");
}

fn after_a_panic_in(place: &str, report: &str) {
    let mut command = CommandBuilder::new(std::env::current_exe().expect("this binary"));
    command.args([
        "--exact",
        "tui::tests::panics::takes_the_terminal_over_and_panics",
        "--ignored",
        "--nocapture",
    ]);
    command.env(WHERE, place);
    command.env("RUST_BACKTRACE", "0");
    let mut terminal = Terminal::start(command, 80, 24);
    assert_eq!(terminal.ended().exit_code(), 101, "the status of a panic");
    terminal.expect(report);
    terminal.expect_restored();
}

struct FallsOver;

impl World for FallsOver {
    fn perform(&mut self, _: Effect) {
        panic!("the view fell over");
    }
}

struct StandsStill;

impl World for StandsStill {
    fn perform(&mut self, _: Effect) {}
}

#[test]
#[ignore = "started by the tests above, in a terminal of its own"]
fn takes_the_terminal_over_and_panics() {
    let (outbox, inbox) = mpsc::channel();
    let (_taken_over, screen) = term::take_over(outbox.clone()).expect("a terminal");
    if std::env::var(WHERE).as_deref() == Ok("view") {
        let mut app =
            App::new(screen, FallsOver, Theme::Colour, Instant::now()).expect("a terminal");
        app.start(None);
    } else {
        let mut app =
            App::new(screen, StandsStill, Theme::Colour, Instant::now()).expect("a terminal");
        app.start(None);
        thread::spawn(|| panic!("a thread fell over"));
        app.run(&inbox).expect("a terminal");
        drop(outbox);
        assert!(
            !term::was_lost_to_a_panic(),
            "as the view's entry point does, end as if this thread had panicked"
        );
    }
}

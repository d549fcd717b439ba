//! How the view looks at its three sizes, from the first second on.

use std::time::Duration;

use insta::assert_snapshot;
use ratatui::style::{Color, Modifier};

use super::agent::FakeAgent;
use super::session::{Session, found};
use crate::target::Survey;
use crate::tui::theme::Theme;

#[test]
fn main_view_80x24() {
    assert_snapshot!(Session::on(FakeAgent::hybrid_service(), 80, 24).screen());
}

#[test]
fn main_view_120x40() {
    assert_snapshot!(Session::on(FakeAgent::hybrid_service(), 120, 40).screen());
}

#[test]
fn main_view_40x10() {
    assert_snapshot!(Session::on(FakeAgent::hybrid_service(), 40, 10).screen());
}

#[test]
fn details_at_every_size() {
    for (width, height) in [(80, 24), (120, 40), (40, 10)] {
        let mut session = Session::on(FakeAgent::hybrid_service(), width, height);
        session.press("j j j j d").pass(Duration::from_millis(500));
        assert_snapshot!(format!("details_{width}x{height}"), session.screen());
    }
}

#[test]
fn help_at_every_size() {
    for (width, height) in [(80, 24), (40, 10)] {
        let mut session = Session::on(FakeAgent::hybrid_service(), width, height);
        assert_snapshot!(
            format!("help_{width}x{height}"),
            session.press("?").screen()
        );
    }
}

#[test]
fn doctor_80x24() {
    assert_snapshot!(
        Session::on(FakeAgent::hybrid_service(), 80, 24)
            .press("i")
            .screen()
    );
}

#[test]
fn sort_picker_80x24() {
    assert_snapshot!(
        Session::on(FakeAgent::hybrid_service(), 80, 24)
            .press("s j j")
            .screen()
    );
}

#[test]
fn filter_prompt_80x24() {
    let mut session = Session::on(FakeAgent::hybrid_service(), 80, 24);
    assert_snapshot!(session.press("/").type_text("db").screen());
}

#[test]
fn how_to_get_help_and_out_stands_in_every_footer() {
    for width in [40, 60, 80] {
        for keys in ["2", "3", "1", "1 Enter", "d", "s"] {
            let agent = FakeAgent::hybrid_service().with_a_stall();
            let mut session = Session::on(agent, width, 24);
            session.press("2").press(keys);
            let lines = session.lines();
            let footer = lines.last().map_or("", String::as_str);
            assert!(
                footer.starts_with("? help  q quit"),
                "{keys} at {width}: {footer}"
            );
        }
    }
}

#[test]
fn the_first_second_says_what_is_going_on() {
    let mut session = Session::new(FakeAgent::hybrid_service(), 80, 24, Theme::Colour);
    session.start(None);
    session
        .expect("Waiting for a process with stallscope")
        .expect("#[stallscope::main]");
    assert_snapshot!(session.screen());
}

#[test]
fn several_processes_are_offered() {
    let mut session = Session::new(FakeAgent::hybrid_service(), 80, 24, Theme::Colour);
    session.outside(|outside| {
        outside.survey = Survey {
            found: vec![found(4711, "hybrid-service"), found(4890, "web-scraper")],
            ignored: vec!["/tmp/stallscope-0 belongs to user 17, not to user 0".to_owned()],
        };
    });
    session.start(None);
    assert_snapshot!(session.press("j").screen());
}

#[test]
fn a_program_without_tasks_says_so() {
    let mut session = Session::on(FakeAgent::healthy(), 80, 24);
    session
        .expect("No task yet")
        .expect("hooks on")
        .expect("0 tasks");
}

#[test]
fn colours_carry_meaning_beside_the_words() {
    let mut session = Session::on(FakeAgent::hybrid_service(), 120, 40);
    let stalled = session.cell_of("run 341ms");
    assert_eq!(
        stalled.fg,
        Color::Yellow,
        "a poll beyond the threshold is a warning"
    );
    assert_eq!(session.cell_of("on hooks").fg, Color::Green);
    assert_eq!(session.cell_of("off").fg, Color::DarkGray);
    session.outside(|outside| {
        outside.agent.overview.dropped_events = 12;
        outside.agent.overview.warnings = 1;
    });
    session.pass(Duration::from_secs(1));
    assert_eq!(session.cell_of("dropped 12").fg, Color::Yellow);
    assert_eq!(session.cell_of("1 warning").fg, Color::Yellow);
}

#[test]
fn without_colours_weight_carries_the_meaning() {
    let mut session = Session::new(FakeAgent::hybrid_service(), 120, 40, Theme::Mono);
    session.outside(|outside| outside.survey.found = vec![found(4711, "hybrid-service")]);
    session.start(None).pass(Duration::from_secs(1));
    let buffer = session.buffer();
    assert!(
        buffer
            .content
            .iter()
            .all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset)
    );
    assert!(
        session
            .cell_of("run 341ms")
            .modifier
            .contains(Modifier::REVERSED)
    );
    assert!(session.cell_of("off").modifier.contains(Modifier::DIM));
}

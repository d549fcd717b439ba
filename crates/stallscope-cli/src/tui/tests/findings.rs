//! What the user sees of findings, and does with them.

use std::path::PathBuf;
use std::time::Duration;

use insta::assert_snapshot;
use ratatui::style::{Color, Modifier};
use stallscope_wire::message::Worker;

use super::agent::{FakeAgent, MILLISECOND};
use super::session::Session;
use crate::source::Source;
use crate::tui::theme::{Role, Theme};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (40, 10)];

const UPDATE: Duration = Duration::from_millis(500);

fn stalling(width: u16, height: u16) -> Session {
    Session::on(FakeAgent::hybrid_service().with_a_stall(), width, height)
}

fn with_stalls(width: u16, height: u16) -> Session {
    Session::on(FakeAgent::hybrid_service().with_stalls(), width, height)
}

/// The code that stalls is on this machine, too.
fn with_source(width: u16, height: u16) -> Session {
    let mut session = stalling(width, height);
    session.outside(|outside| {
        outside.source = vec![Source {
            path: "/home/me/shop/demo-apps/hybrid-service/src/report.rs".into(),
            first: 38,
            lines: [
                "/// The report of one day.",
                "async fn render(day: Day) -> Result<Report> {",
                "\tlet path = day.path();",
                "\tlet rows = std::fs::read(path)?;",
                "\tlet mut report = Report::new(day);",
                "\treport.add(&rows);",
            ]
            .map(str::to_owned)
            .to_vec(),
        }];
    });
    session
}

#[test]
fn one_that_goes_on_stands_above_the_tree_at_every_size() {
    for (width, height) in SIZES {
        assert_snapshot!(
            format!("one_ongoing_{width}x{height}"),
            stalling(width, height).screen()
        );
    }
}

#[test]
fn several_are_ordered_by_their_harm_at_every_size() {
    for (width, height) in SIZES {
        assert_snapshot!(
            format!("several_{width}x{height}"),
            with_stalls(width, height).screen()
        );
    }
}

#[test]
fn the_page_with_source_at_every_size() {
    for (width, height) in SIZES {
        let mut session = with_source(width, height);
        assert_snapshot!(
            format!("page_{width}x{height}"),
            session.press("Enter").screen()
        );
    }
}

#[test]
fn the_page_to_its_end() {
    let mut session = with_source(80, 24);
    assert_snapshot!("page_end_80x24", session.press("Enter G").screen());
}

#[test]
fn the_page_with_every_frame_and_without_source() {
    let mut session = stalling(80, 40);
    assert_snapshot!("page_unfolded_80x40", session.press("Enter Space").screen());
}

#[test]
fn the_page_of_a_finding_of_which_little_is_known() {
    let mut session = with_stalls(80, 24);
    assert_snapshot!("page_of_little_80x24", session.press("G Enter").screen());
}

#[test]
fn an_agent_that_does_not_report_findings_is_told_of_once() {
    let mut session = Session::on(FakeAgent::hybrid_service().without_findings(), 80, 24);
    assert_snapshot!("agent_without_findings_80x24", session.screen());
    session
        .press("j")
        .expect_none("does not report findings")
        .pass(UPDATE)
        .expect_none("does not report findings");
    session
        .press("Tab")
        .expect("does not report findings")
        .lose_connection("gone");
    session.outside(|outside| outside.unreachable = None);
    session
        .pass(Duration::from_secs(3))
        .press("j")
        .expect_none("does not report findings");
}

#[test]
fn with_nothing_wrong_the_tree_has_the_keys_and_a_line_says_what_was_watched() {
    let mut session = Session::on(FakeAgent::hybrid_service(), 80, 24);
    session
        .expect("no findings so far, 620k polls watched")
        .expect_selected("root");
    session
        .press("Tab")
        .expect_selected("root")
        .expect("no findings so far");
}

#[test]
fn the_view_opens_on_the_worst_finding() {
    stalling(80, 24)
        .expect_selected("report.rs:41")
        .expect("1 FINDING, 1 NOW")
        .expect("12 tasks waiting");
}

#[test]
fn a_first_finding_does_not_take_the_keys_from_somebody_who_looks_at_the_tree() {
    let mut session = Session::on(FakeAgent::hybrid_service(), 80, 24);
    session.press("j").expect_selected("accept");
    session.outside(|outside| outside.agent = outside.agent.clone().with_a_stall());
    session
        .pass(UPDATE)
        .expect("report.rs:41")
        .expect_selected("accept");
    session.press("1").expect_selected("report.rs:41");
}

#[test]
fn a_first_finding_is_selected_if_no_key_was_pressed_yet() {
    let mut session = Session::on(FakeAgent::hybrid_service(), 80, 24);
    session.outside(|outside| outside.agent = outside.agent.clone().with_a_stall());
    session.pass(UPDATE).expect_selected("report.rs:41");
}

#[test]
fn tab_and_numbers_turn_from_findings_to_tree_and_back() {
    let mut session = with_stalls(80, 24);
    session
        .press("j")
        .expect_selected("poller.rs:12")
        .expect("worker 1 slept 120 ms");
    session
        .press("Tab")
        .expect_selected("root")
        .press("j")
        .expect_selected("accept");
    session.press("1").expect_selected("poller.rs:12");
    session.press("2").expect_selected("accept");
}

#[test]
fn when_the_last_finding_is_gone_the_tree_has_the_keys() {
    let mut session = stalling(80, 24);
    session.outside(|outside| outside.agent.findings = Some(Vec::new()));
    session
        .pass(UPDATE)
        .expect("no findings so far")
        .expect_selected("root")
        .press("j")
        .expect_selected("accept");
}

#[test]
fn what_blames_no_line_is_not_shown() {
    with_stalls(120, 40)
        .expect("no line of yours")
        .expect("4 FINDINGS")
        .expect_none("cpu-starved");
}

#[test]
fn a_stall_that_goes_on_grows() {
    let mut session = stalling(80, 24);
    session.expect("now 660ms");
    session.pass(Duration::from_secs(1)).expect("now 1.7s");
    session.press("Enter").expect("now 1.7s");
    session.pass(Duration::from_secs(1)).expect("now 2.7s");
}

#[test]
fn severity_has_a_word_and_a_colour() {
    let mut session = with_stalls(120, 40);
    session.press("2");
    assert_eq!(session.cell_of("high").fg, Color::Red);
    assert_eq!(session.cell_of("warning").fg, Color::Yellow);
    assert_eq!(session.cell_of("now 660ms").fg, Color::Red);
    assert_eq!(
        Theme::Mono.style(Role::High).add_modifier,
        Modifier::BOLD | Modifier::REVERSED
    );
}

#[test]
fn enter_opens_the_page_and_esc_comes_back_to_the_same_finding() {
    let mut session = with_stalls(80, 24);
    session
        .press("j Enter")
        .expect("hybrid_service::poller::wait")
        .expect_none("TASK");
    session
        .press("?")
        .expect("Page of a finding")
        .press("Esc")
        .expect("hybrid_service::poller::wait");
    session.press("Esc").expect_selected("poller.rs:12");
}

#[test]
fn the_page_of_a_finding_that_is_no_longer_told_of_stays() {
    let mut session = stalling(80, 24);
    session.press("Enter");
    session.outside(|outside| outside.agent.findings = Some(Vec::new()));
    session
        .pass(UPDATE)
        .expect("hybrid_service::report::render")
        .press("Esc")
        .expect_selected("root");
}

#[test]
fn frames_of_other_code_are_folded_with_their_number() {
    let mut session = stalling(80, 60);
    session
        .press("Enter")
        .expect("⋯ 3 frames of native, std: std::fs::read")
        .expect("⋯ 2 frames of tokio")
        .expect_none("raw.rs");
    let own = session.cell_of("hybrid_service::report::serve");
    assert!(own.modifier.contains(Modifier::BOLD), "own code is bright");
    session
        .press("Enter")
        .expect("tokio::runtime::task::raw::poll")
        .expect("libc.so.6+0x10e1f2")
        .expect_none("⋯");
    assert_eq!(session.cell_of("libc.so.6").fg, Color::DarkGray);
    session.press("Space").expect("⋯ 2 frames of tokio");
}

#[test]
fn the_line_to_change_is_marked_in_its_source() {
    let mut session = with_source(80, 60);
    session
        .press("Enter")
        .expect("▶ 41 │     let rows = std::fs::read(path)?;")
        .expect("  40 │     let path = day.path();");
    assert_eq!(session.cell_of("▶").fg, Color::Yellow);
}

#[test]
fn o_opens_the_editor_where_the_source_is() {
    let mut session = with_source(80, 24);
    session.press("Enter o").expect("hybrid_service::report");
    let edited = session.outside(|outside| outside.edited.clone());
    let path = PathBuf::from("/home/me/shop/demo-apps/hybrid-service/src/report.rs");
    assert_eq!(edited, [(path, 41)]);
}

#[test]
fn an_editor_that_cannot_be_opened_says_why() {
    let mut session = with_source(80, 24);
    session.outside(|outside| outside.editor = Err("no editor is named: set EDITOR".to_owned()));
    session.press("Enter o").expect("no editor is named");
    let mut elsewhere = stalling(80, 24);
    elsewhere
        .press("Enter o")
        .expect("report.rs is not on this machine");
    assert!(elsewhere.outside(|outside| outside.edited.is_empty()));
    with_stalls(80, 24)
        .press("G Enter o")
        .expect("there is no line to go to");
}

#[test]
fn y_copies_the_place() {
    let mut session = stalling(80, 24);
    session.press("Enter y").expect("copied demo-apps");
    let copied = session.outside(|outside| outside.clipboard.clone());
    assert_eq!(
        copied.as_deref(),
        Some("demo-apps/hybrid-service/src/report.rs:41")
    );
    with_stalls(80, 24)
        .press("G Enter y")
        .expect("there is no line to go to");
}

#[test]
fn a_frozen_picture_can_be_read_page_by_page() {
    let mut session = stalling(80, 24);
    session
        .press("f")
        .pass(Duration::from_secs(2))
        .expect("now 660ms")
        .press("Enter")
        .expect("now 660ms");
}

#[test]
fn another_process_begins_with_its_own_findings() {
    let mut session = stalling(80, 24);
    session.press("Enter").lose_connection("gone");
    session.outside(|outside| {
        outside.unreachable = None;
        outside.process.pid = 4890;
        outside.agent = FakeAgent::healthy();
    });
    session
        .pass(Duration::from_secs(2))
        .expect("no findings so far")
        .expect_none("report.rs");
}

#[test]
fn a_worker_is_stuck_from_the_threshold_of_the_application_on() {
    let mut session = Session::on(FakeAgent::hybrid_service(), 80, 24);
    session.expect("stuck 341ms #4 reports");
    assert_eq!(session.cell_of("stuck").fg, Color::Yellow);
    session.outside(|outside| outside.agent.overview.long_poll_threshold_ns = 400 * MILLISECOND);
    session
        .pass(UPDATE)
        .expect_none("stuck")
        .expect("341ms in #4");
    assert_eq!(session.cell_of("run 341ms").fg, Color::Green);
}

#[test]
fn of_many_workers_those_that_are_stuck_are_seen() {
    let mut agent = FakeAgent::hybrid_service();
    let idle = (1..63).map(|index| Worker {
        index,
        parked: true,
        ..Worker::default()
    });
    let stuck = Worker {
        index: 63,
        task: Some(3),
        polling_ns: 900 * MILLISECOND,
        ..Worker::default()
    };
    agent.overview.runtimes[0].workers = idle.chain([stuck]).collect();
    Session::on(agent, 80, 24)
        .expect("w63 ████████ stuck 900ms #3")
        .expect("more workers");
}

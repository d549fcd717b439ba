//! What the user sees of state that several share without order, and does with its sides.

use std::time::Duration;

use insta::assert_snapshot;

use super::agent::FakeAgent;
use super::session::Session;
use crate::source::Source;

const UPDATE: Duration = Duration::from_millis(500);

/// The code of both sides is on this machine.
fn losing(width: u16, height: u16) -> Session {
    let agent = FakeAgent::hybrid_service()
        .with_a_lost_update()
        .with_control();
    let mut session = Session::on(agent, width, height);
    session.outside(|outside| {
        outside.source = vec![
            source(
                "hits.rs",
                3,
                &[
                    "",
                    "async fn count(hits: &Shared<u64>) {",
                    "    let seen = hits.get();",
                    "    flush().await;",
                    "    hits.set(seen + 1);",
                    "}",
                ],
            ),
            source("report.rs", 29, &["{", "    hits.set(0);", "}"]),
        ];
    });
    session
}

fn source(file: &str, first: u32, lines: &[&str]) -> Source {
    Source {
        path: format!("/home/me/shop/demo-apps/hybrid-service/src/{file}").into(),
        first,
        lines: lines.iter().map(|&line| line.to_owned()).collect(),
    }
}

fn conflicts(width: u16, height: u16) -> Session {
    Session::on(FakeAgent::hybrid_service().with_conflicts(), width, height)
}

fn edited(session: &mut Session) -> Vec<(String, u32)> {
    session.outside(|outside| {
        let edited = outside.edited.iter();
        let name = |path: &std::path::Path| {
            path.file_name()
                .map(|name| name.to_string_lossy().into_owned())
        };
        edited
            .map(|(path, line)| (name(path).unwrap_or_default(), *line))
            .collect()
    })
}

#[test]
fn conflicts_in_the_list_name_both_lines_at_every_size() {
    for (width, height) in [(80, 24), (120, 40), (40, 10)] {
        assert_snapshot!(
            format!("conflicts_{width}x{height}"),
            conflicts(width, height).screen()
        );
    }
}

#[test]
fn the_page_shows_both_sides_with_their_code_at_every_size() {
    for (width, height) in [(80, 24), (120, 40), (40, 10)] {
        assert_snapshot!(
            format!("lost_update_{width}x{height}"),
            losing(width, height).press("Enter").screen()
        );
    }
}

#[test]
fn nothing_that_takes_no_time_is_told_with_a_duration() {
    let mut session = losing(80, 40);
    session.expect("-     ×3 3s ago").expect_none("0ns");
    session
        .press("Enter")
        .expect("3 times, first 44s ago, last 3s ago")
        .expect_none("0ns")
        .expect_none("stack was captured")
        .expect_none("worker");
}

#[test]
fn o_opens_the_first_side_and_after_tab_the_other() {
    let mut session = losing(80, 24);
    session.press("Enter").expect("▸ wrote").press("o");
    session.press("Tab").expect("▸ lost").press("o y");
    session.expect("copied demo-apps/hybrid-service/src/report.rs:30");
    assert_eq!(
        edited(&mut session),
        [("hits.rs".to_owned(), 7), ("report.rs".to_owned(), 30)]
    );
    session.press("Tab").expect("▸ wrote");
}

#[test]
fn the_task_of_the_selected_side_is_the_one_to_cancel() {
    let mut session = losing(80, 24);
    session
        .press("Enter x")
        .expect("Cancel task 300 \"db conn 0\"")
        .press("n Tab x")
        .expect("Cancel task 4 \"reports\"");
    let mut session = conflicts(80, 24);
    session.press("j j Enter").expect("overlapping-access");
    session
        .press("Tab x")
        .expect("this finding names no task")
        .expect("4790, outside of any task");
}

#[test]
fn tab_brings_the_other_side_onto_a_small_screen() {
    let mut session = losing(40, 10);
    session.press("Enter").expect_none("lost ");
    session.press("Tab").expect("▸ lost");
    session.press("Tab").expect("▸ wrote");
}

#[test]
fn a_finding_with_one_line_has_no_other_side() {
    let mut session = Session::on(FakeAgent::hybrid_service().with_a_stall(), 80, 24);
    session
        .press("Enter")
        .expect_none("other side")
        .press("Tab")
        .expect("this finding is about one line only");
    losing(80, 24).press("Enter").expect("Tab other side");
}

#[test]
fn a_line_that_comes_later_gets_its_code_too() {
    let mut session = losing(80, 24);
    session.press("Enter Tab").expect("hits.set(0);");
    session.outside(|outside| {
        outside
            .source
            .push(source("reset.rs", 1, &["hits.set(later);"]));
        let findings = outside.agent.findings.as_mut().expect("there are some");
        let at = findings[0].parties[0].location.as_mut().expect("known");
        (at.file, at.line) = ("demo-apps/hybrid-service/src/reset.rs".to_owned(), 1);
    });
    session.pass(UPDATE).expect("hits.set(later);").press("o");
    assert_eq!(edited(&mut session), [("reset.rs".to_owned(), 1)]);
}

#[test]
fn who_waits_and_who_holds_is_told_of_each_line() {
    let mut session = conflicts(80, 40);
    session.expect("src/transfer.rs:7 ↔ :19").expect("now 12s");
    assert_snapshot!(session.press("Enter").screen());
}

#[test]
fn a_task_that_never_yields_has_a_time_but_no_stack_and_no_thread() {
    let agent = FakeAgent::hybrid_service().with_a_task_that_never_yields();
    let mut session = Session::on(agent, 80, 24);
    session.expect("now 1m54s");
    assert_snapshot!(session.press("Enter").screen());
}

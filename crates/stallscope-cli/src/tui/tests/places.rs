//! What the user sees of the places that spawn tasks, and does with them.

use std::time::Duration;

use insta::assert_snapshot;
use ratatui::style::{Color, Modifier};
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{SiteStats, Task};

use super::agent::{FakeAgent, task};
use super::session::{Session, found};
use crate::tui::theme::Theme;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (40, 10)];

const UPDATE: Duration = Duration::from_secs(1);

fn leaking(width: u16, height: u16) -> Session {
    let agent = FakeAgent::hybrid_service().with_a_leak();
    Session::on(agent, width, height)
}

fn places(width: u16, height: u16) -> Session {
    let mut session = leaking(width, height);
    session.press("3");
    session
}

/// The places on the screen, each by a part of it, from the first row of the list.
#[track_caller]
fn expect_places(session: &mut Session, places: &[&str]) {
    let lines = session.lines();
    let head = lines.iter().position(|line| line.starts_with("PLACE"));
    let head = head.unwrap_or_else(|| panic!("no list of places:\n{}", lines.join("\n")));
    for (row, place) in places.iter().enumerate() {
        let line = lines.get(head + 1 + row).map_or("", String::as_str);
        assert!(
            line.contains(place),
            "row {row} should show {place:?}:\n{}",
            lines.join("\n")
        );
    }
}

#[test]
fn places_are_shown_at_every_size() {
    for (width, height) in SIZES {
        assert_snapshot!(
            format!("places_{width}x{height}"),
            places(width, height).screen()
        );
    }
}

#[test]
fn a_leak_stands_among_the_findings_at_every_size() {
    for (width, height) in SIZES {
        assert_snapshot!(
            format!("leak_{width}x{height}"),
            leaking(width, height).screen()
        );
    }
}

#[test]
fn the_page_of_a_leak_tells_its_figures_and_no_stack() {
    for (width, height) in SIZES {
        assert_snapshot!(
            format!("leak_page_{width}x{height}"),
            leaking(width, height).press("Enter").screen()
        );
    }
    leaking(80, 40)
        .press("Enter")
        .expect("412, 103 when it was found, +9.0/s")
        .expect("408 outlive the task that spawned them")
        .expect("growth: this place spawns tasks faster than they end")
        .expect_none("no stack")
        .expect_none("thread");
}

#[test]
fn what_looks_most_like_a_leak_comes_first() {
    let mut session = places(80, 24);
    expect_places(
        &mut session,
        &[
            "session.rs:88",
            "server.rs:48",
            "report.rs:63",
            "main.rs:31",
        ],
    );
    session.expect_selected("+9.0/s");
    session
        .press("s j Enter")
        .expect("places sorted by place, smallest first");
    expect_places(
        &mut session,
        &["rt/tokio.rs:33", "main.rs:31", "report.rs:63"],
    );
    session.press("r");
    expect_places(&mut session, &["session.rs:88", "server.rs:48"]);
    session
        .press("> >")
        .expect("sorted by spawned per second, largest first");
    expect_places(&mut session, &["server.rs:48", "session.rs:88"]);
}

#[test]
fn a_longer_history_shows_what_leaks_slowly() {
    let mut session = leaking(80, 24);
    session.outside(|outside| {
        let agent = &mut outside.agent;
        let site = agent.site("demo-apps/hybrid-service/src/cache.rs", 12);
        for id in 2_000..2_010 {
            agent.add(Task {
                id,
                site,
                ..task(1)
            });
        }
        agent.figures.insert(
            site,
            SiteStats {
                live_by_second: vec![10; 60],
                live_by_ten_seconds: vec![10; 60],
                live_by_minute: (0..60).map(|minute| minute / 6).collect(),
                ..SiteStats::default()
            },
        );
    });
    session.press("3").expect("LAST MIN").expect_none("+10.0/h");
    session
        .press("+ +")
        .expect("growth over the last hour")
        .expect("LAST HOUR")
        .expect("+10.0/h");
    session.press("+").expect("LAST HOUR");
    session.press("- -").expect("LAST MIN");
}

#[test]
fn enter_opens_the_tree_at_the_tasks_of_the_place() {
    let mut session = places(80, 24);
    session
        .press("j")
        .expect_selected("server.rs:48")
        .press("Enter")
        .expect("filter site=demo-apps/hybrid-service/src/server.rs:48:9 · 40 of")
        .expect_rows(&["root #0", "accept", "#100"]);
    session.press("Esc").expect_none("filter site");
    session.press("3").expect_selected("server.rs:48");
}

#[test]
fn a_place_with_an_odd_name_is_found_all_the_same() {
    let mut session = Session::on(FakeAgent::healthy(), 120, 40);
    session.outside(|outside| {
        let agent = &mut outside.agent;
        let site = agent.site(r#"C:\my "app"\main.rs"#, 7);
        agent.add(Task {
            id: 5,
            site,
            ..task(1)
        });
    });
    session
        .pass(UPDATE)
        .press("3 Enter")
        .expect("1 of 1 task")
        .expect_rows(&["#5"]);
}

#[test]
fn the_selection_stays_with_the_place_when_another_overtakes_it() {
    let mut session = places(80, 24);
    session.press("j j").expect_selected("report.rs:63");
    session.outside(|outside| {
        let report = outside.agent.sites[2].id;
        outside.agent.figures.insert(
            report,
            SiteStats {
                live_by_second: (0..60).map(|second| second * 100).collect(),
                ..SiteStats::default()
            },
        );
    });
    session.pass(UPDATE);
    expect_places(&mut session, &["report.rs:63", "session.rs:88"]);
    session.expect_selected("report.rs:63");
    session.press("j").expect_selected("session.rs:88");
    session.press("g").expect_selected("report.rs:63");
}

#[test]
fn only_what_is_shown_is_asked_for() {
    fn asked(session: &mut Session) -> (bool, bool) {
        session.outside(|outside| {
            let asks = |wanted: fn(&Topic) -> bool| {
                let topics = outside.subscriptions.iter();
                topics.filter_map(|asked| asked.topic.as_ref()).any(wanted)
            };
            (
                asks(|topic| matches!(topic, Topic::Tree(_))),
                asks(|topic| matches!(topic, Topic::Sites(_))),
            )
        })
    }
    let mut session = leaking(80, 24);
    assert_eq!(asked(&mut session), (true, false));
    session.press("3");
    assert_eq!(asked(&mut session), (false, true));
    session.press("Esc");
    assert_eq!(asked(&mut session), (true, false));
    session.expect_rows(&["root #0"]);
}

#[test]
fn findings_and_places_stand_together() {
    let mut session = places(120, 40);
    session.expect("1 FINDING, 1 NOW");
    session.press("1").expect_selected("growth");
    session.press("Tab").expect_selected("+9.0/s");
    session.press("Tab 2").expect_rows(&["root #0"]);
}

#[test]
fn a_place_with_a_finding_is_marked_by_a_sign_and_a_colour() {
    assert_eq!(places(80, 24).press("j").cell_of("! ").fg, Color::Red);
    let agent = FakeAgent::hybrid_service().with_a_leak();
    let mut mono = Session::new(agent, 80, 24, Theme::Mono);
    mono.outside(|outside| outside.survey.found = vec![found(4711, "app")]);
    mono.start(None).press("3 j").pass(UPDATE);
    assert!(mono.cell_of("! ").modifier.contains(Modifier::REVERSED));
}

#[test]
fn an_old_agent_without_histories_shows_what_it_knows() {
    let mut session = Session::on(FakeAgent::hybrid_service(), 120, 40);
    session.outside(|outside| {
        for site in outside.agent.sites.clone() {
            let figures = SiteStats::default();
            outside.agent.figures.insert(site.id, figures);
        }
    });
    session.press("3").pass(UPDATE);
    // Most live tasks first; what is not known is not zero.
    expect_places(&mut session, &["server.rs:48", "report.rs:63"]);
    session.expect_selected("40         ?");
}

#[test]
fn an_agent_that_tells_nothing_of_places_is_quoted() {
    let mut session = leaking(80, 24);
    session.outside(|outside| {
        outside.agent.without_places = Some("no such topic here".to_owned());
    });
    session
        .press("3")
        .expect("the agent says: no such topic here")
        .press("Enter")
        .expect("no place is selected");
}

#[test]
fn many_places_are_asked_for_in_part_and_that_is_said() {
    let mut session = Session::on(FakeAgent::healthy(), 80, 24);
    session.outside(|outside| {
        for n in 1..=300 {
            let site = outside.agent.site("src/generated.rs", n);
            outside.agent.add(Task {
                id: n.into(),
                site,
                ..task(1)
            });
        }
    });
    session.press("3").expect("PLACE 256 of 300");
    session.press("G").expect_selected("generated.rs:256");
    session.press("PgUp").expect_selected("generated.rs:241");
    session.press("g").expect_selected("generated.rs:1 ");
}

#[test]
fn a_frozen_picture_can_be_sorted_but_shows_nothing_new() {
    let mut session = places(80, 24);
    session.press("f s j Enter").expect("frozen");
    expect_places(&mut session, &["rt/tokio.rs:33"]);
    session
        .press("Enter")
        .expect("the picture is frozen: f lets it go on");
    session.press("Esc").expect_none("frozen").expect("PLACE");
    session.press("Esc").expect_rows(&["root #0"]);
}

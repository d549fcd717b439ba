//! What the user sees of the tracked locks, and does with them.

use std::time::Duration;

use insta::assert_snapshot;
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{LockQuery, LockSort};

use super::agent::FakeAgent;
use super::session::Session;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (40, 10)];

const UPDATE: Duration = Duration::from_millis(500);

fn locks(width: u16, height: u16) -> Session {
    let mut session = Session::on(FakeAgent::hybrid_service(), width, height);
    session.press("4");
    session
}

/// What was asked about locks last.
fn asked(session: &mut Session) -> LockQuery {
    let queries = session.outside(|outside| {
        let subscriptions = outside.subscriptions.iter();
        let queries = subscriptions.filter_map(|asked| match asked.topic {
            Some(Topic::Locks(ref query)) => Some(query.clone()),
            _ => None,
        });
        queries.collect::<Vec<_>>()
    });
    queries
        .into_iter()
        .next_back()
        .expect("locks are asked for")
}

#[test]
fn locks_are_shown_at_every_size() {
    for (width, height) in SIZES {
        assert_snapshot!(
            format!("locks_{width}x{height}"),
            locks(width, height).screen()
        );
    }
}

#[test]
fn enter_shows_who_holds_a_lock_and_who_waits() {
    assert_snapshot!("lock_80x24", locks(80, 24).press("Enter").screen());
    assert_snapshot!("lock_read_80x24", locks(80, 24).press("j Enter").screen());
    locks(80, 24)
        .press("G Enter")
        .expect("free")
        .expect("taken 7 times, without a wait so far")
        .press("Esc")
        .expect_none("without a wait so far");
}

#[test]
fn the_agent_is_asked_for_the_order() {
    let mut session = locks(80, 24);
    assert_eq!(asked(&mut session).sort(), LockSort::Queue);
    session
        .press("s j j Enter")
        .expect("locks sorted by hold time, largest first");
    assert_eq!(asked(&mut session).sort(), LockSort::Hold);
    session.press("r").expect("smallest first");
    assert!(asked(&mut session).ascending);
    session.press("f >").expect("the picture is frozen");
    session.pass(UPDATE);
    assert_eq!(asked(&mut session).sort(), LockSort::Hold);
}

#[test]
fn the_keys_lead_to_the_locks_and_back() {
    let mut session = locks(80, 24);
    session.press("2").expect_none("QUEUE");
    session
        .press("3")
        .expect("PLACE")
        .press("4")
        .expect("QUEUE");
    session.press("Esc").expect_none("QUEUE");
}

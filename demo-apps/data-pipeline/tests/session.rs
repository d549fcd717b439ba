//! The pipeline as its user runs it.

use demo_support::{Ended, Session};

fn start(arguments: &[&str]) -> Session {
    Session::start(env!("CARGO_BIN_EXE_data-pipeline"), arguments)
}

#[track_caller]
fn expect_no_row_lost(ended: &Ended) {
    assert!(ended.stdout.starts_with("no row lost: "), "{ended:?}");
    let produced = ended.number("produced");
    assert!(produced > 0, "{ended:?}");
    assert_eq!(produced, ended.number("consumed"), "{ended:?}");
    assert_eq!(produced, ended.number("written"), "{ended:?}");
    assert_eq!(
        produced,
        ended.number("stored") + ended.number("expired"),
        "{ended:?}"
    );
}

#[test]
fn it_ends_by_itself_with_every_row_accounted_for() {
    let ended = start(&["--for", "2s"]).finish();
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.stderr.contains("stopping: ran for 2s"), "{ended:?}");
    expect_no_row_lost(&ended);
}

#[cfg(unix)]
#[test]
fn ctrl_c_under_full_load_loses_no_row() {
    let mut session = start(&["--load", "300"]);
    session.expect_log("readings produced");
    session.interrupt();
    let ended = session.finish();
    assert!(ended.status.success(), "{ended:?}");
    assert!(
        ended.stderr.contains("stopping: asked to stop"),
        "{ended:?}"
    );
    expect_no_row_lost(&ended);
}

#[test]
fn a_bad_duration_is_refused_in_one_line() {
    let ended = start(&["--for", "-3s"]).finish();
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
}

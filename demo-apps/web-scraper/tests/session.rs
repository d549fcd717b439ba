//! The scraper as its user runs it.

use demo_support::Session;

fn start(arguments: &[&str]) -> Session {
    Session::start(env!("CARGO_BIN_EXE_web-scraper"), arguments)
}

#[test]
fn it_ends_by_itself_and_has_scraped_whole_rounds() {
    let ended = start(&["--for", "3s", "--load", "50"]).finish();
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.stderr.contains("stopping: ran for 3s"), "{ended:?}");
    let (rounds, pages) = (ended.number("rounds"), ended.number("pages"));
    assert!(rounds > 0, "{ended:?}");
    assert_eq!(pages + ended.number("given up"), 100 * rounds, "{ended:?}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_in_the_middle_of_a_round_ends_it_at_once() {
    let mut session = start(&["--load", "1"]);
    session.expect_log("scraping the shop at http://127.0.0.1:");
    session.interrupt();
    let ended = session.finish();
    assert!(ended.status.success(), "{ended:?}");
    assert!(
        ended.stderr.contains("stopping: asked to stop"),
        "{ended:?}"
    );
    assert!(
        ended.stdout.starts_with("scraped 0 pages in 0 rounds"),
        "{ended:?}"
    );
}

#[test]
fn a_bad_duration_is_refused_in_one_line() {
    let ended = start(&["--for", "30"]).finish();
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    assert_eq!(
        ended.stderr,
        "error: invalid value '30' for '--for <DURATION>': a duration is a whole number and a unit, \
         for instance 250ms, 30s, 5m or 1h\n"
    );
}

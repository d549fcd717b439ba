//! The service as its user runs it.

use demo_support::Session;

fn start(arguments: &[&str]) -> Session {
    Session::start(env!("CARGO_BIN_EXE_hybrid-service"), arguments)
}

#[test]
fn it_ends_by_itself_and_has_served_everybody() {
    let ended = start(&["--for", "2s"]).finish();
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.stderr.contains("stopping: ran for 2s"), "{ended:?}");
    assert!(ended.number("requests") > 10, "{ended:?}");
    assert!(
        ended.number("connections") >= 8,
        "one at least for each customer: {ended:?}"
    );
    assert_eq!(ended.number("failed"), 0, "{ended:?}");
    assert_eq!(ended.number("sessions left open"), 0, "{ended:?}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_with_every_order_in_the_database() {
    let mut session = start(&["--load", "16"]);
    session.expect_log("requests/s");
    session.interrupt();
    let ended = session.finish();
    assert!(ended.status.success(), "{ended:?}");
    assert!(
        ended.stderr.contains("stopping: asked to stop"),
        "{ended:?}"
    );
    let confirmed = ended.number("orders confirmed");
    assert!(confirmed > 0, "{ended:?}");
    assert_eq!(confirmed, ended.number("in the database"), "{ended:?}");
    assert_eq!(ended.number("failed"), 0, "{ended:?}");
}

#[test]
fn without_customers_it_waits_for_yours() {
    let ended = start(&["--for", "200ms", "--load", "0"]).finish();
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.number("requests"), 0, "{ended:?}");
}

#[test]
fn a_bad_duration_is_refused_in_one_line() {
    let ended = start(&["--for", "soon"]).finish();
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    assert_eq!(
        ended.stderr,
        "error: invalid value 'soon' for '--for <DURATION>': a duration is a whole number and a unit, \
         for instance 250ms, 30s, 5m or 1h\n"
    );
}

#[test]
fn a_taken_port_is_refused_in_one_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("some port is free");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    let ended = start(&["--port", &port]).finish();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let expected = format!("error: cannot listen on 127.0.0.1:{port}: ");
    assert!(ended.stderr.starts_with(&expected), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
}

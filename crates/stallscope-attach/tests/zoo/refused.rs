//! What cannot be looked into is refused with a reason and the next step.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use stallscope_attach::{Error, Process, Target};

use crate::program::{Zoo, programs};

#[test]
fn a_process_that_has_ended_is_not_there() {
    let mut ended = Command::new("true")
        .spawn()
        .expect("there is such a program");
    ended.wait().expect("it ends");
    let error = Target::live(ended.id())
        .map(|_| ())
        .expect_err("it is gone");
    assert!(
        matches!(error, Error::NoProcess(pid) if pid == ended.id()),
        "{error}"
    );
}

#[test]
fn a_process_that_ends_while_it_is_opened_is_told_to_have_ended() {
    for program in programs() {
        let zoo = Zoo::start(program, &[]);
        let pid = zoo.pid();
        let target = Target::live(pid).unwrap_or_else(|error| panic!("{error}"));
        drop(zoo);
        let error = Process::of(&target).map(|_| ()).expect_err("it is gone");
        assert!(
            matches!(error, Error::NoProcess(ended) if ended == pid),
            "{error}"
        );
    }
}

#[test]
fn a_program_without_debug_information_is_told_what_it_needs() {
    let mut plain = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("there is such a program");
    // Once it answers it is loaded: that it was started only means that it is about to be.
    plain
        .stdin
        .as_mut()
        .expect("it is piped")
        .write_all(b"!")
        .expect("it reads");
    plain
        .stdout
        .as_mut()
        .expect("it is piped")
        .read_exact(&mut [0])
        .expect("it answers");
    let error = refusal(plain.id());
    assert!(matches!(error, Error::NoTypes { .. }), "{error}");
    assert!(error.to_string().contains("debug = 2"), "{error}");
    let _ = plain.kill();
    let _ = plain.wait();
}

/// `debug = 1` has lines and no types.
#[test]
#[ignore = "`cargo xtask attach-matrix` builds such a program and names it in ZOO_PROGRAM"]
fn a_program_with_lines_only_is_told_what_it_needs() {
    for program in programs() {
        let zoo = Zoo::start(program, &[]);
        let error = refusal(zoo.pid());
        assert!(matches!(error, Error::NoTypes { .. }), "{error}");
    }
}

fn refusal(pid: u32) -> Error {
    let target = Target::live(pid).unwrap_or_else(|error| panic!("it can be read: {error}"));
    Process::of(&target)
        .map(|_| ())
        .expect_err("it cannot be looked into")
}

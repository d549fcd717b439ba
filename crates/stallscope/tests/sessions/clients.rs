//! Clients of all kinds: none can hurt the application or another client.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use stallscope_wire::frame::{Limit, encode};
use stallscope_wire::handshake::hello;
use stallscope_wire::message::{
    ClientMessage, DetailsQuery, OverviewQuery, Subscribe, client_message, subscribe::Topic,
};

use crate::support::{PATIENCE, Program, patiently};

fn raw(program: &Program) -> UnixStream {
    drop(program.connect()); // the agent listens
    let stream = UnixStream::connect(program.socket()).expect("the agent listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream
}

/// Everything the agent sends until it closes.
fn read_to_end(mut stream: UnixStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream
        .read_to_end(&mut bytes)
        .expect("the agent closes in time");
    bytes
}

fn hello_frame() -> Vec<u8> {
    encode(&hello("0.0.0-test", None), Limit::TO_AGENT).expect("a short message")
}

#[test]
fn nonsense_is_answered_with_a_reason_and_the_door() {
    let program = Program::start("family");
    let oversize = [&(1_u32 << 30).to_le_bytes()[..], b"x"].concat();
    let twice = [hello_frame(), vec![0xff; 100]].concat();
    for nonsense in [
        b"GET / HTTP/1.1\r\nHost: here\r\n\r\n".to_vec(),
        oversize,
        vec![0; 4],
        twice,
    ] {
        let mut stream = raw(&program);
        stream.write_all(&nonsense).expect("the agent reads");
        let answer = read_to_end(stream);
        assert!(
            !answer.is_empty(),
            "no reason was given for refusing {nonsense:?}"
        );
    }
    assert_eq!(program.connect().overview().dropped_events, 0);
    assert!(program.finish().0.success());
}

#[test]
fn a_client_that_leaves_in_the_middle_of_a_frame_is_forgotten() {
    let program = Program::start("family");
    for length in 1..hello_frame().len() {
        let mut stream = raw(&program);
        stream
            .write_all(&hello_frame()[..length])
            .expect("the agent reads");
    }
    // Far more than are admitted at one time.
    for _ in 0..40 {
        drop(program.connect());
    }
    assert_eq!(
        program.connect().tasks().at("family: child").len(),
        if cfg!(tokio_unstable) { 3 } else { 0 }
    );
}

#[test]
fn a_client_that_never_reads_costs_the_others_nothing() {
    let program = Program::start("family");
    let mut lazy = raw(&program);
    lazy.write_all(&hello_frame()).expect("the agent reads");
    lazy.set_nonblocking(true).expect("a socket");
    let ask = |interval_ms| {
        let request = Subscribe {
            subscription: 1,
            interval_ms,
            topic: Some(Topic::Overview(OverviewQuery {})),
        };
        encode(
            &ClientMessage {
                body: Some(client_message::Body::Subscribe(request)),
            },
            Limit::TO_AGENT,
        )
        .expect("short")
    };
    lazy.write_all(&ask(50)).expect("room in the socket");
    // Asks on and on, until the agent stops reading from it.
    patiently(|| match lazy.write(&ask(0)) {
        Ok(_) => Err("the agent reads for ever from a client that reads nothing".to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => panic!("{error}"),
    });
    let mut other = program.connect();
    for _ in 0..100 {
        assert_eq!(other.overview().dropped_events, 0);
    }
}

#[test]
fn the_seventeenth_client_is_told_to_wait() {
    let program = Program::start("family");
    let clients: Vec<_> = (0..16).map(|_| program.connect()).collect();
    let answer = read_to_end(UnixStream::connect(program.socket()).expect("the agent listens"));
    assert!(String::from_utf8_lossy(&answer).contains("16 clients"));
    drop(clients);
    patiently(|| {
        let mut stream =
            UnixStream::connect(program.socket()).map_err(|error| error.to_string())?;
        let _ = stream.write_all(&hello_frame());
        stream
            .set_read_timeout(Some(PATIENCE))
            .map_err(|error| error.to_string())?;
        let mut answer = [0; 512];
        let count = stream
            .read(&mut answer)
            .map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&answer[..count]).into_owned();
        if text.contains("16 clients") {
            Err("still full".to_owned())
        } else {
            Ok(())
        }
    });
}

#[test]
fn a_question_about_a_task_that_is_not_there_fails_in_a_sentence() {
    let program = Program::start("family");
    let mut client = program.connect();
    // The last two are no task's: beyond what root futures are numbered down from, and the largest that can be typed.
    for task in [123_456, 1 << 53, u64::MAX] {
        let reason = client
            .ask(Topic::Details(DetailsQuery { task }))
            .expect_err("there is no such task");
        let told = format!("no live task has the id {task}: ");
        assert!(reason.contains(&told), "{reason}");
    }
    assert_eq!(
        client.overview().dropped_events,
        0,
        "the connection lives on"
    );
}

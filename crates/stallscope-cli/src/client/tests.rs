//! A connection as a stream, against an agent of a few lines.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use stallscope_wire::frame::{Decoder, Limit, encode};
use stallscope_wire::message::{
    AgentMessage, ClientMessage, Failed, NodeKey, Overview, Refused, Subscribe, TreeQuery, Update,
    Welcome, agent_message, client_message, node_key, subscribe, update,
};
use tempfile::TempDir;

use super::{Connection, StreamEvent, Subscriber};
use crate::target::Target;

/// Far beyond what anything here takes; a test that waits so long has failed.
const LONG: Duration = Duration::from_secs(20);

/// The agent's end of a stream.
struct Agent {
    stream: UnixStream,
    decoder: Decoder,
    _directory: TempDir,
}

impl Agent {
    fn hear(&mut self) -> client_message::Body {
        let mut buffer = [0; 4096];
        loop {
            if let Some(message) = self
                .decoder
                .next_message::<ClientMessage>()
                .expect("frames")
            {
                return message.body.expect("a known message");
            }
            let read = self.stream.read(&mut buffer).expect("bytes");
            assert_ne!(read, 0, "the client has gone");
            self.decoder.push(&buffer[..read]);
        }
    }

    fn say(&mut self, body: agent_message::Body) {
        let frame = encode(&AgentMessage { body: Some(body) }, Limit::TO_CLIENT).expect("a frame");
        self.stream.write_all(&frame).expect("the client reads");
    }
}

/// A stream whose handshake is done, and what it delivers.
fn stream() -> (Agent, Subscriber, Receiver<StreamEvent>) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let socket = directory.path().join("agent");
    let listener = UnixListener::bind(&socket).expect("a socket");
    let opening = std::thread::spawn(move || Connection::open(&Target::Unix { socket, pid: None }));
    let mut agent = Agent {
        stream: listener.accept().expect("the client").0,
        decoder: Decoder::new(Limit::TO_AGENT),
        _directory: directory,
    };
    agent.stream.set_read_timeout(Some(LONG)).expect("a limit");
    agent.hear();
    agent.say(agent_message::Body::Welcome(Welcome {
        protocol: stallscope_wire::PROTOCOL,
        process: None,
    }));
    let connection = opening.join().expect("no panic").expect("a connection");
    let (sender, events) = channel();
    let subscriber = connection
        .into_stream(move |event| {
            // A test that has seen enough listens no more.
            let _ = sender.send(event);
        })
        .expect("a stream");
    (agent, subscriber, events)
}

fn overview(subscription: u64) -> Subscribe {
    Subscribe {
        subscription,
        interval_ms: 250,
        topic: Some(subscribe::Topic::Overview(
            stallscope_wire::message::OverviewQuery {},
        )),
    }
}

/// A question that fills a frame nearly, or more than it holds.
fn about_nodes(subscription: u64, nodes: u64) -> Subscribe {
    let expanded = (0..nodes)
        .map(|task| NodeKey {
            node: Some(node_key::Node::Task(task)),
        })
        .collect();
    Subscribe {
        topic: Some(subscribe::Topic::Tree(TreeQuery {
            expanded,
            ..TreeQuery::default()
        })),
        ..overview(subscription)
    }
}

fn subscription(heard: client_message::Body) -> Subscribe {
    match heard {
        client_message::Body::Subscribe(subscribe) => subscribe,
        other => panic!("expected a subscription, heard {other:?}"),
    }
}

fn closed(events: &Receiver<StreamEvent>) -> String {
    match events.recv_timeout(LONG).expect("an event") {
        StreamEvent::Closed(reason) => reason,
        StreamEvent::Message(message) => panic!("expected the end, got {message:?}"),
    }
}

#[test]
fn updates_arrive_and_a_request_reaches_the_agent() {
    let (mut agent, subscriber, events) = stream();
    subscriber.subscribe(overview(7));
    assert_eq!(subscription(agent.hear()), overview(7));
    let update = agent_message::Body::Update(Update {
        subscription: 7,
        at_ns: 1,
        body: Some(update::Body::Overview(Overview::default())),
    });
    agent.say(update.clone());
    match events.recv_timeout(LONG).expect("an update") {
        StreamEvent::Message(message) => assert_eq!(message.body, Some(update)),
        StreamEvent::Closed(reason) => panic!("closed: {reason}"),
    }
    subscriber.unsubscribe(7);
    assert!(
        matches!(agent.hear(), client_message::Body::Unsubscribe(end) if end.subscription == 7)
    );
}

#[test]
fn whoever_subscribes_never_waits_for_an_agent_that_does_not_read() {
    let (mut agent, subscriber, _events) = stream();
    // Many times what the socket holds; each request replaces the one before.
    for nodes in 1..=2_000 {
        subscriber.subscribe(about_nodes(1, nodes));
    }
    subscriber.subscribe(overview(2));
    let mut heard = 0_u64;
    let last = loop {
        let subscribe = subscription(agent.hear());
        heard += 1;
        if subscribe.subscription == 2 {
            break heard;
        }
        if subscribe == about_nodes(1, 2_000) {
            assert_eq!(
                subscription(agent.hear()),
                overview(2),
                "the other one was not lost"
            );
            break heard;
        }
    };
    assert!(
        last < 2_000,
        "requests nobody waits for any more were sent: {last}"
    );
}

#[test]
fn a_request_that_does_not_fit_fails_alone() {
    let (mut agent, subscriber, events) = stream();
    subscriber.subscribe(about_nodes(1, 100_000));
    match events.recv_timeout(LONG).expect("an answer") {
        StreamEvent::Message(message) => match message.body {
            Some(agent_message::Body::Failed(Failed {
                subscription: 1,
                reason,
            })) => assert!(reason.contains("at most 65536 are allowed"), "{reason}"),
            other => panic!("expected a failure, got {other:?}"),
        },
        other @ StreamEvent::Closed(_) => panic!("expected a failure, got {other:?}"),
    }
    subscriber.subscribe(overview(2));
    assert_eq!(subscription(agent.hear()), overview(2));
}

#[test]
fn the_end_is_told_once_with_its_reason() {
    let (mut agent, _subscriber, events) = stream();
    agent.say(agent_message::Body::Refused(Refused {
        reason: "the program is about to end".to_owned(),
        protocol: 0,
    }));
    drop(agent);
    assert!(closed(&events).ends_with(": the program is about to end"));
    events
        .recv_timeout(LONG)
        .expect_err("nothing after the end");
}

#[test]
fn garbage_ends_the_stream() {
    let (mut agent, _subscriber, events) = stream();
    agent
        .stream
        .write_all(&[0xff; 64])
        .expect("the client reads");
    assert!(closed(&events).contains("frame of 4294967295 bytes"));
}

#[test]
fn a_stream_that_was_dropped_says_nothing_more() {
    let (mut agent, subscriber, events) = stream();
    drop(subscriber);
    assert_eq!(agent.stream.read(&mut [0; 16]).expect("the end"), 0);
    events
        .recv_timeout(LONG)
        .expect_err("our own end is no news");
}

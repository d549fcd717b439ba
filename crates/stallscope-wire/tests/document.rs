//! The worked example of `docs/protocol.md` has the bytes that this crate sends.

use stallscope_wire::PROTOCOL;
use stallscope_wire::frame::{Limit, encode};
use stallscope_wire::handshake::hello;
use stallscope_wire::message::{
    AgentMessage, ClientMessage, Process, Site, Subscribe, Task, TaskKind, TaskQuery, TaskSort,
    TaskState, TaskWindow, Unsubscribe, Update, Welcome, agent_message, client_message, subscribe,
    update,
};

#[test]
fn the_worked_example_is_what_is_sent() {
    let documented = byte_blocks(include_str!("../../../docs/protocol.md"));
    let sent = conversation();
    assert_eq!(documented.len(), sent.len(), "one block a message");
    for (number, (documented, sent)) in documented.iter().zip(&sent).enumerate() {
        assert_eq!(documented, sent, "message {}", number + 1);
    }
}

/// The frames of the example, in order.
fn conversation() -> [Vec<u8>; 5] {
    [
        to_agent(&hello("0.1.0", None)),
        to_client(agent_message::Body::Welcome(Welcome {
            protocol: PROTOCOL,
            process: Some(Process {
                pid: 4711,
                program: "demo".to_owned(),
                tokio_version: "1.54.1".to_owned(),
                stallscope_version: "0.1.0".to_owned(),
                started_unix_ns: 1_795_210_380_000_000_000,
                control: false,
            }),
        })),
        to_agent(&ClientMessage {
            body: Some(client_message::Body::Subscribe(Subscribe {
                subscription: 1,
                interval_ms: 1_000,
                topic: Some(subscribe::Topic::Tasks(TaskQuery {
                    sort: TaskSort::Busy.into(),
                    descending: true,
                    limit: 1,
                    ..TaskQuery::default()
                })),
            })),
        }),
        to_client(agent_message::Body::Update(Update {
            subscription: 1,
            at_ns: 2_000_000_000,
            body: Some(update::Body::Tasks(TaskWindow {
                matched: 3,
                offset: 0,
                tasks: vec![Task {
                    id: 7,
                    kind: TaskKind::Task.into(),
                    state: TaskState::Idle.into(),
                    site: 1,
                    age_ns: 1_000_000_000,
                    idle_ns: 1_000_000,
                    polls: 12,
                    busy_ns: 30_000,
                    longest_poll_ns: 5_000,
                    worker: Some(0),
                    ..Task::default()
                }],
                sites: vec![Site {
                    id: 1,
                    file: "src/main.rs".to_owned(),
                    line: 12,
                    column: 5,
                }],
            })),
        })),
        to_agent(&ClientMessage {
            body: Some(client_message::Body::Unsubscribe(Unsubscribe {
                subscription: 1,
            })),
        }),
    ]
}

fn to_agent(message: &ClientMessage) -> Vec<u8> {
    encode(message, Limit::TO_AGENT).unwrap()
}

fn to_client(body: agent_message::Body) -> Vec<u8> {
    encode(&AgentMessage { body: Some(body) }, Limit::TO_CLIENT).unwrap()
}

/// The bytes of each block fenced as `bytes`: in every line the pairs of hexadecimal digits before two spaces.
fn byte_blocks(markdown: &str) -> Vec<Vec<u8>> {
    markdown
        .split("```bytes\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(block, _)| block.lines().flat_map(bytes_of_line).collect())
        .collect()
}

fn bytes_of_line(line: &str) -> Vec<u8> {
    let (bytes, _meaning) = line.trim_start().split_once("  ").unwrap();
    bytes
        .split(' ')
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

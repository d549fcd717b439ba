//! The header of `stallscope.proto`, sentence by sentence: each test quotes what it holds, and fails when the quote is
//! no longer there.

use prost::Message;
use stallscope_wire::frame::{Decoder, FrameError, Limit, encode};
use stallscope_wire::handshake::{accept, answer, hello};
use stallscope_wire::message::{
    AgentMessage, ClientMessage, Field, Hello, Subscribe, Task, TaskKind, TaskState, Term, Update,
    agent_message, client_message,
};
use stallscope_wire::{MAGIC, PROTOCOL};

#[test]
fn a_frame_is_a_length_and_a_payload() {
    says("frame = length payload");
    says("length = 4 bytes, little endian: the number of payload bytes, 1 ..= MAX");
    let message = hello("0.1.0", None);
    let frame = encode(&message, Limit::TO_AGENT).unwrap();
    let (length, payload) = frame.split_first_chunk().unwrap();
    assert_eq!(u32::from_le_bytes(*length) as usize, payload.len());
    assert_eq!(payload, message.encode_to_vec());
}

#[test]
fn the_limits_are_those_of_the_specification() {
    says("MAX is 65 536 bytes towards the agent and 8 388 608 bytes towards the client.");
    assert_eq!(Limit::TO_AGENT.bytes(), 65_536);
    assert_eq!(Limit::TO_CLIENT.bytes(), 8_388_608);
}

#[test]
fn protocol_errors() {
    says("A longer frame, an empty one or one that is no protobuf message is a protocol error");
    let longer = 65_537_u32.to_le_bytes();
    assert!(matches!(to_agent(&longer), Err(FrameError::TooLong { .. })));
    assert_eq!(to_agent(&[0, 0, 0, 0]), Err(FrameError::Empty));
    let no_message = [1, 0, 0, 0, 0xff];
    assert!(matches!(
        to_agent(&no_message),
        Err(FrameError::Malformed(_))
    ));
}

#[test]
fn the_handshake() {
    says("the client's first message is `Hello`; the agent answers `Welcome` or `Refused`.");
    assert_eq!(answer(&hello("0.1.0", None), None), Ok(PROTOCOL));

    says("Nothing else is sent before.");
    let subscribe = client_message::Body::Subscribe(Subscribe::default());
    assert!(
        answer(
            &ClientMessage {
                body: Some(subscribe)
            },
            None
        )
        .is_err()
    );
    let update = agent_message::Body::Update(Update::default());
    assert!(accept(AgentMessage { body: Some(update) }).is_err());
}

#[test]
fn the_magic_is_that_of_the_specification() {
    says("0x5374616c (\"Stal\"): tells our client from anything else that found the socket.");
    assert_eq!(MAGIC, 0x5374_616c);
}

#[test]
fn an_unknown_field_is_skipped() {
    #[derive(Clone, PartialEq, Message)]
    struct FutureMessage {
        #[prost(message, tag = "1")]
        hello: Option<FutureHello>,
        #[prost(uint64, repeated, tag = "4000")]
        beside: Vec<u64>,
    }
    #[derive(Clone, PartialEq, Message)]
    struct FutureHello {
        #[prost(fixed32, tag = "1")]
        magic: u32,
        #[prost(uint32, tag = "2")]
        protocol_min: u32,
        #[prost(uint32, tag = "3")]
        protocol_max: u32,
        #[prost(string, tag = "100")]
        terminal: String,
    }

    says("an unknown field is skipped");
    let future = FutureMessage {
        hello: Some(FutureHello {
            magic: MAGIC,
            protocol_min: PROTOCOL,
            protocol_max: PROTOCOL + 1,
            terminal: "a field nobody has thought of yet".to_owned(),
        }),
        beside: vec![1, 2, 3],
    };
    let read = to_agent(&encode(&future, Limit::TO_AGENT).unwrap())
        .unwrap()
        .unwrap();
    assert_eq!(answer(&read, None), Ok(PROTOCOL));
    assert_eq!(
        read.body,
        Some(client_message::Body::Hello(Hello {
            magic: MAGIC,
            protocol_min: PROTOCOL,
            protocol_max: PROTOCOL + 1,
            ..Hello::default()
        }))
    );
}

#[test]
fn an_unknown_message_is_skipped() {
    #[derive(Clone, PartialEq, Message)]
    struct FutureMessage {
        #[prost(message, tag = "77")]
        cancel: Option<FutureCancel>,
    }
    #[derive(Clone, PartialEq, Message)]
    struct FutureCancel {
        #[prost(uint64, tag = "1")]
        task: u64,
    }

    says("a message whose `body` is unset after decoding is of an unknown kind and is skipped");
    let future = FutureMessage {
        cancel: Some(FutureCancel { task: 88 }),
    };
    let today = hello("0.1.0", None);

    let mut decoder = Decoder::new(Limit::TO_AGENT);
    decoder.push(&encode(&future, Limit::TO_AGENT).unwrap());
    decoder.push(&encode(&today, Limit::TO_AGENT).unwrap());
    assert_eq!(
        decoder.next_message(),
        Ok(Some(ClientMessage { body: None }))
    );
    assert_eq!(
        decoder.next_message(),
        Ok(Some(today)),
        "the stream goes on behind it"
    );
}

#[test]
fn an_unknown_enum_value_reads_as_unknown() {
    says("an unknown enum value reads as the zero value, which always means \"unknown\".");
    let task = reread(&Task {
        kind: 4000,
        state: -1,
        ..Task::default()
    });
    assert_eq!(task.kind(), TaskKind::Unknown);
    assert_eq!(task.kind().as_str(), "unknown");
    assert_eq!(task.state(), TaskState::Unknown);
    assert_eq!(task.state().as_str(), "unknown");
    let term = reread(&Term {
        field: 4000,
        ..Term::default()
    });
    assert_eq!(term.field(), Field::Unknown);
}

#[test]
fn an_unknown_topic_leaves_the_number_to_answer_to() {
    #[derive(Clone, PartialEq, Message)]
    struct FutureSubscribe {
        #[prost(uint64, tag = "1")]
        subscription: u64,
        #[prost(message, tag = "4000")]
        locks: Option<FutureQuery>,
    }
    #[derive(Clone, PartialEq, Message)]
    struct FutureQuery {}

    says("A subscription whose topic the agent does not know is answered by `Failed`.");
    let future = FutureSubscribe {
        subscription: 7,
        locks: Some(FutureQuery {}),
    };
    let read = Subscribe::decode(&future.encode_to_vec()[..]).unwrap();
    assert_eq!((read.subscription, read.topic), (7, None));
}

#[test]
fn what_an_older_peer_does_not_send_is_zero_or_unset() {
    #[derive(Clone, PartialEq, Message)]
    struct OldTask {
        #[prost(uint64, tag = "1")]
        id: u64,
    }

    says("an application was built months ago, its client today.");
    let read = Task::decode(&OldTask { id: 88 }.encode_to_vec()[..]).unwrap();
    assert_eq!(
        read,
        Task {
            id: 88,
            ..Task::default()
        }
    );
    assert_eq!((read.parent, read.worker), (None, None));
}

/// Groups left protobuf long ago, but decoders still step over them; nested deep enough they could end the stack of
/// the application's agent thread. prost stops at a hundred levels.
#[test]
fn nested_groups_do_not_exhaust_the_stack() {
    const START_OF_GROUP_9: u8 = 9 << 3 | 3;
    let mut frame = 65_536_u32.to_le_bytes().to_vec();
    frame.resize(frame.len() + 65_536, START_OF_GROUP_9);
    assert!(matches!(to_agent(&frame), Err(FrameError::Malformed(_))));
}

fn to_agent(bytes: &[u8]) -> Result<Option<ClientMessage>, FrameError> {
    let mut decoder = Decoder::new(Limit::TO_AGENT);
    decoder.push(bytes);
    decoder.next_message()
}

fn reread<M: Message + Default>(message: &M) -> M {
    M::decode(&message.encode_to_vec()[..]).unwrap()
}

/// Asserts that the specification still has `sentence`, wherever its lines break.
fn says(sentence: &str) {
    let words: Vec<&str> = include_str!("../proto/stallscope.proto")
        .split_whitespace()
        .filter(|word| *word != "//")
        .collect();
    assert!(
        words.join(" ").contains(sentence),
        "no longer in stallscope.proto: {sentence}"
    );
}

//! Whatever way the bytes are cut, the same messages come out; whatever the bytes are, nothing breaks.

mod samples;

use proptest::prelude::*;
use stallscope_wire::frame::{Decoder, FrameError, Limit, encode};
use stallscope_wire::message::{AgentMessage, ClientMessage, Refused, agent_message};

proptest! {
    #[test]
    fn messages_survive_any_chunking(
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..20),
        cuts in prop::collection::vec(1..200_usize, 1..50),
    ) {
        let samples = samples::to_client();
        let sent: Vec<&AgentMessage> = picks.iter().map(|pick| &pick.get(&samples).1).collect();
        let stream: Vec<u8> = sent
            .iter()
            .flat_map(|message| encode(*message, Limit::TO_CLIENT).unwrap())
            .collect();

        let mut decoder = Decoder::new(Limit::TO_CLIENT);
        let mut received = Vec::new();
        for chunk in chunks(&stream, &cuts) {
            decoder.push(chunk);
            while let Some(message) = decoder.next_message::<AgentMessage>().unwrap() {
                received.push(message);
            }
        }
        prop_assert_eq!(received.iter().collect::<Vec<_>>(), sent);
    }

    #[test]
    fn garbage_ends_in_an_error_or_waits_for_more(
        garbage in prop::collection::vec(any::<u8>(), 0..2_000),
        cuts in prop::collection::vec(1..200_usize, 1..50),
    ) {
        let mut decoder = Decoder::new(Limit::TO_AGENT);
        let mut messages = 0;
        for chunk in chunks(&garbage, &cuts) {
            decoder.push(chunk);
            while let Ok(Some(_)) = decoder.next_message::<ClientMessage>() {
                messages += 1;
            }
        }
        prop_assert!(messages <= garbage.len() / 5, "a frame is at least five bytes");
    }

    #[test]
    fn a_half_frame_is_no_message(
        pick in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let (_, message) = pick.get(&samples::to_agent()).clone();
        let frame = encode(&message, Limit::TO_AGENT).unwrap();
        let (half, rest) = frame.split_at(cut.index(frame.len()));

        let mut decoder = Decoder::new(Limit::TO_AGENT);
        decoder.push(half);
        prop_assert_eq!(decoder.next_message::<ClientMessage>(), Ok(None));
        decoder.push(rest);
        prop_assert_eq!(decoder.next_message(), Ok(Some(message)));
        prop_assert_eq!(decoder.next_message::<ClientMessage>(), Ok(None));
    }

    #[test]
    fn every_length_outside_the_limit_is_refused_by_its_header_alone(
        length in prop_oneof![Just(0), 65_537..=u32::MAX],
    ) {
        let mut decoder = Decoder::new(Limit::TO_AGENT);
        decoder.push(&length.to_le_bytes());
        prop_assert!(decoder.next_message::<ClientMessage>().is_err());
    }
}

/// `stream` in pieces of the lengths `cuts`, over and over.
fn chunks<'a>(mut stream: &'a [u8], cuts: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    cuts.iter().cycle().map_while(move |&cut| {
        let (chunk, rest) = stream.split_at(cut.min(stream.len()));
        stream = rest;
        (!chunk.is_empty()).then_some(chunk)
    })
}

#[test]
fn what_stood_before_a_broken_frame_still_arrives() {
    let (_, hello) = samples::to_agent().swap_remove(0);
    let mut decoder = Decoder::new(Limit::TO_AGENT);
    decoder.push(&encode(&hello, Limit::TO_AGENT).unwrap());
    decoder.push(&[0, 0, 0, 0]);
    assert_eq!(decoder.next_message(), Ok(Some(hello)));
    assert_eq!(
        decoder.next_message::<ClientMessage>(),
        Err(FrameError::Empty)
    );
}

#[test]
fn a_failed_decoder_stays_failed() {
    let (_, hello) = samples::to_agent().swap_remove(0);
    let good = encode(&hello, Limit::TO_AGENT).unwrap();
    let mut decoder = Decoder::new(Limit::TO_AGENT);
    decoder.push(&[0, 0, 0, 0]);
    for _ in 0..3 {
        assert_eq!(
            decoder.next_message::<ClientMessage>(),
            Err(FrameError::Empty)
        );
        decoder.push(&good);
    }
}

#[test]
fn the_largest_frame_passes_and_one_byte_more_does_not() {
    let (limit, payload) = (Limit::TO_AGENT, Limit::TO_AGENT.bytes());
    let largest = refused_of(payload);
    let frame = encode(&largest, limit).unwrap();
    let mut decoder = Decoder::new(limit);
    decoder.push(&frame);
    assert_eq!(decoder.next_message(), Ok(Some(largest)));

    let error = FrameError::TooLong {
        length: payload + 1,
        limit,
    };
    assert_eq!(encode(&refused_of(payload + 1), limit), Err(error));
}

/// A message whose payload has exactly `length` bytes.
fn refused_of(length: usize) -> AgentMessage {
    // Tag and length of `refused` and of its `reason`, lengths of three bytes each.
    const AROUND: usize = 4 + 4;
    let reason = "x".repeat(length - AROUND);
    AgentMessage {
        body: Some(agent_message::Body::Refused(Refused {
            reason,
            protocol: 0,
        })),
    }
}

#[test]
fn a_message_without_a_body_is_not_sent() {
    let nothing = ClientMessage { body: None };
    assert_eq!(encode(&nothing, Limit::TO_AGENT), Err(FrameError::Empty));
}

#[test]
fn errors_name_the_culprit_and_the_next_step() {
    let sentence = |bytes: &[u8], limit| {
        let mut decoder = Decoder::new(limit);
        decoder.push(bytes);
        decoder
            .next_message::<ClientMessage>()
            .unwrap_err()
            .to_string()
    };
    insta::assert_snapshot!(sentence(&[0; 4], Limit::TO_AGENT), @"frame of length 0, expected a message: check that the other side is a stallscope agent or client");
    insta::assert_snapshot!(sentence(b"GET / HTTP/1.1", Limit::TO_AGENT), @"frame of 542393671 bytes towards the agent, at most 65536 are allowed: name fewer nodes and filter terms, or check that the other side is a stallscope agent or client");
    insta::assert_snapshot!(sentence(&[1, 0, 128, 0], Limit::TO_CLIENT), @"frame of 8388609 bytes towards the client, at most 8388608 are allowed: ask for fewer rows, or check that the other side is a stallscope agent or client");
    insta::assert_snapshot!(sentence(&[3, 0, 0, 0, 0x0a, 9, 9], Limit::TO_AGENT), @"frame that holds no stallscope message (failed to decode Protobuf message: ClientMessage.body: buffer underflow): check that the other side is a stallscope agent or client");
}

//! 100 000 frames, each damaged in a few places: every one is read, refused or waited for, and none breaks anything.
//!
//! The seed is fixed, so that a failure is the same tomorrow; its round is in the message.

mod samples;

use std::fmt::Debug;

use prost::Message;
use stallscope_wire::PROTOCOL;
use stallscope_wire::frame::{Decoder, Limit, encode};
use stallscope_wire::handshake;

const ROUNDS: usize = 50_000;

#[test]
fn damaged_frames_towards_the_agent() {
    attack(samples::to_agent(), Limit::TO_AGENT, |message| {
        let stranger = handshake::answer(&message, Some("a token no sample holds"));
        assert!(stranger.is_err());
    });
}

#[test]
fn damaged_frames_towards_the_client() {
    attack(samples::to_client(), Limit::TO_CLIENT, |message| {
        if let Ok(welcome) = handshake::accept(message) {
            assert_eq!(welcome.protocol, PROTOCOL);
        }
    });
}

/// Damages frames, reads them, and gives what was read to `use_it`.
fn attack<M>(samples: Vec<(&str, M)>, limit: Limit, use_it: impl Fn(M))
where
    M: Message + Default + Debug + PartialEq,
{
    let frames: Vec<Vec<u8>> = samples
        .into_iter()
        .map(|(_, message)| encode(&message, limit).unwrap())
        .collect();
    let mut random = Random(0x5eed);
    let (mut read, mut refused, mut waiting) = (0, 0, 0);
    for round in 0..ROUNDS {
        let mut frame = frames[random.below(frames.len())].clone();
        for _ in 0..=random.below(4) {
            damage(&mut frame, &mut random);
        }
        let (first, second) = frame.split_at(random.below(frame.len() + 1));
        let mut decoder = Decoder::new(limit);
        for half in [first, second] {
            decoder.push(half);
            loop {
                match decoder.next_message::<M>() {
                    Ok(Some(message)) => {
                        read += 1;
                        assert_eq!(reencoded(&message), message, "round {round}");
                        use_it(message);
                    }
                    Ok(None) => {
                        waiting += 1;
                        break;
                    }
                    Err(error) => {
                        refused += 1;
                        assert_eq!(decoder.next_message::<M>(), Err(error), "round {round}");
                        break;
                    }
                }
            }
        }
    }
    // The damage is neither so light nor so heavy that one of the three outcomes goes untested.
    for outcome in [read, refused, waiting] {
        assert!(
            outcome > ROUNDS / 20,
            "{read} read, {refused} refused, {waiting} waiting"
        );
    }
}

fn reencoded<M: Message + Default>(message: &M) -> M {
    M::decode(&message.encode_to_vec()[..]).unwrap()
}

fn damage(frame: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(frame.len() + 1);
    match random.below(6) {
        0 => frame.insert(at, random.byte()),
        1 => frame.truncate(at.max(1)),
        2 => frame.extend_from_within(at..),
        _ if at == frame.len() => frame.push(random.byte()),
        3 => frame[at] = random.byte(),
        4 => frame[at] ^= 1 << random.below(8),
        _ => _ = frame.remove(at),
    }
}

/// `SplitMix64`: good enough to choose where to strike, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

//! Frames: where one message ends and the next begins in a stream of bytes.
//!
//! A frame is four bytes of length, little endian, and that many bytes of payload: one protobuf message. How the bytes
//! travel is the caller's business; nothing here reads, writes or waits.
//!
//! Nothing that arrives can cost much more than its size: a length is checked before anything else is done with it, and
//! the buffer grows with the bytes that are there, never with those that are announced. A decoded message is larger than
//! its bytes by a bounded factor, for a list of empty elements takes two bytes each on the wire and an element each in
//! memory: 24 in the worst case towards the agent (1.5 MiB), 280 towards the client, which chose whom to connect to.
//!
//! Unknown fields are skipped by prost, groups nested in them to its limit of 100 levels; an application that turns on
//! prost's feature `no-recursion-limit` takes that limit away for everyone. No message here refers to itself, so the
//! depth of what is decoded is that of the `.proto`.

use std::fmt;

use prost::Message;

/// Bytes of the length in front of each payload.
const HEADER: usize = 4;

/// The largest payload in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    bytes: usize,
    towards: Side,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Agent,
    Client,
}

impl Limit {
    /// From client to agent: 65 536 bytes. The agent lives in the application, whose memory is not ours.
    pub const TO_AGENT: Limit = Limit {
        bytes: 65_536,
        towards: Side::Agent,
    };
    /// From agent to client: 8 388 608 bytes (8 MiB).
    pub const TO_CLIENT: Limit = Limit {
        bytes: 8 << 20,
        towards: Side::Client,
    };

    /// The largest payload, in bytes; the four bytes of length in front of it are not counted.
    pub const fn bytes(self) -> usize {
        self.bytes
    }
}

/// The frame that carries `message`, ready to be written.
///
/// # Errors
///
/// [`FrameError::Empty`] if the message has no content (its `body` is unset), [`FrameError::TooLong`] if it exceeds
/// `limit`. Nothing was sent then; the connection can go on.
pub fn encode<M: Message>(message: &M, limit: Limit) -> Result<Vec<u8>, FrameError> {
    let length = message.encoded_len();
    check(length, limit)?;
    let header = (length as u32).to_le_bytes();
    Ok([&header[..], &message.encode_to_vec()].concat())
}

/// Takes bytes as they come and gives messages.
///
/// It holds what was pushed and not yet taken: with [`next_message`](Self::next_message) called until it gives `None`
/// after every push, that is less than one frame of the limit plus one push.
#[derive(Debug)]
pub struct Decoder {
    limit: Limit,
    /// Bytes from `start` on are yet to be decoded.
    buffer: Vec<u8>,
    start: usize,
    failed: Option<FrameError>,
}

impl Decoder {
    /// A decoder for one direction of one connection.
    pub const fn new(limit: Limit) -> Self {
        Decoder {
            limit,
            buffer: Vec::new(),
            start: 0,
            failed: None,
        }
    }

    /// Adds bytes as they were read: any part of a frame, or several frames. After an error they are dropped.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        self.reserve(bytes.len());
        self.buffer.extend_from_slice(bytes);
    }

    /// The next message, or `None` until more bytes are pushed.
    ///
    /// A message of a kind this version does not know comes as one whose `body` is unset: skip it.
    ///
    /// # Errors
    ///
    /// The stream is no longer, or never was, one of frames. There is no way to find the next frame, so the same error
    /// comes from every later call: say why and close the connection.
    pub fn next_message<M: Message + Default>(&mut self) -> Result<Option<M>, FrameError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.decode().inspect_err(|error| {
            self.failed = Some(error.clone());
            self.buffer = Vec::new();
            self.start = 0;
        })
    }

    fn decode<M: Message + Default>(&mut self) -> Result<Option<M>, FrameError> {
        let pending = &self.buffer[self.start..];
        let Some((header, rest)) = pending.split_first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(*header) as usize;
        check(length, self.limit)?;
        let Some(payload) = rest.get(..length) else {
            return Ok(None);
        };
        let message = M::decode(payload).map_err(FrameError::Malformed)?;
        self.start += HEADER + length;
        Ok(Some(message))
    }

    /// Room for `more` bytes. Doubles as `Vec` does, but not past the largest frame: a push is never answered by a
    /// reservation of twice the limit.
    fn reserve(&mut self, more: usize) {
        let needed = self.buffer.len() + more;
        if needed > self.buffer.capacity() {
            let doubled = (2 * self.buffer.capacity()).min(HEADER + self.limit.bytes);
            self.buffer
                .reserve_exact(needed.max(doubled) - self.buffer.len());
        }
    }
}

/// Holds for what is sent and for what arrives.
fn check(length: usize, limit: Limit) -> Result<(), FrameError> {
    if length == 0 {
        return Err(FrameError::Empty);
    }
    if length > limit.bytes {
        return Err(FrameError::TooLong { length, limit });
    }
    Ok(())
}

/// Why a frame cannot be sent, or why what arrived is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The length is zero. A message always has a body.
    Empty,
    /// The length is above the limit of its direction.
    TooLong {
        /// Bytes of payload, as announced by the peer or as encoded here.
        length: usize,
        /// What it may be.
        limit: Limit,
    },
    /// The payload is no protobuf message of the expected type.
    Malformed(prost::DecodeError),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CHECK: &str = "check that the other side is a stallscope agent or client";
        match self {
            FrameError::Empty => write!(f, "frame of length 0, expected a message: {CHECK}"),
            FrameError::TooLong { length, limit } => {
                let (side, smaller) = match limit.towards {
                    Side::Agent => ("the agent", "name fewer nodes and filter terms"),
                    Side::Client => ("the client", "ask for fewer rows"),
                };
                write!(
                    f,
                    "frame of {length} bytes towards {side}, at most {} are allowed: {smaller}, or {CHECK}",
                    limit.bytes
                )
            }
            FrameError::Malformed(why) => {
                write!(f, "frame that holds no stallscope message ({why}): {CHECK}")
            }
        }
    }
}

impl std::error::Error for FrameError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::{
        ClientMessage, EndedTask, Finding, Lock, LockHolder, LockWaiter, NodeKey, Party, Runtime,
        SiteStats, Task, Term, ThreadStack, TreeRow, Worker,
    };

    proptest! {
        #[test]
        fn reserves_nothing_for_what_is_only_announced(length: u32) {
            let mut decoder = Decoder::new(Limit::TO_CLIENT);
            decoder.push(&length.to_le_bytes());
            prop_assert!(decoder.buffer.capacity() <= 2 * HEADER);
        }

        #[test]
        fn buffers_no_more_than_one_frame(chunk in 100..5_000_usize) {
            let limit = Limit::TO_AGENT;
            let mut decoder = Decoder::new(limit);
            decoder.push(&(limit.bytes() as u32).to_le_bytes());
            for _ in 0..(limit.bytes() - 1) / chunk {
                decoder.push(&vec![0; chunk]);
                prop_assert_eq!(decoder.next_message::<ClientMessage>(), Ok(None));
                prop_assert!(decoder.buffer.capacity() <= HEADER + limit.bytes());
            }
        }
    }

    #[test]
    fn keeps_nothing_after_an_error() {
        let mut decoder = Decoder::new(Limit::TO_AGENT);
        decoder.push(b"GET / HTTP/1.1\r\n");
        assert!(decoder.next_message::<ClientMessage>().is_err());
        decoder.push(&[0; 10_000]);
        assert_eq!(decoder.buffer.capacity(), 0);
    }

    /// The factors that the module documentation names.
    #[test]
    fn decoded_lists_are_larger_by_a_bounded_factor() {
        const SMALLEST_ELEMENT: usize = 2;
        for towards_agent in [size_of::<Term>(), size_of::<NodeKey>()] {
            assert!(towards_agent <= 24 * SMALLEST_ELEMENT, "{towards_agent}");
        }
        for towards_client in [
            size_of::<TreeRow>(),
            size_of::<Task>(),
            size_of::<SiteStats>(),
            size_of::<EndedTask>(),
            size_of::<Finding>(),
            size_of::<Lock>(),
            size_of::<LockHolder>(),
            size_of::<LockWaiter>(),
            size_of::<Party>(),
            size_of::<ThreadStack>(),
            size_of::<Runtime>(),
            size_of::<Worker>(),
        ] {
            assert!(towards_client <= 280 * SMALLEST_ELEMENT, "{towards_client}");
        }
    }
}

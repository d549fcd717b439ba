//! The protocol between a stallscope agent and its clients, as pure functions on bytes.
//!
//! The agent lives in an application, perhaps one that was built months ago; its clients are the `stallscope` terminal
//! program and whatever else wants to look. This crate is what both have in common:
//!
//! - [`message`]: what can be said, made from `proto/stallscope.proto`, which is the specification
//! - [`frame`]: where one message ends and the next begins
//! - [`handshake`]: who is there, and which version of the protocol both speak
//! - [`text`]: how kinds, states, places and stacks are spelled, for filters and for people
//!
//! Invariant: no sockets, no files, no clocks, no threads. Bytes come in as slices and go out as vectors, so every
//! state of a conversation can be had in a test.
//!
//! A client starts with [`handshake::hello`], an agent with [`handshake::answer`]; both keep one [`frame::Decoder`] per
//! connection and use [`frame::encode`] for what they send.
//!
//! # Example
//!
//! A whole conversation, without a wire:
//!
//! ```
//! use stallscope_wire::frame::{Decoder, Limit, encode};
//! use stallscope_wire::handshake::{accept, answer, hello};
//! use stallscope_wire::message::{AgentMessage, ClientMessage, Process, Welcome, agent_message};
//!
//! // The client says hello. What it writes may arrive in pieces of any size.
//! let written = encode(&hello("0.1.0", None), Limit::TO_AGENT)?;
//!
//! // The agent reads, agrees on a version and says who it is, or why not.
//! let mut decoder = Decoder::new(Limit::TO_AGENT);
//! let mut first = None;
//! for piece in written.chunks(5) {
//!     decoder.push(piece);
//!     first = decoder.next_message::<ClientMessage>()?;
//! }
//! let body = match answer(&first.expect("all pieces have arrived"), None) {
//!     Ok(protocol) => agent_message::Body::Welcome(Welcome {
//!         protocol,
//!         process: Some(Process { pid: 4711, ..Process::default() }),
//!     }),
//!     Err(refused) => agent_message::Body::Refused(refused),
//! };
//! let written = encode(&AgentMessage { body: Some(body) }, Limit::TO_CLIENT)?;
//!
//! // The client reads that, and may subscribe from here on.
//! let mut decoder = Decoder::new(Limit::TO_CLIENT);
//! decoder.push(&written);
//! let first = decoder.next_message()?.expect("it is a whole frame");
//! let process = accept(first)?.process.unwrap_or_default();
//! assert_eq!(process.pid, 4711);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Skew
//!
//! Agent and client are rarely of one age. Unknown fields are skipped by the decoder. A message of an unknown kind
//! arrives with its `body` unset: ignore it. An enum is kept as the number that came; read it through the getter of the
//! same name, which gives the zero value, "unknown", for a number this version has no name for:
//!
//! ```
//! use stallscope_wire::message::{Task, TaskState};
//!
//! let from_a_newer_agent = Task { state: 17, ..Task::default() };
//! assert_eq!(from_a_newer_agent.state(), TaskState::Unknown);
//! ```

pub mod frame;
pub mod handshake;
pub mod text;

/// The messages of `stallscope.proto`, which is the specification; its comments are the documentation here.
///
/// The file is made by `cargo xtask codegen` and checked in, so that building needs neither `protoc` nor a build
/// script.
#[path = "generated.rs"]
#[allow(missing_docs)] // what needs an explanation has a comment in the .proto
#[allow(clippy::all, clippy::pedantic)] // the generator's style, not ours
pub mod message;

/// The version of the protocol that this crate speaks. Agreed upon in the handshake.
pub const PROTOCOL: u32 = 1;

/// The first field of every connection, "Stal": tells our client from anything else that found the socket.
pub const MAGIC: u32 = u32::from_be_bytes(*b"Stal");

/// Holds the example of the README to compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

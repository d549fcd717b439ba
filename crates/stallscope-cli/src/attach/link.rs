//! Messages of an agent's side of a connection, over a socket.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use stallscope_wire::frame::{Decoder, Limit, encode};
use stallscope_wire::message::{AgentMessage, ClientMessage, agent_message};

/// Bytes taken from the socket at once.
const READ: usize = 16 * 1024;

pub(super) struct Link<'a> {
    socket: &'a UnixStream,
    decoder: Decoder,
}

impl<'a> Link<'a> {
    pub(super) fn new(socket: &'a UnixStream) -> Self {
        Link {
            socket,
            decoder: Decoder::new(Limit::TO_AGENT),
        }
    }

    /// The next message; `None` if none has come by then. The end of the stream is an error.
    pub(super) fn receive(&mut self, until: Option<Instant>) -> io::Result<Option<ClientMessage>> {
        loop {
            if let Some(message) = self.decoder.next_message().map_err(io::Error::other)? {
                return Ok(Some(message));
            }
            if !self.wait(until)? {
                return Ok(None);
            }
            let mut buffer = [0; READ];
            match self.socket.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.decoder.push(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether there is something to read by then. A timeout of the socket itself would be late by up to a tick of the kernel.
    fn wait(&self, until: Option<Instant>) -> io::Result<bool> {
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let left = left.map(Timespec::try_from).transpose();
            let left = left.map_err(io::Error::other)?;
            let mut socket = [PollFd::new(self.socket, PollFlags::IN)];
            match poll(&mut socket, left.as_ref()) {
                Ok(ready) => return Ok(ready > 0),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(super) fn send(&mut self, body: agent_message::Body) -> io::Result<()> {
        let message = AgentMessage { body: Some(body) };
        let frame = encode(&message, Limit::TO_CLIENT).map_err(io::Error::other)?;
        self.socket.write_all(&frame)
    }
}

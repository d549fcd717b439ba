//! The smallest client: connects to the socket given and prints the number of live tasks every second.
//!
//! ```text
//! cargo run -p stallscope-wire --example overview -- $XDG_RUNTIME_DIR/stallscope/4711.sock
//! ```

use std::error::Error;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use stallscope_wire::frame::{Decoder, Limit, encode};
use stallscope_wire::handshake::{accept, hello};
use stallscope_wire::message::{
    AgentMessage, ClientMessage, OverviewQuery, Subscribe, agent_message, client_message,
    subscribe, update,
};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: overview SOCKET")?;
    let mut connection = Connection {
        stream: UnixStream::connect(&path)
            .map_err(|error| format!("cannot connect to {path}: {error}"))?,
        decoder: Decoder::new(Limit::TO_CLIENT),
    };

    connection.send(&hello(env!("CARGO_PKG_VERSION"), None))?;
    let process = accept(connection.receive()?)?.process.unwrap_or_default();
    println!(
        "{} (pid {}), tokio {}",
        process.program, process.pid, process.tokio_version
    );

    connection.send(&ClientMessage {
        body: Some(client_message::Body::Subscribe(Subscribe {
            subscription: 1,
            interval_ms: 1_000,
            topic: Some(subscribe::Topic::Overview(OverviewQuery {})),
        })),
    })?;
    loop {
        match connection.receive()?.body {
            Some(agent_message::Body::Update(update)) => {
                if let Some(update::Body::Overview(overview)) = update.body {
                    println!(
                        "{} live tasks, {} polls",
                        overview.live_tasks, overview.polls
                    );
                }
            }
            Some(agent_message::Body::Failed(failed)) => return Err(failed.reason.into()),
            Some(agent_message::Body::Refused(refused)) => return Err(refused.reason.into()),
            // Of a kind this client does not know, or a second welcome: nothing to do.
            Some(agent_message::Body::Welcome(_)) | None => {}
        }
    }
}

struct Connection {
    stream: UnixStream,
    decoder: Decoder,
}

impl Connection {
    fn send(&mut self, message: &ClientMessage) -> Result<(), Box<dyn Error>> {
        Ok(self.stream.write_all(&encode(message, Limit::TO_AGENT)?)?)
    }

    fn receive(&mut self) -> Result<AgentMessage, Box<dyn Error>> {
        let mut buffer = [0; 16 * 1024];
        loop {
            if let Some(message) = self.decoder.next_message()? {
                return Ok(message);
            }
            match self.stream.read(&mut buffer)? {
                0 => return Err("the application has ended".into()),
                bytes => self.decoder.push(&buffer[..bytes]),
            }
        }
    }
}

//! A client of this process's own agent, as another process would be one.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use stallscope_wire::frame::{Decoder, Limit, encode};
use stallscope_wire::handshake::{accept, hello};
use stallscope_wire::message::{
    AgentMessage, ClientMessage, Findings, FindingsQuery, Subscribe, agent_message, client_message,
    subscribe, update,
};

pub(crate) struct Client {
    stream: UnixStream,
    decoder: Decoder,
}

impl Client {
    /// Connects to an agent that listens or is about to.
    pub(crate) fn connect(socket: &Path) -> Result<Self> {
        let connected = (0..500).find_map(|_| {
            let stream = UnixStream::connect(socket).ok();
            if stream.is_none() {
                std::thread::sleep(Duration::from_millis(10));
            }
            stream
        });
        let stream = connected
            .with_context(|| format!("no agent listens at {} within 5 s", socket.display()))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut client = Self {
            stream,
            decoder: Decoder::new(Limit::TO_CLIENT),
        };
        client.send(&hello(env!("CARGO_PKG_VERSION"), None))?;
        let answer = client.receive()?;
        accept(answer).context("the agent did not welcome us")?;
        Ok(client)
    }

    pub(crate) fn findings(&mut self) -> Result<Findings> {
        let request = client_message::Body::Subscribe(Subscribe {
            subscription: 1,
            interval_ms: 0,
            topic: Some(subscribe::Topic::Findings(FindingsQuery::default())),
        });
        self.send(&ClientMessage {
            body: Some(request),
        })?;
        let answer = self.receive()?.body;
        if let Some(agent_message::Body::Update(update)) = answer
            && let Some(update::Body::Findings(findings)) = update.body
        {
            return Ok(findings);
        }
        bail!("the agent did not answer with findings")
    }

    fn send(&mut self, message: &ClientMessage) -> Result<()> {
        let frame = encode(message, Limit::TO_AGENT).context("the message is too long")?;
        Ok(self.stream.write_all(&frame)?)
    }

    fn receive(&mut self) -> Result<AgentMessage> {
        let mut buffer = [0; 16 * 1024];
        loop {
            if let Some(message) = self.decoder.next_message()? {
                return Ok(message);
            }
            match self.stream.read(&mut buffer)? {
                0 => bail!("the agent closed the connection"),
                count => self.decoder.push(&buffer[..count]),
            }
        }
    }
}

//! A connection to an agent, for threads that may wait: questions one by one, or a stream of updates.

mod error;
mod stream;
#[cfg(test)]
mod tests;
pub(crate) mod transport;

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use stallscope_wire::frame::{Decoder, FrameError, Limit, encode};
use stallscope_wire::handshake;
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{
    AgentMessage, ClientMessage, Subscribe, Update, Welcome, agent_message, client_message, update,
};

use crate::target::Target;

pub(crate) use error::ClientError;
use error::Problem;
pub(crate) use stream::{StreamEvent, Subscriber};
use transport::Transport;

/// How long an agent may take to accept, and to answer a question. Agents answer within milliseconds, whatever the
/// application does; only a stopped process or a stranger takes longer.
const CONNECT: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(5);

/// Bytes taken from the socket at once.
const READ: usize = 16 * 1024;

/// A connection whose handshake is done.
#[derive(Debug)]
pub(crate) struct Connection {
    link: Link,
    welcome: Welcome,
    /// Names the last question asked.
    subscription: u64,
}

impl Connection {
    /// Connects and shakes hands.
    pub(crate) fn open(target: &Target) -> Result<Self, ClientError> {
        Self::open_within(target, CONNECT, ANSWER)
    }

    /// As [`open`](Self::open), for a caller that has other agents to ask: a short time to `answer` holds for every
    /// question.
    pub(crate) fn open_within(
        target: &Target,
        connect: Duration,
        answer: Duration,
    ) -> Result<Self, ClientError> {
        let agent = target.to_string();
        let transport = match Transport::connect(target, connect) {
            Ok(transport) => transport,
            Err(error) => {
                return Err(ClientError {
                    agent,
                    problem: Problem::Connect(error),
                });
            }
        };
        let token = match target {
            Target::Unix { .. } | Target::Attach { .. } => None,
            Target::Tcp { token, .. } => Some(token.as_str()),
        };
        let mut link = Link {
            agent,
            transport,
            decoder: Decoder::new(Limit::TO_CLIENT),
            answer,
            until: None,
        };
        let welcome = link.shake_hands(token)?;
        Ok(Connection {
            link,
            welcome,
            subscription: 0,
        })
    }

    /// What the agent said of itself.
    pub(crate) fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Asks once and waits for the answer.
    pub(crate) fn ask(&mut self, topic: Topic) -> Result<update::Body, ClientError> {
        self.ask_when(topic).map(|(_, body)| body)
    }

    /// As [`ask`](Self::ask), with the time since the start of recording at which the answer was true.
    pub(crate) fn ask_when(
        &mut self,
        topic: Topic,
    ) -> Result<(Duration, update::Body), ClientError> {
        self.subscription += 1;
        let subscription = self.subscription;
        let deadline = self.link.deadline();
        self.link.send(&ClientMessage {
            body: Some(client_message::Body::Subscribe(Subscribe {
                subscription,
                interval_ms: 0,
                topic: Some(topic),
            })),
        })?;
        loop {
            match self.link.receive(deadline)? {
                agent_message::Body::Update(Update {
                    subscription: answered,
                    at_ns,
                    body: Some(body),
                }) if answered == subscription => return Ok((Duration::from_nanos(at_ns), body)),
                agent_message::Body::Update(update) if update.subscription == subscription => {
                    return Err(self.link.error(Problem::Mismatch));
                }
                agent_message::Body::Failed(failed) if failed.subscription == subscription => {
                    return Err(self.link.error(Problem::Failed(failed.reason)));
                }
                agent_message::Body::Refused(refused) => {
                    return Err(self.link.error(Problem::Refused(refused.reason)));
                }
                // The answer to an earlier question that was given up, or a second Welcome: not what we wait for.
                _ => {}
            }
        }
    }

    /// The number of the process that listens, where it runs on this machine and the system tells.
    pub(crate) fn local_pid(&self) -> Option<u32> {
        self.link.transport.peer()
    }

    /// From here on no question is waited for beyond this moment.
    pub(crate) fn give_up_at(&mut self, until: Instant) {
        self.link.until = Some(until);
    }

    /// The answer was of another kind than the question.
    pub(crate) fn mismatch(&self) -> ClientError {
        self.link.error(Problem::Mismatch)
    }

    /// Goes on without questions and answers: from here on a thread of its own hands everything that arrives to `deliver`,
    /// and the [`Subscriber`] says what is to arrive. `deliver` should be quick; while it runs nothing is read.
    pub(crate) fn into_stream(
        self,
        deliver: impl Fn(StreamEvent) + Send + 'static,
    ) -> Result<Subscriber, ClientError> {
        stream::start(self.link, deliver)
    }
}

/// Messages over a transport.
#[derive(Debug)]
struct Link {
    /// For messages to people.
    agent: String,
    transport: Transport,
    decoder: Decoder,
    answer: Duration,
    /// When nobody waits for an answer any more, however late it was asked for.
    until: Option<Instant>,
}

impl Link {
    /// When an answer to what is asked now is given up.
    fn deadline(&self) -> Instant {
        let patient = Instant::now() + self.answer;
        self.until.map_or(patient, |until| patient.min(until))
    }

    fn shake_hands(&mut self, token: Option<&str>) -> Result<Welcome, ClientError> {
        let deadline = self.deadline();
        self.send(&handshake::hello(env!("CARGO_PKG_VERSION"), token))?;
        let first = AgentMessage {
            body: Some(self.receive(deadline)?),
        };
        handshake::accept(first).map_err(|error| self.error(Problem::Handshake(error)))
    }

    fn send(&mut self, message: &ClientMessage) -> Result<(), ClientError> {
        let frame = encode(message, Limit::TO_AGENT).map_err(|error| self.error(error.into()))?;
        let sent = self
            .transport
            .limit_writes(Some(self.answer))
            .and_then(|()| self.transport.write_all(&frame));
        match sent {
            // An agent that has no place for us says so and hangs up without reading. Its reason is still to be read.
            Err(error) if hung_up(&error) => Ok(()),
            Err(error) if timed_out(&error) => Err(self.error(Problem::Silent(self.answer))),
            sent => sent.map_err(|error| self.error(Problem::Broken(error))),
        }
    }

    /// The next message of a kind that this client knows.
    fn receive(&mut self, deadline: Instant) -> Result<agent_message::Body, ClientError> {
        loop {
            match self.decoded() {
                Ok(Some(body)) => return Ok(body),
                Ok(None) => {}
                Err(error) => return Err(self.error(error.into())),
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.error(Problem::Silent(self.answer)));
            }
            let read = self
                .transport
                .limit_reads(Some(left))
                .and_then(|()| self.read_some());
            match read {
                Ok(0) => return Err(self.error(Problem::Closed)),
                Ok(_) => {}
                Err(error) if timed_out(&error) => {
                    return Err(self.error(Problem::Silent(self.answer)));
                }
                Err(error) if hung_up(&error) => return Err(self.error(Problem::Closed)),
                Err(error) => return Err(self.error(Problem::Broken(error))),
            }
        }
    }

    /// The next message of those bytes that are here. Messages of a kind this client does not know are skipped.
    fn decoded(&mut self) -> Result<Option<agent_message::Body>, FrameError> {
        while let Some(message) = self.decoder.next_message::<AgentMessage>()? {
            if message.body.is_some() {
                return Ok(message.body);
            }
        }
        Ok(None)
    }

    /// Bytes taken over from the transport; 0 at its end.
    fn read_some(&mut self) -> io::Result<usize> {
        let mut buffer = [0; READ];
        loop {
            match self.transport.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => {
                    let read = read?;
                    self.decoder.push(&buffer[..read]);
                    return Ok(read);
                }
            }
        }
    }

    fn error(&self, problem: Problem) -> ClientError {
        ClientError {
            agent: self.agent.clone(),
            problem,
        }
    }
}

impl From<FrameError> for Problem {
    fn from(error: FrameError) -> Self {
        Problem::Frame(error)
    }
}

fn hung_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
    )
}

/// Unix says "would block" where a limit on a wait has passed.
fn timed_out(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

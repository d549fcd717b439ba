//! Speaks for a process that has no agent: a thread of ours that reads it from outside and answers over a socket as an agent would.
//!
//! So the view and everything else behind a connection need not know where its answers come from.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use stallscope_attach::{Options, Process, Target};
use stallscope_wire::frame::{Decoder, Limit, encode};
use stallscope_wire::handshake;
use stallscope_wire::message::{
    AgentMessage, ClientMessage, Failed, Refused, Subscribe, Update, Welcome, agent_message,
    client_message,
};

use super::answer::{self, Picture};
use super::life::Life;

/// Bytes taken from the socket at once.
const READ: usize = 16 * 1024;

/// A picture of the process serves all questions of this time.
const FRESH: Duration = Duration::from_millis(250);

/// Of its time, the thread reads at most one part in so many: a process with a million tasks is read seldom.
const RARELY: u32 = 4;

/// A connection to the process with that number. Waits until its debug information has been read; if that fails, the handshake says why.
pub(crate) fn connect(pid: u32) -> io::Result<UnixStream> {
    let (ours, theirs) = UnixStream::pair()?;
    let (ready, opened) = sync_channel(1);
    thread::Builder::new()
        .name("stallscope-attach".to_owned())
        .spawn(move || serve(pid, &theirs, &ready))?;
    // Fails only if that thread has ended, which the handshake will show.
    let _ = opened.recv();
    Ok(ours)
}

fn serve(pid: u32, socket: &UnixStream, ready: &SyncSender<()>) {
    let refuse = |reason: String| {
        let _ = ready.send(());
        refuse(socket, reason);
    };
    let life = Life::of(pid);
    let target = match Target::live(pid) {
        Ok(target) => target,
        Err(error) => return refuse(error.to_string()),
    };
    let process = match Process::of(&target) {
        Ok(process) => process,
        Err(error) => return refuse(error.to_string()),
    };
    let _ = ready.send(());
    let agent = Agent {
        link: Link::new(socket),
        process: &process,
        life,
        began: Instant::now(),
        picture: Picture::default(),
        read: None,
        asked: BTreeMap::new(),
    };
    // However it ends, the client learns by the end of the stream.
    let _ended = agent.run(answer::process(pid));
}

/// Hears the client out: a socket that is closed on unread bytes takes back what was sent.
fn refuse(socket: &UnixStream, reason: String) {
    let mut link = Link::new(socket);
    let _ = link.receive(None);
    let _ = link.send(agent_message::Body::Refused(Refused {
        reason,
        protocol: 0,
    }));
}

struct Agent<'a> {
    link: Link<'a>,
    process: &'a Process<'a>,
    life: Life,
    began: Instant,
    picture: Picture,
    /// When the picture was made, and how long that took.
    read: Option<(Instant, Duration)>,
    /// What is to be answered, each with the time at which it is due.
    asked: BTreeMap<u64, (Instant, Subscribe)>,
}

impl Agent<'_> {
    fn run(mut self, process: stallscope_wire::message::Process) -> io::Result<()> {
        let Some(hello) = self.link.receive(None)? else {
            return Ok(());
        };
        let protocol = match handshake::answer(&hello, None) {
            Ok(protocol) => protocol,
            Err(refused) => return self.link.send(agent_message::Body::Refused(refused)),
        };
        self.link.send(agent_message::Body::Welcome(Welcome {
            protocol,
            process: Some(process),
        }))?;
        while self.life.lasts() {
            let due = self.asked.values().map(|(due, _)| *due).min();
            match self.link.receive(due)?.and_then(|message| message.body) {
                Some(client_message::Body::Subscribe(asked)) => {
                    let now = Instant::now();
                    self.asked.insert(asked.subscription, (now, asked));
                }
                Some(client_message::Body::Unsubscribe(ended)) => {
                    self.asked.remove(&ended.subscription);
                }
                Some(client_message::Body::Hello(_)) | None => {}
            }
            self.answer_what_is_due()?;
        }
        Ok(())
    }

    fn answer_what_is_due(&mut self) -> io::Result<()> {
        let now = Instant::now();
        let due: Vec<u64> = self
            .asked
            .iter()
            .filter(|(_, (due, _))| *due <= now)
            .map(|(number, _)| *number)
            .collect();
        if due.is_empty() {
            return Ok(());
        }
        self.look(now);
        for number in due {
            let Some((_, asked)) = self.asked.remove(&number) else {
                continue;
            };
            self.link.send(self.answer(&asked))?;
            if asked.interval_ms > 0 {
                let interval = Duration::from_millis(asked.interval_ms.max(50).into());
                self.asked
                    .insert(number, (Instant::now() + interval, asked));
            }
        }
        Ok(())
    }

    /// Takes a new picture, unless the last one is good enough.
    fn look(&mut self, now: Instant) {
        let is_fresh = |(at, took): (Instant, Duration)| {
            now.saturating_duration_since(at) < FRESH.max(took * RARELY)
        };
        if self.read.is_some_and(is_fresh) {
            return;
        }
        self.picture.take(self.process.tasks(&Options::default()));
        let done = Instant::now();
        self.read = Some((done, done.saturating_duration_since(now)));
    }

    fn answer(&self, asked: &Subscribe) -> agent_message::Body {
        let subscription = asked.subscription;
        match self.picture.answer(asked.topic.as_ref()) {
            Ok(body) => agent_message::Body::Update(Update {
                subscription,
                at_ns: u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX),
                body: Some(body),
            }),
            Err(reason) => agent_message::Body::Failed(Failed {
                subscription,
                reason,
            }),
        }
    }
}

/// Messages over the socket.
struct Link<'a> {
    socket: &'a UnixStream,
    decoder: Decoder,
}

impl<'a> Link<'a> {
    fn new(socket: &'a UnixStream) -> Self {
        Link {
            socket,
            decoder: Decoder::new(Limit::TO_AGENT),
        }
    }

    /// The next message; `None` if none has come by then. The end of the stream is an error.
    fn receive(&mut self, until: Option<Instant>) -> io::Result<Option<ClientMessage>> {
        loop {
            if let Some(message) = self.decoder.next_message().map_err(io::Error::other)? {
                return Ok(Some(message));
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            self.socket.set_read_timeout(left)?;
            let mut buffer = [0; READ];
            match self.socket.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.decoder.push(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn send(&mut self, body: agent_message::Body) -> io::Result<()> {
        let message = AgentMessage { body: Some(body) };
        let frame = encode(&message, Limit::TO_CLIENT).map_err(io::Error::other)?;
        self.socket.write_all(&frame)
    }
}

#[cfg(test)]
mod tests {
    use crate::client::Connection;
    use crate::target;

    #[test]
    fn a_process_without_types_is_refused_with_the_reason() {
        let pid = std::process::id();
        let error = Connection::open(&target::Target::Attach { pid })
            .expect_err("a test has no tokio in it")
            .to_string();
        assert!(error.starts_with(&format!("process {pid}: ")), "{error}");
    }
}

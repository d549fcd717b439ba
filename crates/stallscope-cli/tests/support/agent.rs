//! An agent that plays a part: it speaks the real protocol over a real socket, or misbehaves as the test wants.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use stallscope_wire::frame::{Decoder, Limit, encode};
use stallscope_wire::handshake;
use stallscope_wire::message::{
    AgentMessage, ClientMessage, Failed, Subscribe, Update, Welcome, agent_message, client_message,
};

use super::service::Service;

/// How an agent behaves towards everyone that connects.
#[derive(Clone)]
pub(crate) enum Part {
    /// Answers from this service.
    Serves(Service),
    /// As `Serves`, with messages of a kind yet to be invented before each answer.
    SpeaksOfTheFuture(Service),
    /// Accepts and says nothing.
    Silent,
    /// Writes these bytes in place of a handshake and hangs up.
    Writes(Vec<u8>),
    /// Shakes hands, then hangs up in the middle of its first answer.
    Breaks(Service),
    /// As `Serves`, and hangs up in place of its next answer after so many, the greeting included.
    EndsAfter(Service, usize),
    /// As `Serves`, and says nothing more after so many answers, the greeting included.
    StopsAfter(Service, usize),
    /// Answers the greeting with this.
    Greets(agent_message::Body),
}

/// Serves until the test ends.
pub(crate) struct Agent {
    heard: Arc<Mutex<Vec<Subscribe>>>,
}

impl Agent {
    pub(crate) fn at(socket: &Path, part: Part) -> Self {
        let listener = UnixListener::bind(socket).expect("a socket");
        let heard = Arc::default();
        let shared = Arc::clone(&heard);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (part, heard) = (part.clone(), Arc::clone(&shared));
                // The client may leave whenever it likes: `list` looks whether anyone is there, and goes.
                thread::spawn(move || play(stream, &part, &heard));
            }
        });
        Agent { heard }
    }

    /// What it was asked so far.
    pub(crate) fn heard(&self) -> Vec<Subscribe> {
        self.heard.lock().expect("no panic").clone()
    }
}

fn play(stream: UnixStream, part: &Part, heard: &Mutex<Vec<Subscribe>>) -> io::Result<()> {
    let mut peer = Peer {
        stream,
        decoder: Decoder::new(Limit::TO_AGENT),
    };
    match part {
        Part::Serves(service) => serve(&mut peer, service, heard, |_| Ok(())),
        Part::SpeaksOfTheFuture(service) => serve(&mut peer, service, heard, |peer| {
            // Field 99, a string: a message whose body this version does not know.
            peer.stream.write_all(&[4, 0, 0, 0, 0x9a, 0x06, 0x01, b'?'])
        }),
        Part::Silent => {
            // Until the client has enough: it hangs up, we read the end.
            peer.stream.read_to_end(&mut Vec::new())?;
            Ok(())
        }
        Part::Writes(bytes) => {
            peer.stream.write_all(bytes)?;
            // Bytes of the client that were never read would make the kernel drop ours with a reset.
            let _ = peer.next();
            Ok(())
        }
        Part::Breaks(service) => {
            peer.next()?;
            peer.say(agent_message::Body::Welcome(welcome(service)))?;
            peer.next()?;
            peer.stream.write_all(&[200, 0, 0, 0, 1, 2, 3])
        }
        Part::EndsAfter(service, answers) => {
            let left = Cell::new(*answers);
            serve(&mut peer, service, heard, |_| count_down(&left))
        }
        Part::StopsAfter(service, answers) => {
            let left = Cell::new(*answers);
            serve(&mut peer, service, heard, |peer| {
                if count_down(&left).is_err() {
                    peer.stream.read_to_end(&mut Vec::new())?;
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Ok(())
            })
        }
        Part::Greets(body) => {
            peer.next()?;
            peer.say(body.clone())
        }
    }
}

/// An error once nothing is left.
fn count_down(left: &Cell<usize>) -> io::Result<()> {
    let less = left.get().checked_sub(1);
    left.set(less.ok_or(io::ErrorKind::UnexpectedEof)?);
    Ok(())
}

fn serve(
    peer: &mut Peer,
    service: &Service,
    heard: &Mutex<Vec<Subscribe>>,
    aside: impl Fn(&mut Peer) -> io::Result<()>,
) -> io::Result<()> {
    let first = peer.next()?;
    if let Err(refused) = handshake::answer(&first, None) {
        return peer.say(agent_message::Body::Refused(refused));
    }
    aside(peer)?;
    peer.say(agent_message::Body::Welcome(welcome(service)))?;
    loop {
        let Some(client_message::Body::Subscribe(question)) = peer.next()?.body else {
            continue;
        };
        let subscription = question.subscription;
        let asked_before = {
            let mut heard = heard.lock().expect("no panic");
            let topic = question.topic.as_ref().map(std::mem::discriminant);
            let same =
                |asked: &&Subscribe| asked.topic.as_ref().map(std::mem::discriminant) == topic;
            let asked_before = heard.iter().filter(same).count();
            heard.push(question.clone());
            asked_before
        };
        aside(peer)?;
        peer.say(match service.answer(question, asked_before) {
            Ok(body) => agent_message::Body::Update(Update {
                subscription,
                at_ns: Duration::from_millis(10_234).as_nanos() as u64,
                body: Some(body),
            }),
            Err(reason) => agent_message::Body::Failed(Failed {
                subscription,
                reason,
            }),
        })?;
    }
}

fn welcome(service: &Service) -> Welcome {
    Welcome {
        protocol: stallscope_wire::PROTOCOL,
        process: Some(service.process.clone()),
    }
}

/// The client at the other end.
struct Peer {
    stream: UnixStream,
    decoder: Decoder,
}

impl Peer {
    fn next(&mut self) -> io::Result<ClientMessage> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(message) = self.decoder.next_message().map_err(io::Error::other)? {
                return Ok(message);
            }
            match self.stream.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => self.decoder.push(&buffer[..read]),
            }
        }
    }

    fn say(&mut self, body: agent_message::Body) -> io::Result<()> {
        let message = AgentMessage { body: Some(body) };
        let frame = encode(&message, Limit::TO_CLIENT).map_err(io::Error::other)?;
        self.stream.write_all(&frame)
    }
}

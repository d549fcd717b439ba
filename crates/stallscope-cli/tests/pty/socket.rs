//! The agent of the sessions, behind a socket where the binary looks for one.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use stallscope_wire::frame::{Decoder, Limit, encode};
use stallscope_wire::message::{
    AgentMessage, ClientMessage, Failed, Process, Subscribe, Update, Welcome, agent_message,
    client_message,
};
use tempfile::TempDir;

use crate::agent::{Agent, FakeAgent};

/// A runtime directory of its own, with the socket of one process or of none.
pub(crate) struct Served {
    directory: TempDir,
    socket: Option<PathBuf>,
    connections: Arc<Mutex<Vec<UnixStream>>>,
}

impl Served {
    pub(crate) fn nothing() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
            socket: None,
            connections: Arc::default(),
        }
    }

    /// A process with this process's number: one that runs.
    pub(crate) fn new() -> Self {
        Self::with(&FakeAgent::hybrid_service())
    }

    /// The same, with this program in it.
    pub(crate) fn with(agent: &FakeAgent) -> Self {
        let mut served = Self::nothing();
        let sockets = served.directory.path().join("stallscope");
        fs::create_dir(&sockets).expect("a directory for sockets");
        fs::set_permissions(&sockets, fs::Permissions::from_mode(0o700))
            .expect("our own directory");
        let socket = sockets.join(format!("{}.sock", std::process::id()));
        let listener = UnixListener::bind(&socket).expect("a socket");
        let connections = Arc::clone(&served.connections);
        let agent = agent.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                connections
                    .lock()
                    .expect("no panic")
                    .push(stream.try_clone().expect("a second handle"));
                // A client that looks whether somebody is there hangs up at once.
                let agent = agent.clone();
                thread::spawn(move || serve(stream, &agent));
            }
        });
        served.socket = Some(socket);
        served
    }

    pub(crate) fn runtime_directory(&self) -> &Path {
        self.directory.path()
    }

    /// The process dies: its connections end and nobody answers at the socket.
    pub(crate) fn end(&self) {
        if let Some(socket) = &self.socket {
            fs::remove_file(socket).expect("our own socket");
        }
        for connection in self.connections.lock().expect("no panic").drain(..) {
            // Those of clients that have gone are closed already.
            let _ = connection.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// Answers one client until it leaves.
fn serve(mut stream: UnixStream, agent: &FakeAgent) -> io::Result<()> {
    let start = Instant::now();
    let mut decoder = Decoder::new(Limit::TO_AGENT);
    let mut subscriptions: Vec<Subscribe> = Vec::new();
    let mut bytes = [0; 4096];
    stream.set_read_timeout(Some(Duration::from_millis(50)))?;
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(count) => decoder.push(&bytes[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        while let Some(message) = decoder
            .next_message::<ClientMessage>()
            .map_err(io::Error::other)?
        {
            match message.body {
                Some(client_message::Body::Hello(_)) => {
                    say(&mut stream, agent_message::Body::Welcome(welcome()))?;
                }
                Some(client_message::Body::Subscribe(asked)) => subscriptions.push(asked),
                Some(client_message::Body::Unsubscribe(asked)) => {
                    subscriptions.retain(|active| active.subscription != asked.subscription);
                }
                None => {}
            }
        }
        let at_ns = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        for asked in &subscriptions {
            let subscription = asked.subscription;
            let topic = asked.topic.as_ref().ok_or(io::ErrorKind::InvalidData)?;
            let body = match agent.answer(topic, at_ns) {
                Ok(body) => agent_message::Body::Update(Update {
                    subscription,
                    at_ns,
                    body: Some(body),
                }),
                Err(reason) => agent_message::Body::Failed(Failed {
                    subscription,
                    reason,
                }),
            };
            say(&mut stream, body)?;
        }
    }
}

fn welcome() -> Welcome {
    Welcome {
        protocol: stallscope_wire::PROTOCOL,
        process: Some(Process {
            pid: 4711,
            program: "hybrid-service".to_owned(),
            tokio_version: "1.54.1".to_owned(),
            stallscope_version: "0.1.0".to_owned(),
            started_unix_ns: 1,
            control: false,
        }),
    }
}

fn say(stream: &mut UnixStream, body: agent_message::Body) -> io::Result<()> {
    let frame =
        encode(&AgentMessage { body: Some(body) }, Limit::TO_CLIENT).map_err(io::Error::other)?;
    stream.write_all(&frame)
}

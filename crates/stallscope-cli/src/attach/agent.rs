//! Speaks for a process that has no agent: a thread of ours that reads it from outside and answers over a socket as an agent would.
//!
//! So the view and everything else behind a connection need not know where its answers come from. While somebody wants to know of findings
//! the same thread watches for them between two answers. A second one would need the debug information a second time, and what the first reads
//! for its answers, all tasks, proves findings as well. Only names of stacks, which can take seconds, are found on another thread.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use stallscope_attach::{Process, Target};
use stallscope_wire::handshake;
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{
    self, Failed, Refused, Subscribe, Update, Welcome, agent_message, client_message,
};

use super::answer::{self, Picture};
use super::found::Clock;
use super::life::Life;
use super::link::Link;
use super::lookout::Lookout;
use super::pace::{self, Pace};
use crate::time::nanoseconds;

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
    let lookout = match Lookout::new(&process, &life) {
        Ok(lookout) => lookout,
        Err(error) => return refuse(format!("no thread could be started: {error}")),
    };
    let _ = ready.send(());
    let told = answer::process(pid);
    let agent = Agent {
        link: Link::new(socket),
        clock: Clock::began_at(told.started_unix_ns),
        lookout,
        life: &life,
        picture: Picture::default(),
        read: None,
        pace: Pace::default(),
        asked: BTreeMap::new(),
    };
    // However it ends, the client learns by the end of the stream.
    let _ended = agent.run(told);
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

struct Agent<'a, 't> {
    link: Link<'a>,
    life: &'a Life,
    lookout: Lookout<'a, 't>,
    clock: Clock,
    picture: Picture,
    /// When the picture was made, and how long that took.
    read: Option<(Instant, Duration)>,
    pace: Pace,
    /// What is to be answered, each with the time at which it is due.
    asked: BTreeMap<u64, (Instant, Subscribe)>,
}

impl Agent<'_, '_> {
    fn run(mut self, process: message::Process) -> io::Result<()> {
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
            match self
                .link
                .receive(self.due())?
                .and_then(|message| message.body)
            {
                Some(client_message::Body::Subscribe(asked)) => {
                    let now = Instant::now();
                    self.asked.insert(asked.subscription, (now, asked));
                }
                Some(client_message::Body::Unsubscribe(ended)) => {
                    self.asked.remove(&ended.subscription);
                }
                Some(client_message::Body::Hello(_)) | None => {}
            }
            self.watch();
            self.answer_what_is_due()?;
        }
        Ok(())
    }

    /// When there is something to do without any message; `None` if never.
    fn due(&self) -> Option<Instant> {
        let answers = self.asked.values().map(|(due, _)| *due);
        let look = self
            .watches()
            .then(|| self.lookout.began() + self.pace.due());
        answers.chain(look).min()
    }

    /// Whether somebody wants to know of findings, or their number.
    fn watches(&self) -> bool {
        self.asked
            .values()
            .any(|(_, asked)| matches!(asked.topic, Some(Topic::Findings(_) | Topic::Overview(_))))
    }

    /// Looks at the threads, if it is time. That the process has ended shows elsewhere too.
    fn watch(&mut self) {
        if self.watches() && self.lookout.elapsed() >= self.pace.due() {
            let before = pace::spent();
            self.lookout.look_at_threads();
            let spent = pace::spent().saturating_sub(before);
            self.pace.looked(self.lookout.elapsed(), spent);
        }
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
        if self.lookout.look_at_tasks() {
            self.picture.take(Rc::clone(self.lookout.tasks()));
        }
        let done = Instant::now();
        self.read = Some((done, done.saturating_duration_since(now)));
    }

    fn answer(&self, asked: &Subscribe) -> agent_message::Body {
        let subscription = asked.subscription;
        let found = self.lookout.found();
        match self.picture.answer(asked.topic.as_ref(), found, self.clock) {
            Ok(body) => agent_message::Body::Update(Update {
                subscription,
                at_ns: nanoseconds(self.lookout.elapsed()),
                body: Some(body),
            }),
            Err(reason) => agent_message::Body::Failed(Failed {
                subscription,
                reason,
            }),
        }
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

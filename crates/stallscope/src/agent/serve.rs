//! The agent's loop: wait for sockets or the next due moment, then let sessions talk and the keeper
//! tidy.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::endpoint::{Endpoint, Stream};
use super::session::{Now, Session};
use crate::answer::Answers;
use crate::dump;
use crate::recorder::RECORDER;
use crate::watch::INBOX;

/// Clients at one time. More are told to come back later.
const MOST_CLIENTS: usize = 16;

/// How often the keeper looks whether there is something to tidy.
const TIDY_EVERY: Duration = Duration::from_millis(250);

struct Client {
    stream: Stream,
    session: Session,
    gone: bool,
}

/// Serves until the process ends.
pub(super) fn run(endpoint: Option<&Endpoint>, token: Option<&str>, mut answers: Answers) -> ! {
    let mut clients: Vec<Client> = Vec::new();
    let mut tidy_at = TIDY_EVERY;
    let mut accept_at = Duration::ZERO;
    loop {
        let now = RECORDER.clock().uptime();
        let due = clients
            .iter()
            .filter_map(|client| client.session.due())
            .min();
        let until = due.map_or(tidy_at, |due| due.min(tidy_at));
        let listening = endpoint.filter(|_| now >= accept_at);
        let ready = wait(listening, &clients, until.saturating_sub(now));

        answers.take_in();
        if dump::is_wanted() {
            dump::to_stderr(&answers.dump());
        }
        let now = RECORDER.clock().uptime();
        for (client, ready) in clients.iter_mut().zip(&ready.clients) {
            client.serve(*ready, now, &mut answers);
        }
        clients.retain(|client| !client.gone && !client.session.is_over());
        if ready.listener
            && let Some(endpoint) = endpoint
        {
            let Some(stream) = endpoint.accept() else {
                // A peer that may not connect, or no file descriptor left: then the listener stays
                // ready, and asking at once is a spin.
                accept_at = now + TIDY_EVERY;
                continue;
            };
            let session = match clients.len() {
                0..MOST_CLIENTS => Session::new(
                    token.filter(|_| endpoint.needs_token()).map(str::to_owned),
                    now,
                ),
                _ => Session::turned_away(
                    &format!("{MOST_CLIENTS} clients are connected already: close one first"),
                    now,
                ),
            };
            clients.push(Client {
                stream,
                session,
                gone: false,
            });
        }
        if now >= tidy_at {
            answers.tidy();
            tidy_at = now + TIDY_EVERY;
        }
    }
}

impl Client {
    fn serve(&mut self, ready: PollFlags, now: Now, answers: &mut Answers) {
        if ready.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            self.read(now, answers);
        }
        self.session.tick(now, answers);
        self.write(now, answers);
    }

    fn read(&mut self, now: Now, answers: &mut Answers) {
        let mut buffer = [0; 16 * 1024];
        // Once per turn: a client that never stops talking gets no more than its turn.
        match self.stream.read(&mut buffer) {
            Ok(0) => self.gone = true,
            Ok(count) => self.session.received(&buffer[..count], now, answers),
            Err(error) => self.gone |= !is_for_later(&error),
        }
    }

    fn write(&mut self, now: Now, answers: &mut Answers) {
        while !self.gone && !self.session.to_send().is_empty() {
            match self.stream.write(self.session.to_send()) {
                Ok(0) => self.gone = true,
                Ok(count) => self.session.sent(count, now, answers),
                Err(error) if is_for_later(&error) => return,
                Err(_) => self.gone = true,
            }
        }
    }

    fn interest(&self) -> PollFlags {
        let mut flags = PollFlags::empty();
        if self.session.wants_to_read() {
            flags |= PollFlags::IN;
        }
        if !self.session.to_send().is_empty() {
            flags |= PollFlags::OUT;
        }
        flags
    }
}

struct Ready {
    listener: bool,
    clients: Vec<PollFlags>,
}

fn wait(endpoint: Option<&Endpoint>, clients: &[Client], at_most: Duration) -> Ready {
    let mut waiting: Vec<PollFd<'_>> = clients
        .iter()
        .map(|client| PollFd::from_borrowed_fd(client.stream.as_fd(), client.interest()))
        .chain(endpoint.map(|endpoint| PollFd::from_borrowed_fd(endpoint.as_fd(), PollFlags::IN)))
        .chain(
            INBOX
                .bell_fd()
                .map(|bell| PollFd::from_borrowed_fd(bell, PollFlags::IN)),
        )
        .collect();
    let timeout = Timespec::try_from(at_most).ok();
    if poll(&mut waiting, timeout.as_ref()).is_err() {
        // Interrupted, or something that would fail again at once: never spin.
        std::thread::sleep(at_most.min(Duration::from_millis(10)));
        return Ready {
            listener: false,
            clients: vec![PollFlags::empty(); clients.len()],
        };
    }
    let listener = waiting
        .get(clients.len())
        .filter(|_| endpoint.is_some())
        .is_some_and(|listener| !listener.revents().is_empty());
    Ready {
        listener,
        clients: waiting
            .iter()
            .take(clients.len())
            .map(PollFd::revents)
            .collect(),
    }
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

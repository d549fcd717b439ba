//! How reports get from the watchdog to the agent: a short list and a socket that wakes the reader.

use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::Report;

/// The agent's inbox.
pub(crate) static INBOX: Inbox = Inbox {
    reports: Mutex::new(Vec::new()),
    bell: OnceLock::new(),
};

impl Report {
    /// How many reports may wait at one time for this one still to be taken. When symbols take long to read, later stalls wait; what
    /// matters less must not crowd them out, and the end of one that was told is told as well.
    fn capacity(&self) -> usize {
        match self {
            Report::Paused { .. } | Report::Unexplained(_) => 32,
            Report::Stalled(_) | Report::Troubled(_) => 64,
            Report::Over { .. } | Report::Asked(_) | Report::RollCall(_) => 1024,
        }
    }
}

pub(crate) struct Inbox {
    reports: Mutex<Vec<Report>>,
    bell: OnceLock<Option<(UnixStream, UnixStream)>>,
}

impl Inbox {
    pub(crate) fn put(&self, report: Report) {
        {
            let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
            if reports.len() >= report.capacity() {
                return;
            }
            reports.push(report);
        }
        if let Some((bell, _)) = self.bell() {
            let mut bell: &UnixStream = bell;
            let _ = bell.write(&[1]); // full: it rings already
        }
    }

    /// Takes all reports and silences the bell.
    pub(crate) fn take(&self) -> Vec<Report> {
        if let Some((_, bell)) = self.bell() {
            let mut bell: &UnixStream = bell;
            let _ = bell.read(&mut [0; 128]); // nothing to read: nothing rang
        }
        std::mem::take(&mut *self.reports.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Readable when there is something to take.
    pub(crate) fn bell_fd(&self) -> Option<BorrowedFd<'_>> {
        self.bell().map(|(_, bell)| bell.as_fd())
    }

    /// To write a byte to, from where [`Inbox::put`] cannot be called; it never blocks.
    pub(crate) fn ring_fd(&self) -> Option<BorrowedFd<'_>> {
        self.bell().map(|(ring, _)| ring.as_fd())
    }

    /// None if the system has no descriptors left: then reports wait for the agent's next round.
    fn bell(&self) -> Option<&(UnixStream, UnixStream)> {
        let make = || {
            let (ring, hear) = UnixStream::pair().ok()?;
            ring.set_nonblocking(true).ok()?;
            hear.set_nonblocking(true).ok()?;
            Some((ring, hear))
        };
        self.bell.get_or_init(make).as_ref()
    }
}

//! What the memory of a process does not tell of its tasks, and the system it runs on does.

use std::time::Duration;

/// Asked while tasks are listed. The readers of memory do no I/O of their own: who has a live process answers, who has a core file does not.
pub(crate) trait Outside {
    /// `CLOCK_MONOTONIC` now, by which tokio's deadlines are measured.
    fn now(&self) -> Option<Duration>;

    /// What the socket of that number is connected to or listens on: "→ 127.0.0.1:5432".
    fn socket(&self, fd: u32) -> Option<String>;
}

/// Nobody to ask: a core file, or a test.
pub(crate) struct Nobody;

impl Outside for Nobody {
    fn now(&self) -> Option<Duration> {
        None
    }

    fn socket(&self, _fd: u32) -> Option<String> {
        None
    }
}

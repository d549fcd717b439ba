//! What holds for this process? What code has set, and the environment, which wins.
//!
//! A value that cannot be understood never stops the application: it becomes a [`Complaint`], which
//! is printed once at the start and shown by `stallscope doctor`, and the default holds.
//!
//! [`knobs`] is the one table of what can be set; [`values`] says what may be written for it, [`environment`] reads it there.

mod environment;
mod knobs;
mod values;

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub(crate) use self::environment::Complaint;
pub(crate) use self::knobs::KNOBS;
use self::values::{LEAK_GRACE, LEAK_WINDOW, LONG_POLL, STUCK_BLOCKING};
use crate::dump::Signal;

/// Settings made in code. Each has a `STALLSCOPE_*` environment variable, which wins.
///
/// ```
/// // First thing in `main`, before the runtime is built:
/// stallscope::Config::new().listen_unix("/run/shop/stallscope.sock").install();
/// ```
///
/// With `#[stallscope::main]` there is no "before": use the environment there, or build the runtime
/// by hand.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    pub(crate) enabled: bool,
    pub(crate) listen: Listen,
    pub(crate) token: Option<String>,
    pub(crate) long_poll: Duration,
    pub(crate) stuck_blocking: Duration,
    pub(crate) leak_window: Duration,
    pub(crate) leak_grace: Duration,
    pub(crate) dump_signal: Option<Signal>,
    pub(crate) control: bool,
    pub(crate) memory_watch: bool,
    pub(crate) perturb: Option<RangeInclusive<u64>>,
}

/// Where the agent waits for clients.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) enum Listen {
    /// A Unix socket at the place where clients look for it.
    #[default]
    Default,
    Unix(PathBuf),
    Tcp(SocketAddr),
    /// Nowhere: what was asked for cannot be done, and doing something else would surprise.
    Nowhere,
}

static INSTALLED: Mutex<Option<Config>> = Mutex::new(None);

impl fmt::Debug for Config {
    /// Without the token: configurations end up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("enabled", &self.enabled)
            .field("listen", &self.listen)
            .field("token", &self.token.as_ref().map(|_| "…"))
            .field("long_poll", &self.long_poll)
            .field("stuck_blocking", &self.stuck_blocking)
            .field("leak_window", &self.leak_window)
            .field("leak_grace", &self.leak_grace)
            .field("dump_signal", &self.dump_signal)
            .field("control", &self.control)
            .field("memory_watch", &self.memory_watch)
            .field("perturb", &self.perturb)
            .finish()
    }
}

impl Default for Config {
    fn default() -> Self {
        Config::new()
    }
}

impl Config {
    /// The defaults: on, listening where clients look.
    ///
    /// ```
    /// assert_eq!(stallscope::Config::new(), stallscope::Config::default());
    /// ```
    pub fn new() -> Self {
        Config {
            enabled: true,
            listen: Listen::Default,
            token: None,
            long_poll: Duration::from_millis(20),
            stuck_blocking: Duration::from_secs(5 * 60),
            leak_window: Duration::from_secs(10 * 60),
            leak_grace: Duration::from_secs(10 * 60),
            dump_signal: None,
            control: false,
            memory_watch: false,
            perturb: None,
        }
    }

    /// Whether stallscope does anything at all. Off, every entry point is a passthrough to tokio.
    /// Variable: `STALLSCOPE`.
    ///
    /// ```
    /// let config = stallscope::Config::new().enabled(cfg!(debug_assertions));
    /// ```
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Waits for clients at this Unix socket instead of the default one. Variable:
    /// `STALLSCOPE_LISTEN=unix:PATH`.
    ///
    /// ```
    /// let config = stallscope::Config::new().listen_unix("/run/shop/stallscope.sock");
    /// ```
    pub fn listen_unix(mut self, path: impl Into<PathBuf>) -> Self {
        self.listen = Listen::Unix(path.into());
        self
    }

    /// Waits for clients at this TCP address, which have to present `token`. Variables:
    /// `STALLSCOPE_LISTEN=tcp:ADDRESS:PORT` and `STALLSCOPE_TOKEN`. The connection is not
    /// encrypted.
    ///
    /// ```
    /// let address = ([127, 0, 0, 1], 6670).into();
    /// let config = stallscope::Config::new().listen_tcp(address, "a long random text");
    /// ```
    pub fn listen_tcp(mut self, address: SocketAddr, token: impl Into<String>) -> Self {
        self.listen = Listen::Tcp(address);
        self.token = Some(token.into());
        self
    }

    /// How long a poll may hold a worker before it is a finding. The default is 20 ms; 1 ms to 60 s. Variable: `STALLSCOPE_LONG_POLL`.
    ///
    /// ```
    /// let config = stallscope::Config::new().long_poll(std::time::Duration::from_millis(50));
    /// ```
    pub fn long_poll(mut self, threshold: Duration) -> Self {
        self.long_poll = LONG_POLL.clamp(threshold);
        self
    }

    /// How long the live tasks of a spawn place have to rise before it is a finding. The default is 10 minutes; 2 s to 55 min. A leak that is
    /// too slow for this window is found through the last hour. Variable: `STALLSCOPE_LEAK_WINDOW`.
    ///
    /// ```
    /// let config = stallscope::Config::new().leak_window(std::time::Duration::from_secs(60));
    /// ```
    pub fn leak_window(mut self, window: Duration) -> Self {
        self.leak_window = LEAK_WINDOW.clamp(window);
        self
    }

    /// How long a task whose parent has ended may go without a poll before it is a finding. The default is 10 minutes; 1 s to 24 h.
    /// Variable: `STALLSCOPE_LEAK_GRACE`.
    ///
    /// ```
    /// let config = stallscope::Config::new().leak_grace(std::time::Duration::from_secs(60));
    /// ```
    pub fn leak_grace(mut self, grace: Duration) -> Self {
        self.leak_grace = LEAK_GRACE.clamp(grace);
        self
    }

    /// How long a closure of [`spawn_blocking`](tokio::task::spawn_blocking) may run before it is a finding: it keeps a thread, and the
    /// runtime cannot shut down before it returns. The default is 5 minutes; 1 s to 24 h. Variable: `STALLSCOPE_STUCK_BLOCKING`.
    ///
    /// ```
    /// let config = stallscope::Config::new().stuck_blocking(std::time::Duration::from_secs(60));
    /// ```
    pub fn stuck_blocking(mut self, limit: Duration) -> Self {
        self.stuck_blocking = STUCK_BLOCKING.clamp(limit);
        self
    }

    /// At this signal all worker and blocking threads are written to standard error, each with its stack: also while all of them are
    /// stuck, and without any client. There is none by default. One that the application handles or ignores is left to it, and some are
    /// refused; either is one line at the start. Variable: `STALLSCOPE_DUMP_SIGNAL`.
    ///
    /// ```
    /// const SIGUSR1: i32 = 10; // or that of the crate libc
    /// let config = stallscope::Config::new().dump_signal(SIGUSR1);
    /// ```
    pub fn dump_signal(mut self, number: i32) -> Self {
        self.dump_signal = Some(Signal(number));
        self
    }

    /// Whether clients may abort tasks: those of [`spawn`](crate::spawn) and [`task`](crate::task), and those registered by
    /// [`cancellable`](crate::cancellable). By default they can only look. Variable: `STALLSCOPE_CONTROL`.
    ///
    /// ```
    /// let config = stallscope::Config::new().control(true);
    /// ```
    pub fn control(mut self, allowed: bool) -> Self {
        self.control = allowed;
        self
    }

    /// Whether the bytes given to [`watch_memory`](crate::sync::watch_memory) are watched. By default they are only registered: watching holds one of the
    /// application's threads for up to a millisecond, at most four times a second. Variable: `STALLSCOPE_MEMORY_WATCH`.
    ///
    /// ```
    /// let config = stallscope::Config::new().memory_watch(cfg!(debug_assertions));
    /// ```
    pub fn memory_watch(mut self, on: bool) -> Self {
        self.memory_watch = on;
        self
    }

    /// Makes this the configuration of the process. Takes effect if no entry point was used before;
    /// the environment still wins.
    ///
    /// ```
    /// stallscope::Config::new().enabled(false).install();
    /// ```
    pub fn install(self) {
        *INSTALLED.lock().unwrap_or_else(PoisonError::into_inner) = Some(self);
    }

    /// What holds for this process: code, then environment.
    pub(crate) fn of_process() -> (Self, Vec<Complaint>) {
        let installed = INSTALLED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let ours = std::env::vars_os()
            .filter(|(name, _)| name.to_string_lossy().starts_with("STALLSCOPE"));
        installed.unwrap_or_default().with_variables(ours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_in_a_log_shows_no_token() {
        let config = Config::new().listen_tcp(([127, 0, 0, 1], 6670).into(), "secret");
        assert!(!format!("{config:?}").contains("secret"), "{config:?}");
    }
}

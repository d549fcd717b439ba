//! What can be set, and from where? One table of knobs; the environment wins over code.
//!
//! A value that cannot be understood never stops the application: it becomes a [`Complaint`], which
//! is printed once at the start and shown by `stallscope doctor`, and the default holds.

use std::ffi::OsString;
use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

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

/// One knob, as code, `doctor` and the guide know it.
#[derive(Debug)]
pub(crate) struct Knob {
    pub(crate) variable: &'static str,
    pub(crate) values: &'static str,
    pub(crate) default: &'static str,
    pub(crate) meaning: &'static str,
    set: fn(&mut Config, &str) -> Result<(), String>,
}

/// All knobs.
pub(crate) const KNOBS: &[Knob] = &[
    Knob {
        variable: "STALLSCOPE",
        values: "on | off",
        default: "on",
        meaning: "off: every entry point does what tokio's would, and nothing else",
        set: |config, value| switch(value).map(|on| config.enabled = on),
    },
    Knob {
        variable: "STALLSCOPE_LISTEN",
        values: "unix:PATH | tcp:ADDRESS:PORT",
        default: "unix:$XDG_RUNTIME_DIR/stallscope/PID.sock, else unix:/tmp/stallscope-UID/PID.sock",
        meaning: "where clients connect; TCP needs STALLSCOPE_TOKEN",
        set: |config, value| listen(value).map(|listen| config.listen = listen),
    },
    Knob {
        variable: "STALLSCOPE_TOKEN",
        values: "TEXT",
        default: "none",
        meaning: "what a client over TCP has to present",
        set: |config, value| {
            config.token = Some(value.to_owned()).filter(|token| !token.is_empty());
            Ok(())
        },
    },
    Knob {
        variable: "STALLSCOPE_LONG_POLL",
        values: "a duration from 1ms to 60s: 20ms, 1s",
        default: "20ms",
        meaning: "how long a poll may hold a worker before it is a finding",
        set: |config, value| duration(value, LONG_POLL).map(|duration| config.long_poll = duration),
    },
    Knob {
        variable: "STALLSCOPE_LEAK_WINDOW",
        values: "a duration from 2s to 55m: 5s, 10m",
        default: "10m",
        meaning: "how long the live tasks of a place have to rise before it is a finding",
        set: |config, value| {
            duration(value, LEAK_WINDOW).map(|duration| config.leak_window = duration)
        },
    },
    Knob {
        variable: "STALLSCOPE_LEAK_GRACE",
        values: "a duration from 1s to 24h: 3s, 10m",
        default: "10m",
        meaning: "how long a task whose parent has ended may go without a poll before it is a finding",
        set: |config, value| {
            duration(value, LEAK_GRACE).map(|duration| config.leak_grace = duration)
        },
    },
    Knob {
        variable: "STALLSCOPE_STUCK_BLOCKING",
        values: "a duration from 1s to 24h: 30s, 5m",
        default: "5m",
        meaning: "how long a closure of `spawn_blocking` may run before it is a finding",
        set: |config, value| {
            duration(value, STUCK_BLOCKING).map(|duration| config.stuck_blocking = duration)
        },
    },
    Knob {
        variable: "STALLSCOPE_DUMP_SIGNAL",
        values: "USR1 | USR2 | QUIT | the number of a real-time signal",
        default: "none",
        meaning: "the signal at which all worker and blocking threads are written to standard error, each with its stack",
        set: |config, value| Signal::parse(value).map(|signal| config.dump_signal = Some(signal)),
    },
    Knob {
        variable: "STALLSCOPE_CONTROL",
        values: "on | off",
        default: "off",
        meaning: "on: clients may abort tasks (`stallscope cancel`); off: they can only look",
        set: |config, value| permission(value).map(|allowed| config.control = allowed),
    },
];

/// Something in the environment that could not be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint(pub(crate) String);

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
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
        self.long_poll = threshold.clamp(*LONG_POLL.start(), *LONG_POLL.end());
        self
    }

    /// How long the live tasks of a spawn place have to rise before it is a finding. The default is 10 minutes; 2 s to 55 min. A leak that is
    /// too slow for this window is found through the last hour. Variable: `STALLSCOPE_LEAK_WINDOW`.
    ///
    /// ```
    /// let config = stallscope::Config::new().leak_window(std::time::Duration::from_secs(60));
    /// ```
    pub fn leak_window(mut self, window: Duration) -> Self {
        self.leak_window = window.clamp(*LEAK_WINDOW.start(), *LEAK_WINDOW.end());
        self
    }

    /// How long a task whose parent has ended may go without a poll before it is a finding. The default is 10 minutes; 1 s to 24 h.
    /// Variable: `STALLSCOPE_LEAK_GRACE`.
    ///
    /// ```
    /// let config = stallscope::Config::new().leak_grace(std::time::Duration::from_secs(60));
    /// ```
    pub fn leak_grace(mut self, grace: Duration) -> Self {
        self.leak_grace = grace.clamp(*LEAK_GRACE.start(), *LEAK_GRACE.end());
        self
    }

    /// How long a closure of [`spawn_blocking`](tokio::task::spawn_blocking) may run before it is a finding: it keeps a thread, and the
    /// runtime cannot shut down before it returns. The default is 5 minutes; 1 s to 24 h. Variable: `STALLSCOPE_STUCK_BLOCKING`.
    ///
    /// ```
    /// let config = stallscope::Config::new().stuck_blocking(std::time::Duration::from_secs(60));
    /// ```
    pub fn stuck_blocking(mut self, limit: Duration) -> Self {
        self.stuck_blocking = limit.clamp(*STUCK_BLOCKING.start(), *STUCK_BLOCKING.end());
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

    fn with_variables(
        mut self,
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> (Self, Vec<Complaint>) {
        let mut complaints = Vec::new();
        for (name, value) in variables {
            let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
            let Some(knob) = KNOBS.iter().find(|knob| knob.variable == name) else {
                complaints.push(unknown(&name));
                continue;
            };
            if let Err(why) = (knob.set)(&mut self, value.trim()) {
                complaints.push(Complaint(format!(
                    "{name}={value}: {why}; expected {}",
                    knob.values
                )));
            }
        }
        if let (Listen::Tcp(address), None) = (&self.listen, &self.token) {
            complaints.push(Complaint(format!(
                "STALLSCOPE_LISTEN=tcp:{address}: a TCP port needs a token; set STALLSCOPE_TOKEN. Not listening"
            )));
            self.listen = Listen::Nowhere;
        }
        (self, complaints)
    }
}

fn unknown(name: &str) -> Complaint {
    let known: Vec<&str> = KNOBS.iter().map(|knob| knob.variable).collect();
    let closest = known
        .iter()
        .min_by_key(|known| distance(name, known))
        .filter(|known| distance(name, known) <= 3);
    Complaint(match closest {
        Some(closest) => format!("{name}: no such variable; did you mean {closest}?"),
        None => format!("{name}: no such variable; there are {}", known.join(", ")),
    })
}

fn switch(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "on" | "1" | "true" | "yes" | "" => Ok(true),
        "off" | "0" | "false" | "no" => Ok(false),
        _ => Err("neither on nor off, so it stays on".to_owned()),
    }
}

/// As [`switch`], for what has to be asked for in so many words.
fn permission(value: &str) -> Result<bool, String> {
    match value {
        "" => Ok(false),
        _ => switch(value).map_err(|_| "neither on nor off, so it stays off".to_owned()),
    }
}

fn listen(value: &str) -> Result<Listen, String> {
    if let Some(path) = value.strip_prefix("unix:") {
        return if path.is_empty() {
            Err("the path is missing".to_owned())
        } else {
            Ok(Listen::Unix(PathBuf::from(path)))
        };
    }
    if let Some(address) = value.strip_prefix("tcp:") {
        let address = address.trim_start_matches("//");
        let mut found = address
            .to_socket_addrs()
            .map_err(|error| format!("no address ({error})"))?;
        return found
            .next()
            .map(Listen::Tcp)
            .ok_or_else(|| "the name has no address".to_owned());
    }
    Err("neither a unix: nor a tcp: address, so the default holds".to_owned())
}

/// What the knobs may be set to.
const LONG_POLL: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(60);
/// As far back as the history of a place reaches.
const LEAK_WINDOW: RangeInclusive<Duration> = Duration::from_secs(2)..=Duration::from_secs(55 * 60);
const LEAK_GRACE: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(24 * 60 * 60);
const STUCK_BLOCKING: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(24 * 60 * 60);

/// `250ms`, `5s`, `2m`, `1h`
fn duration(value: &str, range: RangeInclusive<Duration>) -> Result<Duration, String> {
    let digits = value.len()
        - value
            .trim_start_matches(|digit: char| digit.is_ascii_digit())
            .len();
    let (number, unit) = value.split_at(digits);
    let number: u64 = number
        .parse()
        .map_err(|_| "no duration, so the default holds".to_owned())?;
    let duration = match unit.trim() {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.saturating_mul(60)),
        "h" => Duration::from_secs(number.saturating_mul(60 * 60)),
        "" => return Err("the unit is missing, so the default holds".to_owned()),
        _ => return Err("an unknown unit, so the default holds".to_owned()),
    };
    if range.contains(&duration) {
        Ok(duration)
    } else {
        Err("out of range, so the default holds".to_owned())
    }
}

/// How many letters have to change to get from one name to the other.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> (Config, Vec<String>) {
        let variables = variables
            .iter()
            .map(|&(name, value)| (name.into(), value.into()));
        let (config, complaints) = Config::new().with_variables(variables);
        (
            config,
            complaints
                .into_iter()
                .map(|complaint| complaint.0)
                .collect(),
        )
    }

    #[test]
    fn off_is_off_however_it_is_spelled() {
        for value in ["off", "OFF", "0", "false", " no "] {
            assert!(!read(&[("STALLSCOPE", value)]).0.enabled, "{value}");
        }
    }

    #[test]
    fn a_mistyped_value_changes_nothing_and_is_told() {
        let (config, complaints) = read(&[("STALLSCOPE", "offf")]);
        assert_eq!(config, Config::new());
        assert_eq!(
            complaints,
            ["STALLSCOPE=offf: neither on nor off, so it stays on; expected on | off"]
        );
    }

    #[test]
    fn control_is_off_unless_it_is_asked_for() {
        let control = |value: &str| {
            let (config, complaints) = read(&[("STALLSCOPE_CONTROL", value)]);
            (config.control, complaints)
        };
        assert!(!Config::new().control);
        assert_eq!(control("on"), (true, vec![]));
        assert_eq!(control("off"), (false, vec![]));
        assert_eq!(control(""), (false, vec![]));
        let complaint =
            "STALLSCOPE_CONTROL=onn: neither on nor off, so it stays off; expected on | off";
        assert_eq!(control("onn"), (false, vec![complaint.to_owned()]));
    }

    #[test]
    fn a_mistyped_name_is_told_with_the_one_that_was_meant() {
        let (_, complaints) = read(&[("STALLSCOPE_LISTN", "unix:/x")]);
        assert_eq!(
            complaints,
            ["STALLSCOPE_LISTN: no such variable; did you mean STALLSCOPE_LISTEN?"]
        );
        let (_, complaints) = read(&[("STALLSCOPE_COLOUR", "red")]);
        assert!(
            complaints[0].starts_with("STALLSCOPE_COLOUR: no such variable; there are STALLSCOPE,"),
            "{complaints:?}"
        );
    }

    #[test]
    fn a_tcp_port_without_a_token_stays_closed() {
        let (config, complaints) = read(&[("STALLSCOPE_LISTEN", "tcp:127.0.0.1:6670")]);
        assert_eq!(config.listen, Listen::Nowhere);
        assert!(
            complaints[0].contains("set STALLSCOPE_TOKEN"),
            "{complaints:?}"
        );

        let (config, complaints) = read(&[
            ("STALLSCOPE_LISTEN", "tcp:127.0.0.1:6670"),
            ("STALLSCOPE_TOKEN", "x"),
        ]);
        assert_eq!(config.listen, Listen::Tcp(([127, 0, 0, 1], 6670).into()));
        assert_eq!(complaints, [] as [&str; 0]);
    }

    #[test]
    fn a_duration_has_a_unit_and_a_range() {
        let long_poll = |value: &str| {
            let (config, complaints) = read(&[("STALLSCOPE_LONG_POLL", value)]);
            (config.long_poll.as_millis(), complaints.len())
        };
        assert_eq!(long_poll("50ms"), (50, 0));
        assert_eq!(long_poll("2s"), (2000, 0));
        for bad in [
            "50",
            "0ms",
            "2h",
            "61s",
            "ms",
            "-5ms",
            "99999999999999999999s",
        ] {
            assert_eq!(long_poll(bad), (20, 1), "{bad}");
        }
    }

    #[test]
    fn each_duration_has_a_range_of_its_own() {
        let stuck = |value: &str| {
            let (config, complaints) = read(&[("STALLSCOPE_STUCK_BLOCKING", value)]);
            (config.stuck_blocking.as_secs(), complaints.len())
        };
        assert_eq!((stuck("4s"), stuck("2h")), ((4, 0), (7200, 0)));
        for bad in ["500ms", "25h", "5 min"] {
            assert_eq!(stuck(bad), (300, 1), "{bad}");
        }
        let in_code = Config::new().stuck_blocking(Duration::ZERO);
        assert_eq!(in_code.stuck_blocking, Duration::from_secs(1));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_signal_that_cannot_be_taken_is_told_and_none_is() {
        let read = |value: &str| read(&[("STALLSCOPE_DUMP_SIGNAL", value)]);
        let (config, complaints) = read("SIGUSR2");
        assert_eq!(
            (config.dump_signal, complaints.len()),
            (Some(Signal(libc::SIGUSR2)), 0)
        );
        let (config, complaints) = read("USR3");
        assert_eq!(config.dump_signal, None);
        assert_eq!(
            complaints,
            [
                "STALLSCOPE_DUMP_SIGNAL=USR3: no signal of that name; expected USR1 | USR2 | QUIT | the number of a real-time signal"
            ]
        );
        let (config, complaints) = read("SEGV");
        assert_eq!(config.dump_signal, None);
        assert!(
            complaints[0].contains("a fault of the program"),
            "{complaints:?}"
        );
        assert_eq!(Config::new().dump_signal, None);
    }

    #[test]
    fn a_configuration_in_a_log_shows_no_token() {
        let config = Config::new().listen_tcp(([127, 0, 0, 1], 6670).into(), "secret");
        assert!(!format!("{config:?}").contains("secret"), "{config:?}");
    }

    /// `UPDATE_DOCS=1 cargo test -p stallscope knobs` writes it anew.
    #[test]
    fn the_page_of_knobs_is_this_table() {
        let path =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
        let page = std::fs::read_to_string(&path).expect("the page of the repository");
        let (begin, end) = ("<!-- KNOBS: begin -->\n", "<!-- KNOBS: end -->");
        let (before, rest) = page
            .split_once(begin)
            .expect("the mark where the table begins");
        let (written, after) = rest.split_once(end).expect("the mark where it ends");
        let mut made = "| variable | values | default | meaning |\n|---|---|---|---|\n".to_owned();
        for knob in KNOBS {
            let cells =
                [knob.values, knob.default, knob.meaning].map(|cell| cell.replace('|', "\\|"));
            writeln!(made, "| `{}` | {} |", knob.variable, cells.join(" | "))
                .expect("a string takes it");
        }
        if std::env::var_os("UPDATE_DOCS").is_some() {
            let page = format!("{before}{begin}{made}{end}{after}");
            std::fs::write(&path, page).expect("docs/ can be written to");
            return;
        }
        assert_eq!(
            written, made,
            "docs/configuration.md is old: UPDATE_DOCS=1 cargo test -p stallscope knobs writes it anew"
        );
    }

    #[test]
    fn an_address_that_is_none_is_told() {
        for value in ["6670", "unix:", "tcp:nowhere"] {
            let (config, complaints) = read(&[("STALLSCOPE_LISTEN", value)]);
            assert_eq!(
                (config.listen, complaints.len()),
                (Listen::Default, 1),
                "{value}"
            );
        }
    }
}

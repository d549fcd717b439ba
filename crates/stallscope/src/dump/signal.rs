//! Which signals may be asked for, and how are they written?

use std::fmt;

/// The signal at which all threads are written. It may be one that is refused: see [`Signal::refusal`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Signal(pub(crate) i32);

/// A signal of the kernel, and why it is not taken; `None` if it may be.
struct Row {
    name: &'static str,
    number: i32,
    refusal: Option<&'static str>,
}

const fn free(name: &'static str, number: i32) -> Row {
    Row {
        name,
        number,
        refusal: None,
    }
}

const fn refused(name: &'static str, number: i32, why: &'static str) -> Row {
    Row {
        refusal: Some(why),
        ..free(name, number)
    }
}

const UNCATCHABLE: &str = "no program can handle it";
const FAULT: &str = "it tells of a fault of the program";
const END: &str = "it is how the program is asked to end";
const TIMER: &str = "timers and profilers use it";
const TERMINAL: &str = "terminals and shells use it";
const LIMIT: &str = "the kernel enforces limits with it";
const KERNEL: &str = "the kernel uses it";

/// All signals that have a name. The numbers are those of the platform.
#[cfg(target_os = "linux")]
const SIGNALS: &[Row] = &[
    free("USR1", libc::SIGUSR1),
    free("USR2", libc::SIGUSR2),
    // What Java programs write their threads at.
    free("QUIT", libc::SIGQUIT),
    refused("KILL", libc::SIGKILL, UNCATCHABLE),
    refused("STOP", libc::SIGSTOP, UNCATCHABLE),
    refused("SEGV", libc::SIGSEGV, FAULT),
    refused("BUS", libc::SIGBUS, FAULT),
    refused("FPE", libc::SIGFPE, FAULT),
    refused("ILL", libc::SIGILL, FAULT),
    refused("TRAP", libc::SIGTRAP, FAULT),
    refused("SYS", libc::SIGSYS, FAULT),
    refused("ABRT", libc::SIGABRT, FAULT),
    refused(
        "URG",
        libc::SIGURG,
        "stallscope itself looks at running threads with it",
    ),
    refused("TERM", libc::SIGTERM, END),
    refused("INT", libc::SIGINT, END),
    refused("HUP", libc::SIGHUP, END),
    refused("PROF", libc::SIGPROF, TIMER),
    refused("ALRM", libc::SIGALRM, TIMER),
    refused("VTALRM", libc::SIGVTALRM, TIMER),
    refused("CHLD", libc::SIGCHLD, "it tells of child processes"),
    refused(
        "PIPE",
        libc::SIGPIPE,
        "it tells of a broken pipe, which may be standard error",
    ),
    refused("CONT", libc::SIGCONT, TERMINAL),
    refused("TSTP", libc::SIGTSTP, TERMINAL),
    refused("TTIN", libc::SIGTTIN, TERMINAL),
    refused("TTOU", libc::SIGTTOU, TERMINAL),
    refused("WINCH", libc::SIGWINCH, TERMINAL),
    refused("XCPU", libc::SIGXCPU, LIMIT),
    refused("XFSZ", libc::SIGXFSZ, LIMIT),
    refused("IO", libc::SIGIO, KERNEL),
    refused("PWR", libc::SIGPWR, KERNEL),
    refused("STKFLT", libc::SIGSTKFLT, KERNEL),
];
#[cfg(not(target_os = "linux"))]
const SIGNALS: &[Row] = &[];

impl Signal {
    /// `USR1`, `SIGUSR1`, `10`: one that may be taken, or a clause that says why not.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        let by_name = SIGNALS.iter().find(|row| row.name == name);
        let number = match (by_name, text.parse()) {
            (Some(row), _) => row.number,
            (None, Ok(number)) => number,
            (None, Err(_)) => return Err("no signal of that name".to_owned()),
        };
        match Signal(number).refusal() {
            None => Ok(Signal(number)),
            Some(why) => Err(why),
        }
    }

    /// Why this signal is not taken, as a clause; `None` if it may be.
    pub(crate) fn refusal(self) -> Option<String> {
        match self.row().map(|row| row.refusal) {
            Some(refusal) => refusal.map(|why| format!("{self} is not taken, since {why}")),
            None if is_real_time(self.0) => None,
            None => Some(format!("there is no signal {}", self.0)),
        }
    }

    fn row(self) -> Option<&'static Row> {
        SIGNALS.iter().find(|row| row.number == self.0)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row() {
            Some(row) => write!(f, "SIG{}", row.name),
            None => write!(f, "signal {}", self.0),
        }
    }
}

/// Signals without a meaning of their own; the C library keeps some for itself.
fn is_real_time(number: i32) -> bool {
    #[cfg(target_os = "linux")]
    return (libc::SIGRTMIN()..=libc::SIGRTMAX()).contains(&number);
    #[cfg(not(target_os = "linux"))]
    return number < 0;
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_signal_has_a_name_with_or_without_prefix_or_a_number() {
        for text in ["USR1", "SIGUSR1", "sigusr1", "usr1", "10"] {
            assert_eq!(Signal::parse(text), Ok(Signal(libc::SIGUSR1)), "{text}");
        }
        assert_eq!(Signal(libc::SIGUSR1).to_string(), "SIGUSR1");
        assert_eq!(
            Signal::parse("40").map(|signal| signal.to_string()),
            Ok("signal 40".to_owned())
        );
    }

    #[test]
    fn what_is_no_signal_is_told() {
        assert_eq!(
            Signal::parse("USR3"),
            Err("no signal of that name".to_owned())
        );
        assert_eq!(Signal::parse(""), Err("no signal of that name".to_owned()));
        // 32 and 33 are the C library's own.
        for number in ["0", "-1", "32", "65", "99999999999"] {
            assert!(Signal::parse(number).is_err(), "{number}");
        }
    }

    #[test]
    fn a_signal_that_somebody_relies_on_is_refused_with_the_reason() {
        assert_eq!(
            Signal::parse("TERM"),
            Err("SIGTERM is not taken, since it is how the program is asked to end".to_owned())
        );
        // By number as by name.
        let by_number = Signal::parse(&libc::SIGKILL.to_string());
        assert_eq!(by_number, Signal::parse("KILL"));
        for row in SIGNALS
            .iter()
            .filter(|row| !["USR1", "USR2", "QUIT"].contains(&row.name))
        {
            assert!(Signal::parse(row.name).is_err(), "{}", row.name);
        }
    }

    #[test]
    fn every_signal_below_the_real_time_ones_has_a_row() {
        let mut numbers: Vec<i32> = SIGNALS.iter().map(|row| row.number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=31).collect::<Vec<_>>());
    }
}

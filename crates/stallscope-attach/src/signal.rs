//! Signals of Linux by name, as x86-64 and aarch64 number them.

use std::fmt;

/// A signal. `Display` is its name: `SIGTERM`, or `signal 34` for one without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signal(pub u8);

/// From 1 on.
const NAMES: [&str; 31] = [
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

/// Those that the kernel ends a process by and writes a core file, unless the process handles them.
const DUMPING: [&str; 10] = [
    "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGSEGV", "SIGXCPU", "SIGXFSZ",
    "SIGSYS",
];

impl Signal {
    /// Whether a process that does not handle it ends with a core file.
    pub fn writes_core(self) -> bool {
        self.name().is_some_and(|name| DUMPING.contains(&name))
    }

    fn name(self) -> Option<&'static str> {
        NAMES.get(usize::from(self.0).checked_sub(1)?).copied()
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_system() {
        for (number, name) in [
            (libc::SIGHUP, "SIGHUP"),
            (libc::SIGABRT, "SIGABRT"),
            (libc::SIGSEGV, "SIGSEGV"),
            (libc::SIGTERM, "SIGTERM"),
            (libc::SIGURG, "SIGURG"),
            (libc::SIGWINCH, "SIGWINCH"),
            (libc::SIGSYS, "SIGSYS"),
            (34, "signal 34"),
            (0, "signal 0"),
        ] {
            let signal = Signal(u8::try_from(number).expect("a small number"));
            assert_eq!(signal.to_string(), name);
        }
    }

    #[test]
    fn who_asks_for_an_end_gets_no_core_file() {
        let dumping: Vec<_> = (0..=64)
            .map(Signal)
            .filter(|signal| signal.writes_core())
            .collect();
        assert_eq!(dumping.len(), DUMPING.len(), "{dumping:?}");
        assert!(!Signal(15).writes_core() && Signal(6).writes_core());
    }
}

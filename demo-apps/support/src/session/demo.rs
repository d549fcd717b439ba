//! A demo and the sessions that its tests have with it: of its mistakes, and of a demo without any.

use super::machine::{Hogs, Share, on_two_processors};
use super::{Rules, Session};

/// One of the demos.
#[derive(Clone, Copy, Debug)]
pub struct Demo {
    /// Its binary, an `env!("CARGO_BIN_EXE_…")`.
    pub program: &'static str,
    /// What its log says once it can be looked at and has work to do.
    pub ready: &'static str,
}

impl Demo {
    /// Starts it with `arguments` and waits until it has work to do.
    ///
    /// # Panics
    ///
    /// If it cannot be started or never has.
    pub fn start(self, arguments: &[&str]) -> Session {
        self.start_with(arguments, Rules::Default, Share::beside_others())
    }

    /// Starts it so that what leaks is found within one [`report`](Session::report), which then takes nine seconds.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn start_to_leak(self, arguments: &[&str]) -> Session {
        self.start_with(arguments, Rules::ShortLeaks, Share::beside_others())
    }

    /// Starts it with hardware watchpoints at the bytes that it registers.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn start_with_watched_memory(self, arguments: &[&str]) -> Session {
        self.start_with(arguments, Rules::WatchedMemory, Share::beside_others())
    }

    /// Starts it for a mistake that needs a processor, one such session at a time: who gets none is not blamed.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn start_with_a_processor(self, arguments: &[&str]) -> Session {
        self.start_with(arguments, Rules::Default, Share::with_a_processor())
    }

    /// Watches it for two reports.
    ///
    /// # Panics
    ///
    /// If anything is found to leak, or anything else is found.
    #[track_caller]
    pub fn expect_no_leak(self, arguments: &[&str]) {
        let session = self.start_to_leak(arguments);
        // The first report begins with the demo, the second sees all of it that stays.
        session.expect_nothing();
        session.expect_nothing();
    }

    /// Watches it on two processors, first by itself and then beside two hogs. No other session runs meanwhile: it
    /// would suffer from the hogs, and the demo from it.
    ///
    /// # Panics
    ///
    /// If anything is found.
    #[track_caller]
    pub fn expect_nothing_on_a_busy_machine(self, arguments: &[&str]) {
        let share = Share::alone();
        on_two_processors();
        let session = self.start_with(arguments, Rules::Default, share);
        session.expect_nothing();
        let _others = Hogs::start(2);
        session.expect_nothing();
    }

    fn start_with(self, arguments: &[&str], rules: Rules, share: Share) -> Session {
        let mut session = Session::start_with(self.program, arguments, rules, share);
        session.expect_log(self.ready);
        session
    }
}

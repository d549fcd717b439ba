//! The kernel's number of a thread.

use std::fmt;
use std::num::NonZeroI32;

use crate::platform;

/// The kernel's number of a thread, unique in the machine while the thread lives and reused after it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tid(NonZeroI32);

impl Tid {
    /// The calling thread; `None` where the platform has no such number (see [`crate::availability`]).
    pub fn current() -> Option<Self> {
        platform::current_tid().and_then(Self::new)
    }

    /// `None` unless the number is positive.
    pub fn new(number: i32) -> Option<Self> {
        NonZeroI32::new(number)
            .filter(|number| number.get() > 0)
            .map(Self)
    }

    /// The plain number, as in `/proc/self/task/<number>`.
    pub fn number(self) -> i32 {
        self.0.get()
    }
}

impl fmt::Display for Tid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

//! Where there is no `/proc` to read another process from: every answer is "not available here".

use std::convert::Infallible;

use super::{Area, Executable, Memory, Thread, Unreadable};
use crate::Error;

/// A running process. On this platform there is none that can be read.
#[derive(Debug)]
pub struct Live(Infallible);

impl Live {
    /// Always an error on this platform.
    ///
    /// # Errors
    /// Always.
    pub fn open(pid: u32) -> Result<Self, Error> {
        Err(Error::NotPermitted {
            pid,
            because: "reading another process is not available on this platform, only on Linux; a core file can be read here"
                .to_owned(),
        })
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        match self.0 {}
    }

    /// Whether it is still the process it was.
    ///
    /// # Errors
    /// If it has ended.
    pub fn check(&self) -> Result<(), Error> {
        match self.0 {}
    }

    /// Its program's file, and where that lies in memory.
    ///
    /// # Errors
    /// If that cannot be told.
    pub fn executable(&self) -> Result<Executable, Error> {
        match self.0 {}
    }
}

impl Memory for Live {
    fn read(&self, _address: u64, _into: &mut [u8]) -> Result<(), Unreadable> {
        match self.0 {}
    }

    fn areas(&self) -> Vec<Area> {
        match self.0 {}
    }

    fn threads(&self) -> Vec<Thread> {
        match self.0 {}
    }
}

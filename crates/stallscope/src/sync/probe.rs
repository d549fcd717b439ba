//! Brackets around state that the compiler does not watch: two accesses that were open at the same time, one of them a write.

use std::panic::Location;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::conflict::{CONFLICTS, Side};
use super::{is_on, perturb};
use crate::findings::Rule;

/// Brackets for accesses to state behind `unsafe` or a foreign interface.
///
/// Put [`read`](AccessProbe::read) or [`write`](AccessProbe::write) around each access. When two of them, at least one a write, are
/// open at the same time, by two tasks or threads, that becomes a finding of rule `overlapping-access` with the lines of both. Two reads may overlap, and
/// what one task opens within its own access is its own business.
///
/// ```
/// use stallscope::sync::AccessProbe;
///
/// static DEVICE: AccessProbe = AccessProbe::new("device");
///
/// fn send(byte: u8) {
///     let _access = DEVICE.write();
///     // unsafe { device_send(byte) }
/// #   let _ = byte;
/// }
/// # send(7);
/// ```
#[derive(Debug)]
pub struct AccessProbe {
    name: &'static str,
    open: Mutex<Open>,
}

/// Accesses that are remembered as open; with more at one time the others are not compared.
const MOST: usize = 32;

#[derive(Debug)]
struct Open {
    entries: [Option<Access>; MOST],
}

#[derive(Clone, Copy, Debug)]
struct Access {
    side: Side,
    writes: bool,
}

impl AccessProbe {
    /// `name` tells findings apart from those of other state.
    ///
    /// ```
    /// # use stallscope::sync::AccessProbe;
    /// static PROBE: AccessProbe = AccessProbe::new("codec context");
    /// ```
    pub const fn new(name: &'static str) -> Self {
        AccessProbe {
            name,
            open: Mutex::new(Open {
                entries: [None; MOST],
            }),
        }
    }

    /// A reading access begins; it lasts as long as the guard.
    ///
    /// ```
    /// # use stallscope::sync::AccessProbe;
    /// # static PROBE: AccessProbe = AccessProbe::new("codec context");
    /// let _access = PROBE.read();
    /// ```
    #[track_caller]
    #[must_use = "the access lasts as long as the guard"]
    pub fn read(&self) -> impl Drop + '_ {
        self.begin(false, Location::caller())
    }

    /// A writing access begins; it lasts as long as the guard.
    ///
    /// ```
    /// # use stallscope::sync::AccessProbe;
    /// # static PROBE: AccessProbe = AccessProbe::new("codec context");
    /// let _access = PROBE.write();
    /// ```
    #[track_caller]
    #[must_use = "the access lasts as long as the guard"]
    pub fn write(&self) -> impl Drop + '_ {
        self.begin(true, Location::caller())
    }

    fn begin(&self, writes: bool, place: &'static Location<'static>) -> Bracket<'_> {
        if !is_on() {
            return Bracket {
                probe: self,
                entry: None,
            };
        }
        let access = Access {
            side: Side::here(place),
            writes,
        };
        let (entry, met) = self.open().begin(access);
        if let Some(met) = met {
            CONFLICTS.tell(Rule::OverlappingAccess, self.name, access.side, Some(met));
        }
        perturb::here();
        Bracket { probe: self, entry }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Where the access is kept, and one that it overlaps with.
    fn begin(&mut self, access: Access) -> (Option<usize>, Option<Side>) {
        let overlaps =
            |open: &&Access| (open.writes || access.writes) && open.side.party != access.side.party;
        let met = self.entries.iter().flatten().find(overlaps);
        let met = met.map(|open| open.side);
        let free = self.entries.iter().position(Option::is_none);
        if let Some(entry) = free {
            self.entries[entry] = Some(access);
        }
        (free, met)
    }
}

/// An access that is open.
struct Bracket<'a> {
    probe: &'a AccessProbe,
    entry: Option<usize>,
}

impl Drop for Bracket<'_> {
    fn drop(&mut self) {
        if let Some(entry) = self.entry {
            self.probe.open().entries[entry] = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::conflict::Place;
    use super::super::party::Party;
    use super::*;

    fn access(tid: u32, writes: bool) -> Access {
        let place = Place {
            file: "src/device.rs",
            line: tid,
            column: 1,
        };
        let side = Side {
            party: Party::Thread(tid),
            place,
            tid,
        };
        Access { side, writes }
    }

    #[test]
    fn two_accesses_overlap_if_one_writes_and_they_are_not_of_one_thread() {
        for (first, second, overlap) in [
            (access(1, true), access(2, true), true),
            (access(1, true), access(2, false), true),
            (access(1, false), access(2, true), true),
            (access(1, false), access(2, false), false),
            (access(1, true), access(1, true), false),
        ] {
            let mut open = Open {
                entries: [None; MOST],
            };
            assert_eq!(open.begin(first).1, None);
            let met = open.begin(second).1;
            assert_eq!(met, overlap.then_some(first.side), "{first:?} {second:?}");
        }
    }

    #[test]
    fn one_that_is_over_overlaps_with_nothing() {
        let mut open = Open {
            entries: [None; MOST],
        };
        let (entry, _) = open.begin(access(1, true));
        open.entries[entry.expect("room")] = None;
        assert_eq!(open.begin(access(2, true)).1, None);
    }
}

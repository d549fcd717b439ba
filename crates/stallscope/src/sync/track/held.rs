//! What a guard carries of the tracking: one number, so that it stays in a register on the way into the guard.

use super::super::region;

/// One holding of a lock. Says nothing by itself when it is dropped: the guard does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub(in crate::sync) struct Held(u64);

/// The holder has written, which changes the version of what is behind the lock.
const HAS_WRITTEN: u64 = 1 << 8;
/// The region that the holder is in let go of this lock, and somebody else wrote since.
const IS_STALE: u64 = 1 << 9;
const AT: u64 = 0xff;
const UNCOUNTED: u64 = 0xff;
/// Above this is what names the guard to its thread.
const TOKEN: u32 = 32;

impl Held {
    /// Taken while stallscope was not on.
    pub(in crate::sync) const UNTRACKED: Held = Held(0);
    /// By one of more readers than have a slot.
    pub(super) const UNCOUNTED: Held = Held(UNCOUNTED);

    /// By the holder in the first slot of the lock's record, as who is alone always is.
    pub(super) const AT_FIRST: Held = Held(1);

    /// By the holder in this one of the other slots.
    pub(super) fn at_other(index: u8) -> Self {
        Held(u64::from(index) + 2)
    }

    #[inline]
    pub(super) fn is_tracked(self) -> bool {
        self.0 & AT != 0
    }

    #[inline]
    pub(super) fn is_first(self) -> bool {
        self.0 & AT == 1
    }

    pub(super) fn other(self) -> Option<usize> {
        match self.0 & AT {
            UNCOUNTED => None,
            at => (at as usize).checked_sub(2),
        }
    }

    /// Of a guard that stays on its thread: how it is called there.
    #[inline]
    pub(in crate::sync) fn with_token(self, token: u32) -> Self {
        Held(self.0 | u64::from(token) << TOKEN)
    }

    #[inline]
    pub(in crate::sync) fn token(self) -> u32 {
        (self.0 >> TOKEN) as u32
    }

    #[inline]
    pub(super) fn or_stale(self, is_stale: bool) -> Self {
        Held(self.0 | if is_stale { IS_STALE } else { 0 })
    }

    #[inline]
    pub(super) fn is_stale(self) -> bool {
        self.0 & IS_STALE != 0
    }

    #[inline]
    pub(super) fn has_written(self) -> bool {
        self.0 & HAS_WRITTEN != 0
    }

    /// Whether a write is to be told to the lock's record: every one inside of a region, elsewhere the first, and none where there has been
    /// no region yet. Such a one is older than whatever a region will know of the lock.
    #[inline]
    pub(in crate::sync) fn is_write_of_interest(self) -> bool {
        region::was_ever() && (!self.has_written() || region::is_inside())
    }

    #[inline]
    pub(super) fn set_written(&mut self, has_written: bool) {
        self.0 = self.0 & !HAS_WRITTEN | if has_written { HAS_WRITTEN } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_holding_is_kept_apart() {
        let mut held = Held::at_other(6).or_stale(true).with_token(u32::MAX);
        held.set_written(true);
        assert_eq!((held.other(), held.token()), (Some(6), u32::MAX));
        assert!(held.is_stale() && held.has_written());
        held.set_written(false);
        assert_eq!((held.other(), held.token()), (Some(6), u32::MAX));
        assert!(held.is_stale() && !held.has_written());
        for (held, is_first, is_tracked) in [
            (Held::UNTRACKED, false, false),
            (Held::UNCOUNTED, false, true),
            (Held::AT_FIRST, true, true),
        ] {
            assert_eq!((held.is_first(), held.is_tracked()), (is_first, is_tracked));
            assert_eq!((held.other(), held.token()), (None, 0));
            assert!(!held.is_stale() && !held.has_written());
        }
    }
}

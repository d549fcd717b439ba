//! Which part of a list is on the screen.

use std::ops::Range;

/// The lines of the screen that a scroll bar covers to show which of `all` lines are seen from `top` on; `None` if all of them are.
pub(super) fn bar(top: u64, all: u64, height: u16) -> Option<Range<u16>> {
    let lines = u64::from(height);
    if all <= lines || height == 0 {
        return None;
    }
    let scale = |line: u64| u128::from(line) * u128::from(lines) / u128::from(all);
    let first = u16::try_from(scale(top)).ok()?.min(height - 1);
    let end = u16::try_from(scale(top.saturating_add(lines))).ok()?;
    Some(first..end.clamp(first + 1, height))
}

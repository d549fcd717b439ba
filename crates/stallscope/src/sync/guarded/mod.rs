//! What the async mutex and the async reader-writer lock have in common: a value behind a gate. The public types give it their names.

mod acquire;
mod gate;
mod guard;
mod hold;
mod like;

use std::cell::UnsafeCell;
use std::fmt;

pub(super) use self::gate::{Gate, MOST_READERS};
pub(super) use self::guard::{Borrowed, Reading, Writing};
pub(super) use self::like::guard_like;
use super::view::Mode;

/// A value behind a gate.
pub(super) struct Guarded<T: ?Sized> {
    pub(super) gate: Gate,
    value: UnsafeCell<T>,
}

/// One of the public locks.
pub(super) trait Lock {
    type Value: ?Sized;

    fn guarded(&self) -> &Guarded<Self::Value>;
}

type Value<P> = <<P as std::ops::Deref>::Target as Lock>::Value;

impl<T> Guarded<T> {
    pub(super) const fn new(gate: Gate, value: T) -> Self {
        Guarded {
            gate,
            value: UnsafeCell::new(value),
        }
    }

    pub(super) fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Guarded<T> {
    pub(super) fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

impl<T: ?Sized + fmt::Debug> Guarded<T> {
    /// As tokio's locks show themselves. The lock is held meanwhile, as it is there, but by nobody who is told of.
    pub(super) fn fmt(
        &self,
        name: &str,
        mode: Mode,
        formatter: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let mut debug = formatter.debug_struct(name);
        match Reading::silently(self, mode) {
            Ok(value) => debug.field("data", &&*value),
            Err(_) => debug.field("data", &format_args!("<locked>")),
        };
        debug.finish()
    }
}

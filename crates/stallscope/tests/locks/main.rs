//! Tracked locks do what those they replace do: the same tests are run against both, so that a difference fails.
#![allow(clippy::duplicate_mod)] // that is the point

mod bounds;
mod plain;
mod polls;
mod random;
mod tracked;

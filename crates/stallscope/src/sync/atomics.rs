//! What threads share without a lock, where every order of it is tried: `models/` puts other ones in the place of these.

pub(super) use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};

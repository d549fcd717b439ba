//! Where events come from: one thin adapter per tier. No detector knows which one fed it.

#[cfg(tokio_unstable)]
pub(crate) mod hooks;

//! In which span of the application's own `tracing` was a poll stuck?
//!
//! Nobody but the thread itself can ask for its current span, and a stuck thread asks nothing. So a layer in the application's subscriber notes what
//! is entered ([`layer`]): each thread has a [`board`] of its own for the spans it is in, and one [`book`] holds what they are called. The watchdog reads
//! both while the thread is stuck. Without the feature `tracing-subscriber` none of this exists, and no finding has a span.
//!
//! Why not ask the application's `Registry`, which knows all of it? A look at a span there locks its extensions, which the stuck thread may hold (it may be stuck
//! in the `Debug` of a field that is being recorded); and whoever lets go of a span last closes its parent, through the default subscriber of *its* thread:
//! on the watchdog thread that would close spans late or in the wrong subscriber. So nothing of the application's is touched from outside: what is needed
//! was copied by the threads that had it.

#[cfg(feature = "tracing-subscriber")]
mod board;
#[cfg(feature = "tracing-subscriber")]
mod book;
#[cfg(feature = "tracing-subscriber")]
mod fields;
#[cfg(feature = "tracing-subscriber")]
mod layer;
#[cfg(not(feature = "tracing-subscriber"))]
mod off;
#[cfg(feature = "tracing-subscriber")]
mod witness;

#[cfg(feature = "tracing-subscriber")]
pub(crate) use self::board::Board;
#[cfg(feature = "tracing-subscriber")]
pub use self::layer::{SpanLayer, spans};
#[cfg(not(feature = "tracing-subscriber"))]
pub(crate) use self::off::Witness;
#[cfg(feature = "tracing-subscriber")]
pub(crate) use self::witness::Witness;

//! Tasks as they are found, and what each waits for.

mod dynamic;
mod elements;
mod found;
mod list;
mod locals;
mod model;
mod names;
mod outside;
mod owner;
mod polled;
mod view;
mod waits;
mod walk;
mod ways;

pub(crate) use list::Lister;
pub(crate) use outside::{Nobody, Outside};

pub use model::{Branch, Frame, Kind, Local, Place, State, Task, Waiting, WaitsFor};
pub use polled::{Polled, Turn};

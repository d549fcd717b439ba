//! What can be wrong, and which of it is a poll that took so long?
//!
//! [`table`] names the rules; [`long_poll`] judges, by what the kernel says and by what the line has called ([`inner`]).

mod inner;
mod long_poll;
mod table;

pub(super) use self::inner::last_part;
pub(super) use self::long_poll::{Seen, Verdict, long_poll};
pub(crate) use self::table::Rule;
pub(super) use self::table::Subject;

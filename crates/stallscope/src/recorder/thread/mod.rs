//! What does each thread say of itself? Every thread that runs a hook has a record, found through a thread-local pointer ([`local`]). The
//! thread alone writes it ([`record`], [`polls`]); the agent reads all of them ([`list`]).

mod list;
mod local;
mod polls;
mod record;

pub(crate) use self::list::Threads;
pub(super) use self::local::{present_record, with_record};
#[cfg(feature = "tracing-subscriber")]
pub(crate) use self::polls::OwnPoll;
pub(super) use self::record::Inside;
pub(crate) use self::record::{Look, ThreadRecord};

//! Builds that cannot ask a task: the same items, and none of them costs anything.
#![allow(clippy::unused_self)] // as where there is something to use

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::{Silent, Standing};
use crate::entry::ticket::Ticket;
use crate::recorder::TaskId;

const MISSING: &str = if cfg!(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))) {
    "async stacks need Linux on x86-64 or aarch64"
} else if cfg!(not(feature = "taskdump")) {
    "the application was built without stallscope's feature `taskdump`: with it, and `--cfg tokio_unstable`, tasks of `stallscope::spawn` can be asked"
} else {
    "the application was built without `--cfg tokio_unstable`: with it, tasks of `stallscope::spawn` can be asked"
};

pub(crate) fn ask(_id: TaskId) -> Result<Standing, Silent> {
    Err(Silent::NotBuilt(MISSING))
}

/// Nothing is known of any task.
pub(crate) fn is_ours(_id: TaskId) -> bool {
    false
}

pub(in crate::entry) struct Wake;

impl Wake {
    pub(in crate::entry) const fn new() -> Self {
        Wake
    }

    pub(in crate::entry) fn until_end(_id: TaskId, _ticket: &Arc<Ticket>) {}

    pub(in crate::entry) fn end(&self, _id: TaskId) {}
}

pub(in crate::entry) struct Answering;

impl Answering {
    pub(in crate::entry) const fn new() -> Self {
        Answering
    }

    #[inline]
    pub(in crate::entry) fn poll<F: Future>(
        &mut self,
        _wake: &Wake,
        future: Pin<&mut F>,
        context: &mut Context<'_>,
    ) -> Poll<F::Output> {
        future.poll(context)
    }
}

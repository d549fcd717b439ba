//! The commands that print an answer and end, one file each; and `run`.

pub(crate) mod attach;
pub(crate) mod cancel;
pub(crate) mod doctor;
pub(crate) mod ended;
pub(crate) mod finding;
pub(crate) mod findings;
pub(crate) mod list;
pub(crate) mod locks;
pub(crate) mod ps;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod sites;
pub(crate) mod sort;
pub(crate) mod stacks;
pub(crate) mod tree;
pub(crate) mod where_task;

mod about;
mod async_stack;
mod cut;
mod forest;
mod frame;
mod listing;
mod table;
mod task;

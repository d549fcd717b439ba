//! The commands that print an answer and end, one file each; and `run`.

pub(crate) mod doctor;
pub(crate) mod list;
pub(crate) mod ps;
pub(crate) mod run;
pub(crate) mod sort;
pub(crate) mod tree;
pub(crate) mod where_task;

mod about;
mod forest;
mod listing;
mod table;
mod task;

//! How an application lets stallscope in: one file per entry point.

pub(crate) mod alive;
pub(crate) mod allow;
pub(crate) mod async_stack;
pub(crate) mod builder;
pub(crate) mod cancellable;
pub(crate) mod hooks;
pub(crate) mod init;
pub(crate) mod main;
mod outcome;
pub(crate) mod root;
pub(crate) mod scout;
pub(crate) mod task;
pub(crate) mod test;
pub(crate) mod ticket;

//! Where no thread of another process can be stopped.

use std::time::Duration;

use stallscope_stack::RawStack;

use super::Unseen;
use crate::memory::Area;

pub(super) fn copy(_pid: u32, _tid: u32, _areas: &[Area]) -> Result<(RawStack, Duration), Unseen> {
    Err(Unseen::NotAvailableHere)
}

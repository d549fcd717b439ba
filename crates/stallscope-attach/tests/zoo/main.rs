//! What is told of the zoo, a program of plain tokio in which every task waits in a way that is known.
//!
//! [`expected`] says what must be told of each task; the lines are looked up in the zoo's source. How to add a task:
//! [fixtures/README.md](../../fixtures/README.md).
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod busy;
mod core_file;
mod expected;
mod fuzz;
mod marks;
mod polls;
mod program;
mod refused;
mod split;
mod stacks;
mod tasks;
mod values;

//! Sessions with real processes over the real socket.
//!
//! Each test starts one of the programs in `programs.rs` (this same binary, started with the
//! program's name), waits until it says it is ready, asks its agent, and lets it go.

mod clients;
mod core_tier;
mod programs;
mod safety;
mod stalls;
mod support;
#[cfg(tokio_unstable)]
mod tree;

/// Not a test of its own: what a child process runs, see [`support::Program`].
#[test]
fn program() {
    if let Ok(name) = std::env::var(support::PROGRAM) {
        programs::run(&name);
    }
}

//! Sessions with real processes over the real socket.
//!
//! Each test starts one of the programs in `programs/` (this same binary, started with the
//! program's name), waits until it says it is ready, asks its agent, and lets it go.

mod async_stack;
mod cancel;
mod causes;
mod clients;
mod core_tier;
mod dumps;
mod ended;
mod flood;
mod hard;
mod leaking;
mod memory;
mod programs;
mod safety;
mod sharing;
#[cfg(feature = "tracing-subscriber")]
mod spans;
mod stalls;
mod stuck;
mod support;
#[cfg(tokio_unstable)]
mod tree;
mod troubles;
mod waiting;

/// Not a test of its own: what a child process runs, see [`support::Program`].
#[test]
fn program() {
    if let Ok(name) = std::env::var(support::PROGRAM) {
        programs::run(&name);
    }
}

//! Whole sessions: keys and messages in, pictures out.

mod agent;
mod architecture;
mod attach;
mod cancel;
mod conflicts;
mod documents;
mod errors;
mod findings;
mod locks;
mod panics;
mod places;
mod properties;
mod screens;
mod session;
mod svg;
// Shared with the tests of the real binary.
#[allow(dead_code)]
#[path = "../../../tests/pty/terminal.rs"]
mod terminal;
mod tree;

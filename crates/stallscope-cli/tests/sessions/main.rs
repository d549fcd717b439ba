//! Sessions at the command line: the real binary against agents that play a part.

#[path = "../support/mod.rs"]
mod support;

// The terminal of the view's own tests, of which these need a part.
#[allow(dead_code)]
#[path = "../pty/terminal.rs"]
mod terminal;

mod answers;
mod attach;
mod bad_agents;
mod ended;
mod findings;
mod locks;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod outside;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod outside_view;
mod program;
mod report;
mod run;
mod run_with_view;
mod sites;
mod stacks;
mod targets;

//! Sessions at the command line: the real binary against agents that play a part.

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod bad_agents;
mod run;
mod targets;

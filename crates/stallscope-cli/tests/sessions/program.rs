//! A program with an agent, for `stallscope run` to start: this very test binary, started again.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::support::Sandbox;
use crate::support::agent::{Agent, Part};
use crate::support::service::Service;

/// Set for the program, to the runtime directory it should use.
pub(crate) const PLAY: &str = "STALLSCOPE_TEST_PLAYS_PROGRAM";

/// What it prints once its socket is there, and as it ends.
pub(crate) const HELLO: &str = "the program is up";
pub(crate) const GOODBYE: &str = "the program is done";

const SIGN: &str = "end";

/// How a shell starts it.
pub(crate) fn command_line() -> String {
    let own = std::env::current_exe().expect("our own path");
    format!("'{}' program::plays --exact --nocapture", own.display())
}

/// Tells it to end.
pub(crate) fn end(sandbox: &Sandbox) {
    fs::write(sandbox.path().join(SIGN), "").expect("the sign to end");
}

/// Numbers of the processes that put a socket into the sandbox.
pub(crate) fn pids(sandbox: &Sandbox) -> Vec<u32> {
    fs::read_dir(sandbox.path().join("stallscope"))
        .expect("the directory of the sockets")
        .filter_map(|entry| {
            let path = entry.expect("an entry").path();
            path.file_stem()?.to_str()?.parse().ok()
        })
        .collect()
}

/// The program itself. In an ordinary run of the tests it has nothing to do.
#[test]
fn plays() {
    let Some(directory) = std::env::var_os(PLAY) else {
        return;
    };
    let directory = Path::new(&directory);
    let socket = format!("stallscope/{}.sock", std::process::id());
    let _agent = Agent::at(&directory.join(socket), Part::Serves(Service::small()));
    println!("{HELLO}");
    while !directory.join(SIGN).exists() {
        thread::sleep(Duration::from_millis(10));
    }
    println!("{GOODBYE}");
}

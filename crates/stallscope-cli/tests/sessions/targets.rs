//! Which process is meant, and what is said when that is not clear.

use std::os::unix::net::UnixListener;

use crate::support::agent::{Agent, Part};
use crate::support::service::Service;
use crate::support::{Bystander, Sandbox};

fn serve(sandbox: &Sandbox, pid: u32) -> Agent {
    Agent::at(&sandbox.socket(pid), Part::Serves(Service::small()))
}

#[test]
fn without_any_process_there_is_no_target() {
    let sandbox = Sandbox::new();
    for line in ["ps", "tree", "where 1", "doctor"] {
        assert_eq!(
            sandbox.run(line).complaint(3),
            "no process with stallscope is running as this user: put `#[stallscope::main]` in place of `#[tokio::main]` \
             and start the program, or name an agent with --socket or --connect"
        );
    }
}

#[test]
fn an_empty_list_is_an_answer() {
    let sandbox = Sandbox::new();
    assert_eq!(
        sandbox.run("list --json").answer(),
        "{\"processes\":[],\"ignored\":[]}\n"
    );
    assert!(
        sandbox
            .run("list")
            .answer()
            .starts_with("no process with stallscope is running")
    );
}

#[test]
fn what_an_ended_process_left_behind_is_no_target() {
    let sandbox = Sandbox::new();
    let ended = Bystander::new().end();
    drop(UnixListener::bind(sandbox.socket(ended)).expect("a socket"));
    assert_eq!(
        sandbox.run("list --json").json()["processes"],
        serde_json::json!([])
    );
    sandbox.run("ps").complaint(3);
    assert_eq!(
        sandbox.run(&format!("ps --pid {ended}")).complaint(3),
        format!(
            "no process {ended} is running: `stallscope list` shows those that can be looked at"
        )
    );
}

#[test]
fn the_only_process_need_not_be_named() {
    let sandbox = Sandbox::new();
    let ended = Bystander::new().end();
    drop(UnixListener::bind(sandbox.socket(ended)).expect("a socket"));
    let _agent = serve(&sandbox, std::process::id());
    assert!(
        sandbox
            .run("ps")
            .answer()
            .starts_with("hybrid-service (pid 4711)")
    );
}

#[test]
fn of_two_processes_one_must_be_chosen() {
    let sandbox = Sandbox::new();
    let (one, other) = (Bystander::new(), Bystander::new());
    let _agents = [serve(&sandbox, one.pid()), serve(&sandbox, other.pid())];
    let (low, high) = (one.pid().min(other.pid()), one.pid().max(other.pid()));
    assert_eq!(
        sandbox.run("ps").complaint(3),
        format!(
            "2 processes run with stallscope: {low} (sleep), {high} (sleep); choose one with --pid N"
        )
    );
    sandbox.run(&format!("ps --pid {low}")).answer();
    sandbox.run(&format!("--pid {high} ps")).answer();
    assert_eq!(
        sandbox.run("list --json").json()["processes"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
}

#[test]
fn a_process_without_stallscope_is_told_what_it_lacks() {
    let sandbox = Sandbox::new();
    let plain = Bystander::new();
    let session = sandbox.run(&format!("ps --pid {}", plain.pid()));
    let complaint = session.complaint(3);
    assert!(
        complaint.contains("put `#[stallscope::main]` in place of"),
        "{complaint}"
    );
}

#[test]
fn a_socket_can_be_named_wherever_it_is() {
    let sandbox = Sandbox::new();
    let elsewhere = tempfile::tempdir().expect("a temporary directory");
    let socket = elsewhere.path().join("agent");
    let _agent = Agent::at(&socket, Part::Serves(Service::small()));
    sandbox
        .run(&format!("ps --socket {}", socket.display()))
        .answer();

    let nowhere = elsewhere.path().join("nobody");
    let session = sandbox.run(&format!("ps --socket {}", nowhere.display()));
    let complaint = session.complaint(3);
    let told = format!("nobody listens at {}", nowhere.display());
    assert!(complaint.starts_with(&told), "{complaint}");
}

#[test]
fn an_agent_over_tcp_needs_its_token() {
    let sandbox = Sandbox::new();
    assert_eq!(
        sandbox.run("ps --connect tcp://127.0.0.1:1").complaint(2),
        "tcp://127.0.0.1:1 wants a token: set STALLSCOPE_TOKEN to the one the application was started with"
    );
}

#[test]
fn mistakes_on_the_command_line_are_told_in_one_line() {
    let sandbox = Sandbox::new();
    let mistakes = [
        (
            "ps --jsn",
            "unexpected argument '--jsn' found; a similar argument exists: '--json'",
        ),
        (
            "where",
            "the following required arguments were not provided: <TASK>",
        ),
        (
            "where x",
            "invalid value 'x' for '<TASK>': invalid digit found in string",
        ),
        (
            "ps --limit 0",
            "invalid value '0' for '--limit <N>': 0 is not in 1..18446744073709551615",
        ),
        (
            "ps --filter busy>50",
            "invalid value 'busy>50' for '--filter <FILTER>': column 6: expected a time like `50ms`, `1.5s` or `2m` after \
             `busy>`, found `50`",
        ),
        (
            "ps --connect host:1",
            "invalid value 'host:1' for '--connect <tcp://HOST:PORT>': expected tcp://HOST:PORT, for instance \
             tcp://10.0.0.7:6669",
        ),
    ];
    for (line, told) in mistakes {
        assert_eq!(
            sandbox.run(line).complaint(2),
            format!("{told}; see `stallscope --help`"),
            "{line}"
        );
    }
    assert_eq!(
        sandbox.run("ps --pid 1 --socket /a").complaint(2),
        "more than one target: keep one of --pid, --socket, --connect, --attach and --core"
    );
    assert_eq!(
        sandbox.run("list --pid 1").complaint(2),
        "`stallscope list` takes none of --pid, --socket, --connect, --attach and --core: leave them out"
    );
}

#[test]
fn the_view_wants_a_terminal() {
    let sandbox = Sandbox::new();
    let session = sandbox.run("");
    let complaint = session.complaint(2);
    assert!(
        complaint.starts_with("the view needs a terminal"),
        "{complaint}"
    );
}

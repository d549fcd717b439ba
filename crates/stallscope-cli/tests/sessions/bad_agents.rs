//! Agents that are no agents, not ours, or broken: a sentence each, within seconds, and never a panic.

use std::process::Stdio;

use stallscope_wire::message::agent_message::Body;
use stallscope_wire::message::{Refused, Welcome};

use crate::support::agent::{Agent, Part};
use crate::support::service::Service;
use crate::support::{Sandbox, Session};

/// What `ps` says of an agent that plays this part.
fn complaint_of(part: Part) -> String {
    let sandbox = Sandbox::new();
    let pid = std::process::id();
    let _agent = Agent::at(&sandbox.socket(pid), part);
    sandbox.settled(sandbox.run("ps").complaint(3), &[(pid, "1234")])
}

#[test]
fn an_agent_of_another_version_says_what_to_install() {
    let refused = Refused {
        reason: "agent speaks protocol 3, this client 1: install stallscope-cli 0.3".to_owned(),
        protocol: 3,
    };
    assert_eq!(
        complaint_of(Part::Greets(Body::Refused(refused))),
        "process 1234: agent speaks protocol 3, this client 1: install stallscope-cli 0.3"
    );
}

#[test]
fn an_agent_that_chose_a_version_we_did_not_offer_is_left() {
    let welcome = Welcome {
        protocol: 3,
        process: None,
    };
    assert_eq!(
        complaint_of(Part::Greets(Body::Welcome(welcome))),
        "process 1234: agent chose protocol 3, this client speaks 1: install the stallscope-cli that belongs to the \
         application's stallscope"
    );
}

#[test]
fn a_stranger_at_the_socket_is_recognised() {
    assert_eq!(
        complaint_of(Part::Writes(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())),
        "process 1234: frame of 1347703880 bytes towards the client, at most 8388608 are allowed: ask for fewer rows, or \
         check that the other side is a stallscope agent or client"
    );
    let garbage = complaint_of(Part::Writes(vec![3, 0, 0, 0, 0xff, 0xff, 0xff]));
    assert!(
        garbage.starts_with("process 1234: frame that holds no stallscope message"),
        "{garbage}"
    );
}

#[test]
fn an_agent_that_ends_in_the_middle_of_an_answer_is_told_so() {
    let told = "process 1234 closed the connection before its answer was complete: see with `stallscope list` whether the \
                program still runs";
    assert_eq!(complaint_of(Part::Breaks(Service::small())), told);
    assert_eq!(complaint_of(Part::Writes(Vec::new())), told);
}

#[test]
fn an_agent_that_never_answers_is_given_up() {
    assert_eq!(
        complaint_of(Part::Silent),
        "process 1234 accepted the connection and gave no answer within 5 s: see whether the program is stopped, or \
         whether something other than stallscope listens there"
    );
}

#[test]
fn a_silent_process_is_listed_beside_the_others() {
    let sandbox = Sandbox::new();
    let silent = crate::support::Bystander::new();
    let own = std::process::id();
    let _agents = [
        Agent::at(&sandbox.socket(silent.pid()), Part::Silent),
        Agent::at(&sandbox.socket(own), Part::Serves(Service::small())),
    ];
    let answer = sandbox.run("list --json").json();
    let of = |pid: u32| {
        let processes = answer["processes"].as_array().expect("processes");
        processes
            .iter()
            .find(|process| process["pid"] == pid)
            .cloned()
            .expect("listed")
    };
    assert_eq!(of(own)["program"], "hybrid-service");
    assert_eq!(of(silent.pid())["program"], "sleep", "as /proc has it");
    assert!(
        of(silent.pid())["error"]
            .as_str()
            .expect("why")
            .contains("gave no answer within 1 s")
    );
}

#[test]
fn messages_of_a_later_version_are_skipped() {
    let sandbox = Sandbox::new();
    let _agent = Agent::at(
        &sandbox.socket(std::process::id()),
        Part::SpeaksOfTheFuture(Service::small()),
    );
    assert_eq!(sandbox.run("ps --json").json()["matched"], 8);
}

#[test]
fn pages_that_never_advance_are_not_followed_for_ever() {
    let mut service = Service::large(5_000);
    // The same task over and over.
    for task in &mut service.tasks {
        task.id = 7;
    }
    assert_eq!(
        complaint_of(Part::Serves(service)),
        "process 1234 answered another question than was asked: install the stallscope-cli that belongs to the \
         application's stallscope"
    );
}

#[test]
fn an_error_survives_that_nobody_can_be_told_of_it() {
    let sandbox = Sandbox::new();
    let mut child = sandbox
        .stallscope("ps")
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the binary starts");
    drop(child.stderr.take());
    assert_eq!(child.wait().expect("its end").code(), Some(3));
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let sandbox = Sandbox::new();
    let _agent = Agent::at(
        &sandbox.socket(std::process::id()),
        Part::Serves(Service::small()),
    );
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("a full disk");
    let session = Session::of(sandbox.stallscope("ps").stdout(full));
    let complaint = session.complaint(2);
    assert!(
        complaint.starts_with("standard output cannot be written to"),
        "{complaint}"
    );
}

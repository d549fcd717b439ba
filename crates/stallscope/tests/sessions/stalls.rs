//! Long polls are caught while they block, with rule and line, and nothing healthy is.

use std::ffi::OsStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use stallscope_wire::message::{Finding, TaskKind};

use crate::programs::place_of;
use crate::support::Program;

/// Programs that need a processor for themselves run one at a time: between too many of them, each gets so little that no line can be
/// blamed, and none is.
static A_PROCESSOR: Mutex<()> = Mutex::new(());

fn with_a_processor() -> MutexGuard<'static, ()> {
    A_PROCESSOR.lock().unwrap_or_else(PoisonError::into_inner)
}

fn stalling(kind: &str) -> Program {
    Program::start_with("stalls", [("STALL", OsStr::new(kind))])
}

fn line(finding: &Finding) -> Option<u32> {
    let location = finding.location.as_ref()?;
    assert!(
        location.file.ends_with("sessions/programs/stalls.rs"),
        "{location:?}"
    );
    Some(location.line)
}

fn line_of(mark: &str) -> u32 {
    place_of(mark).1
}

mod in_tasks {
    use stallscope_wire::message::{Certainty, Severity};

    use super::*;

    /// A program that stalls in one way makes one finding, with that rule, at that line.
    fn is_found(kind: &str, mark: &str) {
        let mut program = stalling(kind);
        let mut client = program.connect();
        let finding = client.finding_when(|finding| finding.rule == kind && finding.count >= 2);
        assert_eq!(line(&finding), Some(line_of(mark)), "{finding:#?}");
        assert_eq!(
            (finding.kind.as_str(), finding.certainty()),
            ("long-poll", Certainty::Proven)
        );
        assert!(finding.longest_ns >= 20_000_000, "{finding:#?}");
        assert!(finding.severity() >= Severity::Warning);
        assert!(
            finding.stack.iter().any(|frame| frame.in_app),
            "{finding:#?}"
        );
        // Without hooks it is not known whose poll it was.
        let whose = finding
            .task
            .as_ref()
            .map(|task| (task.kind(), task.ancestors.as_slice()));
        let known = (TaskKind::Task, [0].as_slice());
        assert_eq!(whose, cfg!(tokio_unstable).then_some(known));
        let others: Vec<_> = client
            .findings(false)
            .into_iter()
            .filter(|other| other.id != finding.id)
            .collect();
        let others: Vec<_> = others
            .into_iter()
            .map(|other| (other.rule, other.message))
            .collect();
        assert_eq!(others, [], "one fault, one finding");
        program.go_on();
    }

    #[test]
    fn a_sleep() {
        is_found("sleep", "stall: sleep");
    }

    #[test]
    fn a_lock_that_another_thread_holds() {
        is_found("lock", "stall: lock");
    }

    #[test]
    fn a_child_process_that_is_waited_for() {
        is_found("child-process", "stall: child-process");
    }

    #[test]
    fn a_file_that_is_in_memory() {
        let _processor = with_a_processor();
        is_found("file-io", "read: here");
    }

    #[test]
    fn what_is_intended_is_no_finding() {
        for kind in ["in-place", "allowed"] {
            let mut program = stalling(kind);
            program.expect("five stalls");
            let mut client = program.connect();
            // Without hooks the worker is seen to go on, on another thread: there is no long poll to list.
            if kind == "in-place" && !cfg!(tokio_unstable) {
                assert_eq!(client.findings(false), [], "{kind}");
                program.go_on();
                continue;
            }
            let listed = || -> bool {
                let entries = program_doctor(&mut client);
                entries.iter().any(|(topic, _)| topic == "intended")
            };
            crate::support::patiently({
                let mut listed = listed;
                move || {
                    if listed() {
                        Ok(())
                    } else {
                        Err("not listed as intended".to_owned())
                    }
                }
            });
            assert_eq!(program.connect().findings(false), [], "{kind}");
            program.go_on();
        }
    }

    fn program_doctor(client: &mut crate::support::Client) -> Vec<(String, String)> {
        client
            .doctor()
            .entries
            .into_iter()
            .map(|entry| (entry.topic, entry.message))
            .collect()
    }

    #[test]
    fn a_stall_that_never_ends_is_told_once_and_grows() {
        let program = Program::start("endless");
        let mut client = program.connect();
        let first = client.finding_when(|finding| finding.rule == "sleep");
        assert_eq!(
            (line(&first), first.ongoing),
            (Some(line_of("endless: here")), true)
        );
        let later = client.finding_when(|finding| {
            finding.id == first.id && finding.longest_ns > 3 * first.longest_ns.max(20_000_000)
        });
        assert_eq!((later.id, later.count, later.ongoing), (first.id, 1, true));
        assert!(
            later.message.contains("has been blocked"),
            "{}",
            later.message
        );
    }
}

/// On a loaded machine the thread may be kept from running; what it does when it runs is found in time.
fn a_computation_is_found(program: &str) {
    let _processor = with_a_processor();
    let mut program = Program::start_with(program, [("STALL", OsStr::new("cpu"))]);
    let mut client = program.connect();
    let finding = client.finding_when(|finding| finding.rule == "cpu");
    let inside = (line_of("burn: here") - 2)..=line_of("burn: here");
    assert!(
        line(&finding).is_some_and(|line| inside.contains(&line)),
        "{finding:#?}"
    );
    program.go_on();
}

#[test]
fn a_computation() {
    a_computation_is_found("stalls");
}

#[test]
fn a_computation_on_the_only_thread() {
    a_computation_is_found("stalls-on-one-thread");
}

#[test]
fn a_computation_in_an_application_with_a_main_of_its_own() {
    a_computation_is_found("stalls-under-init");
}

#[test]
fn a_sleep_in_an_application_with_a_main_of_its_own() {
    let mut program = Program::start_with("stalls-under-init", [("STALL", OsStr::new("sleep"))]);
    let finding = program
        .connect()
        .finding_when(|finding| finding.rule == "sleep" && finding.count >= 2);
    assert_eq!(
        line(&finding),
        Some(line_of("stall: sleep")),
        "{finding:#?}"
    );
    assert_eq!(finding.task, None, "no hook has told whose poll it was");
    program.go_on();
}

#[test]
fn many_polls_of_one_busy_task_are_no_long_one() {
    let _processor = with_a_processor();
    let mut program = Program::start("considerate");
    program.expect("it has computed");
    let found: Vec<_> = program.connect().findings(false);
    assert_eq!(found, []);
    program.go_on();
}

#[test]
fn a_stall_in_the_root_future_is_found_on_every_tier() {
    let mut program = Program::start("stalled-root");
    let finding = program
        .connect()
        .finding_when(|finding| finding.rule == "sleep");
    assert_eq!(
        line(&finding),
        Some(line_of("root: stalls here")),
        "{finding:#?}"
    );
    assert_eq!(finding.task.map(|task| task.kind()), Some(TaskKind::Root));
    program.go_on();
}

#[test]
fn what_is_done_well_makes_no_finding() {
    let _processor = with_a_processor();
    let mut program = Program::start("healthy");
    program.expect("rounds are done");
    let mut client = program.connect();
    let messages: Vec<_> = client
        .findings(false)
        .into_iter()
        .map(|finding| finding.message)
        .collect();
    assert_eq!(messages, [] as [&str; 0]);
    assert!(program.finish().0.success());
}

//! The application comes first: whatever is wrong around it, it starts, runs and ends as it would
//! without us.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use stallscope_wire::message::Level;

use crate::support::Program;

fn set<'a>(name: &'a str, value: &'a str) -> (&'a str, &'a OsStr) {
    (name, OsStr::new(value))
}

/// What was written to stderr by stallscope.
fn ours(errors: Vec<String>) -> Vec<String> {
    errors
        .into_iter()
        .filter(|line| line.starts_with("stallscope: "))
        .collect()
}

#[test]
fn switched_off_there_is_nothing_of_us() {
    for name in ["family", "init", "named", "own-hooks", "two-runtimes"] {
        let program = Program::start_with(name, [set("STALLSCOPE", "off")]);
        assert!(!program.socket().exists(), "{name} has a socket");
        let threads = std::fs::read_dir(format!("/proc/{}/task", program.pid())).expect("it runs");
        let names = threads
            .filter_map(Result::ok)
            .map(|task| std::fs::read_to_string(task.path().join("comm")));
        assert!(
            names
                .filter_map(Result::ok)
                .all(|comm| comm.trim() != "stallscope"),
            "{name} has an agent"
        );
        let (status, errors) = program.finish();
        assert!(status.success(), "{name}: {errors:?}");
        assert_eq!(ours(errors), [] as [&str; 0], "{name}");
    }
}

#[test]
fn a_program_that_ends_well_leaves_no_socket_behind() {
    for name in ["error", "by-hand"] {
        let program = Program::start(name);
        drop(program.connect());
        let socket = program.socket();
        let (status, errors) = program.finish();
        assert!(status.success(), "{name}: {errors:?}");
        assert!(!socket.exists(), "{name}");
        assert_eq!(ours(errors), [] as [&str; 0]);
    }
}

#[test]
fn only_the_owner_may_enter() {
    let program = Program::start("family");
    drop(program.connect());
    let mode = |path: &std::path::Path| {
        std::fs::metadata(path)
            .expect("it exists")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(&program.socket()), 0o600);
    assert_eq!(mode(program.socket().parent().expect("a directory")), 0o700);
}

#[test]
fn a_mistyped_variable_is_one_line_and_an_entry_of_doctor() {
    let program = Program::start_with(
        "family",
        [
            set("STALLSCOPE_LISTEN", "6669"),
            set("STALLSCOPE_LISTNE", "x"),
        ],
    );
    let doctor = program.connect().doctor();
    let complaints: Vec<_> = doctor
        .entries
        .iter()
        .filter(|entry| entry.topic == "config" && entry.level() == Level::Warning)
        .collect();
    assert_eq!(complaints.len(), 2, "{doctor:#?}");
    let (status, errors) = program.finish();
    assert!(status.success());
    let lines = ours(errors);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("STALLSCOPE_LISTEN=6669") && lines[0].contains("did you mean"),
        "{lines:?}"
    );
}

#[test]
fn a_directory_that_cannot_be_made_is_told_and_the_program_runs() {
    let program = Program::start_with("family", [set("XDG_RUNTIME_DIR", "/proc/self/nowhere")]);
    let (status, errors) = program.finish();
    assert!(status.success());
    let lines = ours(errors);
    assert!(
        lines.len() == 1
            && lines[0].contains("/proc/self/nowhere")
            && lines[0].contains("STALLSCOPE_LISTEN"),
        "{lines:?}"
    );
}

#[test]
fn a_socket_that_another_process_listens_at_is_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("taken.sock");
    let _theirs = UnixListener::bind(&path).expect("a free path");
    let listen = format!("unix:{}", path.display());
    let program = Program::start_with("family", [set("STALLSCOPE_LISTEN", &listen)]);
    let (status, errors) = program.finish();
    assert!(status.success());
    let lines = ours(errors);
    assert!(
        lines.len() == 1 && lines[0].contains("taken.sock"),
        "{lines:?}"
    );
    assert!(path.exists(), "what was there is still there");
}

#[test]
fn a_taken_port_is_told_and_the_program_runs() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let listen = format!("tcp:{}", taken.local_addr().expect("its address"));
    let variables = [
        set("STALLSCOPE_LISTEN", &listen),
        set("STALLSCOPE_TOKEN", "secret"),
    ];
    let (status, errors) = Program::start_with("family", variables).finish();
    assert!(status.success());
    let lines = ours(errors);
    assert!(lines.len() == 1 && lines[0].contains(&listen), "{lines:?}");
}

#[test]
fn a_socket_left_behind_is_replaced() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("left.sock");
    drop(UnixListener::bind(&path).expect("a free path"));
    assert!(path.exists());
    let listen = format!("unix:{}", path.display());
    let program = Program::start_with("family", [set("STALLSCOPE_LISTEN", &listen)]);
    assert_eq!(
        crate::support::Client::connect(&path)
            .overview()
            .dropped_events,
        0
    );
    let (status, errors) = program.finish();
    assert!(status.success());
    assert_eq!(ours(errors), [] as [&str; 0]);
}

#[test]
fn a_process_may_exit_with_every_worker_stalled() {
    let mut program = Program::start("exit-while-stalled");
    program.go_on();
    let began = Instant::now();
    let (status, _) = program.finish();
    assert_eq!(status.code(), Some(7));
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "nothing of ours delays the exit"
    );
}

#[test]
fn the_agent_answers_while_every_worker_is_stalled() {
    let mut program = Program::start("exit-while-stalled");
    program.expect("stalling");
    program.expect("stalling");
    let overview = program.connect().overview();
    let stalled = overview.runtimes[0]
        .workers
        .iter()
        .filter(|worker| !worker.parked)
        .count();
    assert_eq!(stalled, 2, "{overview:#?}");
    if cfg!(tokio_unstable) {
        assert!(
            overview.runtimes[0]
                .workers
                .iter()
                .all(|worker| worker.task.is_some() && worker.polling_ns > 0)
        );
    }
}

#[test]
fn the_process_tells_who_it_is() {
    let program = Program::start("family");
    let process = program.connect().welcome.process.expect("a process");
    assert_eq!(process.pid, program.pid());
    assert!(process.program.starts_with("sessions"), "{process:?}");
    assert!(process.tokio_version.starts_with("1."), "{process:?}");
    assert_eq!(process.stallscope_version, env!("CARGO_PKG_VERSION"));
}

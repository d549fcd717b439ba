//! Which process is meant, in directories and sockets of the test's own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::getuid;
use tempfile::TempDir;

use super::directory::{Survey, directories};
use super::{Found, Target, TargetError, TcpAddress};

/// A directory as agents make theirs.
fn directory() -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).expect("mode");
    directory
}

fn look_into(directory: &TempDir) -> Survey {
    look_as(directory, getuid().as_raw())
}

fn look_as(directory: &TempDir, uid: u32) -> Survey {
    let mut survey = Survey::default();
    survey.look_into(directory.path(), uid, |_| true);
    survey
}

fn found(pid: u32) -> Found {
    Found {
        pid,
        program: Some("web".to_owned()),
        socket: PathBuf::from(format!("/run/{pid}.sock")),
    }
}

fn survey(pids: &[u32]) -> Survey {
    Survey {
        found: pids.iter().copied().map(found).collect(),
        ignored: Vec::new(),
    }
}

/// The number of a process that has just ended.
fn ended_pid() -> u32 {
    let mut child = Command::new("true").spawn().expect("true");
    let pid = child.id();
    child.wait().expect("its end");
    pid
}

#[test]
fn a_process_that_listens_is_found_with_its_program() {
    let directory = directory();
    let own = std::process::id();
    let socket = directory.path().join(format!("{own}.sock"));
    let _listener = UnixListener::bind(&socket).expect("a socket");
    let program = std::env::current_exe().expect("our own path");
    assert_eq!(
        look_into(&directory).found,
        [Found {
            pid: own,
            program: Some(
                program
                    .file_name()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned()
            ),
            socket,
        }]
    );
}

#[test]
fn what_an_ended_process_left_behind_is_skipped() {
    let directory = directory();
    let own = std::process::id();
    // Nobody listens any more, though the number is that of a process again.
    drop(UnixListener::bind(directory.path().join(format!("{own}.sock"))).expect("a socket"));
    // Somebody else holds on to the socket of a process that has ended.
    let _inherited = UnixListener::bind(directory.path().join(format!("{}.sock", ended_pid())))
        .expect("a socket");
    fs::write(directory.path().join("notes.txt"), "no socket").expect("a file");
    assert_eq!(look_into(&directory), Survey::default());
}

#[test]
fn a_process_whose_queue_is_full_is_still_found() {
    let directory = directory();
    let own = std::process::id();
    let socket = directory.path().join(format!("{own}.sock"));
    let address = rustix::net::SocketAddrUnix::new(&socket).expect("a path");
    let listener = rustix::net::socket(
        rustix::net::AddressFamily::UNIX,
        rustix::net::SocketType::STREAM,
        None,
    )
    .expect("a socket");
    rustix::net::bind(&listener, &address).expect("bound");
    rustix::net::listen(&listener, 0).expect("listening");
    let _waiting = std::os::unix::net::UnixStream::connect(&socket).expect("the one place");
    assert_eq!(look_into(&directory).found.len(), 1);
}

#[test]
fn a_directory_of_somebody_else_is_ignored_with_the_reason() {
    let directory = directory();
    let own = getuid().as_raw();
    let survey = look_as(&directory, own + 1);
    assert_eq!(
        survey.ignored,
        [format!(
            "{} belongs to user {own}, not to user {}",
            directory.path().display(),
            own + 1
        )]
    );
}

#[test]
fn a_directory_open_to_others_is_ignored_with_the_reason() {
    let directory = directory();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).expect("mode");
    assert_eq!(
        look_into(&directory).ignored,
        [format!(
            "{} can be written to by other users",
            directory.path().display()
        )]
    );
}

#[test]
fn the_usual_places_are_searched_unless_another_was_set() {
    let usual = [
        PathBuf::from("/run/user/7/stallscope"),
        PathBuf::from("/tmp/stallscope-7"),
    ];
    assert_eq!(directories(None, 7), usual);
    assert_eq!(directories(Some("/run/user/7".into()), 7), usual);
    assert_eq!(
        directories(Some("/sandbox".into()), 7),
        [PathBuf::from("/sandbox/stallscope")]
    );
}

#[test]
fn with_nothing_named_the_only_process_is_meant() {
    assert_eq!(Target::choose(None, survey(&[7])), Ok(found(7).into()));
}

#[test]
fn several_processes_are_listed_to_choose_from() {
    let several = Target::choose(None, survey(&[7, 9])).expect_err("which?");
    assert_eq!(
        several.to_string(),
        "2 processes run with stallscope: 7 (web), 9 (web); choose one with --pid N"
    );
    assert_eq!(
        Target::choose(Some(9), survey(&[7, 9])),
        Ok(found(9).into())
    );
}

#[test]
fn a_process_without_socket_is_told_from_one_that_does_not_run() {
    let own = std::process::id();
    assert!(matches!(
        Target::choose(Some(own), survey(&[])),
        Err(TargetError::NoSocket { .. })
    ));
    let ended = ended_pid();
    assert_eq!(
        Target::choose(Some(ended), survey(&[])),
        Err(TargetError::NoSuchProcess(ended))
    );
}

#[test]
fn an_address_needs_scheme_host_and_port() {
    for good in ["tcp://10.0.0.7:6669", "tcp://host:1", "tcp://[::1]:6669"] {
        assert_eq!(good.parse::<TcpAddress>().expect(good).to_string(), good);
    }
    for bad in [
        "10.0.0.7:6669",
        "tcp://:1",
        "tcp://host",
        "tcp://host:0",
        "tcp://host:99999",
        "",
    ] {
        bad.parse::<TcpAddress>().expect_err(bad);
    }
}

#[test]
fn tcp_without_a_token_is_refused_before_connecting() {
    let address: TcpAddress = "tcp://host:1".parse().expect("an address");
    assert_eq!(
        Target::tcp(&address, String::new()),
        Err(TargetError::NoToken(address))
    );
}

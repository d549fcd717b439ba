//! Waits of one kind each: on a worker, where they hold it up, and done well.
//!
//! A plain thread on the other side takes its time, [`LONG`], for each round.

use std::io::{Read, Write, pipe};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{EventfdFlags, eventfd};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

use super::Steps;
use super::lazy_memory::LazyMemory;

/// Three times the threshold.
const LONG: Duration = Duration::from_millis(60);

/// What is done well is done so often.
const ROUNDS: u32 = 5;

/// `CAUSE` says which, and `DONE_WELL` whether.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn causes() {
    let cause = std::env::var("CAUSE").expect("the test says which");
    let steps = Steps::ready();
    let waits = stallscope::spawn(async move {
        if std::env::var_os("DONE_WELL").is_some() {
            done_well(&cause).await;
            println!("rounds are done");
        } else {
            stalls(&cause).await;
        }
    });
    steps.end().await;
    waits.abort();
    // Some of the threads on the other side wait for ever.
    std::process::exit(0);
}

async fn stalls(cause: &str) {
    match cause {
        "network-io" => {
            let mut stream = slow_server();
            loop {
                stream.write_all(b"?").expect("connected");
                // cause: network-io
                stream.read_exact(&mut [0]).expect("an answer");
                tokio::task::yield_now().await;
            }
        }
        "pipe-io" => {
            let mut reader = slow_pipe();
            loop {
                // cause: pipe-io
                reader.read_exact(&mut [0]).expect("somebody writes");
                tokio::task::yield_now().await;
            }
        }
        "fifo" => {
            let mut reader = std::fs::File::open(slow_fifo()).expect("somebody writes");
            loop {
                // cause: fifo
                reader.read_exact(&mut [0]).expect("somebody writes");
                tokio::task::yield_now().await;
            }
        }
        "page-fault" => {
            let mut memory = lazy_memory();
            loop {
                std::hint::black_box(memory.next_page());
                tokio::task::yield_now().await;
            }
        }
        "block-on" => loop {
            // cause: block-on
            futures_executor::block_on(tokio::time::sleep(LONG));
            tokio::task::yield_now().await;
        },
        "syscall" => {
            let event = slow_event();
            loop {
                // cause: syscall
                rustix::io::read(&event, &mut [0; 8]).expect("somebody rings");
                tokio::task::yield_now().await;
            }
        }
        "dns" => {
            // cause: dns
            let found = ("nowhere", 80).to_socket_addrs().map(Iterator::count);
            println!("looked up: {found:?}");
        }
        other => panic!("no cause is called {other}"),
    }
}

async fn done_well(cause: &str) {
    match cause {
        "network-io" => {
            let stream = slow_server();
            stream.set_nonblocking(true).expect("a socket");
            let mut stream = tokio::net::TcpStream::from_std(stream).expect("a driver");
            for _ in 0..ROUNDS {
                stream.write_all(b"?").await.expect("connected");
                stream.read_exact(&mut [0]).await.expect("an answer");
            }
        }
        "pipe-io" => {
            let reader = OwnedFd::from(slow_pipe());
            let reader = tokio::net::unix::pipe::Receiver::from_owned_fd(reader);
            read_well(reader.expect("a pipe")).await;
        }
        "fifo" => {
            let reader = tokio::net::unix::pipe::OpenOptions::new().open_receiver(slow_fifo());
            read_well(reader.expect("a fifo")).await;
        }
        "page-fault" => {
            let mut memory = lazy_memory();
            let touches = move || {
                (0..ROUNDS)
                    .map(|_| u32::from(memory.next_page()))
                    .sum::<u32>()
            };
            let sum = tokio::task::spawn_blocking(touches).await;
            assert_eq!(sum.expect("no panic"), 0);
        }
        "block-on" => {
            for _ in 0..ROUNDS {
                tokio::time::sleep(LONG).await;
            }
        }
        "syscall" => {
            let bell = Arc::new(Notify::new());
            let rings = bell.clone();
            std::thread::spawn(move || {
                loop {
                    std::thread::sleep(LONG);
                    rings.notify_one();
                }
            });
            for _ in 0..ROUNDS {
                bell.notified().await;
            }
        }
        "dns" => {
            // Goes on on a blocking thread, and on, and on.
            let looks_up = tokio::net::lookup_host("nowhere:80");
            let _ = tokio::time::timeout(LONG * ROUNDS, looks_up).await;
        }
        other => panic!("no cause is called {other}"),
    }
}

async fn read_well(mut reader: tokio::net::unix::pipe::Receiver) {
    for _ in 0..ROUNDS {
        reader.read_exact(&mut [0]).await.expect("somebody writes");
    }
}

/// A connection to somebody who answers each byte, after a while.
fn slow_server() -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let stream = TcpStream::connect(listener.local_addr().expect("bound")).expect("it listens");
    std::thread::spawn(move || {
        let (mut peer, _) = listener.accept().expect("connected");
        while peer.read_exact(&mut [0]).is_ok() {
            std::thread::sleep(LONG);
            let _ = peer.write_all(b"!");
        }
    });
    stream
}

fn slow_pipe() -> std::io::PipeReader {
    let (reader, writer) = pipe().expect("a pipe");
    write_slowly(writer);
    reader
}

fn slow_fifo() -> PathBuf {
    let directory = std::env::var_os("XDG_RUNTIME_DIR").expect("the test gives one");
    let path = PathBuf::from(directory).join("slow.fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, 0o600.into()).expect("a fifo");
    // For reading too, so that to open it waits for nobody.
    let both_ways = std::fs::File::options().read(true).write(true).open(&path);
    write_slowly(both_ways.expect("a fifo"));
    path
}

fn slow_event() -> OwnedFd {
    let event = eventfd(0, EventfdFlags::empty()).expect("an eventfd");
    let rings = event.try_clone().expect("a descriptor");
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(LONG);
            let _ = rustix::io::write(rings.as_fd(), &1_u64.to_ne_bytes());
        }
    });
    event
}

fn write_slowly(mut writer: impl Write + Send + 'static) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(LONG);
            let _ = writer.write_all(b".");
        }
    });
}

fn lazy_memory() -> LazyMemory {
    LazyMemory::new(LONG).expect("the test has looked whether there is any")
}

/// Why there is no memory that comes late here.
pub(crate) fn lack_of_lazy_memory() -> Option<std::io::Error> {
    LazyMemory::new(LONG).err()
}

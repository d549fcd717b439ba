//! What is told from outside of a program that knows nothing of stallscope: the published server of mini-redis with its own `main`, while
//! clients keep it busy. Lines are found in its source by what they read.
#![cfg(target_os = "linux")]

mod client;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use demo_support::{Kind, Session, awaits_in, eventually, published};

use client::Redis;

const BUILT: &str = env!("CARGO_BIN_EXE_third-party");
const PACKAGE: &str = "mini-redis";

/// The server and the address it listens at. It takes no port of its own choice, so one that was free a moment ago has to do.
fn start() -> (Session, String) {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = free.expect("some port is free").port().to_string();
    let arguments = ["--port", &port];
    let session = Session::start_published(PACKAGE, "mini-redis-server", BUILT, &arguments);
    let address = format!("127.0.0.1:{port}");
    eventually(|| {
        let connected = std::net::TcpStream::connect(&address);
        connected.map(drop).map_err(|error| error.to_string())
    });
    (session, address)
}

/// The lines of a file of mini-redis that read so.
fn awaits(file: &str, texts: &[&str]) -> Vec<String> {
    awaits_in(&published(PACKAGE).join(file), file, texts)
}

/// Clients that ask one thing after the other, until they are dropped.
struct Load {
    over: Arc<AtomicBool>,
    clients: Vec<thread::JoinHandle<u64>>,
}

impl Load {
    fn start(address: &str, clients: usize) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let client = |number: usize| {
            let (over, mut redis) = (Arc::clone(&over), Redis::connect(address));
            thread::spawn(move || {
                let mut asked = 0;
                while !over.load(Ordering::Relaxed) {
                    redis.expect(&format!("SET key-{number} {asked}"), "OK");
                    redis.expect(&format!("GET key-{number}"), &asked.to_string());
                    asked += 1;
                }
                asked
            })
        };
        let clients = (0..clients).map(client).collect();
        Self { over, clients }
    }

    /// How often all of them have asked.
    fn stop(self) -> u64 {
        self.over.store(true, Ordering::Relaxed);
        let asked = self.clients.into_iter().map(thread::JoinHandle::join);
        asked.map(|asked| asked.expect("it was answered")).sum()
    }
}

/// Where mini-redis spawns the tasks of connections.
const CONNECTION: &str = "mini_redis::server::{impl#0}::run";

/// Its tasks with so many connections.
fn tasks(connections: usize) -> [Kind; 2] {
    // It drops all handles.
    let detached = |function, count, awaits| Kind {
        function,
        count: count..=count,
        detached: true,
        awaits,
    };
    [
        detached(
            "mini_redis::db::purge_expired_tasks",
            1,
            awaits(
                "src/db.rs",
                &["            shared.background_task.notified().await"],
            ),
        ),
        detached(
            CONNECTION,
            connections,
            [
                awaits("src/server.rs", &["let maybe_frame = tokio::select! {"]),
                awaits("src/cmd/subscribe.rs", &["            select! {"]),
                awaits("src/connection.rs", &[".await"]),
            ]
            .concat(),
        ),
    ]
}

#[test]
fn every_task_of_a_busy_server_is_told_with_the_line_it_hangs_in() {
    let (session, address) = start();
    let _idle: Vec<_> = (0..3).map(|_| Redis::connect(&address)).collect();
    let mut subscriber = Redis::connect(&address);
    subscriber.expect("SUBSCRIBE news", "3");
    let load = Load::start(&address, 2);
    session.expect_tasks(&tasks(6));
    assert!(load.stop() > 0);
    session.expect_nothing_from_outside();
}

#[test]
fn a_stack_goes_down_to_the_innermost_await_in_each_branch_with_the_values_of_its_locals() {
    let (session, address) = start();
    let load = Load::start(&address, 2);
    let mut subscriber = Redis::connect(&address);
    subscriber.expect("SUBSCRIBE news", "3");
    let selects = &awaits("src/cmd/subscribe.rs", &["            select! {"])[0];
    session.expect_stack(CONNECTION, selects, |stack| {
        for (function, file, text) in [
            (
                "mini_redis::server::Handler::run",
                "src/server.rs",
                "#[instrument(skip(self))]",
            ),
            (
                "mini_redis::cmd::Command::apply",
                "src/cmd/mod.rs",
                "Subscribe(cmd) => cmd.apply(db, dst, shutdown).await",
            ),
            (
                "mini_redis::cmd::subscribe::Subscribe::apply",
                "src/cmd/subscribe.rs",
                "            select! {",
            ),
            (
                "mini_redis::cmd::subscribe::subscribe_to_channel::{async_fn#0}::{async_block#0}",
                "src/cmd/subscribe.rs",
                "match rx.recv().await {",
            ),
            (
                "mini_redis::connection::Connection::read_frame",
                "src/connection.rs",
                "self.stream.read_buf(&mut self.buffer).await?",
            ),
            (
                "mini_redis::shutdown::Shutdown::recv",
                "src/shutdown.rs",
                "self.notify.recv().await",
            ),
        ] {
            let place = &awaits(file, &[text])[0];
            assert!(stack.frame(function).is_at(place), "{text}: {stack:#?}");
        }
        let run = stack.frame("mini_redis::server::Handler::run::{async_fn#0}::{async_block#0}");
        // What the client has sent: the command and the channel.
        assert_eq!(run.locals["maybe_frame"], "Some(Array(Vec(len=2)))");
        assert_eq!(run.locals["cmd"], "Subscribe(Subscribe)");
        Some(())
    });
    assert!(load.stop() > 0);
}

#[test]
#[ignore = "measures, for a quiet machine: cargo xtask attach-demos --cost"]
fn looks_cost_it_no_throughput() {
    let (session, address) = start();
    let cost = session.cost_of_looks(&address, b"*2\r\n$3\r\nGET\r\n$7\r\nnothing\r\n");
    println!("mini-redis\n{cost}");
    assert!(cost.throughput > 0.99);
}

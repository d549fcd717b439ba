//! Places that make tasks which never end, and places that only look like it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use stallscope::BuilderExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Steps;

/// Ten tasks a second that wait for what never comes.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn growing() {
    let mut steps = Steps::ready();
    let grow = async {
        let mut tick = interval(Duration::from_millis(100));
        loop {
            tick.tick().await;
            // growing: here
            stallscope::spawn(pending::<Infallible>());
        }
    };
    tokio::select! {
        () = steps.next() => {}
        () = grow => {}
    }
}

/// Two more runtimes: one that nobody drives, and one that is driven as late as can be borne.
#[stallscope::main(worker_threads = 1)]
pub(super) async fn undriven_tasks() {
    let mut steps = Steps::ready();
    let runtime = || {
        let mut builder = Builder::new_current_thread();
        builder.stallscope().build().expect("a runtime")
    };
    let (forgotten, late) = (runtime(), runtime());
    {
        let _inside = forgotten.enter();
        // never polled: here
        tokio::spawn(async {});
    }
    let driver = thread::spawn(move || {
        let task = {
            let _inside = late.enter();
            tokio::spawn(async {})
        };
        thread::sleep(Duration::from_millis(500));
        late.block_on(task).expect("no panic");
    });
    steps.next().await;
    driver.join().expect("no panic");
    forgotten.shutdown_background();
}

/// A dozen requests, each of which leaves a task behind, and then no more.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn leaving_behind() {
    let mut steps = Steps::ready();
    for _ in 0..12 {
        let request = stallscope::spawn(async {
            // left behind: here
            stallscope::spawn(pending::<Infallible>());
        });
        request.await.expect("no panic");
        sleep(Duration::from_millis(250)).await;
    }
    steps.next().await;
}

/// Ten thousand connections that rarely have anything to say. Each second fifty hang up and fifty others come.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn steady_connections() {
    let (network, mut arriving) = mpsc::channel(64);
    stallscope::spawn(async move {
        while let Some(connection) = arriving.recv().await {
            // steady: connection
            stallscope::spawn(echo(connection));
        }
    });
    tokio::select! {
        () = stay() => {}
        never = ten_thousand_clients(network) => match never {},
    }
}

async fn ten_thousand_clients(network: mpsc::Sender<DuplexStream>) -> Infallible {
    let connect = async || {
        let (near, far) = duplex(16);
        network.send(far).await.expect("the server is there");
        near
    };
    let mut clients = VecDeque::new();
    for _ in 0..10_000 {
        clients.push_back(connect().await);
    }
    let mut tick = interval(Duration::from_millis(20));
    loop {
        tick.tick().await;
        // Whoever has been there longest says goodbye before it goes.
        if let Some(mut client) = clients.pop_front() {
            client.write_all(b"bye").await.expect("it is served");
            client.read_exact(&mut [0; 3]).await.expect("an answer");
        }
        clients.push_back(connect().await);
    }
}

async fn echo(mut connection: DuplexStream) {
    let mut said = [0; 16];
    while let Ok(count @ 1..) = connection.read(&mut said).await {
        if connection.write_all(&said[..count]).await.is_err() {
            return;
        }
    }
}

/// Requests that start tasks which would stay for ever, and see to it that they do not.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn tied_to_requests() {
    let jobs = TaskTracker::new();
    let shutdown = CancellationToken::new();
    let requests = async {
        let mut tick = interval(Duration::from_millis(25));
        loop {
            tick.tick().await;
            stallscope::spawn(request(jobs.clone(), shutdown.clone()));
        }
    };
    tokio::select! {
        () = stay() => {}
        () = requests => {}
    }
    shutdown.cancel();
    jobs.close();
    jobs.wait().await;
    println!("all jobs have ended");
}

async fn request(jobs: TaskTracker, shutdown: CancellationToken) {
    let mut parts = JoinSet::new();
    for _ in 0..3 {
        // tied: part
        parts.spawn(pending::<Infallible>());
    }
    let heartbeat = shutdown.child_token();
    let _beats_until_then = heartbeat.clone().drop_guard();
    // tied: heartbeat
    stallscope::spawn(jobs.track_future(async move { heartbeat.cancelled().await }));
    // What has to be done after the answer. It outlives the request, but not by much.
    let job = async move {
        shutdown
            .run_until_cancelled(sleep(Duration::from_millis(500)))
            .await
    };
    // tied: job
    stallscope::spawn(jobs.track_future(job));
    sleep(Duration::from_millis(200)).await;
}

/// Tasks whose parents have ended, and which are there for good reason.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn outliving() {
    let start_up = stallscope::spawn(async {
        // outliving: refresher
        stallscope::spawn(async {
            // Without a poll for longer than the grace time.
            let mut tick = interval(Duration::from_secs(4));
            loop {
                tick.tick().await;
            }
        });
        for _ in 0..5 {
            stallscope::spawn(pending::<Infallible>());
        }
    });
    start_up.await.expect("no panic");
    // The pool is open until the others are done too.
    tokio::join!(stay(), burst(), pool_that_nobody_uses_any_more());
}

/// A dozen requests at once, with much to do after their answers: it drains, for longer than window and grace time.
async fn burst() {
    let start = Instant::now();
    let request = |request: u32| async move {
        for number in 0..50 {
            let done = start + Duration::from_millis(20) * (number * 12 + request);
            // outliving: burst
            stallscope::spawn(sleep_until(done));
        }
    };
    all_at_once((0..12).map(request)).await;
}

/// A pool of connections. Who needs one opens it if there is none, and leaves it to others.
type Pool = Arc<Mutex<Vec<mpsc::Sender<oneshot::Sender<()>>>>>;

async fn pool_that_nobody_uses_any_more() -> Pool {
    let pool = Pool::default();
    // More at once from second to second, then as many for a while, then none.
    for at_once in [2, 4, 6, 8, 10, 12, 12, 12] {
        all_at_once((0..at_once).map(|_| query(Arc::clone(&pool)))).await;
    }
    pool
}

async fn query(pool: Pool) {
    let unused = pool.lock().expect("no panic").pop();
    let connection = unused.unwrap_or_else(|| {
        let (connection, mut queries) = mpsc::channel::<oneshot::Sender<()>>(1);
        // outliving: pool
        stallscope::spawn(async move {
            while let Some(query) = queries.recv().await {
                // Who asked may be gone.
                let _ = query.send(());
            }
        });
        connection
    });
    // All of them together, so that none finds the connection of another unused.
    sleep(Duration::from_millis(400)).await;
    let (query, answer) = oneshot::channel();
    connection.send(query).await.expect("it is open");
    answer.await.expect("an answer");
    pool.lock().expect("no panic").push(connection);
}

/// Requests that are tasks of their own, until all of them have ended.
async fn all_at_once(requests: impl Iterator<Item = impl Future<Output = ()> + Send + 'static>) {
    let requests: Vec<_> = requests.map(|request| stallscope::spawn(request)).collect();
    for request in requests {
        request.await.expect("no panic");
    }
}

/// Lets the program be looked at for longer than window and grace time together, and then until the test has seen enough.
async fn stay() {
    let mut steps = Steps::ready();
    sleep(Duration::from_secs(12)).await;
    println!("it has stayed");
    steps.next().await;
}

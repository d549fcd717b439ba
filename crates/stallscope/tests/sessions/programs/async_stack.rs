//! Tasks that wait in the ways there are, and that must notice nothing when they are asked about it.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};

use super::Steps;

/// Each step sends what the tasks wait for; all of them must arrive.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn suspended() {
    let mut steps = Steps::ready();
    let (jobs, inbox) = mpsc::channel(1);
    let consumer = stallscope::task("consumer").spawn(consume(inbox));
    let (stop, stopped) = oneshot::channel();
    let (events, event) = mpsc::channel(1);
    let chooser = stallscope::task("chooser").spawn(choose(event, stopped));
    let crowd = stallscope::task("crowd").spawn(wait_for_many());
    let stranger = stallscope::task("stranger").spawn(pending::<()>());
    let plain = tokio::spawn(pending::<()>());
    println!("plain is {}", plain.id());
    let mut polls = 0;
    // Panics when it is polled once more.
    let fragile = stallscope::task("fragile").spawn(poll_fn(move |_| {
        polls += 1;
        assert_eq!(polls, 1, "polled again");
        Poll::<()>::Pending
    }));

    steps.next().await;
    for job in 0..3 {
        jobs.send(job).await.expect("the consumer listens");
    }
    drop(jobs);
    assert_eq!(consumer.await.expect("no panic"), [0, 1, 2]);
    drop(events);
    stop.send(7).expect("the chooser listens");
    assert_eq!(chooser.await.expect("no panic"), 7);
    assert!(
        fragile
            .await
            .expect_err("it was polled once more")
            .is_panic()
    );
    assert!(!stranger.is_finished() && !crowd.is_finished());
    println!("all has arrived");
    steps.end().await;
    std::process::exit(0);
}

async fn consume(mut inbox: mpsc::Receiver<u32>) -> Vec<u32> {
    let mut jobs = Vec::new();
    // async stack: takes jobs
    while let Some(job) = next_job(&mut inbox).await {
        jobs.push(job);
    }
    jobs
}

async fn next_job(inbox: &mut mpsc::Receiver<u32>) -> Option<u32> {
    // async stack: waits for a job
    inbox.recv().await
}

async fn choose(mut events: mpsc::Receiver<u32>, stopped: oneshot::Receiver<u32>) -> u32 {
    // async stack: chooses
    tokio::select! {
        Some(job) = next_job(&mut events) => job,
        told = stopped => told.expect("told"),
        () = tokio::time::sleep(Duration::from_secs(3_600)) => 0,
    }
}

/// At more places than are shown.
async fn wait_for_many() {
    let mut sleeps: Vec<_> = (0..100)
        .map(|_| Box::pin(tokio::time::sleep(Duration::from_secs(3_600))))
        .collect();
    poll_fn(move |context| {
        for sleep in &mut sleeps {
            let _ = sleep.as_mut().poll(context);
        }
        Poll::<()>::Pending
    })
    .await;
}

/// Messages through channels with room for one, so that every one of them is a wake that could get lost.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn passing_on() {
    let mut steps = Steps::ready();
    let (first, mut inbox) = mpsc::channel(1);
    let (pass, mut last) = mpsc::channel(1);
    let passer = stallscope::task("passer").spawn(async move {
        while let Some(number) = inbox.recv().await {
            pass.send(number).await.expect("somebody listens");
        }
    });
    let counter = stallscope::task("counter").spawn(async move {
        let mut expected = 0;
        while let Some(number) = last.recv().await {
            assert_eq!(number, expected, "each once, in order");
            expected += 1;
        }
        expected
    });
    let mut sent = 0;
    loop {
        tokio::select! {
            () = steps.next() => break,
            sending = first.send(sent) => {
                sending.expect("somebody listens");
                sent += 1;
            }
        }
    }
    drop(first);
    passer.await.expect("no panic");
    assert_eq!(counter.await.expect("no panic"), sent);
    println!("all has arrived");
    steps.end().await;
}

/// A task that is ready and was not woken: being asked is what wakes it. Then it waits in place, as only a poll like any other can.
#[stallscope::main(worker_threads = 2)]
pub(super) async fn ready_when_asked() {
    let steps = Steps::ready();
    let is_ready = Arc::new(AtomicBool::new(false));
    let told = is_ready.clone();
    let (waits, until_it_waits) = oneshot::channel();
    let mut waits = Some(waits);
    let sleeper = stallscope::task("sleeper").spawn(async move {
        poll_fn(|_| {
            if told.load(Ordering::Relaxed) {
                return Poll::Ready(());
            }
            if let Some(waits) = waits.take() {
                let _ = waits.send(());
            }
            Poll::Pending
        })
        .await;
        let short = Duration::from_millis(1);
        tokio::task::block_in_place(|| Handle::current().block_on(tokio::time::sleep(short)));
    });
    until_it_waits.await.expect("it waits");
    is_ready.store(true, Ordering::Relaxed);
    println!("it may go on");
    sleeper.await.expect("no panic");
    println!("all has arrived");
    steps.end().await;
}

/// One task keeps the worker until it is let go, so that nobody comes round to the other.
#[stallscope::main(flavor = "current_thread")]
pub(super) async fn suspended_on_one_thread() {
    let mut steps = Steps::ready();
    let (jobs, inbox) = mpsc::channel(1);
    let consumer = stallscope::task("consumer").spawn(consume(inbox));
    steps.next().await;
    println!("stalled");
    while steps.0.try_recv() == Err(TryRecvError::Empty) {
        std::thread::sleep(Duration::from_millis(1));
    }
    jobs.send(1).await.expect("the consumer listens");
    drop(jobs);
    assert_eq!(consumer.await.expect("no panic"), [1]);
    println!("all has arrived");
    steps.end().await;
}

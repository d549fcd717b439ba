//! How long is it from the moment a poll crosses the threshold until a client is told of it?

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use stallscope_wire::message::Finding;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use crate::arguments::Arguments;
use crate::client::Client;
use crate::instrumented;
use crate::measure::{Figures, micros};
use crate::percentile::at_percent;

/// How a poll is too long.
#[derive(Clone, Copy)]
pub(crate) enum Stall {
    Asleep,
    Computing,
}

/// What stallscope takes for too long when nothing is set.
const THRESHOLD: Duration = Duration::from_millis(20);

/// A stall that nobody was told of after this time counts as told of then.
const NEVER: Duration = Duration::from_secs(2);

/// How often the client asks. What it measures is exact to this and one answer.
const PACE: Duration = Duration::from_micros(300);

/// `median_us`, `p99_us` beyond the threshold until an answer to the client holds the stall, which goes on meanwhile; `first_us` for the first
/// one of the process, for which its debug information is read.
pub(crate) fn run(arguments: &Arguments, stall: Stall) -> Result<Figures> {
    let stalls = arguments.count("stalls")?;
    let lasts = arguments.millis("lasts_ms")?;

    let socket = std::env::temp_dir().join(format!("stallscope-bench-{}.sock", std::process::id()));
    stallscope::Config::new().listen_unix(&socket).install();
    let asked = socket.clone();
    let mut times = instrumented::run(2, async move {
        let mut told = tell_increases(asked);
        let mut times = Vec::new();
        for number in 0..=stalls {
            // At ever other moments of the watchdog's round.
            let pause = 40 + number as u64 * 7 % 20;
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let stalled = stallscope::spawn(async move { stall.for_once(lasts) });
            times.push(told_after(stalled.await?, &mut told).await?);
        }
        anyhow::Ok(times)
    })??;

    // `main` leaves by `exit`, after which nobody does.
    let _ = std::fs::remove_file(socket);
    let first = times.remove(0);
    Ok(vec![
        ("first_us", micros(first)),
        ("median_us", micros(at_percent(&mut times, 50))),
        ("p99_us", micros(at_percent(&mut times, 99))),
    ])
}

impl Stall {
    /// Holds the worker for so long; when that began.
    fn for_once(self, lasts: Duration) -> Instant {
        let began = Instant::now();
        match self {
            Stall::Asleep => thread::sleep(lasts),
            Stall::Computing => {
                while began.elapsed() < lasts {
                    std::hint::black_box((0..1000).sum::<u64>());
                }
            }
        }
        began
    }
}

/// From crossing the threshold until it was told, for a stall that began then.
async fn told_after(
    began: Instant,
    told: &mut UnboundedReceiver<Result<Instant>>,
) -> Result<Duration> {
    let crossed = began + THRESHOLD;
    loop {
        let at = match timeout(NEVER, told.recv()).await {
            Ok(Some(at)) => at?,
            Ok(None) => bail!("the client has ended"),
            Err(_) => return Ok(NEVER),
        };
        // One of before was told later than it was waited for.
        if at >= began {
            return Ok(at.saturating_duration_since(crossed));
        }
    }
}

/// When a client was told of one more stall of ours: each time, or why it asks no longer.
fn tell_increases(socket: PathBuf) -> UnboundedReceiver<Result<Instant>> {
    let (sender, receiver) = unbounded_channel();
    thread::spawn(move || {
        let ask = || {
            let mut client = Client::connect(&socket)?;
            let mut last = 0;
            loop {
                let count = client.findings()?.findings.iter().map(own).sum();
                if count > last && sender.send(Ok(Instant::now())).is_err() {
                    return Ok(());
                }
                last = count;
                thread::sleep(PACE);
            }
        };
        if let Err(why) = ask() {
            let _ = sender.send(Err(why)); // nobody waits any more
        }
    });
    receiver
}

/// How often a finding was seen, if it is about this file.
fn own(finding: &Finding) -> u64 {
    let location = finding.location.as_ref();
    location
        .filter(|location| location.file.ends_with("bench/src/stalls.rs"))
        .map_or(0, |_| finding.count)
}

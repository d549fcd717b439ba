//! When a service should stop: its time is up, or somebody asked it to.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

/// Why a service stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// It ran as long as `--for` says.
    TimeIsUp(Duration),
    /// Ctrl-C in its terminal, or a polite signal from a supervisor.
    Asked,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimeIsUp(run_for) => write!(f, "ran for {run_for:?}"),
            Self::Asked => f.write_str("asked to stop"),
        }
    }
}

/// A future that ends when the service should: after `run_for`, counted from this call, or on SIGINT or SIGTERM.
///
/// The signals are caught from this call on, not only from the first poll: a service calls it before it says that it is
/// ready. Must be called inside a tokio runtime.
pub fn stop_signal(run_for: Option<Duration>) -> impl Future<Output = Stopped> {
    let asked = asked();
    // A time too far away for the clock is as good as none.
    let deadline =
        run_for.and_then(|run_for| Some((run_for, Instant::now().checked_add(run_for)?)));
    async move {
        tokio::select! {
            () = asked => Stopped::Asked,
            stopped = time_is_up(deadline) => stopped,
        }
    }
}

async fn time_is_up(deadline: Option<(Duration, Instant)>) -> Stopped {
    let Some((run_for, deadline)) = deadline else {
        return std::future::pending().await;
    };
    tokio::time::sleep_until(deadline).await;
    Stopped::TimeIsUp(run_for)
}

#[cfg(unix)]
fn asked() -> impl Future<Output = ()> {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// Ends with the first such signal; never, if the signal cannot be caught: its default action then ends the process.
    async fn received(caught: std::io::Result<Signal>) {
        match caught {
            Ok(mut signals) => {
                signals.recv().await;
            }
            Err(error) => {
                tracing::warn!(
                    "a signal cannot be caught, so it will end the process at once: {error}"
                );
                std::future::pending::<()>().await;
            }
        }
    }

    let interrupt = signal(SignalKind::interrupt());
    let terminate = signal(SignalKind::terminate());
    async move {
        tokio::select! {
            () = received(interrupt) => {}
            () = received(terminate) => {}
        }
    }
}

#[cfg(not(unix))]
async fn asked() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!("Ctrl-C cannot be caught, so it will end the process at once: {error}");
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A_DAY: Duration = Duration::from_secs(86_400);

    #[tokio::test(start_paused = true)]
    async fn the_time_counts_from_the_call() {
        let stop = stop_signal(Some(Duration::from_secs(30)));
        tokio::time::advance(Duration::from_secs(20)).await;
        let asked_at = Instant::now();
        assert_eq!(stop.await, Stopped::TimeIsUp(Duration::from_secs(30)));
        assert_eq!(asked_at.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_time_it_runs_on() {
        let ended = tokio::time::timeout(A_DAY, stop_signal(None)).await;
        assert!(ended.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_beyond_the_clock_is_no_limit() {
        let ended = tokio::time::timeout(A_DAY, stop_signal(Some(Duration::MAX))).await;
        assert!(ended.is_err());
    }
}

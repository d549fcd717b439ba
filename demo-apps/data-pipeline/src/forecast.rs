//! The forecast: for how long there is room on the disk, from what is left of it and from how fast it is used.

use std::io;
use std::pin::pin;
use std::time::Duration;

use stallscope::sync::Mutex;
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::fault::{CHOSEN, Fault};
use crate::progress::Counter;

/// The pace is measured for so long at a time.
const MEASURED_FOR: Duration = Duration::from_millis(100);

/// Weight of the newest measurement in the pace.
const WEIGHT: f64 = 0.1;

/// Whoever waits for longer says so.
const PATIENCE: Duration = Duration::from_millis(20);

/// MiB that a row takes, about.
const ROW: f64 = 64.0 / 1_048_576.0;

/// What the forecast is made from. Who needs both locks takes them in this order.
#[derive(Debug, Default)]
pub(crate) struct Forecast {
    /// MiB that are left.
    room: Mutex<u64>,
    /// Rows that are written in a second.
    pace: Mutex<f64>,
}

/// How it looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outlook {
    /// MiB that are left.
    pub(crate) room: u64,
    /// Until there is no room left; infinite while nothing is written.
    pub(crate) seconds: f64,
}

impl Forecast {
    /// Takes in how much room is left, as `measured` will tell. Until then the others wait: what they know is old.
    pub(crate) async fn room_is(
        &self,
        measured: impl Future<Output = io::Result<u64>>,
    ) -> io::Result<Outlook> {
        let mut room = self.room.lock().await;
        *room = measured.await?;
        // fault: lock-cycle (the other)
        let pace = self.pace.lock().await;
        Ok(Outlook::of(*room, *pace))
    }

    /// Measures for as long as it is polled how fast rows are written.
    pub(crate) async fn keep_pace(&self, written: &Counter) {
        loop {
            let outlook = self.measure_pace(written).await;
            debug!("there is room for {:.0} s", outlook.seconds);
        }
    }

    async fn measure_pace(&self, written: &Counter) -> Outlook {
        if CHOSEN.is(Fault::LockCycle) {
            let mut pace = self.pace.lock().await;
            *pace = measured(*pace, written).await;
            // fault: lock-cycle
            let room = self.room.lock().await;
            return Outlook::of(*room, *pace);
        }
        let before = *self.pace.lock().await;
        let now = measured(before, written).await;
        let room = self.room().await;
        *self.pace.lock().await = now;
        Outlook::of(room, now)
    }

    /// What is left, once it is measured.
    async fn room(&self) -> u64 {
        if CHOSEN.is(Fault::AbandonedLock) {
            // fault: abandoned-lock
            let mut room = pin!(self.room.lock());
            return tokio::select! {
                room = &mut room => *room,
                () = sleep(PATIENCE) => {
                    debug!("df takes its time");
                    // fault: abandoned-lock (behind it)
                    *self.room.lock().await
                }
            };
        }
        // At the limit the first wait ends, or else the lock would be given to it, and nobody would take it.
        if let Ok(room) = timeout(PATIENCE, self.room.lock()).await {
            return *room;
        }
        debug!("df takes its time");
        *self.room.lock().await
    }
}

impl Outlook {
    fn of(room: u64, pace: f64) -> Self {
        Self {
            room,
            seconds: room as f64 / (pace * ROW),
        }
    }
}

/// Rows in a second: `before`, brought up to date.
async fn measured(before: f64, written: &Counter) -> f64 {
    let rows = written.get();
    sleep(MEASURED_FOR).await;
    let now = (written.get() - rows) as f64 / MEASURED_FOR.as_secs_f64();
    before + WEIGHT * (now - before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_room_lasts_for_as_long_as_rows_fit_into_it() {
        let (forecast, written) = (Forecast::default(), Counter::default());
        let outlook = forecast.room_is(async { Ok(1000) }).await;
        let outlook = outlook.expect("it is measured");
        assert_eq!((outlook.room, outlook.seconds), (1000, f64::INFINITY));

        let writes = async {
            loop {
                sleep(MEASURED_FOR / 2).await;
                written.add(16_384 / 20);
            }
        };
        let measures = async {
            for _ in 0..100 {
                forecast.measure_pace(&written).await;
            }
            forecast.measure_pace(&written).await
        };
        // 16 384 rows of 64 bytes are a MiB.
        let outlook = tokio::select! {
            outlook = measures => outlook,
            () = writes => unreachable!("it goes on"),
        };
        assert!((900.0..1100.0).contains(&outlook.seconds), "{outlook:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_being_measured_is_waited_for() {
        let (forecast, written) = (Forecast::default(), Counter::default());
        let slow = async {
            sleep(PATIENCE * 10).await;
            Ok(7)
        };
        let (_, outlook) = tokio::join!(forecast.room_is(slow), forecast.measure_pace(&written));
        assert_eq!(outlook.room, 7);
    }
}

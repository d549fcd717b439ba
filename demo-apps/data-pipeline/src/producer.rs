//! A producer: one sensor that measures at its own pace and waits when the pipeline is full.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::calibration::Calibration;
use crate::period::Period;
use crate::progress::Progress;
use crate::reading::Reading;

const MEASURED_EVERY: Duration = Duration::from_millis(20);

const CALIBRATED_EVERY: Duration = Duration::from_secs(3);

/// Sends readings into `lane` until `stopping`, or until nobody receives any more.
///
/// The stop is looked at between two readings, never while one is being sent: a reading is either accepted and
/// counted, or was never made.
pub(crate) async fn run(
    sensor: u16,
    calibration: Calibration,
    lane: mpsc::Sender<Reading>,
    progress: Arc<Progress>,
    stopping: CancellationToken,
) {
    let mut pace = interval(MEASURED_EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sequence = 0;
    let mut celsius = 20.0;
    let mut off_by = 0.0;
    let mut period = None;
    let mut calibrate_at = Instant::now();
    // Begun at random, so that not all sensors look at the table in the same moment from then on.
    let mut calibrate_after = CALIBRATED_EVERY.mul_f64(fastrand::f64());
    while stopping.run_until_cancelled(pace.tick()).await.is_some() {
        if Instant::now() >= calibrate_at {
            match calibration.of(sensor).await {
                Ok(degrees) => off_by = degrees,
                Err(error) => warn!("sensor {sensor} stays as it was: no calibration ({error})"),
            }
            period = Some(Period::begin(sensor));
            calibrate_at = Instant::now() + calibrate_after;
            calibrate_after = CALIBRATED_EVERY;
        }
        for _ in 0..fastrand::u32(1..=4) {
            celsius = next_celsius(celsius);
            if lane
                .send(Reading {
                    sensor,
                    sequence,
                    celsius: celsius - off_by,
                })
                .await
                .is_err()
            {
                return;
            }
            sequence += 1;
            progress.produced.add(1);
        }
        if let Some(period) = &period {
            period.add(celsius - off_by).await;
        }
    }
}

/// A random walk that is drawn back to 20 °C.
fn next_celsius(celsius: f64) -> f64 {
    celsius + (20.0 - celsius) * 0.01 + (fastrand::f64() - 0.5)
}

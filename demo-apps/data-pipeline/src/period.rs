//! The time from one calibration of a sensor to the next: a consumer of its own sees how far apart the readings are.

use tokio::sync::mpsc;
use tracing::debug;

use crate::fault::{CHOSEN, Fault};

/// Readings that wait for the consumer at most.
const WAITING: usize = 16;

/// A period of one sensor, which is over when this is dropped.
#[derive(Debug)]
pub(crate) struct Period(mpsc::Sender<f64>);

impl Period {
    /// Begins, with a consumer that ends after the last reading of the period.
    pub(crate) fn begin(sensor: u16) -> Self {
        let (readings, received) = mpsc::channel(WAITING);
        // A channel with a sender in its own receiver never closes.
        let sender = CHOSEN.is(Fault::EndlessConsumer).then(|| readings.clone());
        // fault: endless-consumer
        tokio::spawn(consume(sensor, received, sender));
        Self(readings)
    }

    /// Adds a reading.
    pub(crate) async fn add(&self, celsius: f64) {
        // The consumer goes after the period; if it is gone, so is the runtime.
        let _ = self.0.send(celsius).await;
    }
}

async fn consume(
    sensor: u16,
    mut readings: mpsc::Receiver<f64>,
    _sender: Option<mpsc::Sender<f64>>,
) {
    if let Some((least, most)) = range(&mut readings).await {
        debug!("sensor {sensor} was between {least:.1} and {most:.1} °C");
    }
}

/// The least and the greatest of all readings; none if there are none.
async fn range(readings: &mut mpsc::Receiver<f64>) -> Option<(f64, f64)> {
    let first = readings.recv().await?;
    let (mut least, mut most) = (first, first);
    while let Some(celsius) = readings.recv().await {
        (least, most) = (least.min(celsius), most.max(celsius));
    }
    Some((least, most))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn range_of(sent: &[f64]) -> Option<(f64, f64)> {
        let (readings, mut received) = mpsc::channel(WAITING);
        for &celsius in sent {
            readings.try_send(celsius).expect("there is room");
        }
        drop(readings);
        range(&mut received).await
    }

    #[tokio::test]
    async fn the_range_is_that_of_all_readings_when_nobody_sends_any_more() {
        assert_eq!(range_of(&[]).await, None);
        assert_eq!(range_of(&[20.5]).await, Some((20.5, 20.5)));
        assert_eq!(range_of(&[20.5, 22.0, 19.0]).await, Some((19.0, 22.0)));
    }
}

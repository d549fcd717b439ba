//! A consumer: receives the readings of its sensors, works out what they mean, and passes them on in batches.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::progress::Progress;
use crate::reading::{Reading, Row};

/// Most readings taken from the lane at a time: bounds the work of one poll.
const BATCH: usize = 128;

/// Weight of the newest reading in the mean.
const WEIGHT: f64 = 0.1;

/// Degrees between a reading and the mean from which on it is an outlier.
const FAR: f64 = 1.0;

/// Receives until every producer of `lane` is gone and the lane is empty.
///
/// Ends early only if the writer is gone, for then there is nowhere to pass them on to.
pub(crate) async fn run(
    mut lane: mpsc::Receiver<Reading>,
    writer: mpsc::Sender<Vec<Row>>,
    progress: Arc<Progress>,
) {
    let mut means = Means::default();
    let mut inbox = Vec::with_capacity(BATCH);
    while lane.recv_many(&mut inbox, BATCH).await > 0 {
        let rows: Vec<Row> = inbox.drain(..).map(|reading| means.row(reading)).collect();
        let count = rows.len() as u64;
        if writer.send(rows).await.is_err() {
            return;
        }
        progress.consumed.add(count);
    }
}

/// The running mean of each sensor.
#[derive(Debug, Default)]
struct Means(HashMap<u16, f64>);

impl Means {
    fn row(&mut self, reading: Reading) -> Row {
        let mean = self.0.entry(reading.sensor).or_insert(reading.celsius);
        let outlier = (reading.celsius - *mean).abs() > FAR;
        *mean += WEIGHT * (reading.celsius - *mean);
        Row {
            reading,
            smoothed: *mean,
            outlier,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(sensor: u16, celsius: f64) -> Reading {
        Reading {
            sensor,
            sequence: 0,
            celsius,
        }
    }

    #[test]
    fn a_jump_is_an_outlier_and_only_for_its_own_sensor() {
        let mut means = Means::default();
        assert!(
            !means.row(reading(1, 20.0)).outlier,
            "the first reading is the mean"
        );
        assert!(!means.row(reading(1, 20.5)).outlier);
        assert!(means.row(reading(1, 25.0)).outlier);
        assert!(!means.row(reading(2, 25.0)).outlier);
    }

    #[tokio::test]
    async fn what_is_in_the_lane_is_passed_on_after_the_producers_are_gone() {
        let (lane, receiver) = mpsc::channel(1000);
        for sequence in 0..300 {
            let sent = lane.try_send(Reading {
                sensor: 1,
                sequence,
                celsius: 20.0,
            });
            sent.expect("the lane has room");
        }
        drop(lane);
        let (writer, mut written) = mpsc::channel(100);
        let progress = Arc::new(Progress::default());
        run(receiver, writer, Arc::clone(&progress)).await;
        assert_eq!(progress.consumed.get(), 300);
        let mut sequences = Vec::new();
        while let Some(rows) = written.recv().await {
            sequences.extend(rows.iter().map(|row| row.reading.sequence));
        }
        assert!(
            sequences.iter().copied().eq(0..300),
            "in order, none twice: {sequences:?}"
        );
    }
}

//! The calibration table: by how much each sensor is off, in a file that may change at any time.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use stallscope::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::time::sleep;

use crate::fault::{CHOSEN, Fault};

/// Bytes of an entry: degrees as a little-endian `f64`.
const ENTRY: usize = size_of::<f64>();

/// Bytes of the whole table: it has an entry for every sensor ever made, at the place of its serial number.
const SIZE: u64 = 256 << 20;

/// The table is on a network drive, which takes this long.
const DRIVE: Duration = Duration::from_millis(100);

/// A table on disk. Clones are the same table.
#[derive(Clone, Debug)]
pub(crate) struct Calibration(Arc<Table>);

#[derive(Debug)]
struct Table {
    path: PathBuf,
    /// By sensor, what was read last: it has to do when the drive does not answer.
    known: Mutex<HashMap<u16, f64>>,
}

impl Calibration {
    /// Writes a table to `path` in which `sensors` sensors are off by a little. Blocks.
    pub(crate) fn create(path: PathBuf, sensors: u16) -> io::Result<Self> {
        let mut table = File::create(&path)?;
        for sensor in 0..sensors {
            table.write_all(&off_by(sensor).to_le_bytes())?;
        }
        // All others are a hole in the file: it reads as zeros and takes no room.
        table.set_len(SIZE)?;
        Ok(Self(Arc::new(Table {
            path,
            known: Mutex::default(),
        })))
    }

    /// By how many degrees `sensor` is off, as the table says now, or as it said last.
    pub(crate) async fn of(&self, sensor: u16) -> io::Result<f64> {
        if CHOSEN.is(Fault::Convoy) {
            // fault: convoy
            let mut known = self.0.known.lock().await;
            return remember(&mut known, sensor, self.0.read(sensor).await);
        }
        let read = self.0.read(sensor).await;
        remember(&mut *self.0.known.lock().await, sensor, read)
    }
}

/// Takes in what was read, or gives what is known if nothing was.
fn remember(known: &mut HashMap<u16, f64>, sensor: u16, read: io::Result<f64>) -> io::Result<f64> {
    match (read, known.get(&sensor)) {
        (Ok(degrees), _) => {
            known.insert(sensor, degrees);
            Ok(degrees)
        }
        (Err(_), Some(&degrees)) => Ok(degrees),
        (Err(error), None) => Err(error),
    }
}

impl Table {
    async fn read(&self, sensor: u16) -> io::Result<f64> {
        let at = usize::from(sensor) * ENTRY;
        if CHOSEN.is(Fault::FileRead) {
            // fault: file-read
            let table = std::fs::read(&self.path)?;
            let entry = table.get(at..).and_then(<[u8]>::first_chunk).copied();
            // To give so much memory back takes long too, which is another matter.
            std::thread::spawn(move || drop(table));
            let entry = entry.ok_or(io::ErrorKind::UnexpectedEof)?;
            return Ok(f64::from_le_bytes(entry));
        }
        sleep(DRIVE).await;
        let mut table = tokio::fs::File::open(&self.path).await?;
        table.seek(SeekFrom::Start(at as u64)).await?;
        table.read_f64_le().await
    }
}

/// Half a degree at most, up and down.
fn off_by(sensor: u16) -> f64 {
    f64::from(sensor % 11) / 10.0 - 0.5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_sensor_finds_its_own_entry_and_those_never_calibrated_are_right() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let table = Calibration::create(folder.path().join("calibration"), 100);
        let table = table.expect("a new file can be written");
        for sensor in [0, 1, 99] {
            let found = table.of(sensor).await.expect("the table has it");
            assert_eq!(found.to_bits(), off_by(sensor).to_bits());
        }
        let found = table.of(100).await.expect("the table has it");
        assert_eq!(found.to_bits(), 0);
    }

    #[tokio::test]
    async fn what_was_read_once_is_known_when_the_drive_is_gone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let table = Calibration::create(folder.path().join("calibration"), 2);
        let table = table.expect("a new file can be written");
        let known = table.of(1).await.expect("the table has it");
        folder.close().expect("it can be removed");
        let found = table.of(1).await.expect("it is known");
        assert_eq!(found.to_bits(), known.to_bits());
        table.of(0).await.expect_err("it was never read");
    }
}

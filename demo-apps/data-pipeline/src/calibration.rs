//! The calibration table: by how much each sensor is off, in a file that may change at any time.

use std::fs::File;
use std::io::{self, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::fault::{CHOSEN, Fault};

/// Bytes of an entry: degrees as a little-endian `f64`.
const ENTRY: usize = size_of::<f64>();

/// Bytes of the whole table: it has an entry for every sensor ever made, at the place of its serial number.
const SIZE: u64 = 256 << 20;

/// A table on disk. Clones are the same table.
#[derive(Clone, Debug)]
pub(crate) struct Calibration(Arc<Path>);

impl Calibration {
    /// Writes a table to `path` in which `sensors` sensors are off by a little. Blocks.
    pub(crate) fn create(path: PathBuf, sensors: u16) -> io::Result<Self> {
        let mut table = File::create(&path)?;
        for sensor in 0..sensors {
            table.write_all(&off_by(sensor).to_le_bytes())?;
        }
        // All others are a hole in the file: it reads as zeros and takes no room.
        table.set_len(SIZE)?;
        Ok(Self(path.into()))
    }

    /// By how many degrees `sensor` is off, as the table says now.
    pub(crate) async fn of(&self, sensor: u16) -> io::Result<f64> {
        let at = usize::from(sensor) * ENTRY;
        if CHOSEN.is(Fault::FileRead) {
            // fault: file-read
            let table = std::fs::read(&self.0)?;
            let entry = table.get(at..).and_then(<[u8]>::first_chunk).copied();
            // To give so much memory back takes long too, which is another matter.
            std::thread::spawn(move || drop(table));
            let entry = entry.ok_or(io::ErrorKind::UnexpectedEof)?;
            return Ok(f64::from_le_bytes(entry));
        }
        let mut table = tokio::fs::File::open(&self.0).await?;
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
}

//! The disk guard: warns when there is little room left, which only `df` can tell.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, warn};

use crate::fault::{CHOSEN, Fault};
use crate::forecast::{Forecast, Outlook};

const LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

/// MiB from which on down there is little room.
const LITTLE: u64 = 512;

/// There is little room too if it is used up in so many seconds.
const SOON: f64 = 600.0;

/// The pause stands for a network drive: `df` asks its server.
const DF: &str = r#"sleep 0.1; exec df -Pk "$0""#;

/// Looks at the disk of `folder` for as long as it is polled, and tells the forecast.
pub(crate) async fn guard(folder: PathBuf, forecast: Arc<Forecast>) {
    let mut pace = interval(LOOKED_AT_EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        match forecast.room_is(free_mib(&folder)).await {
            Ok(Outlook { room, seconds }) if room <= LITTLE || seconds <= SOON => {
                warn!(
                    "only {room} MiB are left for {}, for {seconds:.0} s",
                    folder.display()
                );
            }
            Ok(Outlook { room, .. }) => debug!("{room} MiB are left"),
            Err(error) => debug!("df does not say how much room is left: {error}"),
        }
    }
}

async fn free_mib(folder: &Path) -> io::Result<u64> {
    let mut df = Command::new("sh");
    df.args(["-c", DF]).arg(folder);
    let Output { stdout, .. } = if CHOSEN.is(Fault::ChildProcess) {
        // fault: child-process
        df.output()?
    } else {
        // Not `tokio::process`: it waits without blocking, but starting a process blocks all the same, and for
        // long on a machine that has no time to spare.
        spawn_blocking(move || df.output()).await??
    };
    available(&String::from_utf8_lossy(&stdout))
        .map(|kib| kib / 1024)
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// KiB in the fourth column of the second line.
fn available(table: &str) -> Option<u64> {
    table
        .lines()
        .nth(1)?
        .split_whitespace()
        .nth(3)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_that_is_left_is_the_fourth_column() {
        let table = "Filesystem 1024-blocks Used Available Capacity Mounted on\n\
                     /dev/sda1 100000 60000 40000 60% /\n";
        assert_eq!(available(table), Some(40_000));
        assert_eq!(available("df: no such thing\n"), None);
    }
}

//! The mistakes that the pipeline makes when told to. Each place is marked `// fault: NAME`.

use clap::ValueEnum;
use demo_support::Chosen;

/// The one that was chosen.
pub(crate) static CHOSEN: Chosen<Fault> = Chosen::none();

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Fault {
    /// Each sensor reads its correction from a file on a worker, the whole file
    FileRead,
    /// The median is worked out by SQLite on a worker
    QueryOnWorker,
    /// `df` is started and waited for on a worker
    ChildProcess,
    /// The consumer of a sensor's readings between two calibrations keeps a sender of its own channel, and so never ends
    EndlessConsumer,
    /// Two tasks take the two locks of the forecast in opposite orders
    LockCycle,
    /// A wait for a lock is put aside at its time limit, not ended, and the same task waits for the lock once more
    AbandonedLock,
    /// The calibrations known so far stay locked while the table is read; with --load 64 all sensors stand in a queue
    Convoy,
}

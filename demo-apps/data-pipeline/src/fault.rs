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
}

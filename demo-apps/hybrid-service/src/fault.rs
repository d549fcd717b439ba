//! The mistakes that the service makes when told to. Each place is marked `// fault: NAME`.

use clap::ValueEnum;
use demo_support::Chosen;

/// The one that was chosen.
pub(crate) static CHOSEN: Chosen<Fault> = Chosen::none();

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Fault {
    /// Pictures are scaled on a worker
    ImageOnWorker,
    /// The shelves stay locked while somebody fills them on the blocking pool
    HeldLock,
    /// Who waits for a change of the stock does so on the blocking pool; with --load 64 it is full
    FullPool,
    /// The heartbeat of a connection outlives it
    LastingHeartbeat,
    /// Who waits for a change of the stock has a task that waits on after the answer
    LastingSubscriber,
    /// Who waits for a change of the stock has a task that looks for it and leaves no waker
    DeafSubscriber,
    /// The buyer's closure on the blocking pool waits for as long as the service runs
    EndlessClosure,
    /// Requests are counted by a value that was read before they are answered
    LostHits,
    /// The shelves are filled by a list that was made before the delivery came
    LostStock,
    /// Money is taken out of the drawer before the safe is open, and that has a time limit
    TornTransfer,
    /// A lock that blocks is held while main waits
    GuardAcrossAwait,
    /// A span is entered while main waits
    SpanAcrossAwait,
}

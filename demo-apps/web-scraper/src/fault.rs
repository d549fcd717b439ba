//! The mistakes that the scraper makes when told to. Each place is marked `// fault: NAME`.

use clap::ValueEnum;
use demo_support::Chosen;

/// The one that was chosen.
pub(crate) static CHOSEN: Chosen<Fault> = Chosen::none();

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Fault {
    /// Pauses between two attempts sleep on a worker
    BlockingSleep,
    /// The catalogue is fetched with a socket of std, which blocks until it has come
    BlockingClient,
    /// Whether the mirror has room is asked with a socket of std, which blocks until it is known
    BlockingConnect,
    /// A task waits for price alarms in a channel of std, and so never gives its worker back
    EndlessReceive,
    /// The body of main sleeps between two summaries
    BlockingMain,
    /// The time limit of a request is put around the handle of a task, and ends the wait but not the task
    DroppedHandles,
    /// Pages are decoded at the same time by a library that allows one call at a time
    SharedDecoder,
    /// Pages are counted at the same time by a library that counts in a static variable
    SharedMeter,
}

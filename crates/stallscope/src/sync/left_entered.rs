//! Did a poll leave a span of the application's `tracing` entered?

use std::panic::Location;

use tracing::{Id, Metadata, Span};

use super::conflict::{CONFLICTS, Place, Side};
use super::party::{Party, thread_id};
use crate::findings::Rule;

/// Looks at the current span of a thread after each poll of a future that stays there. Asks the application's own subscriber, to which nothing
/// has to be added; one that does not know the current span tells nothing.
pub(crate) struct LeftEntered {
    /// In which the thread was before the first poll: entered around the runtime, which is right.
    outside: Option<Id>,
    /// The last one that was told: it stays entered through many polls.
    told: Option<Id>,
    root: &'static Location<'static>,
}

impl LeftEntered {
    /// To be made before the first poll. `root`: where the future was made, for spans without a line.
    pub(crate) fn new(root: &'static Location<'static>) -> Self {
        LeftEntered {
            outside: Span::current().id(),
            told: None,
            root,
        }
    }

    /// The future has been polled, and goes on later.
    pub(crate) fn is_pending(&mut self) {
        let span = Span::current();
        let id = span.id();
        if id.is_none() || id == self.outside || id == self.told {
            return;
        }
        let metadata = span.metadata();
        let side = Side {
            party: Party::current(),
            place: metadata
                .and_then(place_of)
                .unwrap_or_else(|| self.root.into()),
            tid: thread_id(),
        };
        CONFLICTS.tell(
            Rule::SpanAcrossAwait,
            metadata.map_or("", Metadata::name),
            side,
            None,
        );
        self.told = id;
    }
}

fn place_of(metadata: &'static Metadata<'static>) -> Option<Place> {
    Some(Place {
        file: metadata.file()?,
        line: metadata.line()?,
        column: 0,
    })
}

//! In which state a lock or semaphore is, and what is wanted of it.

use super::{Seen, plausible};
use crate::tasks::view::Value;

/// The lowest bits of the count of permits: one, which says that the semaphore is closed.
const FLAGS: u32 = 1;

/// A wait in the queue of a semaphore, which all of tokio's locks are made of.
struct Queued {
    /// Permits that are free.
    free: u64,
    /// How many it wants.
    wanted: u64,
    /// How many of these it has not got yet.
    missing: Option<u64>,
}

impl Seen<'_, '_, '_> {
    /// "0 permits free, 2 wanted". How many there are in all is nowhere kept.
    pub(super) fn semaphore(&self) -> Option<String> {
        let queued = self.queued()?;
        let free = match queued.free {
            1 => "1 permit free".to_owned(),
            free => format!("{free} permits free"),
        };
        Some(
            match queued.missing.filter(|missing| *missing < queued.wanted) {
                Some(missing) => format!(
                    "{free}, {} wanted, {missing} of them missing",
                    queued.wanted
                ),
                None => format!("{free}, {} wanted", queued.wanted),
            },
        )
    }

    pub(super) fn mutex(&self) -> Option<String> {
        // Its only permit is taken, or has been given to this task, which has not run since.
        let queued = self.queued()?;
        Some(
            if queued.missing == Some(0) {
                "its turn"
            } else {
                "locked"
            }
            .to_owned(),
        )
    }

    /// A reader takes one permit, a writer all of them.
    pub(super) fn rwlock(&self) -> Option<String> {
        let queued = self.queued()?;
        if queued.wanted <= 1 {
            return Some("to read; a writer has it or is before it".to_owned());
        }
        let held = queued.missing.filter(|missing| *missing < queued.wanted);
        Some(match held {
            Some(0) => "to write; its turn".to_owned(),
            Some(1) => "to write; 1 reader has it".to_owned(),
            Some(readers) => format!("to write; {readers} readers have it"),
            None => "to write; another writer has it or is before it".to_owned(),
        })
    }

    fn queued(&self) -> Option<Queued> {
        let acquire = self.reach("tokio::sync::batch_semaphore::Acquire")?;
        let semaphore = self
            .view
            .pointed_to(&self.view.member(&acquire, "semaphore")?)?;
        Some(Queued {
            free: plausible(self.view.number_at(&semaphore, "permits")? >> FLAGS)?,
            wanted: self.wanted(&acquire)?,
            missing: self
                .view
                .number_at(&acquire, "node.state")
                .and_then(plausible),
        })
    }

    fn wanted(&self, acquire: &Value) -> Option<u64> {
        plausible(self.view.number_at(acquire, "num_permits")?)
    }
}

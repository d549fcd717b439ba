//! The list of open sessions, one per connection, and when each was last heard of.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

/// A session not renewed for this long is stale: its connection's task is stuck or gone.
const STALE_AFTER: Duration = Duration::from_secs(3);

/// All open sessions. Clones are the same list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    opened: AtomicU64,
    /// When each session was renewed last. Locked for single look-ups only, never across an await.
    renewed: Mutex<HashMap<u64, Instant>>,
}

/// One open session; dropping it closes it.
#[derive(Debug)]
pub(crate) struct Session {
    id: u64,
    list: Sessions,
}

/// Keeps a session from going stale, without keeping it open.
#[derive(Debug)]
pub(crate) struct Pulse {
    id: u64,
    list: Sessions,
}

/// How the sessions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Overview {
    /// Opened since the start.
    pub(crate) opened: u64,
    /// Open now.
    pub(crate) open: usize,
    /// Open now, but not heard of for a while.
    pub(crate) stale: usize,
}

impl Sessions {
    pub(crate) fn open(&self) -> Session {
        let id = self.0.opened.fetch_add(1, Ordering::Relaxed);
        self.renewed().insert(id, Instant::now());
        Session {
            id,
            list: self.clone(),
        }
    }

    pub(crate) fn overview(&self) -> Overview {
        let renewed = self.renewed();
        let stale = renewed
            .values()
            .filter(|renewed| renewed.elapsed() > STALE_AFTER)
            .count();
        let opened = self.0.opened.load(Ordering::Relaxed);
        Overview {
            opened,
            open: renewed.len(),
            stale,
        }
    }

    /// No code that holds this lock can panic half way through a change, so a poisoned list is still whole.
    fn renewed(&self) -> MutexGuard<'_, HashMap<u64, Instant>> {
        self.0
            .renewed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// The means to say, from elsewhere, that this session is alive.
    pub(crate) fn pulse(&self) -> Pulse {
        Pulse {
            id: self.id,
            list: self.list.clone(),
        }
    }
}

impl Pulse {
    /// Says that the session is alive; says nothing once it is closed.
    pub(crate) fn renew(&self) {
        if let Some(renewed) = self.list.renewed().get_mut(&self.id) {
            *renewed = Instant::now();
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.list.renewed().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_session_is_listed_until_it_is_dropped_and_stale_until_it_is_renewed() {
        let sessions = Sessions::default();
        let (one, two) = (sessions.open(), sessions.open());
        assert_eq!(
            sessions.overview(),
            Overview {
                opened: 2,
                open: 2,
                stale: 0
            }
        );
        tokio::time::advance(Duration::from_secs(4)).await;
        let (pulse_one, pulse_two) = (one.pulse(), two.pulse());
        pulse_one.renew();
        assert_eq!(
            sessions.overview(),
            Overview {
                opened: 2,
                open: 2,
                stale: 1
            }
        );
        drop(two);
        pulse_two.renew();
        assert_eq!(
            sessions.overview(),
            Overview {
                opened: 2,
                open: 1,
                stale: 0
            }
        );
    }
}

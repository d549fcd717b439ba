//! Which threads met at bytes that this test has registered? The agent tells, when its round on them is over.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// For a round to end: the agent comes by four times a second.
const PATIENCE: Duration = Duration::from_secs(3);

/// Different ones that are kept.
const MOST: usize = 64;

/// Of one test.
#[derive(Default)]
pub(super) struct Meetings {
    state: Mutex<State>,
    over: Condvar,
}

#[derive(Default)]
struct State {
    /// Rounds that go on.
    rounds: usize,
    /// A sentence, and how often that was seen.
    told: Vec<(String, u64)>,
}

impl Meetings {
    pub(super) fn round_begins(&self) {
        self.state().rounds += 1;
    }

    /// With what was seen in it, as a sentence.
    pub(super) fn round_is_over(&self, met: Option<String>) {
        let mut state = self.state();
        state.rounds = state.rounds.saturating_sub(1);
        if let Some(met) = met {
            let known = state.told.iter_mut().find(|(told, _)| *told == met);
            if let Some((_, times)) = known {
                *times += 1;
            } else if state.told.len() < MOST {
                state.told.push((met, 1));
            }
        }
        drop(state);
        self.over.notify_all();
    }

    /// All of them, when no round goes on any more.
    pub(super) fn all(&self) -> Vec<(String, u64)> {
        let goes_on = |state: &mut State| state.rounds > 0;
        let waited = self
            .over
            .wait_timeout_while(self.state(), PATIENCE, goes_on);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.told.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_counted_and_known_when_the_round_is_over() {
        let meetings = Meetings::default();
        assert_eq!(meetings.all(), []);
        for met in [Some("a and b"), None, Some("a and b")] {
            meetings.round_begins();
            meetings.round_is_over(met.map(str::to_owned));
        }
        meetings.round_begins();
        let told = std::thread::scope(|scope| {
            let told = scope.spawn(|| meetings.all());
            meetings.round_is_over(Some("c and d".to_owned()));
            told.join().expect("no panic")
        });
        assert_eq!(told, [("a and b".to_owned(), 2), ("c and d".to_owned(), 1)]);
    }
}

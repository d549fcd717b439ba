//! The connection to the agent: which one, how it is doing, and when to try again.

use std::time::{Duration, Instant};

use crate::target::Target;
use crate::tui::effect::Effect;

/// Pauses between attempts: short at first, since a program under development comes back at once.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

/// Updates come twice a second. An agent that misses six in a row is stuck, and the picture old.
const SILENCE: Duration = Duration::from_secs(3);

/// The one connection the view has, or wants.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) target: Target,
    /// Names the attempt: what an earlier one still delivers is not listened to.
    number: u64,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Opening(Option<Trouble>),
    Up { heard: Instant },
    Down { trouble: Trouble, retry_at: Instant },
}

/// Why there is no connection.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    /// One sentence of the client library or of the agent.
    pub(crate) reason: String,
    pub(crate) since: Instant,
    /// Since then, without success.
    attempts: usize,
}

impl Link {
    /// A first attempt. `number` is larger than that of any link before.
    pub(crate) fn open(target: Target, number: u64) -> (Self, Effect) {
        let effect = Effect::Connect {
            connection: number,
            target: target.clone(),
        };
        (
            Self {
                target,
                number,
                state: State::Opening(None),
            },
            effect,
        )
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.state, State::Up { .. })
    }

    /// Why the picture is old or missing; `None` while all is well.
    pub(crate) fn trouble(&self) -> Option<&Trouble> {
        match &self.state {
            State::Opening(trouble) => trouble.as_ref(),
            State::Up { .. } => None,
            State::Down { trouble, .. } => Some(trouble),
        }
    }

    /// Time until the next attempt; `None` if none is due.
    pub(crate) fn retries_in(&self, now: Instant) -> Option<Duration> {
        match &self.state {
            State::Down { retry_at, .. } => Some(retry_at.saturating_duration_since(now)),
            State::Opening(_) | State::Up { .. } => None,
        }
    }

    /// For how long a living connection has said nothing, once that is longer than it should be.
    pub(crate) fn silent_for(&self, now: Instant) -> Option<Duration> {
        match &self.state {
            State::Up { heard } => {
                Some(now.saturating_duration_since(*heard)).filter(|silence| *silence >= SILENCE)
            }
            State::Opening(_) | State::Down { .. } => None,
        }
    }

    /// When this has something new to say or do without any message.
    pub(crate) fn wakes_at(&self, now: Instant) -> Option<Instant> {
        let second = now + Duration::from_secs(1);
        match &self.state {
            State::Up { heard } => Some((*heard + SILENCE).max(second)),
            State::Down { retry_at, .. } => Some((*retry_at).min(second)),
            State::Opening(trouble) => trouble.as_ref().map(|_| second),
        }
    }

    /// A message came.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.state = State::Up { heard: now };
    }

    /// The connection ended, or could not be made.
    pub(crate) fn lost(&mut self, reason: String, now: Instant) {
        let before = self.trouble();
        let attempts = before.map_or(0, |trouble| trouble.attempts + 1);
        let since = before.map_or(now, |trouble| trouble.since);
        let pause = PAUSES[attempts.min(PAUSES.len() - 1)];
        self.state = State::Down {
            trouble: Trouble {
                reason,
                since,
                attempts,
            },
            retry_at: now + pause,
        };
    }

    /// The next attempt, if it is due.
    pub(crate) fn retry(&mut self, next_number: u64, now: Instant) -> Option<Effect> {
        let State::Down { trouble, retry_at } = &self.state else {
            return None;
        };
        if *retry_at > now {
            return None;
        }
        self.state = State::Opening(Some(trouble.clone()));
        self.number = next_number;
        Some(Effect::Connect {
            connection: next_number,
            target: self.target.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost_link(start: Instant) -> Link {
        let target = Target::Unix {
            socket: "/tmp/1.sock".into(),
            pid: Some(1),
        };
        let (mut link, _) = Link::open(target, 1);
        link.heard(start);
        link.lost("gone".to_owned(), start);
        link
    }

    #[test]
    fn attempts_come_less_often_but_never_end() {
        let start = Instant::now();
        let mut link = lost_link(start);
        let mut now = start;
        let mut pauses = Vec::new();
        for number in 2..=7 {
            let pause = link.retries_in(now).expect("an attempt is due");
            now += pause;
            pauses.push(pause);
            assert!(link.retry(number, now).is_some());
            link.lost("still gone".to_owned(), now);
        }
        assert_eq!(pauses[..4], PAUSES);
        assert_eq!(pauses[5], PAUSES[3]);
        assert_eq!(
            link.trouble().map(|trouble| trouble.since),
            Some(start),
            "it is lost since the first time"
        );
    }

    #[test]
    fn a_retry_waits_for_its_time() {
        let start = Instant::now();
        let mut link = lost_link(start);
        assert_eq!(link.retry(2, start), None);
        assert_eq!(link.number(), 1);
    }

    #[test]
    fn silence_is_noticed_after_some_missed_updates() {
        let start = Instant::now();
        let (mut link, _) = Link::open(
            Target::Unix {
                socket: "/tmp/1.sock".into(),
                pid: None,
            },
            1,
        );
        link.heard(start);
        assert_eq!(link.silent_for(start + Duration::from_secs(1)), None);
        assert_eq!(
            link.silent_for(start + Duration::from_secs(4)),
            Some(Duration::from_secs(4))
        );
    }
}

//! What the agent is asked for, kept equal to what the screen shows.
//!
//! Every changed question gets a number of its own, so an answer always belongs to the question it is read against; one
//! that was on its way when the question changed is told by its number and dropped.

use stallscope_wire::message::Subscribe;
use stallscope_wire::message::subscribe::Topic;

use crate::tui::effect::Effect;

/// What a subscription is for. There is at most one for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Gauges,
    Findings,
    Tree,
    Places,
    Locks,
    Details,
    Stack,
    Doctor,
    Cancel,
}

/// A question and how often it is to be answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wish {
    pub(crate) purpose: Purpose,
    pub(crate) interval_ms: u32,
    pub(crate) topic: Topic,
}

/// The questions that are out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subscriptions {
    active: Vec<(u64, Wish)>,
    last_number: u64,
}

impl Subscriptions {
    /// Asks for what is wished for and not yet asked; ends what is no longer wished for.
    pub(crate) fn reconcile(&mut self, wishes: Vec<Wish>) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.active.retain(|(number, asked)| {
            let keep = wishes.contains(asked);
            if !keep {
                effects.push(Effect::Unsubscribe(*number));
            }
            keep
        });
        for wish in wishes {
            if self.active.iter().any(|(_, asked)| *asked == wish) {
                continue;
            }
            self.last_number += 1;
            effects.push(Effect::Subscribe(Subscribe {
                subscription: self.last_number,
                interval_ms: wish.interval_ms,
                topic: Some(wish.topic.clone()),
            }));
            self.active.push((self.last_number, wish));
        }
        effects
    }

    /// What the answer with that number is for; `None` if the question is no longer of interest.
    pub(crate) fn purpose_of(&self, number: u64) -> Option<Purpose> {
        self.active
            .iter()
            .find(|(active, _)| *active == number)
            .map(|(_, wish)| wish.purpose)
    }

    /// The connection is gone and its questions with it. Numbers are not used again.
    pub(crate) fn forget(&mut self) {
        self.active.clear();
    }
}

#[cfg(test)]
mod tests {
    use stallscope_wire::message::{DetailsQuery, OverviewQuery};

    use super::*;

    fn gauges() -> Wish {
        Wish {
            purpose: Purpose::Gauges,
            interval_ms: 500,
            topic: Topic::Overview(OverviewQuery {}),
        }
    }

    fn details(task: u64) -> Wish {
        Wish {
            purpose: Purpose::Details,
            interval_ms: 500,
            topic: Topic::Details(DetailsQuery { task }),
        }
    }

    #[test]
    fn only_what_changed_is_asked_anew() {
        let mut subscriptions = Subscriptions::default();
        assert_eq!(subscriptions.reconcile(vec![gauges(), details(7)]).len(), 2);
        assert_eq!(subscriptions.reconcile(vec![gauges(), details(7)]), []);
        let changed = subscriptions.reconcile(vec![gauges(), details(8)]);
        assert!(
            matches!(changed.as_slice(), [Effect::Unsubscribe(2), Effect::Subscribe(asked)] if asked.subscription == 3)
        );
        assert_eq!(
            subscriptions.purpose_of(2),
            None,
            "answers about task 7 are of no interest any more"
        );
        assert_eq!(subscriptions.purpose_of(3), Some(Purpose::Details));
    }

    #[test]
    fn after_a_lost_connection_everything_is_asked_again_under_new_numbers() {
        let mut subscriptions = Subscriptions::default();
        subscriptions.reconcile(vec![gauges()]);
        subscriptions.forget();
        assert_eq!(subscriptions.purpose_of(1), None);
        subscriptions.reconcile(vec![gauges()]);
        assert_eq!(subscriptions.purpose_of(2), Some(Purpose::Gauges));
    }
}

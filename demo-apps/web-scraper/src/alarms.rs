//! Price alarms: whoever listens is told of every product that has become much cheaper.

use std::fmt;
use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use tracing::info;

use crate::fault::{CHOSEN, Fault};
use crate::product::Product;
use crate::round::Round;

/// A product that costs at most a tenth of what it cost a round ago.
#[derive(Debug)]
pub(crate) struct Alarm {
    name: String,
    before_cents: u32,
    now_cents: u32,
}

/// The way to the listener, who leaves when it is dropped.
#[derive(Debug)]
pub(crate) struct Alarms(Sender<Alarm>);

impl Alarms {
    /// Starts the listener. It waits most of the time, so it has a thread of its own.
    pub(crate) fn start() -> io::Result<Self> {
        let (send, alarms) = mpsc::channel();
        if CHOSEN.is(Fault::EndlessReceive) {
            stallscope::task("price alarms").spawn(async move { listen(&alarms) });
        } else {
            thread::Builder::new()
                .name("price alarms".to_owned())
                .spawn(move || listen(&alarms))?;
        }
        Ok(Self(send))
    }

    /// Sounds the alarm for what has become much cheaper between two rounds.
    pub(crate) fn compare(&self, previous: &Round, round: &Round) {
        for (id, now) in &round.products {
            let before = previous.products.get(id);
            if let Some(alarm) = before.and_then(|before| Alarm::between(before, now)) {
                // A listener who is gone misses nothing.
                let _ = self.0.send(alarm);
            }
        }
    }
}

/// Tells of every alarm until nobody can send any more. Blocks.
fn listen(alarms: &Receiver<Alarm>) {
    // fault: endless-receive
    while let Ok(alarm) = alarms.recv() {
        info!("{alarm}");
    }
}

impl Alarm {
    fn between(before: &Product, now: &Product) -> Option<Self> {
        (now.price_cents <= before.price_cents / 10).then(|| Self {
            name: now.name.clone(),
            before_cents: before.price_cents,
            now_cents: now.price_cents,
        })
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            before_cents,
            now_cents,
        } = self;
        write!(f, "{name} fell from {before_cents} to {now_cents} cents")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn round(price_cents: u32) -> Round {
        let product = Product::in_shop(1, Duration::ZERO).expect("the shop sells it");
        Round {
            products: [(
                1,
                Product {
                    price_cents,
                    ..product
                },
            )]
            .into(),
            ..Round::default()
        }
    }

    #[test]
    fn a_tenth_of_the_price_is_an_alarm_and_a_fifth_is_none() {
        let (send, alarms) = mpsc::channel();
        Alarms(send).compare(&round(4000), &round(800));
        assert!(alarms.try_recv().is_err());

        let (send, alarms) = mpsc::channel();
        Alarms(send).compare(&round(4000), &round(400));
        let alarm = alarms.try_recv().expect("an alarm").to_string();
        assert!(alarm.ends_with("fell from 4000 to 400 cents"), "{alarm}");
    }
}

//! The buyer: hears of every shelf that is sold out, for as long as the service runs.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use tokio::task::spawn_blocking;
use tracing::info;

use crate::fault::{CHOSEN, Fault};

/// The way to the buyer, who leaves when it is dropped.
#[derive(Debug)]
pub(crate) struct Buyer(Sender<u32>);

impl Buyer {
    /// Calls the buyer, who waits most of the time and so has a thread of its own.
    pub(crate) fn call() -> io::Result<Self> {
        let (send, sold_out) = mpsc::channel();
        if CHOSEN.is(Fault::EndlessClosure) {
            spawn_blocking(move || listen(&sold_out));
        } else {
            thread::Builder::new()
                .name("buyer".to_owned())
                .spawn(move || listen(&sold_out))?;
        }
        Ok(Self(send))
    }

    /// Tells that there is nothing left of `product`.
    pub(crate) fn sold_out(&self, product: u32) {
        // A buyer who has left cannot be told.
        let _ = self.0.send(product);
    }
}

/// Listens until nobody can tell any more. Blocks.
fn listen(sold_out: &Receiver<u32>) {
    // fault: endless-closure
    while let Ok(product) = sold_out.recv() {
        info!("product {product} is sold out");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_that_is_sold_out_is_told_and_then_nobody_is_waited_for() {
        let (send, sold_out) = mpsc::channel();
        let buyer = Buyer(send);
        buyer.sold_out(3);
        buyer.sold_out(7);
        drop(buyer);
        assert_eq!(sold_out.iter().collect::<Vec<_>>(), [3, 7]);
    }
}

//! In which state a channel is: what is queued, and who is left at the other end.

use super::{Seen, count, plausible};

impl Seen<'_, '_, '_> {
    /// "0 of 64 queued, 1 sender"; of an unbounded channel "0 queued, 1 sender".
    pub(super) fn mpsc(&self) -> Option<String> {
        let channel = self.reach("tokio::sync::mpsc::chan::Chan<")?;
        let written = self.view.number_at(&channel, "tx.tail_position");
        let read = self
            .view
            .find(&channel, "rx_fields")
            .and_then(|fields| self.view.number_within(&fields, "index"));
        let room = self.view.number_at(&channel, "semaphore.bound");
        let senders = self
            .view
            .number_at(&channel, "tx_count")
            .and_then(plausible);
        let is_closed = self
            .view
            .find(&channel, "rx_fields")
            .and_then(|fields| self.view.number_within(&fields, "rx_closed"));
        let queued = written
            .zip(read)
            .and_then(|(written, read)| plausible(written.wrapping_sub(read)));
        let mut parts = Vec::new();
        parts.extend(queued.map(|queued| match room {
            // Closing takes a place, which is no message.
            Some(room) => format!("{} of {room} queued", queued.min(room)),
            None => format!("{queued} queued"),
        }));
        parts.extend(senders.map(|senders| count(senders, "sender")));
        if is_closed == Some(1) {
            parts.push("its receiver is closed".to_owned());
        }
        joined(&parts)
    }

    /// "its sender is alive", or that it has been used or dropped.
    pub(super) fn oneshot(&self) -> Option<String> {
        /// Bits of a channel's state, the same since tokio 1.0.
        const SENT_OR_DROPPED: u64 = 1 << 1;
        const CLOSED: u64 = 1 << 2;
        let channel = self.reach("tokio::sync::oneshot::Inner<")?;
        let state = self.view.number_at(&channel, "state")?;
        let text = if state & SENT_OR_DROPPED != 0 {
            "its sender has sent or was dropped"
        } else if state & CLOSED != 0 {
            "its receiver is closed"
        } else {
            "its sender is alive"
        };
        Some(text.to_owned())
    }

    /// "version 3, 1 sender".
    pub(super) fn watch(&self) -> Option<String> {
        /// The lowest bit says that the senders are gone.
        const CLOSED: u64 = 1;
        let channel = self.reach("tokio::sync::watch::Shared<")?;
        let state = self.view.number_at(&channel, "state")?;
        let senders = self
            .view
            .number_at(&channel, "ref_count_tx")
            .and_then(plausible);
        let mut parts = vec![format!("version {}", state >> 1)];
        if state & CLOSED != 0 {
            parts.push("no sender".to_owned());
        } else {
            parts.extend(senders.map(|senders| count(senders, "sender")));
        }
        joined(&parts)
    }

    /// "0 queued, 1 sender": what this receiver has not seen yet.
    pub(super) fn broadcast(&self) -> Option<String> {
        let channel = self.reach("tokio::sync::broadcast::Shared<")?;
        let senders = self.view.number_at(&channel, "num_tx").and_then(plausible);
        let tail = self.view.find(&channel, "tail");
        let written = tail.and_then(|tail| self.view.number_within(&tail, "pos"));
        let receiver = self.reach("tokio::sync::broadcast::Receiver<");
        let read = receiver.and_then(|receiver| self.view.number_at(&receiver, "next"));
        let queued = written
            .zip(read)
            .and_then(|(written, read)| plausible(written.wrapping_sub(read)));
        let mut parts = Vec::new();
        parts.extend(queued.map(|queued| format!("{queued} queued")));
        parts.extend(senders.map(|senders| count(senders, "sender")));
        joined(&parts)
    }
}

fn joined(parts: &[String]) -> Option<String> {
    (!parts.is_empty()).then(|| parts.join(", "))
}

//! Which signal is waited for: the place of its channel in tokio's table of all signals.

use super::Seen;
use crate::Signal;
use crate::tasks::view::Value;

const CHANNEL: &str = "tokio::sync::watch::Shared<";
const ENTRY: &str = "tokio::signal::unix::SignalInfo";

/// The highest signal of Linux.
const LAST: u64 = 64;

impl Seen<'_, '_, '_> {
    /// "SIGTERM".
    pub(super) fn signal(&self) -> Option<String> {
        let channel = self.reach(CHANNEL)?;
        let (of, address) = self.view.program.tokio_signals()?;
        let table = self.view.value(of, address.checked_add(self.view.bias)?);
        let (first, count) = self.entries(&self.view.find(&table, "value.registry.storage")?)?;
        // Newer versions of tokio have no entry for signal 0.
        let number_of_first = match count {
            LAST => 1,
            _ if count == LAST + 1 => 0,
            _ => return None,
        };
        let entry = self.view.program.find_type(ENTRY)?;
        let size = self.view.program.type_of(entry).size;
        let is_it = |index: &u64| {
            let at = index
                .checked_mul(size)
                .and_then(|offset| first.checked_add(offset));
            let theirs = at.and_then(|at| {
                let entry = self.view.value(entry, at);
                self.view.reach(&entry, CHANNEL)
            });
            theirs.is_some_and(|theirs| theirs.at == channel.at)
        };
        let index = (0..count).find(is_it)?;
        let number = u8::try_from(index + number_of_first).ok()?;
        Some(Signal(number).to_string())
    }

    /// Address and number of the entries: a `Vec` or a boxed slice, by version.
    fn entries(&self, storage: &Value) -> Option<(u64, u64)> {
        let bare = self.view.unwrap(storage.clone());
        self.view
            .slice_parts(&bare)
            .or_else(|| self.view.vec_parts(&bare))
    }
}

//! Which descriptor a socket is, and what it is connected to.

use super::Seen;

impl Seen<'_, '_, '_> {
    /// "fd 9", with the other end where the system tells it: "fd 9 → 127.0.0.1:5432".
    ///
    /// `evented` is tokio's type around the sockets of this kind: those of the runtime itself are of others.
    pub(super) fn socket(&self, evented: &'static str) -> Option<String> {
        let evented = self.reach(evented)?;
        let io = self.view.find(&evented, "io")?;
        let owned = self.view.reach(&io, "std::os::fd::owned::OwnedFd")?;
        let fd = self.view.number_within(&owned, "fd")?;
        // −1 is what a socket has that was closed.
        let fd = u32::try_from(fd)
            .ok()
            .filter(|fd| i32::try_from(*fd).is_ok())?;
        Some(match self.outside.socket(fd) {
            Some(end) => format!("fd {fd} {end}"),
            None => format!("fd {fd}"),
        })
    }
}

//! What a future waits for, by the names of those that were passed on the way to it, and in which state that is.

mod channels;
mod joins;
mod locks;
mod signals;
mod sockets;
mod timers;

use super::model::{Waiting, WaitsFor};
use super::names;
use super::outside::Outside;
use super::view::{Value, View};
use super::walk::{Chain, Passed, Walk};

/// Futures and resources that are not looked into: what lies below them is tokio's own affair.
const LEAVES: [&str; 21] = [
    "tokio::time::sleep::Sleep",
    "tokio::sync::oneshot::Receiver<",
    "tokio::sync::broadcast::Recv<",
    "tokio::sync::mpsc::bounded::Receiver<",
    "tokio::sync::mpsc::unbounded::UnboundedReceiver<",
    "tokio::sync::mpsc::chan::Rx<",
    "tokio::sync::notify::Notified",
    "tokio::sync::notify::OwnedNotified",
    "tokio::sync::batch_semaphore::Acquire",
    "tokio::runtime::task::join::JoinHandle<",
    "tokio::runtime::io::scheduled_io::Readiness",
    "tokio::net::tcp::stream::TcpStream",
    "tokio::net::tcp::listener::TcpListener",
    "tokio::net::tcp::split_owned::",
    "tokio::net::udp::UdpSocket",
    "tokio::net::unix::stream::UnixStream",
    "tokio::net::unix::listener::UnixListener",
    "tokio::net::unix::split_owned::",
    "tokio::net::unix::pipe::",
    "tokio::io::util::mem::DuplexStream",
    "tokio::task::join_set::JoinSet<",
];

/// Whose functions and futures wait for what. The first that fits counts, seen from the user's code.
const TABLE: [(&str, Waiting); 20] = [
    ("tokio::sync::mutex::", Waiting::Mutex),
    ("tokio::sync::rwlock::", Waiting::RwLock),
    ("tokio::sync::semaphore::", Waiting::Semaphore),
    ("tokio::sync::mpsc::bounded::Receiver", Waiting::MpscRecv),
    (
        "tokio::sync::mpsc::unbounded::UnboundedReceiver",
        Waiting::MpscRecv,
    ),
    ("tokio::sync::mpsc::chan::Rx", Waiting::MpscRecv),
    ("tokio::sync::watch::", Waiting::Watch),
    ("tokio::sync::broadcast::", Waiting::Broadcast),
    ("tokio::sync::oneshot::", Waiting::Oneshot),
    ("tokio::sync::notify::", Waiting::Notify),
    ("tokio::sync::batch_semaphore::", Waiting::Semaphore),
    ("tokio::task::join_set::", Waiting::Join),
    ("tokio::runtime::task::join::", Waiting::Join),
    ("tokio::signal::", Waiting::Signal),
    ("tokio::process::", Waiting::Process),
    ("tokio::time::sleep::", Waiting::Timer),
    ("tokio::time::interval::", Waiting::Timer),
    ("tokio::net::tcp::", Waiting::Tcp),
    ("tokio::net::udp::", Waiting::Udp),
    ("tokio::net::unix::", Waiting::Unix),
];

/// Whether a type of that name is not looked into.
pub(super) fn is_leaf(name: &str) -> bool {
    LEAVES.iter().any(|leaf| name.starts_with(leaf))
}

/// Whether the name of a type tells what it waits for.
pub(super) fn is_known(name: &str) -> bool {
    kind(name).is_some()
}

/// What the chain waits for at its end. `None`: it has not been polled yet, and waits for nothing.
pub(super) fn of(walk: &Walk<'_, '_>, chain: &Chain) -> Option<WaitsFor> {
    // Several are waited for at once: the first that is not done stands for them.
    if let Some(first) = chain.branches().find_map(|branch| branch.waits_for.clone()) {
        return Some(first);
    }
    if chain.is_unpolled {
        return None;
    }
    let last_of_app = chain.passed.iter().rposition(|passed| passed.in_app);
    let tail = &chain.passed[last_of_app.map_or(0, |at| at + 1)..];
    let kind = tail.iter().find_map(|passed| kind(&passed.name));
    let seen = Seen {
        view: walk.view,
        outside: walk.outside,
        tail,
    };
    Some(match kind {
        Some(Waiting::Join) => seen.join(),
        Some(kind) => WaitsFor {
            kind,
            detail: seen.detail(kind).unwrap_or_default(),
        },
        None => WaitsFor {
            kind: Waiting::Other,
            detail: chain
                .passed
                .last()
                .map_or_else(|| "?".to_owned(), |leaf| names::of_future(&leaf.name)),
        },
    })
}

fn kind(name: &str) -> Option<Waiting> {
    let bare = names::bare(name);
    if bare.starts_with("tokio::sync::mpsc::") && names::is_coroutine(&bare) {
        let receives = bare.contains("::recv");
        return Some(if receives {
            Waiting::MpscRecv
        } else {
            Waiting::MpscSend
        });
    }
    let found = TABLE.iter().find(|(prefix, _)| bare.starts_with(prefix));
    found.map(|(_, kind)| *kind)
}

/// What was passed below the user's code: futures of libraries, and the leaf.
struct Seen<'s, 'v, 'f> {
    view: &'s View<'v, 'f>,
    outside: &'s dyn Outside,
    tail: &'s [Passed],
}

impl Seen<'_, '_, '_> {
    fn detail(&self, kind: Waiting) -> Option<String> {
        match kind {
            Waiting::Timer => self.timer(),
            Waiting::MpscRecv | Waiting::MpscSend => self.mpsc(),
            Waiting::Oneshot => self.oneshot(),
            Waiting::Watch => self.watch(),
            Waiting::Broadcast => self.broadcast(),
            Waiting::Mutex => self.mutex(),
            Waiting::RwLock => self.rwlock(),
            Waiting::Semaphore => self.semaphore(),
            Waiting::Tcp => self.socket("tokio::io::poll_evented::PollEvented<mio::net::tcp"),
            Waiting::Udp => self.socket("tokio::io::poll_evented::PollEvented<mio::net::udp"),
            Waiting::Unix => self.socket("tokio::io::poll_evented::PollEvented<mio::"),
            Waiting::Process => self.child(),
            Waiting::Signal => self.signal(),
            Waiting::Notify | Waiting::Join | Waiting::Blocking | Waiting::Other => None,
        }
    }

    /// The nearest value of that type in what was passed, the innermost first.
    fn reach(&self, name: &'static str) -> Option<Value> {
        let mut values = self.tail.iter().rev();
        values.find_map(|passed| self.view.reach(&passed.value, name))
    }
}

/// "1 sender", "3 senders".
fn count(number: u64, what: &str) -> String {
    match number {
        0 => format!("no {what}"),
        1 => format!("1 {what}"),
        more => format!("{more} {what}s"),
    }
}

/// A count that a program can have: what is more was read while it changed, or is no count.
fn plausible(number: u64) -> Option<u64> {
    (number < 1 << 48).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_of_tokio_tells_what_is_waited_for() {
        for (name, waits_for) in [
            (
                "tokio::sync::mpsc::bounded::{impl#0}::recv_many::{async_fn_env#0}<u32>",
                Waiting::MpscRecv,
            ),
            (
                "tokio::sync::mpsc::bounded::{impl#3}::reserve::{async_fn_env#0}<u32>",
                Waiting::MpscSend,
            ),
            (
                "tokio::sync::mpsc::chan::{impl#2}::closed::{async_fn_env#0}<u32, tokio::sync::Semaphore>",
                Waiting::MpscSend,
            ),
            (
                "tokio::sync::mpsc::bounded::Receiver<tokio::net::tcp::stream::TcpStream>",
                Waiting::MpscRecv,
            ),
            (
                "tokio::sync::mutex::{impl#4}::acquire::{async_fn_env#0}<u64>",
                Waiting::Mutex,
            ),
            ("tokio::time::sleep::Sleep", Waiting::Timer),
        ] {
            assert_eq!(kind(name), Some(waits_for), "{name}");
        }
        assert_eq!(
            kind("tokio::time::timeout::Timeout<tokio::sync::notify::Notified>"),
            None
        );
    }

    #[test]
    fn counts_are_words() {
        assert_eq!(
            (count(0, "sender"), count(2, "sender")),
            ("no sender".to_owned(), "2 senders".to_owned())
        );
    }
}

//! What the system tells of a live process beside its memory: the clock, and what its sockets are connected to.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::tasks::Outside;

/// A live process, for one listing: what was read of its sockets is kept as long as this.
pub(crate) struct System {
    pid: u32,
    sockets: OnceCell<HashMap<u64, String>>,
}

/// A table of sockets longer than this is not read to its end: connections by the hundred thousand are not told one by one.
const MOST_SOCKETS: usize = 200_000;

impl System {
    pub(crate) fn of(pid: u32) -> Self {
        Self {
            pid,
            sockets: OnceCell::new(),
        }
    }

    /// What each socket is at the other end, by its inode.
    fn read_sockets(&self) -> HashMap<u64, String> {
        let mut sockets = HashMap::new();
        for name in ["tcp", "tcp6", "udp", "udp6"] {
            // The process's own network, which a container has for itself.
            let table = fs::read_to_string(format!("/proc/{}/net/{name}", self.pid));
            for line in table.unwrap_or_default().lines().skip(1).take(MOST_SOCKETS) {
                sockets.extend(internet(line));
            }
        }
        let table = fs::read_to_string(format!("/proc/{}/net/unix", self.pid));
        for line in table.unwrap_or_default().lines().skip(1).take(MOST_SOCKETS) {
            sockets.extend(unix(line));
        }
        sockets
    }
}

impl Outside for System {
    fn now(&self) -> Option<Duration> {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        Some(Duration::new(
            u64::try_from(time.tv_sec).ok()?,
            u32::try_from(time.tv_nsec).ok()?,
        ))
    }

    fn socket(&self, fd: u32) -> Option<String> {
        let link = fs::read_link(format!("/proc/{}/fd/{fd}", self.pid)).ok()?;
        let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
        let sockets = self.sockets.get_or_init(|| self.read_sockets());
        sockets.get(&inode.parse().ok()?).cloned()
    }
}

/// A line of `/proc/net/tcp` and its like: inode, and "→ 127.0.0.1:5432", or "on 0.0.0.0:80" of a socket without another end.
fn internet(line: &str) -> Option<(u64, String)> {
    let mut fields = line.split_ascii_whitespace();
    let local = address(fields.nth(1)?)?;
    let remote = address(fields.next()?)?;
    let inode = fields.nth(6)?.parse().ok()?;
    let end = if remote.port() == 0 {
        format!("on {local}")
    } else {
        format!("→ {remote}")
    };
    Some((inode, end))
}

/// `0100007F:1538`: words of four bytes as the processor has them, and the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |from: usize| {
        let digits = ip.get(from..from + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    let ip = match ip.len() {
        8 => IpAddr::from(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut bytes = [0; 16];
            for number in 0..4 {
                bytes[4 * number..4 * number + 4].copy_from_slice(&word(8 * number)?);
            }
            IpAddr::from(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// A line of `/proc/net/unix` that has a path. Who is at the other end of a connection it does not say.
fn unix(line: &str) -> Option<(u64, String)> {
    let mut fields = line.split_ascii_whitespace();
    let inode = fields.nth(6)?.parse().ok()?;
    Some((inode, format!("on {}", fields.next()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn a_socket_is_told_by_its_other_end_and_a_listener_by_its_own() {
        let connected = "   2: 0100007F:9C40 0100007F:1538 01 00000000:00000000 00:00000000 00000000  1000        0 81234 1 0000000000000000 20 4 0 10 -1";
        assert_eq!(
            internet(connected),
            Some((81234, "→ 127.0.0.1:5432".to_owned()))
        );
        let listens = "   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 777 1 0";
        assert_eq!(internet(listens), Some((777, "on [::]:80".to_owned())));
        let unix_line = "0000000000000000: 00000002 00000000 00010000 0001 01 4242 /run/app.sock";
        assert_eq!(unix(unix_line), Some((4242, "on /run/app.sock".to_owned())));
    }

    #[test]
    fn other_lines_are_no_sockets() {
        for line in [
            "",
            "a b c",
            "0: 0100007F:9C40",
            "0: X:1 Y:2 3 4 5 6 7 8 9",
            "0: é00007F:9C40 0:0 0 0 0 0 0 0 9",
        ] {
            assert_eq!(internet(line), None, "{line}");
        }
        // One without a path has no name.
        let unnamed = "0000000000000000: 00000003 00000000 00000000 0001 03 4242";
        assert_eq!((unix(""), unix(unnamed)), (None, None));
    }

    #[test]
    fn a_connection_of_our_own_is_told() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let fd = std::os::fd::AsRawFd::as_raw_fd(&listener);
        let system = System::of(std::process::id());
        let fd = u32::try_from(fd).expect("open");
        assert_eq!(system.socket(fd), Some(format!("on {address}")));
        assert!(system.now() <= system.now() && system.now() > Some(Duration::ZERO));
    }
}

//! The stream below a connection: a Unix socket or TCP, with limits on every wait.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::{Errno, FdFlags, fcntl_setfd, ioctl_fionbio};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, connect, socket};

use crate::attach;
use crate::target::Target;

/// How often a full queue of connections is tried again.
const RETRY: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(super) enum Transport {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Transport {
    pub(super) fn connect(target: &Target, within: Duration) -> io::Result<Self> {
        match target {
            Target::Unix { socket, .. } => connect_unix(socket, within).map(Transport::Unix),
            Target::Tcp { address, .. } => {
                connect_tcp(address.host_and_port(), within).map(Transport::Tcp)
            }
            Target::Attach { pid } => attach::connect(*pid).map(Transport::Unix),
        }
    }

    /// The number that the listening process has in our namespace, which need not be the one that it knows itself by.
    pub(super) fn peer(&self) -> Option<u32> {
        let Transport::Unix(stream) = self else {
            return None;
        };
        #[cfg(target_os = "linux")]
        let pid = rustix::net::sockopt::socket_peercred(stream)
            .ok()
            .and_then(|peer| u32::try_from(peer.pid.as_raw_nonzero().get()).ok());
        #[cfg(not(target_os = "linux"))]
        let pid = {
            let _unasked = stream;
            None
        };
        pid
    }

    /// `None` waits for ever.
    pub(super) fn limit_reads(&self, limit: Option<Duration>) -> io::Result<()> {
        match self {
            Transport::Unix(stream) => stream.set_read_timeout(limit),
            Transport::Tcp(stream) => stream.set_read_timeout(limit),
        }
    }

    /// `None` waits for ever.
    pub(super) fn limit_writes(&self, limit: Option<Duration>) -> io::Result<()> {
        match self {
            Transport::Unix(stream) => stream.set_write_timeout(limit),
            Transport::Tcp(stream) => stream.set_write_timeout(limit),
        }
    }

    /// A second handle to the same stream: one thread reads, another writes.
    pub(super) fn second(&self) -> io::Result<Self> {
        match self {
            Transport::Unix(stream) => stream.try_clone().map(Transport::Unix),
            Transport::Tcp(stream) => stream.try_clone().map(Transport::Tcp),
        }
    }

    /// Ends the stream for every handle, also for a thread that waits in it.
    pub(super) fn close(&self) {
        // Fails only when the stream has ended already, which is what we want.
        let _ended = match self {
            Transport::Unix(stream) => stream.shutdown(Shutdown::Both),
            Transport::Tcp(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

impl Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Transport::Unix(stream) => stream.read(buffer),
            Transport::Tcp(stream) => stream.read(buffer),
        }
    }
}

impl Write for Transport {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Transport::Unix(stream) => stream.write(bytes),
            Transport::Tcp(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Connects to a Unix socket without ever waiting longer than `within`: the standard library's `connect` waits for as long
/// as the listener's queue is full, which is for ever when its process is stopped.
pub(crate) fn connect_unix(path: &Path, within: Duration) -> io::Result<UnixStream> {
    let deadline = Instant::now() + within;
    let address = SocketAddrUnix::new(path)?;
    let stream = socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    fcntl_setfd(&stream, FdFlags::CLOEXEC)?;
    ioctl_fionbio(&stream, true)?;
    loop {
        match connect(&stream, &address) {
            Ok(()) => break,
            Err(Errno::AGAIN) if Instant::now() < deadline => thread::sleep(RETRY),
            Err(Errno::AGAIN) => return Err(io::ErrorKind::TimedOut.into()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    ioctl_fionbio(&stream, false)?;
    Ok(stream.into())
}

/// Tries the addresses of a name one after the other.
fn connect_tcp(host_and_port: &str, within: Duration) -> io::Result<TcpStream> {
    let deadline = Instant::now() + within;
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in host_and_port.to_socket_addrs()? {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => {
                // Requests are small and waited for: none should wait for the next one to fill a packet.
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

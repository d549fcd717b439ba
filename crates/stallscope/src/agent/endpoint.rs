//! Where do clients find this process, and who may connect?
//!
//! By default at `$XDG_RUNTIME_DIR/stallscope/PID.sock`, else `/tmp/stallscope-UID/PID.sock`: a
//! directory that only its owner may enter, a socket that only its owner may open, and a look at
//! the peer's uid at each connection.

use std::fmt;
use std::fs::{DirBuilder, Permissions};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::config::Listen;

/// The file of the socket while it exists.
static FILE: Mutex<Option<PathBuf>> = Mutex::new(None);

/// A listening socket.
pub(super) enum Endpoint {
    Unix(UnixListener, PathBuf),
    Tcp(TcpListener, SocketAddr),
}

/// A connection to a client that may be there.
pub(super) enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Endpoint {
    /// Listens where the configuration says; none where it says nowhere.
    pub(super) fn open(listen: &Listen) -> Result<Option<Self>, String> {
        match listen {
            Listen::Nowhere => Ok(None),
            Listen::Default => {
                listen_at(&own_directory()?.join(format!("{}.sock", std::process::id()))).map(Some)
            }
            Listen::Unix(path) => listen_at(path).map(Some),
            Listen::Tcp(address) => listen_on(*address).map(Some),
        }
    }

    /// The next client; none if nobody waits, or the one who did may not connect.
    pub(super) fn accept(&self) -> Option<Stream> {
        match self {
            Endpoint::Unix(listener, _) => {
                let (stream, _) = listener.accept().ok()?;
                stream.set_nonblocking(true).ok()?;
                is_allowed(&stream).then_some(Stream::Unix(stream))
            }
            Endpoint::Tcp(listener, _) => {
                let (stream, _) = listener.accept().ok()?;
                stream.set_nonblocking(true).ok()?;
                let _ = stream.set_nodelay(true); // slower without, but right
                Some(Stream::Tcp(stream))
            }
        }
    }

    /// Removes sockets of ended processes from our own directory; elsewhere nothing is ours to
    /// remove.
    pub(super) fn sweep_neighbours(&self) {
        if let Endpoint::Unix(_, path) = self
            && let Some(directory) = path.parent()
            && own_directory().is_ok_and(|own| own == directory)
        {
            sweep(directory);
        }
    }

    /// Whether a client has to present the token: over TCP nobody vouches for it.
    pub(super) fn needs_token(&self) -> bool {
        matches!(self, Endpoint::Tcp(..))
    }
}

impl AsFd for Endpoint {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Endpoint::Unix(listener, _) => listener.as_fd(),
            Endpoint::Tcp(listener, _) => listener.as_fd(),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Unix(_, path) => write!(f, "unix:{}", path.display()),
            Endpoint::Tcp(_, address) => write!(f, "tcp:{address}"),
        }
    }
}

impl Stream {
    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => io::Read::read(stream, into),
            Stream::Tcp(stream) => io::Read::read(stream, into),
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => io::Write::write(stream, bytes),
            Stream::Tcp(stream) => io::Write::write(stream, bytes),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Stream::Unix(stream) => stream.as_fd(),
            Stream::Tcp(stream) => stream.as_fd(),
        }
    }
}

/// Removes the socket's file if there is one.
pub(super) fn remove_file() {
    let path = FILE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(path) = path {
        let _ = std::fs::remove_file(path); // gone already is just as well
    }
}

/// The directory for this user's sockets, made if need be.
fn own_directory() -> Result<PathBuf, String> {
    let directory = match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from) {
        Some(runtime) if runtime.is_absolute() => runtime.join("stallscope"),
        _ => PathBuf::from(format!("/tmp/stallscope-{}", own_uid())),
    };
    let trouble = |what: &str| {
        Err(format!(
            "{}: {what}; no client can connect. Set STALLSCOPE_LISTEN=unix:PATH to listen elsewhere",
            directory.display()
        ))
    };
    if let Err(error) = DirBuilder::new().mode(0o700).create(&directory)
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        return trouble(&format!("cannot be made ({error})"));
    }
    // Not followed if it is a link: in /tmp anyone may have been here first.
    let found = match std::fs::symlink_metadata(&directory) {
        Ok(found) => found,
        Err(error) => return trouble(&format!("cannot be looked at ({error})")),
    };
    if !found.is_dir() {
        return trouble("is not a directory");
    }
    if found.uid() != own_uid() {
        return trouble("belongs to another user");
    }
    if found.mode() & 0o077 != 0
        && let Err(error) = std::fs::set_permissions(&directory, Permissions::from_mode(0o700))
    {
        return trouble(&format!("is open to others and cannot be closed ({error})"));
    }
    Ok(directory)
}

/// Removes sockets that processes have left behind which could not say good-bye.
fn sweep(directory: &Path) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for path in entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .take(1000)
    {
        let left_behind = path
            .extension()
            .is_some_and(|extension| extension == "sock")
            && UnixStream::connect(&path)
                .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
        if left_behind {
            let _ = std::fs::remove_file(&path); // the next one tries again
        }
    }
}

fn listen_at(path: &Path) -> Result<Endpoint, String> {
    let trouble = |error: io::Error| {
        format!(
            "cannot listen at {} ({error}); no client can connect. Set STALLSCOPE_LISTEN=unix:PATH to a place that can be written",
            path.display()
        )
    };
    if UnixStream::connect(path)
        .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    {
        let _ = std::fs::remove_file(path); // a socket nobody listens at; if it stays, `bind` says so
    }
    let listener = UnixListener::bind(path).map_err(trouble)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(trouble)?;
    listener.set_nonblocking(true).map_err(trouble)?;
    *FILE.lock().unwrap_or_else(PoisonError::into_inner) = Some(path.to_owned());
    Ok(Endpoint::Unix(listener, path.to_owned()))
}

fn listen_on(address: SocketAddr) -> Result<Endpoint, String> {
    let open = || {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Endpoint::Tcp(listener, address))
    };
    open().map_err(|error: io::Error| {
        format!("cannot listen on tcp:{address} ({error}); no client can connect. Set STALLSCOPE_LISTEN to a free port")
    })
}

/// Only this process's user, and root, may connect.
fn is_allowed(peer: &UnixStream) -> bool {
    #[cfg(target_os = "linux")]
    return rustix::net::sockopt::socket_peercred(peer)
        .is_ok_and(|peer| peer.uid.as_raw() == own_uid() || peer.uid.as_raw() == 0);
    // No such question elsewhere: the directory's and the socket's modes have to do.
    #[cfg(not(target_os = "linux"))]
    return peer.peer_addr().is_ok();
}

fn own_uid() -> u32 {
    rustix::process::getuid().as_raw()
}

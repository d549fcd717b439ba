//! What a file descriptor of this process is: a file, a socket with its peer, a pipe.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::parse::Position;
use crate::platform;

/// What a file descriptor is.
///
/// Looked up after the thread was seen in its call: should the program close and reopen the number in between, this
/// is the new owner.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Descriptor {
    /// A regular file or a directory.
    File(PathBuf),
    /// A block device.
    Disk(PathBuf),
    /// A terminal or another character device.
    Device(PathBuf),
    /// A pipe without a name.
    Pipe,
    /// A pipe with a name in the file system.
    Fifo(PathBuf),
    /// A socket, and whom it is connected to, if anybody.
    Socket {
        /// `127.0.0.1:80`, `unix:/run/x.sock`; `None` if not connected or unknown.
        peer: Option<String>,
    },
    /// Something of the kernel without a name in the file system: `eventfd`, `eventpoll`, `timerfd`, `inotify`.
    Anonymous(String),
    /// Closed meanwhile, or unreadable.
    Unknown(i32),
}

/// `poll` may wait for thousands; a reader wants to see a few.
const SHOWN: u64 = 4;

/// The descriptors of the system call a thread is in.
pub(super) fn of(position: &Position) -> Vec<Descriptor> {
    let Position::InSystemCall { call, .. } = position else {
        return Vec::new();
    };
    match call.poll_set() {
        Some((address, length)) => platform::read_poll_set(address, length.min(SHOWN))
            .into_iter()
            .map(Descriptor::of)
            .collect(),
        None => call.descriptor().map(Descriptor::of).into_iter().collect(),
    }
}

/// The descriptor of the system call that a thread of another process is in: its memory is not read, so not those of a `poll`.
pub(super) fn in_process(process: u32, position: &Position) -> Vec<Descriptor> {
    let Position::InSystemCall { call, .. } = position else {
        return Vec::new();
    };
    let number = call.descriptor();
    number
        .map(|number| {
            Descriptor::at(
                &PathBuf::from(format!("/proc/{process}/fd/{number}")),
                number,
                || None,
            )
        })
        .into_iter()
        .collect()
}

impl Descriptor {
    /// Looks it up: a `readlink`, for what has a path a `stat`, for a socket a `getpeername`.
    pub fn of(number: i32) -> Self {
        let link = PathBuf::from(format!("/proc/self/fd/{number}"));
        Self::at(&link, number, || platform::peer_of(number))
    }

    /// By its link in `/proc`.
    fn at(link: &Path, number: i32, peer: impl FnOnce() -> Option<String>) -> Self {
        match fs::read_link(link) {
            // Through the link, not the path: the file may be deleted or renamed by now.
            Ok(target) => Self::described(target, FileKind::of(link), peer),
            Err(_) => Self::Unknown(number),
        }
    }

    /// What a descriptor is by the target of its link and the kind of file.
    pub(crate) fn described(
        target: PathBuf,
        kind: FileKind,
        peer: impl FnOnce() -> Option<String>,
    ) -> Self {
        let text = target.to_string_lossy();
        if text.starts_with("pipe:") {
            Self::Pipe
        } else if text.starts_with("socket:") {
            Self::Socket { peer: peer() }
        } else if let Some(name) = text.strip_prefix("anon_inode:") {
            Self::Anonymous(name.trim_matches(['[', ']']).to_owned())
        } else if target.is_relative() {
            // memfd and dma-buf have paths that name no place.
            Self::Anonymous(text.into_owned())
        } else {
            match kind {
                FileKind::Fifo => Self::Fifo(target),
                FileKind::Disk => Self::Disk(target),
                FileKind::Device => Self::Device(target),
                FileKind::Other => Self::File(target),
            }
        }
    }
}

/// What distinguishes files that have a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    Fifo,
    Disk,
    Device,
    Other,
}

impl FileKind {
    #[cfg(unix)]
    fn of(link: &Path) -> Self {
        use std::os::unix::fs::FileTypeExt as _;
        match fs::metadata(link).map(|metadata| metadata.file_type()) {
            Ok(kind) if kind.is_fifo() => Self::Fifo,
            Ok(kind) if kind.is_block_device() => Self::Disk,
            Ok(kind) if kind.is_char_device() => Self::Device,
            _ => Self::Other,
        }
    }

    #[cfg(not(unix))]
    fn of(_link: &Path) -> Self {
        Self::Other
    }
}

impl fmt::Display for Descriptor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) | Self::Disk(path) | Self::Device(path) => {
                path.display().fmt(formatter)
            }
            Self::Pipe => formatter.write_str("a pipe"),
            Self::Fifo(path) => write!(formatter, "the pipe {}", path.display()),
            Self::Socket { peer: Some(peer) } => write!(formatter, "a socket to {peer}"),
            Self::Socket { peer: None } => formatter.write_str("a socket"),
            Self::Anonymous(kind) => formatter.write_str(kind),
            Self::Unknown(number) => write!(formatter, "descriptor {number}"),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd as _;
    use std::os::unix::net::UnixStream;

    #[test]
    fn files_pipes_and_sockets_are_told_apart() {
        let file = fs::File::open("/proc/self/exe").expect("own program");
        assert!(
            matches!(Descriptor::of(file.as_raw_fd()), Descriptor::File(path) if path.is_absolute())
        );
        let (reader, _writer) = std::io::pipe().expect("a pipe");
        assert_eq!(Descriptor::of(reader.as_raw_fd()), Descriptor::Pipe);
        let device = fs::File::open("/dev/null").expect("a device");
        assert_eq!(
            Descriptor::of(device.as_raw_fd()),
            Descriptor::Device("/dev/null".into())
        );
        let (left, _right) = UnixStream::pair().expect("a pair");
        assert!(matches!(
            Descriptor::of(left.as_raw_fd()),
            Descriptor::Socket { .. }
        ));
        assert_eq!(Descriptor::of(-1), Descriptor::Unknown(-1));
    }

    #[test]
    fn a_connected_socket_names_its_peer() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("bound");
        let stream = TcpStream::connect(address).expect("connected");
        assert_eq!(
            Descriptor::of(stream.as_raw_fd()),
            Descriptor::Socket {
                peer: Some(address.to_string())
            }
        );
        assert_eq!(
            Descriptor::of(listener.as_raw_fd()),
            Descriptor::Socket { peer: None }
        );
    }
}

//! The shop's mirror, which is asked before each round whether it has room for the scraper. It never has.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::fault::{CHOSEN, Fault};

/// A mirror that is overloaded: whoever connects waits for an answer that does not come.
#[derive(Debug)]
pub(crate) struct Mirror {
    address: SocketAddr,
    /// Accepts nobody.
    _door: TcpListener,
    /// Who got in before the queue was full.
    _queue: Vec<TcpStream>,
}

/// A mirror that takes longer is no help.
const PATIENCE: Duration = Duration::from_millis(100);
/// Connections that the kernel lets wait, about.
const QUEUE: u32 = 1;

impl Mirror {
    pub(crate) async fn start() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let door = socket.listen(QUEUE)?;
        let address = door.local_addr()?;
        let mut queue = Vec::new();
        while queue.len() < 16
            && let Ok(guest) = timeout(PATIENCE, TcpStream::connect(address)).await
        {
            queue.push(guest?);
        }
        Ok(Self {
            address,
            _door: door,
            _queue: queue,
        })
    }

    /// Whether the mirror answers in time.
    pub(crate) async fn has_room(&self) -> bool {
        if CHOSEN.is(Fault::BlockingConnect) {
            return answers(self.address);
        }
        matches!(
            timeout(PATIENCE, TcpStream::connect(self.address)).await,
            Ok(Ok(_))
        )
    }
}

/// As std does it. Blocks.
fn answers(address: SocketAddr) -> bool {
    // fault: blocking-connect
    std::net::TcpStream::connect_timeout(&address, PATIENCE).is_ok()
}

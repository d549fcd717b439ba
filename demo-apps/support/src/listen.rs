//! A listening socket on this machine's loopback address.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::anyhow;
use tokio::net::TcpListener;

/// Listens on 127.0.0.1 at `port`; 0 takes any free one. The second value is the address that clients connect to.
///
/// # Errors
///
/// One sentence that names the address and what to do when the port is taken or not permitted.
pub async fn listen(port: u16) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let failed = |error| {
        anyhow!("cannot listen on {wanted}: {error}; choose another --port, or 0 for any free one")
    };
    let listener = TcpListener::bind(wanted).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_named_with_the_way_out() {
        let (_taken, address) = listen(0).await.expect("some port is free");
        let refused = listen(address.port())
            .await
            .expect_err("the port is taken")
            .to_string();
        assert!(
            refused.starts_with(&format!("cannot listen on {address}: ")),
            "{refused}"
        );
        assert!(
            refused.ends_with("choose another --port, or 0 for any free one"),
            "{refused}"
        );
    }
}

//! A client of the service that asks what tokio itself says of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

/// A connection to the service. What goes wrong on it is told, not asserted: the service closes idle connections.
pub(crate) struct Http(BufReader<TcpStream>);

impl Http {
    pub(crate) fn connect(address: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
        Ok(Http(BufReader::new(stream)))
    }

    /// How many tasks there are, as tokio counts them.
    pub(crate) fn alive_tasks(&mut self) -> Result<u64, String> {
        let body = self.get("/health").map_err(|error| error.to_string())?;
        let health: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        health["alive_tasks"]
            .as_u64()
            .ok_or_else(|| format!("no number of tasks in {health}"))
    }

    fn get(&mut self, path: &str) -> std::io::Result<Vec<u8>> {
        write!(
            self.0.get_mut(),
            "GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n"
        )?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line)?;
            if line.trim_end().is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim_end().parse().map_err(std::io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok(body)
    }
}

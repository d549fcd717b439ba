//! A client of mini-redis.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

/// A client that asks one thing at a time, in the protocol of Redis.
pub(crate) struct Redis(BufReader<TcpStream>);

impl Redis {
    /// Connects, and waits until the server is at its service.
    pub(crate) fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        let mut client = Redis(BufReader::new(stream));
        client.expect("GET nothing", "(nil)");
        client
    }

    /// Sends a command, its words separated by blanks, and reads the answer.
    #[track_caller]
    pub(crate) fn expect(&mut self, command: &str, answer: &str) {
        self.send(command);
        assert_eq!(self.answer(), answer, "to {command}");
    }

    /// Sends a command and leaves the answer to whoever reads it.
    pub(crate) fn send(&mut self, command: &str) {
        let words: Vec<_> = command.split(' ').collect();
        let mut request = vec![format!("*{}", words.len())];
        for word in words {
            request.extend([format!("${}", word.len()), word.to_owned()]);
        }
        let request = request.join("\r\n") + "\r\n";
        let sent = self.0.get_mut().write_all(request.as_bytes());
        sent.expect("the server reads");
    }

    /// The next answer, as `redis-cli` would print it; empty when the server has closed the connection.
    pub(crate) fn answer(&mut self) -> String {
        let line = self.line();
        match line.split_at_checked(1) {
            Some(("$", "-1")) => "(nil)".to_owned(),
            Some(("$", _length)) => self.line(),
            Some((_kind, text)) => text.to_owned(),
            None => String::new(),
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("the server answers");
        line.trim_end().to_owned()
    }
}

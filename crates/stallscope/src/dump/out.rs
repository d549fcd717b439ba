//! Writing to standard error without holding anybody up, and without minding whether anybody reads.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// A pipe that is ready takes at least this much at once (`PIPE_BUF`), and takes it in one piece.
const PIECE: usize = 4096;

/// How long a reader that does not read is waited for, at each piece.
const PATIENCE: Duration = Duration::from_secs(1);

/// Writes a text of lines. If standard error is closed or nobody reads it, the rest is left out.
///
/// Past the lock of std's `Stderr`: were it held while nobody reads, each `eprintln!` of the application would wait for us.
pub(crate) fn to_stderr(text: &str) {
    write(io::stderr().as_fd(), text, PATIENCE);
}

fn write(out: BorrowedFd<'_>, text: &str, patience: Duration) {
    for piece in pieces(text.as_bytes()) {
        let mut rest = piece;
        while !rest.is_empty() {
            if !is_ready(out, patience) {
                return;
            }
            match rustix::io::write(out, rest) {
                Ok(count @ 1..) => rest = rest.get(count..).unwrap_or_default(),
                // Somebody else filled it meanwhile, or a signal came.
                Err(Errno::AGAIN | Errno::INTR) => {}
                Ok(0) | Err(_) => return,
            }
        }
    }
}

/// Waits until something can be written, for a limited time. No longer than it has to: a broken pipe is told at once.
fn is_ready(out: BorrowedFd<'_>, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let mut waiting = [PollFd::from_borrowed_fd(out, PollFlags::OUT)];
        match poll(&mut waiting, Timespec::try_from(left).ok().as_ref()) {
            Err(Errno::INTR) if !left.is_zero() => {}
            // To write to a broken pipe raises SIGPIPE, which ends a program that does not ignore it.
            Ok(1..) => return waiting[0].revents() == PollFlags::OUT,
            _ => return false,
        }
    }
}

/// Whole lines, as many as fit a piece, since what others write comes between pieces; a longer line is cut.
fn pieces(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let most = rest.len().min(PIECE);
        let newline = rest[..most].iter().rposition(|byte| *byte == b'\n');
        let end = newline.map_or(most, |newline| newline + 1);
        let piece;
        (piece, rest) = rest.split_at(end);
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, pipe};

    use super::*;

    fn lines() -> String {
        "a line like any other\n".repeat(20_000)
    }

    #[test]
    fn what_is_read_arrives_whole() {
        let (mut read, written) = pipe().expect("a pipe");
        let writer =
            std::thread::spawn(move || write(written.as_fd(), &lines(), Duration::from_secs(60)));
        let mut arrived = String::new();
        read.read_to_string(&mut arrived).expect("text");
        writer.join().expect("no panic");
        assert_eq!(arrived, lines());
    }

    #[test]
    fn nobody_who_reads_is_waited_for_long() {
        let (mut read, written) = pipe().expect("a pipe");
        write(written.as_fd(), &lines(), Duration::ZERO);
        drop(written);
        let mut arrived = String::new();
        read.read_to_string(&mut arrived).expect("text");
        assert!(arrived.len() < lines().len() && lines().starts_with(&arrived));
        assert!(arrived.ends_with('\n'), "whole lines only");
    }

    #[test]
    fn a_broken_pipe_is_not_written_to() {
        let (read, written) = pipe().expect("a pipe");
        drop(read);
        assert!(!is_ready(written.as_fd(), Duration::from_secs(60)));
    }

    #[test]
    fn a_line_longer_than_a_piece_is_cut() {
        let text = format!("short\n{}\nend", "x".repeat(10_000));
        let cut: Vec<&[u8]> = pieces(text.as_bytes()).collect();
        assert_eq!(cut.concat(), text.as_bytes());
        assert!(cut.iter().all(|piece| piece.len() <= PIECE));
        assert_eq!(cut[0], b"short\n");
    }
}

//! What a program prints while the terminal shows something else: passed on, or held back and its end shown later.

use std::collections::VecDeque;
use std::io::{self, PipeReader, Read, Write};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How much of the output is kept while the view is open.
const KEPT: usize = 64 * 1024;

/// Somebody the program started may keep its output open long after it.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The output of a program that does not own the terminal.
pub(super) struct Output {
    stage: Arc<Mutex<Stage>>,
    /// Its other end is dropped when the output has ended.
    ended: Receiver<()>,
}

enum Stage {
    Through,
    Held(Tail),
}

impl Output {
    /// Takes over what comes out of `pipe`, on a thread of its own: the program never waits for the view.
    pub(super) fn new(mut pipe: PipeReader) -> io::Result<Self> {
        let stage = Arc::new(Mutex::new(Stage::Through));
        let (alive, ended) = channel();
        let shared = Arc::clone(&stage);
        thread::Builder::new()
            .name("stallscope-output".to_owned())
            .spawn(move || {
                let _alive = alive;
                let mut buffer = [0; 8192];
                while let Ok(read @ 1..) = pipe.read(&mut buffer) {
                    match &mut *lock(&shared) {
                        Stage::Through => show(&buffer[..read]),
                        Stage::Held(tail) => tail.push(&buffer[..read]),
                    }
                }
            })?;
        Ok(Output { stage, ended })
    }

    /// From here on the terminal belongs to the view.
    pub(super) fn hold(&self) {
        *lock(&self.stage) = Stage::Held(Tail::default());
    }

    /// The view is gone: shows the end of what was held back, and passes on what still comes.
    pub(super) fn release(&self) {
        let mut stage = lock(&self.stage);
        if let Stage::Held(tail) = std::mem::replace(&mut *stage, Stage::Through) {
            show(&tail.into_text());
        }
    }

    /// Waits for the last of it.
    pub(super) fn finish(&self) {
        // Nothing is ever sent: either the other end is dropped or the time is over.
        let _ended = self.ended.recv_timeout(LAST_WORDS);
    }
}

/// The terminal is gone if this fails, and with it whoever could be told.
fn show(bytes: &[u8]) {
    let mut terminal = io::stdout().lock();
    let _shown = terminal.write_all(bytes).and_then(|()| terminal.flush());
}

fn lock(stage: &Mutex<Stage>) -> MutexGuard<'_, Stage> {
    stage.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The last bytes of an output.
#[derive(Default)]
struct Tail {
    bytes: VecDeque<u8>,
    dropped: u64,
}

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        let excess = self.bytes.len().saturating_sub(KEPT);
        self.bytes.drain(..excess);
        self.dropped += excess as u64;
    }

    /// Whole lines, with a note of what is missing.
    fn into_text(self) -> Vec<u8> {
        let mut bytes = Vec::from(self.bytes);
        if self.dropped == 0 {
            return bytes;
        }
        let cut = bytes
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        let missing = self.dropped + cut as u64;
        let mut text =
            format!("… {missing} bytes of output before this were not kept\n").into_bytes();
        text.append(&mut bytes.split_off(cut));
        text
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{KEPT, Tail};

    #[test]
    fn little_output_is_shown_whole() {
        let mut tail = Tail::default();
        tail.push(b"one\ntw");
        tail.push(b"o\n");
        assert_eq!(tail.into_text(), b"one\ntwo\n");
    }

    #[test]
    fn of_much_output_the_last_whole_lines_are_shown() {
        let mut tail = Tail::default();
        let mut line = Vec::new();
        for number in 0..20_000 {
            line.clear();
            writeln!(line, "line {number:05}").expect("memory");
            tail.push(&line);
        }
        let text = String::from_utf8(tail.into_text()).expect("text");
        let lines: Vec<_> = text.lines().collect();
        // 65 536 bytes hold 5957 lines of eleven bytes, and a part of one more.
        assert_eq!(lines.len(), 1 + KEPT / 11);
        assert_eq!(
            lines[0],
            "… 154473 bytes of output before this were not kept"
        );
        assert_eq!(lines[1], "line 14043");
        assert_eq!(lines[KEPT / 11], "line 19999");
    }
}

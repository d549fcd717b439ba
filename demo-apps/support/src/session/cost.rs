//! What it costs a program under load to be looked at: its throughput and its pauses, with looks and without, in turns.

use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use stallscope_attach::{Options, Process, Target};

use super::Session;

/// How long the program is measured at a time.
const WINDOW: Duration = Duration::from_secs(2);
/// With looks, and as many without.
const WINDOWS: usize = 11;
/// Connections, on each of which there is a request at a time: so the program computes, where a single one would measure how fast the kernel wakes two threads in turn.
const AT_ONCE: usize = 32;
/// Between two looks: as the terminal view and a user with `watch` do it.
const EVERY: Duration = Duration::from_secs(1);
/// Requests that take longer than usual by this were paused.
const PAUSE: Duration = Duration::from_micros(100);

/// What was measured. Displayed as a table.
#[derive(Clone, Debug)]
pub struct Cost {
    /// Throughput with looks by that of the window before, without: the median of all pairs, 1 if they cost nothing.
    pub throughput: f64,
    without: Windows,
    with: Windows,
    /// Of a look at all tasks, the median.
    look: Duration,
}

/// Medians of windows, and a sum.
#[derive(Clone, Copy, Debug)]
struct Windows {
    per_second: f64,
    longest: Duration,
    pauses: usize,
}

impl Session {
    /// Measures what looks at the program cost it, by a client at `address` that sends `request` again and again, some at once and the next as soon as they are
    /// answered: all answers must have one length. One client leaves a processor to those looks, if there are two.
    ///
    /// # Panics
    ///
    /// If the program cannot be looked at, or does not answer.
    pub fn cost_of_looks(&self, address: &str, request: &[u8]) -> Cost {
        let target = Target::live(self.pid()).unwrap_or_else(|error| panic!("{error}"));
        // Its debug information is read once, as the terminal view does.
        let process = Process::of(&target).unwrap_or_else(|error| panic!("{error}"));
        process.tasks(&Options::default());
        let mut client = Client::connect(address, request);
        let usual = client.window().median();
        let (mut without, mut with, mut looks) = (Vec::new(), Vec::new(), Vec::new());
        let number = AtomicUsize::new(0);
        // One client throughout, in a thread of its own: where the kernel has put that matters more than any look.
        thread::scope(|scope| {
            let client = scope.spawn(|| {
                let window = |window| {
                    number.store(window, Ordering::Relaxed);
                    client.window()
                };
                (0..2 * WINDOWS).map(window).collect::<Vec<_>>()
            });
            while !client.is_finished() {
                let look = Instant::now();
                if is_watched(number.load(Ordering::Relaxed)) {
                    process.tasks(&Options::default());
                    looks.push(look.elapsed());
                }
                sleep(EVERY.saturating_sub(look.elapsed()));
            }
            let windows = client.join().expect("the client is answered");
            for (number, window) in windows.into_iter().enumerate() {
                let which = if is_watched(number) {
                    &mut with
                } else {
                    &mut without
                };
                which.push(window);
            }
        });
        let pairs = with.iter().zip(&without);
        let ratios = pairs.map(|(with, without)| with.per_second() / without.per_second());
        Cost {
            throughput: median(ratios.collect(), f64::total_cmp),
            without: Windows::of(&without, usual + PAUSE),
            with: Windows::of(&with, usual + PAUSE),
            look: median(looks, Duration::cmp),
        }
    }
}

/// Every other window.
fn is_watched(window: usize) -> bool {
    window % 2 == 1
}

/// A client that asks one thing again and again, over several connections.
struct Client {
    connections: Vec<TcpStream>,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Client {
    fn connect(address: &str, request: &[u8]) -> Self {
        let connect = |_| {
            let connection = TcpStream::connect(address).expect("the program listens");
            connection
                .set_nodelay(true)
                .expect("a socket can be set so");
            connection
        };
        let mut client = Self {
            connections: (0..AT_ONCE).map(connect).collect(),
            request: request.to_vec(),
            answer: vec![0; 64 << 10],
        };
        let first = &mut client.connections[0];
        first.write_all(request).expect("the program reads");
        // The first answer tells how long they are.
        sleep(Duration::from_millis(500));
        let length = first.read(&mut client.answer);
        client.answer.truncate(length.expect("the program answers"));
        client
    }

    /// How long it took each time until all were answered.
    fn window(&mut self) -> Window {
        let (start, mut took) = (Instant::now(), Vec::new());
        let mut last = Duration::ZERO;
        while last < WINDOW {
            for connection in &mut self.connections {
                connection
                    .write_all(&self.request)
                    .expect("the program reads");
            }
            for connection in &mut self.connections {
                connection
                    .read_exact(&mut self.answer)
                    .expect("the program answers");
            }
            let now = start.elapsed();
            took.push(now.saturating_sub(last));
            last = now;
        }
        Window(took)
    }
}

struct Window(Vec<Duration>);

impl Window {
    fn per_second(&self) -> f64 {
        (self.0.len() * AT_ONCE) as f64 / self.0.iter().sum::<Duration>().as_secs_f64()
    }

    fn median(&self) -> Duration {
        median(self.0.clone(), Duration::cmp)
    }
}

impl Windows {
    fn of(windows: &[Window], pause: Duration) -> Self {
        let longest = |window: &Window| window.0.iter().max().copied().unwrap_or_default();
        let all = windows.iter().flat_map(|window| &window.0);
        Self {
            per_second: median(
                windows.iter().map(Window::per_second).collect(),
                f64::total_cmp,
            ),
            longest: median(windows.iter().map(longest).collect(), Duration::cmp),
            pauses: all.filter(|&&took| took > pause).count(),
        }
    }
}

/// The upper one of two in the middle.
fn median<T: Copy>(mut samples: Vec<T>, order: impl Fn(&T, &T) -> std::cmp::Ordering) -> T {
    samples.sort_by(order);
    samples[samples.len() / 2]
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:>14} {:>12} {:>12} {:>18}",
            "looks", "requests/s", "longest", "100 µs over usual"
        )?;
        for (looks, windows) in [("none", self.without), ("each second", self.with)] {
            let Windows {
                per_second,
                longest,
                pauses,
            } = windows;
            writeln!(
                f,
                "{looks:>14} {per_second:>12.0} {longest:>12.1?} {pauses:>18}"
            )?;
        }
        write!(
            f,
            "throughput {:.2} % of what it is without; a look takes {:.1?}",
            100.0 * self.throughput,
            self.look
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_told_by_its_median_and_by_what_took_longer_than_usual() {
        let micros =
            |took: &[u64]| Window(took.iter().copied().map(Duration::from_micros).collect());
        let windows = [
            micros(&[50, 50, 100]),
            micros(&[40, 60, 300]),
            micros(&[50, 50, 50]),
        ];
        assert_eq!(windows[1].median(), Duration::from_micros(60));
        let told = Windows::of(&windows, Duration::from_micros(150));
        assert_eq!((told.longest.as_micros(), told.pauses), (100, 1));
        assert!(
            (told.per_second - 15_000.0 * AT_ONCE as f64).abs() < 32.0,
            "{told:?}"
        );
    }
}

//! What it costs a program to be looked at: its throughput and its pauses, with and without, in turns.
//!
//! `CARGO_PROFILE_RELEASE_DEBUG=2 cargo run --release --example cost`
//!
//! The program is this one, started again: ten thousand idle tasks, and one that allocates, touches, frees and yields in a circle. It is
//! looked at as the terminal view does, once a second, and in another series ten times as often.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use stallscope_attach::{Options, Process, Target};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How long the program is measured at a time.
const WINDOW: Duration = Duration::from_secs(2);
const WINDOWS: usize = 11;
/// A pause from here on is counted.
const PAUSE: Duration = Duration::from_micros(100);
const IDLE_TASKS: u64 = 10_000;

fn main() {
    let done = if std::env::args().nth(1).as_deref() == Some("program") {
        program()
    } else {
        measure()
    };
    if let Err(error) = done {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

fn measure() -> Result<()> {
    let mut program = Program::start()?;
    let target = Target::live(program.child.id())?;
    let process = Process::of(&target)?;
    println!(
        "{:>24} {:>10} {:>12} {:>12} {:>14}",
        "looks", "throughput", "longest", "over 100 µs", "time of a look"
    );
    for every in [Duration::from_secs(1), Duration::from_millis(100)] {
        let mut ratios = Vec::new();
        let (mut without, mut with) = (Vec::new(), Vec::new());
        let mut looks = Vec::new();
        for _ in 0..WINDOWS {
            let bare = program.window(WINDOW, || std::thread::sleep(WINDOW))?;
            let watched = program.window(WINDOW, || {
                let start = Instant::now();
                while start.elapsed() < WINDOW {
                    let look = Instant::now();
                    process.tasks(&Options::default());
                    looks.push(look.elapsed());
                    std::thread::sleep(every.saturating_sub(look.elapsed()));
                }
            })?;
            ratios.push(watched.per_second / bare.per_second);
            without.push(bare);
            with.push(watched);
        }
        ratios.sort_by(f64::total_cmp);
        looks.sort();
        show("none", None, &without, Duration::ZERO);
        show(
            &format!("each {every:?}"),
            Some(ratios[ratios.len() / 2]),
            &with,
            looks[looks.len() / 2],
        );
    }
    Ok(())
}

fn show(looks: &str, ratio: Option<f64>, windows: &[Window], look: Duration) {
    let mut longest: Vec<_> = windows.iter().map(|window| window.longest).collect();
    longest.sort();
    let over: u64 = windows.iter().map(|window| window.over).sum();
    let ratio = ratio.map_or("-".to_owned(), |ratio| format!("{:.2} %", 100.0 * ratio));
    println!(
        "{looks:>24} {ratio:>10} {:>12.1?} {over:>12} {look:>14.2?}",
        longest[longest.len() / 2]
    );
}

struct Window {
    per_second: f64,
    longest: Duration,
    over: u64,
}

/// The other side: a window begins and ends with a line, and the answer to the second is what was measured.
struct Program {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Program {
    fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("program")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (ask, answers) = (child.stdin.take(), child.stdout.take());
        let mut program = Self {
            ask: ask.ok_or("no pipe")?,
            answers: BufReader::new(answers.ok_or("no pipe")?),
            child,
        };
        program.answer()?;
        Ok(program)
    }

    fn window(&mut self, length: Duration, during: impl FnOnce()) -> Result<Window> {
        writeln!(self.ask, "begin")?;
        self.answer()?;
        during();
        writeln!(self.ask, "end")?;
        let answer = self.answer()?;
        let mut numbers = answer.split_whitespace().map(str::parse::<u64>);
        let mut next =
            || Ok::<_, Box<dyn std::error::Error>>(numbers.next().ok_or("too short an answer")??);
        let (rounds, nanos, longest, over) = (next()?, next()?, next()?, next()?);
        debug_assert!(Duration::from_nanos(nanos) >= length);
        Ok(Window {
            per_second: rounds as f64 * 1e9 / nanos as f64,
            longest: Duration::from_nanos(longest),
            over,
        })
    }

    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::main(flavor = "current_thread")]
async fn program() -> Result<()> {
    for number in 0..IDLE_TASKS {
        tokio::spawn(idle(number));
    }
    let (said, mut heard) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(std::result::Result::ok) {
            let _ = said.send(line);
        }
    });
    println!("ready");
    let (mut begun, mut last) = (Instant::now(), Instant::now());
    let (mut rounds, mut longest, mut over) = (0_u64, Duration::ZERO, 0_u64);
    loop {
        let mut bytes = vec![0_u8; 256 << 10];
        for page in bytes.iter_mut().step_by(4096) {
            *page = 1;
        }
        std::hint::black_box(bytes);
        tokio::task::yield_now().await;
        let now = Instant::now();
        let pause = now.duration_since(last);
        (longest, last) = (longest.max(pause), now);
        over += u64::from(pause > PAUSE);
        rounds += 1;
        match heard.try_recv() {
            Ok(line) if line == "begin" => {
                println!("begun");
                begun = Instant::now();
                (rounds, longest, over, last) = (0, Duration::ZERO, 0, begun);
            }
            Ok(_) => {
                let nanos = begun.elapsed().as_nanos();
                println!("{rounds} {nanos} {} {over}", longest.as_nanos());
            }
            Err(tokio::sync::mpsc::error::TryRecvError::Disconnected) => return Ok(()),
            Err(_) => {}
        }
    }
}

async fn idle(number: u64) {
    let name = format!("idle {number}");
    tokio::time::sleep(Duration::from_secs(3600)).await;
    println!("{name}");
}

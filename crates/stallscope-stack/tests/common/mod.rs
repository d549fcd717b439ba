//! A thread that gets stuck on purpose, and what can be seen of it.

#![allow(unreachable_pub)] // Compiled into each test that uses it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use stallscope_stack::kernel::{Cause, Position, ThreadState};
use stallscope_stack::{
    Ended, Frame, Origin, RawStack, Symbolizer, ThreadHandle, Trace, Unwinder, capture_within,
};

/// However busy the machine is, by then a stuck thread has been seen stuck.
const PATIENCE: Duration = Duration::from_secs(30);

/// A thread that is stuck until the test ends; one that waits for ever is left behind.
pub struct Stuck {
    thread: ThreadHandle,
    stop: Stop,
}

/// Asks a stuck thread that computes to end.
#[derive(Clone)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// One look at a stuck thread.
pub struct Seen {
    pub state: ThreadState,
    pub cause: Cause,
    pub stack: RawStack,
    pub trace: Trace,
    pub frames: Vec<Frame>,
}

/// For tests whose thread computes: one at a time, or they keep the processors from each other.
pub fn processor() -> MutexGuard<'static, ()> {
    static PROCESSOR: Mutex<()> = Mutex::new(());
    PROCESSOR.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stuck {
    pub fn new(body: impl FnOnce(&Stop) + Send + 'static) -> Self {
        let stop = Stop(Arc::default());
        let (announce, thread) = mpsc::channel();
        thread::spawn({
            let stop = stop.clone();
            move || {
                let own = ThreadHandle::register_current().expect("a supported platform");
                announce.send(own.handle()).expect("the test waits");
                body(&stop);
                drop(own);
            }
        });
        Self {
            thread: thread.recv().expect("announced"),
            stop,
        }
    }

    /// Looks when the thread has made up its mind: two readings 100 ms apart give a cause.
    pub fn look(&self) -> Seen {
        self.look_until(|_| true)
    }

    /// Looks when its state is as wanted.
    pub fn look_when(&self, wanted: impl Fn(&ThreadState) -> bool) -> Seen {
        self.wait_for(|thread| wanted(&ThreadState::read(thread.tid())));
        self.look()
    }

    /// Looks until what is seen is as wanted.
    pub fn look_until(&self, wanted: impl Fn(&Seen) -> bool) -> Seen {
        let mut seen = None;
        self.wait_for(|thread| {
            seen = look_once(thread).filter(&wanted);
            seen.is_some()
        });
        seen.expect("waited for")
    }

    pub fn wait_for(&self, mut condition: impl FnMut(&ThreadHandle) -> bool) {
        let started = Instant::now();
        while !condition(&self.thread) {
            assert!(
                started.elapsed() < PATIENCE,
                "not seen: {:?}",
                ThreadState::read(self.thread.tid())
            );
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Stuck {
    fn drop(&mut self) {
        self.stop.0.store(true, Ordering::Relaxed);
    }
}

/// `None` while the thread is on its way, or the machine too busy to tell.
fn look_once(thread: &ThreadHandle) -> Option<Seen> {
    let started = Instant::now();
    let before = ThreadState::read(thread.tid());
    thread::sleep(Duration::from_millis(100));
    let state = ThreadState::read(thread.tid());
    let cause = Cause::between(&before, &state, started.elapsed());
    let settled = before.slept_until(&state) == Some(true) || cause == Cause::OnCpu;
    if !settled || before.position == Position::Unknown {
        return None;
    }
    let stack = capture_within(thread, Duration::from_secs(1)).ok()?;
    let trace = Unwinder::new().unwind(&stack);
    let frames = Symbolizer::new().frames(&trace);
    Some(Seen {
        state,
        cause,
        stack,
        trace,
        frames,
    })
}

impl Seen {
    pub fn names(&self, function: &str) -> bool {
        self.functions().any(|name| name.contains(function))
    }

    /// The walk is complete, passes these functions in this order, and the innermost frame of the user is at the line
    /// (anywhere for `None`).
    #[track_caller]
    pub fn reaches_root_through(&self, functions: &[&str], line: Option<u32>) {
        let shown: Vec<String> = self
            .frames
            .iter()
            .map(|frame| format!("{frame} {:?}", frame.origin))
            .collect();
        let shown = shown.join("\n");
        assert_eq!(self.trace.ended, Ended::Root, "{shown}");
        let mut names = self.functions();
        for function in functions {
            assert!(
                names.any(|name| name.contains(function)),
                "no {function} in\n{shown}"
            );
        }
        let user = self
            .frames
            .iter()
            .find(|frame| frame.origin == Origin::App)
            .expect(&shown);
        if line.is_some() {
            assert!(
                user.file
                    .as_deref()
                    .is_some_and(|file| file.ends_with("tests/zoo.rs")),
                "{shown}"
            );
            assert_eq!(user.line, line, "{shown}");
        }
        assert!(self.names("thread_start"), "not a thread's root:\n{shown}");
    }

    fn functions(&self) -> impl Iterator<Item = &str> {
        self.frames
            .iter()
            .filter_map(|frame| frame.function.as_deref())
    }
}

/// The line of a source file that carries a mark.
pub fn line_of(file: &str, mark: &str) -> u32 {
    let name = file.rsplit('/').next().expect("a file name");
    let source = std::fs::read_to_string(format!("{}/tests/{name}", env!("CARGO_MANIFEST_DIR")))
        .expect("own source");
    let comment = format!("// {mark}");
    let index = source
        .lines()
        .position(|line| line.ends_with(&comment))
        .expect("a marked line");
    u32::try_from(index + 1).expect("a small file")
}

//! A machine as small, as busy and as much its own as a test wants it.

use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Burns a processor for as long as the process that started it is there.
const BURN: &str =
    "while kill -0 $PPID 2>&-; do i=0; while [ $i -lt 9999 ]; do i=$((i+1)); done; done";

/// The machine, as the sessions of one test binary share it.
static MACHINE: RwLock<()> = RwLock::new(());

/// A processor of it.
static PROCESSOR: Mutex<()> = Mutex::new(());

/// What a session has of the machine for as long as it lasts.
///
/// A test that fails has its share back like any other: that the locks are poisoned then is of no account.
#[derive(Debug)]
#[expect(dead_code, reason = "a guard is held, not read")]
pub(super) enum Share {
    BesideOthers(RwLockReadGuard<'static, ()>),
    WithAProcessor(MutexGuard<'static, ()>, RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

impl Share {
    /// Any number of sessions at once.
    pub(super) fn beside_others() -> Self {
        Self::BesideOthers(part())
    }

    /// Beside others, but one such session at a time.
    pub(super) fn with_a_processor() -> Self {
        // In this order: who still waits for the processor keeps nobody from being alone.
        let processor = PROCESSOR.lock().unwrap_or_else(PoisonError::into_inner);
        Self::WithAProcessor(processor, part())
    }

    /// No other session at all. Waits for those that are under way, at worst until all other tests are done.
    pub(super) fn alone() -> Self {
        Self::Alone(MACHINE.write().unwrap_or_else(PoisonError::into_inner))
    }
}

fn part() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

/// Processes that burn one processor each, until this is dropped.
#[derive(Debug)]
pub(super) struct Hogs(Vec<Child>);

impl Hogs {
    /// Starts so many of them.
    pub(super) fn start(count: usize) -> Self {
        let start = |_| {
            let mut hog = Command::new("sh");
            hog.args(["-c", BURN]).stdin(Stdio::null());
            hog.spawn().expect("there is a shell")
        };
        Self((0..count).map(start).collect())
    }
}

impl Drop for Hogs {
    fn drop(&mut self) {
        for hog in &mut self.0 {
            // Both fail if it has ended already, which is as well.
            let _ = hog.kill();
            let _ = hog.wait();
        }
    }
}

/// From now on this thread and whatever it starts have two processors, however many the machine has.
#[cfg(target_os = "linux")]
pub(super) fn on_two_processors() {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let all = sched_getaffinity(None).expect("a thread may know its processors");
    let mut two = CpuSet::new();
    for processor in (0..CpuSet::MAX_CPU)
        .filter(|&processor| all.is_set(processor))
        .take(2)
    {
        two.set(processor);
    }
    sched_setaffinity(None, &two).expect("a thread may have fewer processors");
}

/// Where processors cannot be chosen, the machine is as large as it is.
#[cfg(not(target_os = "linux"))]
pub(super) fn on_two_processors() {}

#[cfg(test)]
mod tests {
    use std::sync::TryLockError;

    use super::*;

    #[test]
    fn who_is_alone_has_no_others_and_they_have_it_back_though_its_test_fails() {
        let failed = std::thread::spawn(|| {
            let _alone = Share::alone();
            assert!(matches!(MACHINE.try_read(), Err(TryLockError::WouldBlock)));
            panic!("as a test does that fails");
        });
        assert!(failed.join().is_err());
        let one = Share::beside_others();
        let _another = Share::with_a_processor();
        assert!(matches!(MACHINE.try_write(), Err(TryLockError::WouldBlock)));
        drop(one);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_started_has_two_processors_at_most() {
        on_two_processors();
        let threads = std::thread::available_parallelism().expect("the kernel says");
        assert!(threads.get() <= 2, "{threads}");
        let ends = Command::new("sh").args(["-c", "exit 0"]).status();
        assert!(ends.expect("there is a shell").success());
    }
}

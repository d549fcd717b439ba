//! A machine as small and as busy as a test wants it.

use std::process::{Child, Command, Stdio};

/// Burns a processor for as long as the process that started it is there.
const BURN: &str =
    "while kill -0 $PPID 2>&-; do i=0; while [ $i -lt 9999 ]; do i=$((i+1)); done; done";

/// Processes that burn one processor each, until this is dropped.
#[derive(Debug)]
pub struct Hogs(Vec<Child>);

impl Hogs {
    /// Starts so many of them.
    ///
    /// # Panics
    ///
    /// If there is no shell.
    pub fn start(count: usize) -> Self {
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
///
/// # Panics
///
/// If the kernel refuses.
#[cfg(target_os = "linux")]
pub fn on_two_processors() {
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
pub fn on_two_processors() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_started_has_two_processors_at_most() {
        on_two_processors();
        let threads = std::thread::available_parallelism().expect("the kernel says");
        assert!(threads.get() <= 2, "{threads}");
        let ends = Command::new("sh").args(["-c", "exit 0"]).status();
        assert!(ends.expect("there is a shell").success());
    }
}

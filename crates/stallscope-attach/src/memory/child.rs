//! A process of known content for tests: this test binary once more, which tells what is where in it.

#![allow(unsafe_code)] // A thread asks its own register where its thread-local storage is.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child as Process, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

const SWITCH: &str = "STALLSCOPE_ATTACH_CHILD";

/// What the child keeps in its heap.
pub(super) const KEPT: &[u8] = b"kept where the child says";

/// The running child. Its end closes the pipe it waits for, also when the test fails.
pub(super) struct Child {
    process: Process,
    /// (thread, thread pointer) as each thread read them itself, the main thread first.
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(dead_code, reason = "asked for where threads are found by it")
    )]
    pub(super) threads: Vec<(u32, u64)>,
    /// Where [`KEPT`] is.
    pub(super) kept: u64,
    /// Where [`program`] is.
    pub(super) code: u64,
}

impl Child {
    pub(super) fn start() -> Self {
        Self::start_as(&std::env::current_exe().expect("own path"))
    }

    /// From a copy of this binary.
    pub(super) fn start_as(binary: &Path) -> Self {
        let (_, module) = module_path!()
            .split_once("::")
            .expect("a module of this crate");
        let mut command = Command::new(binary);
        command
            .args([&format!("{module}::program"), "--exact", "--nocapture"])
            .env(SWITCH, "on")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = until(|| match command.spawn() {
            // A copy is open for writing in whatever another test has forked meanwhile, until that is executed.
            Err(busy) if busy.kind() == ErrorKind::ExecutableFileBusy => Err(busy.to_string()),
            spawned => Ok(spawned.expect("this binary")),
        });
        let lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let told: Vec<Vec<u64>> = lines
            .map_while(Result::ok)
            .take_while(|line| line != "@ ready")
            .filter_map(|line| numbers(line.strip_prefix("@ ")?))
            .collect();
        Self::told(process, &told)
    }

    fn told(process: Process, told: &[Vec<u64>]) -> Self {
        let [places, threads @ ..] = told else {
            panic!("the child said nothing: {told:?}")
        };
        Self {
            process,
            threads: threads
                .iter()
                .map(|thread| (thread[0] as u32, thread[1]))
                .collect(),
            kept: places[0],
            code: places[1],
        }
    }

    /// Where its code would be in this process.
    pub(super) fn code_here() -> u64 {
        program as fn() as usize as u64
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Ends it, and waits until its number is free.
    pub(super) fn end(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}

/// Until something holds, or the test has waited long enough for any machine.
pub(super) fn until<T>(mut look: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) => assert!(Instant::now() < deadline, "{seen}"),
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn numbers(line: &str) -> Option<Vec<u64>> {
    line.split(' ').map(|word| word.parse().ok()).collect()
}

/// Not a test: the child's own code.
#[test]
fn program() {
    if std::env::var_os(SWITCH).is_none() {
        return;
    }
    let kept: &[u8] = Box::leak(KEPT.to_vec().into_boxed_slice());
    println!("\n@ {} {}", kept.as_ptr().addr(), Child::code_here());
    println!(
        "@ {} {}",
        std::process::id(),
        OF_MAIN.load(Ordering::Relaxed)
    );
    let (tell, told) = mpsc::channel();
    for is_idle in [true, true, false, true] {
        let tell = tell.clone();
        thread::Builder::new()
            .name(if is_idle { "idle (1) R" } else { "busy" }.to_owned())
            .spawn(move || {
                let _ = tell.send((own_tid(), thread_pointer()));
                loop {
                    if is_idle {
                        thread::park();
                    }
                    std::hint::spin_loop();
                }
            })
            .expect("a thread");
    }
    for (tid, pointer) in told.iter().take(4) {
        println!("@ {tid} {pointer}");
    }
    println!("@ ready");
    let _ = std::io::stdin().read(&mut [0]);
    std::process::exit(0);
}

fn own_tid() -> u32 {
    let link: PathBuf = std::fs::read_link("/proc/thread-self").expect("/proc");
    let tid = link.file_name().and_then(|tid| tid.to_str()?.parse().ok());
    tid.expect("PID/task/TID")
}

/// The main thread runs no test, but what comes before `main`.
static OF_MAIN: AtomicU64 = AtomicU64::new(0);

#[used]
// SAFETY: the section holds functions of this type, which the C library calls one by one before `main`.
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = {
    extern "C" fn note() {
        OF_MAIN.store(thread_pointer(), Ordering::Relaxed);
    }
    note
};

#[cfg(target_arch = "x86_64")]
fn thread_pointer() -> u64 {
    let pointer;
    // SAFETY: on x86-64 the first word of thread-local storage is its address; reading it changes nothing.
    unsafe {
        std::arch::asm!("mov {}, fs:0", out(reg) pointer, options(nostack, readonly, preserves_flags));
    }
    pointer
}

#[cfg(not(target_arch = "x86_64"))]
fn thread_pointer() -> u64 {
    0
}

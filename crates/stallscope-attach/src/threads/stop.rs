//! The stack of a thread that runs: the thread is stopped, copied and let go, in some 100 µs.
//!
//! Only when asked for. It is traced for that moment by a thread of ours that ends afterwards: whatever happens, the
//! kernel lets go of what a thread traced when that thread ends. Should it have begun to sleep in the very same moment,
//! its system call may end with `EINTR`.

#![allow(unsafe_code)] // ptrace and waitid take raw pointers.

use std::fs::File;
use std::io;
use std::mem::{self, MaybeUninit};
use std::os::unix::fs::FileExt as _;
use std::ptr;
use std::thread;
use std::time::{Duration, Instant};

use stallscope_stack::{Method, RawStack, Registers, Tid};

use super::Unseen;
use super::copy::{MOST_COPIED, area_of};
use crate::memory::Area;

/// How long it is waited for the stop: a thread inside the kernel stops on its way out.
const PATIENCE: Duration = Duration::from_millis(20);

/// With what the kernel adds to it, some 70 µs.
const BETWEEN_LOOKS: Duration = Duration::from_micros(10);

/// As the C library has it.
#[cfg(not(target_env = "musl"))]
type Request = libc::c_uint;
#[cfg(target_env = "musl")]
type Request = libc::c_int;

/// Its stack, and for how long it was stopped at most: from when it was last seen not to be until it was let go.
pub(super) fn copy(pid: u32, tid: u32, areas: &[Area]) -> Result<(RawStack, Duration), Unseen> {
    thread::scope(|scope| {
        let tracer = thread::Builder::new()
            .name("stallscope-stop".to_owned())
            .spawn_scoped(scope, || stop_and_copy(pid, tid, areas));
        let copied = tracer.map(thread::ScopedJoinHandle::join);
        // It does not panic; and without a thread nothing was stopped.
        copied
            .map_err(|_| Unseen::NotStopped)?
            .unwrap_or(Err(Unseen::NotStopped))
    })
}

fn stop_and_copy(pid: u32, tid: u32, areas: &[Area]) -> Result<(RawStack, Duration), Unseen> {
    let number = i32::try_from(tid).ok().and_then(Tid::new);
    let number = number.ok_or(Unseen::Ended)?;
    // All that can be done before is.
    let memory = File::open(format!("/proc/{pid}/mem")).map_err(|_| Unseen::NotStopped)?;
    let mut bytes = vec![0; usize::try_from(MOST_COPIED).map_err(|_| Unseen::NotStopped)?];
    request(libc::PTRACE_SEIZE, number, 0)?;
    let asked = Instant::now();
    request(libc::PTRACE_INTERRUPT, number, 0)?;
    let (signal, ran_at) = wait(number, asked)?;
    let copied = registers(number).and_then(|registers| {
        let length = read(&memory, areas, registers.sp, &mut bytes)?;
        Ok((registers, length))
    });
    // A signal that was about to be delivered is passed on.
    let released = request(libc::PTRACE_DETACH, number, signal);
    let stopped = ran_at.elapsed();
    released?;
    let (registers, (length, truncated)) = copied?;
    bytes.truncate(length);
    let stack = RawStack {
        tid: number,
        registers,
        bytes,
        truncated,
        method: Method::Untouched,
    };
    Ok((stack, stopped))
}

/// How much of the stack was read, and whether that is less than there is.
fn read(memory: &File, areas: &[Area], sp: u64, into: &mut [u8]) -> Result<(usize, bool), Unseen> {
    let depth = area_of(areas, sp)?.end - sp;
    let length = usize::try_from(depth.min(MOST_COPIED)).map_err(|_| Unseen::Unreadable)?;
    let into = into.get_mut(..length).ok_or(Unseen::Unreadable)?;
    match memory.read_at(into, sp) {
        Ok(0) | Err(_) => Err(Unseen::Unreadable),
        Ok(read) => Ok((read, read as u64 != depth)),
    }
}

/// Waits for the stop, and tells the signal it is about to be given, if that is why, and when it was not stopped yet.
fn wait(tid: Tid, asked: Instant) -> Result<(u64, Instant), Unseen> {
    let mut ran_at = asked;
    loop {
        let looked_at = Instant::now();
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        let id = tid.number().cast_unsigned();
        // SAFETY: `info` is a live buffer of the right type. Stops only: the end of a process is left to its parent.
        let result = unsafe {
            libc::waitid(
                libc::P_PID,
                id,
                info.as_mut_ptr(),
                libc::WSTOPPED | libc::WNOHANG | libc::__WALL,
            )
        };
        if result != 0 {
            return Err(Unseen::Ended);
        }
        // SAFETY: zero is a value of each of its fields, and the kernel fills in what it has.
        let info = unsafe { info.assume_init() };
        // SAFETY: what waitid fills in has these fields; they are zero if nothing has happened yet.
        let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
        if pid != 0 {
            // Above the signal stands the event: a stop of our making, or of its whole process, has one.
            let is_signal = status >> 8 == 0;
            let signal = if is_signal {
                u64::from(status.unsigned_abs())
            } else {
                0
            };
            return Ok((signal, ran_at));
        }
        if asked.elapsed() >= PATIENCE {
            return Err(Unseen::NotStopped);
        }
        ran_at = looked_at;
        // Who sleeps gets a processor at once when it wakes, also on a busy machine; who spins or yields has to queue, and the
        // thread stands still for so long.
        thread::sleep(BETWEEN_LOOKS);
    }
}

fn registers(tid: Tid) -> Result<Registers, Unseen> {
    /// `NT_PRSTATUS`.
    const GENERAL: usize = 1;
    let mut registers = MaybeUninit::<libc::user_regs_struct>::zeroed();
    let mut place = libc::iovec {
        iov_base: registers.as_mut_ptr().cast(),
        iov_len: mem::size_of::<libc::user_regs_struct>(),
    };
    // SAFETY: the kernel writes at most `iov_len` bytes to the buffer that `place` describes; both live until it returns.
    let result = unsafe {
        libc::ptrace(
            libc::PTRACE_GETREGSET,
            tid.number(),
            ptr::without_provenance_mut::<libc::c_void>(GENERAL),
            &raw mut place,
        )
    };
    if result != 0 {
        return Err(Unseen::NotStopped);
    }
    // SAFETY: plain numbers, zero where the kernel wrote none.
    let registers = unsafe { registers.assume_init() };
    Ok(of_processor(&registers))
}

#[cfg(target_arch = "x86_64")]
fn of_processor(registers: &libc::user_regs_struct) -> Registers {
    Registers {
        pc: registers.rip,
        sp: registers.rsp,
        fp: Some(registers.rbp),
        lr: None,
    }
}

#[cfg(target_arch = "aarch64")]
fn of_processor(registers: &libc::user_regs_struct) -> Registers {
    let [.., fp, lr] = registers.regs;
    Registers {
        pc: registers.pc,
        sp: registers.sp,
        fp: Some(fp),
        lr: Some(lr),
    }
}

/// A request without an address.
fn request(request: Request, tid: Tid, data: u64) -> Result<(), Unseen> {
    let data = usize::try_from(data).unwrap_or(0);
    // SAFETY: these requests (seize, interrupt, detach) take numbers; no memory of ours is read or written.
    let result = unsafe {
        libc::ptrace(
            request,
            tid.number(),
            ptr::null_mut::<libc::c_void>(),
            ptr::without_provenance_mut::<libc::c_void>(data),
        )
    };
    if result == 0 {
        return Ok(());
    }
    Err(match io::Error::last_os_error().raw_os_error() {
        Some(libc::ESRCH) => Unseen::Ended,
        _ => Unseen::NotStopped,
    })
}

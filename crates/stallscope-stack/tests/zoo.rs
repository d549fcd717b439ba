//! Every way a thread can be stuck: the kernel's view, the stack to the root, the user's line.
#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#![allow(unsafe_code)] // Some ways of being stuck need libc.

mod common;

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{Stuck, line_of};
use stallscope_stack::Method;
use stallscope_stack::kernel::{Cause, Descriptor, RunState};

#[test]
fn a_sleep() {
    let stuck = Stuck::new(|_| {
        std::thread::sleep(Duration::from_secs(600)); // zoo: sleep
    });
    let seen = stuck.look();
    assert_eq!(seen.cause, Cause::Sleep);
    assert_eq!(seen.state.run_state, RunState::Sleeping);
    assert!(matches!(seen.stack.method, Method::Untouched));
    seen.reaches_root_through(
        &["nanosleep", "sleep"],
        Some(line_of(file!(), "zoo: sleep")),
    );
}

#[test]
fn a_lock_held_elsewhere() {
    let lock = Arc::new(Mutex::new(()));
    let held = lock.lock().expect("new");
    let stuck = Stuck::new({
        let lock = lock.clone();
        move |_| {
            drop(lock.lock()); // zoo: lock
        }
    });
    let seen = stuck.look();
    assert_eq!(seen.cause, Cause::Futex);
    seen.reaches_root_through(&["futex"], Some(line_of(file!(), "zoo: lock")));
    drop(held);
}

#[test]
fn a_read_of_a_named_pipe() {
    let path = std::env::temp_dir().join(format!("stallscope-stack-zoo-{}", std::process::id()));
    let name = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).expect("no zero byte");
    // SAFETY: a string that ends in zero.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    // Open for both, so that nobody waits for the other side.
    let mut pipe = File::options()
        .read(true)
        .write(true)
        .open(&path)
        .expect("just made");
    let stuck = Stuck::new(move |_| {
        let _ = pipe.read(&mut [0; 8]); // zoo: fifo
    });
    let seen = stuck.look();
    let Cause::PipeIo(io) = &seen.cause else {
        panic!("{:?}", seen.cause)
    };
    assert_eq!(io.on, [Descriptor::Fifo(path.clone())]);
    assert_eq!(
        seen.cause.to_string(),
        format!("read on the pipe {}", path.display())
    );
    seen.reaches_root_through(&["read"], Some(line_of(file!(), "zoo: fifo")));
    let _ = std::fs::remove_file(path);
}

#[test]
fn a_read_of_a_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    let mut client = TcpStream::connect(address).expect("somebody listens");
    let _server = listener.accept().expect("connected");
    let stuck = Stuck::new(move |_| {
        let _ = client.read(&mut [0; 8]); // zoo: socket
    });
    let seen = stuck.look();
    let Cause::NetworkIo(io) = &seen.cause else {
        panic!("{:?}", seen.cause)
    };
    assert_eq!(
        io.on,
        [Descriptor::Socket {
            peer: Some(address.to_string())
        }]
    );
    seen.reaches_root_through(&["recv"], Some(line_of(file!(), "zoo: socket")));
}

#[test]
fn a_poll_of_a_pipe() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let stuck = Stuck::new(move |_| {
        let mut set = libc::pollfd {
            fd: reader.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one entry, which outlives the call.
        unsafe { libc::poll(&raw mut set, 1, -1) }; // zoo: poll
    });
    let seen = stuck.look();
    let Cause::Poll(io) = &seen.cause else {
        panic!("{:?}", seen.cause)
    };
    assert_eq!(io.on, [Descriptor::Pipe]);
    seen.reaches_root_through(&["poll"], Some(line_of(file!(), "zoo: poll")));
    drop(writer);
}

#[test]
fn a_child_that_does_not_end() {
    let stuck = Stuck::new(move |_| {
        let _ = std::process::Command::new("sleep").arg("5").status(); // zoo: child
    });
    // Where it is forked (musl), its start is waited for on a pipe before.
    let seen = stuck.look_until(|seen| seen.cause == Cause::ChildWait);
    seen.reaches_root_through(&["wait"], Some(line_of(file!(), "zoo: child")));
}

#[test]
fn a_child_that_does_not_start_holds_its_parent_where_no_signal_reaches() {
    let (child, parent) = std::io::pipe().expect("a pipe");
    let ends = [child.as_raw_fd(), parent.as_raw_fd()];
    let stuck = Stuck::new(move |_| {
        vfork_that_waits_for(ends);
    });
    let seen = stuck.look_when(|state| state.run_state == RunState::Uninterruptible);
    assert_eq!(seen.cause, Cause::ChildWait);
    seen.reaches_root_through(
        &["clone", "vfork_that_waits_for"],
        Some(line_of(file!(), "zoo: vfork")),
    );
    drop(parent);
}

/// A child in its parent's memory that waits for the other end of a pipe to close, then ends; the parent stands in state
/// D meanwhile.
#[inline(never)]
fn vfork_that_waits_for(ends: [i32; 2]) {
    extern "C" fn child(ends: *mut libc::c_void) -> libc::c_int {
        let mut byte = 0_u8;
        // SAFETY: the parent's array, alive while it waits. The child has descriptors of its own, so it closes its copy
        // of the far end, and reads into this frame.
        unsafe {
            let [near, far] = *ends.cast::<[i32; 2]>();
            libc::close(far);
            libc::read(near, (&raw mut byte).cast(), 1);
        }
        0
    }
    let mut stack = vec![0_u8; 64 * 1024];
    let top = stack.as_mut_ptr_range().end;
    // SAFETY: the child runs `child` on `stack`, which outlives it, because the parent waits for its end (CLONE_VFORK).
    let pid = unsafe {
        let flags = libc::CLONE_VFORK | libc::CLONE_VM | libc::SIGCHLD;
        let argument = (&raw const ends).cast_mut().cast();
        libc::clone(child, top.cast(), flags, argument) // zoo: vfork
    };
    std::hint::black_box(pid);
}

#[test]
fn a_file_that_is_read_over_and_over() {
    let _processor = common::processor();
    let mut file = File::open(std::env::current_exe().expect("own program")).expect("readable");
    let stuck = Stuck::new(move |stop| {
        let mut buffer = vec![0; 1 << 20];
        while !stop.is_set() {
            let _ = file.seek(SeekFrom::Start(0));
            let _ = file.read(&mut buffer); // zoo: file
        }
    });
    let line = line_of(file!(), "zoo: file");
    // It computes, inside the kernel: the interrupted thread stands behind its system call.
    // On musl the number of the call is nowhere to be had behind it.
    let shows_call = cfg!(not(target_env = "musl"));
    let seen = stuck.look_until(|seen| {
        let left = seen.stack.just_left();
        !shows_call && seen.names("read") || left.is_some_and(|io| io.call.name() == Some("read"))
    });
    assert_eq!(seen.cause, Cause::OnCpu);
    if cfg!(target_arch = "x86_64") && shows_call {
        let io = seen.stack.just_left().expect("as looked for");
        let program = std::env::current_exe().expect("own program");
        assert_eq!(
            Cause::in_call(io.call, &io.on).to_string(),
            format!("read on {}", program.display())
        );
    }
    seen.reaches_root_through(&["read"], Some(line));
}

#[test]
fn a_loop_that_computes() {
    let _processor = common::processor();
    let stuck = Stuck::new(|stop| {
        let mut x = 1_u64;
        while !stop.is_set() {
            x = std::hint::black_box(x.wrapping_mul(31) + 7); // zoo: busy
        }
    });
    let seen = stuck.look();
    assert_eq!(seen.cause, Cause::OnCpu);
    assert!(matches!(seen.stack.method, Method::Interrupted { .. }));
    seen.reaches_root_through(&["a_loop_that_computes"], None);
}

#[test]
fn a_loop_that_asks_for_the_time() {
    let _processor = common::processor();
    let stuck = Stuck::new(|stop| {
        while !stop.is_set() {
            std::hint::black_box(Instant::now()); // zoo: clock
        }
    });
    // Most of the time it is in the kernel's page of code, which has no file.
    let seen = stuck.look_until(|seen| seen.names("clock_gettime"));
    assert_eq!(seen.cause, Cause::OnCpu);
    seen.reaches_root_through(&["clock_gettime"], Some(line_of(file!(), "zoo: clock")));
}

#[test]
fn a_thread_that_blocks_all_signals_and_sleeps() {
    let stuck = Stuck::new(|_| {
        block_all_signals();
        std::thread::sleep(Duration::from_secs(600)); // zoo: masked
    });
    let seen = stuck.look();
    assert_eq!(seen.cause, Cause::Sleep);
    seen.reaches_root_through(
        &["nanosleep", "sleep"],
        Some(line_of(file!(), "zoo: masked")),
    );
}

#[test]
fn a_thread_that_blocks_all_signals_and_computes_is_out_of_reach_and_said_so() {
    let stuck = Stuck::new(|stop| {
        block_all_signals();
        while !stop.is_set() {
            std::hint::spin_loop();
        }
    });
    stuck.wait_for(|thread| {
        stallscope_stack::capture(thread).err()
            == Some(stallscope_stack::CaptureError::SignalBlocked)
    });
}

fn block_all_signals() {
    // SAFETY: a set of ours, filled before it is used.
    unsafe {
        let mut all = std::mem::MaybeUninit::uninit();
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), std::ptr::null_mut());
    }
}

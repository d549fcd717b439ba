//! A child process that tells what is where in it, and what is found of it from outside.

use super::super::build_id;
use super::super::child::{Child, KEPT, until};
use super::*;
use std::process::{Command, Stdio};

#[test]
fn bytes_are_read_where_they_are_and_nowhere_else() {
    let child = Child::start();
    let live = Live::open(child.pid()).expect("our child");
    let mut bytes = vec![0; KEPT.len()];
    live.read(child.kept, &mut bytes).expect("kept");
    assert_eq!(bytes, KEPT);
    for nowhere in [0, 1 << 62, i64::MAX.cast_unsigned(), 1 << 63, u64::MAX] {
        assert_eq!(live.read(nowhere, &mut [0; 8]), Err(Unreadable(nowhere)));
    }
}

#[test]
fn what_is_partly_there_is_unreadable_from_the_first_byte_that_is_not() {
    let child = Child::start();
    let live = Live::open(child.pid()).expect("our child");
    let areas = live.areas();
    let (last, _) = areas
        .iter()
        .zip(areas.iter().skip(1))
        .find(|(area, next)| area.name.ends_with(']') && area.end + 4096 < next.start)
        .expect("the heap has a gap behind it");
    assert_eq!(
        live.read(last.end - 8, &mut [0; 16]),
        Err(Unreadable(last.end))
    );
}

#[test]
fn the_program_is_found_and_lies_where_it_says() {
    let child = Child::start();
    let live = Live::open(child.pid()).expect("our child");
    let its = live.executable().expect("its program");
    let own = Live::open(std::process::id())
        .and_then(|own| own.executable())
        .expect("ours");
    assert_eq!(its.path, own.path);
    assert_eq!(
        child.code.wrapping_sub(its.bias),
        Child::code_here().wrapping_sub(own.bias)
    );
    let id = build_id(&live, its.bias).expect("the linker's default");
    assert_eq!(
        Elf::parse(&fs::read(&its.beside).expect("its file"))
            .expect("ELF")
            .build_id(),
        Some(&id[..])
    );
}

#[test]
fn a_program_whose_file_is_gone_can_still_be_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("a b (deleted) c");
    fs::copy(std::env::current_exe().expect("own path"), &copy).expect("a copy");
    let child = Child::start_as(&copy);
    fs::remove_file(&copy).expect("the copy");
    let its = Live::open(child.pid())
        .and_then(|live| live.executable())
        .expect("its program");
    assert_eq!(its.path, copy);
    assert!(Elf::parse(&fs::read(&its.open).expect("what runs")).is_some());
    assert!(!its.beside.exists());
}

#[test]
#[cfg(target_arch = "x86_64")]
fn each_thread_keeps_its_storage_where_it_was_found() {
    let child = Child::start();
    let live = Live::open(child.pid()).expect("our child");
    let threads = until(|| {
        let threads = live.threads();
        let found = |(tid, _): &(u32, u64)| {
            let thread = threads.iter().find(|thread| thread.tid == *tid);
            (
                *tid,
                thread.and_then(|thread| thread.thread_pointer).unwrap_or(0),
            )
        };
        let found: Vec<_> = child.threads.iter().map(found).collect();
        // One runs all the time, so that it has no stack pointer to be found by.
        if found == child.threads {
            Ok(threads)
        } else {
            Err(format!("{found:x?} for {:x?}", child.threads))
        }
    });
    assert_eq!(child.threads.len(), 5);
    let pointers = |threads: Vec<Thread>| -> Vec<_> {
        let pointer = |thread: Thread| (thread.tid, thread.thread_pointer);
        threads.into_iter().map(pointer).collect()
    };
    let listed = pointers(live.listed());
    assert_eq!(listed, pointers(threads.clone()));
    assert_eq!(
        pointers(Live::open(child.pid()).expect("our child").listed()),
        listed,
        "a list alone finds them too"
    );
    let other = &threads[1];
    let wrong = Thread {
        thread_pointer: threads[0].thread_pointer,
        ..other.clone()
    };
    let again = |thread: &Thread| live.again(thread).and_then(|thread| thread.thread_pointer);
    assert_eq!(again(other), other.thread_pointer);
    assert_eq!(again(&wrong), None, "that one is another thread's");
    assert!(child.threads.iter().all(|(_, pointer)| *pointer != 0));
    assert_eq!(
        live.threads()
            .iter()
            .filter(|thread| thread.name == "idle (1) R")
            .count(),
        3
    );
    let busy = threads
        .iter()
        .find(|thread| thread.name == "busy")
        .expect("the busy one");
    assert_eq!(
        (busy.run_state(), busy.stack_pointer()),
        (super::super::RunState::Running, None)
    );
}

#[test]
fn a_process_that_ended_is_noticed() {
    let mut child = Child::start();
    let live = Live::open(child.pid()).expect("our child");
    assert!(live.check().is_ok());
    child.end();
    assert!(matches!(live.check(), Err(Error::NoProcess(pid)) if pid == live.pid()));
    assert!(live.read(child.kept, &mut [0]).is_err());
    assert!(live.areas().is_empty() && live.threads().is_empty());
    assert!(live.listed().is_empty() && !live.lasts());
    assert!(matches!(Live::open(live.pid()), Err(Error::NoProcess(_))));
}

#[test]
fn a_process_can_be_opened_as_soon_as_it_was_started() {
    let own = std::env::current_exe().expect("own path");
    for _ in 0..100 {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .spawn()
            .expect("there is such a program");
        let opened = Live::open(child.id()).and_then(|live| live.executable());
        let _ = child.kill();
        let _ = child.wait();
        let its = opened.unwrap_or_else(|error| panic!("{error}"));
        assert_ne!(its.path, own, "it is still a copy of us");
    }
}

#[test]
fn a_process_that_executes_another_program_is_not_the_same() {
    let mut child = Command::new("sh")
        .args(["-c", "echo; read line; exec cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sh");
    // It is sh from here on, not a copy of this process on its way there.
    std::io::Read::read_exact(child.stdout.as_mut().expect("piped"), &mut [0]).expect("it writes");
    let live = Live::open(child.id()).expect("our child");
    std::io::Write::write_all(child.stdin.as_mut().expect("piped"), b"\n").expect("it reads");
    until(|| {
        if live.check().is_err() {
            Ok(())
        } else {
            Err("it is still sh".to_owned())
        }
    });
    drop(child.stdin.take());
    let _ = child.wait();
}

#[test]
fn a_thread_of_the_kernel_has_no_program() {
    let kernel = fs::read("/proc/2/stat").unwrap_or_default();
    // In a container 2 is something else.
    if kernel.starts_with(b"2 (kthreadd)") {
        let error = Live::open(2).expect_err("no memory");
        let told = matches!(error, Error::NotPermitted { .. })
            || error.to_string().contains("of the kernel");
        assert!(told, "{error}");
    }
}

#[test]
fn a_namespace_counts_its_threads_itself() {
    let numbers = |status| numbers(status).collect::<Vec<_>>();
    assert_eq!(numbers("Name:\tx\nNSpid:\t4711\t12\t7\n"), [4711, 12, 7]);
    assert_eq!(numbers("NSpid:\t4711\n"), [4711]);
    assert_eq!(numbers("NSpid:\n"), [0; 0]);
}

#[test]
fn a_number_of_a_device_is_taken_apart_as_the_kernel_writes_it() {
    assert_eq!(device(0xfe01), (0xfe, 1));
    assert_eq!(device(0x10302), (0x103, 2));
    // 20 bits of the minor number: the low 8 at the bottom, the others from bit 20.
    assert_eq!(device(0xabc0_052a), (5, 0x000a_bc2a));
}

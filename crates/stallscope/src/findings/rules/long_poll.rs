//! Why did a poll take so long? A pure function of what was seen.

use stallscope_stack::kernel::{Cause, Descriptor, Io};
use stallscope_wire::message::Frame;

use super::Rule;
use super::inner::{Inner, last_part};

/// What was seen of a stall.
pub(crate) struct Seen<'a> {
    pub(crate) cause: &'a Cause,
    /// The system call that a running thread had just come out of.
    pub(crate) behind: Option<&'a Io>,
    /// Innermost first.
    pub(crate) frames: &'a [Frame],
    /// Another thread of the process was kept from running.
    pub(crate) starved: bool,
}

/// What a stall is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// A rule, and what the kernel adds to it ("read on /var/data/big.csv"); empty if nothing.
    Is(Rule, String),
    /// The application has said that it blocks here.
    Intended,
}

/// Judges a poll that lasted too long.
pub(crate) fn long_poll(seen: &Seen<'_>) -> Verdict {
    let inner = Inner::of(seen.frames);
    // The closure given to `block_in_place` is the application's too, so this may lie further out.
    let hands_on =
        |frame: &Frame| frame.origin == "tokio" && last_part(&frame.function) == "block_in_place";
    if seen.frames.iter().any(hands_on) {
        return Verdict::Intended;
    }
    let is = |rule| Verdict::Is(rule, String::new());
    let on = |rule, io: &Io| Verdict::Is(rule, io.to_string());
    let looks_up = inner.calls(&["getaddrinfo", "gethostbyname", "lookup_host", "LookupHost"]);
    let runs_child = inner.calls(&[
        "std::process::Command::",
        "std::process::Child::",
        "read_output",
    ]);
    let blocks_on = inner.any(|frame| last_part(&frame.function) == "block_on");
    match seen.cause {
        Cause::WaitingForCpu => is(Rule::CpuStarved),
        // Whoever holds what it waits for did not run either: on a machine with time to spare there might be no wait.
        Cause::Futex if seen.starved => is(Rule::CpuStarved),
        _ if looks_up => is(Rule::Dns),
        Cause::ChildWait => is(Rule::ChildProcess),
        Cause::Poll(_) | Cause::PipeIo(_) | Cause::SystemCall(_) | Cause::OnCpu if runs_child => {
            is(Rule::ChildProcess)
        }
        Cause::Futex | Cause::Poll(_) if blocks_on => is(Rule::BlockOn),
        // tokio's own locks are held for a moment, unless their holder gets no processor.
        Cause::Futex
            if inner.calls(&[
                "tokio::runtime::blocking::pool::",
                "tokio::runtime::scheduler::",
            ]) =>
        {
            is(Rule::CpuStarved)
        }
        Cause::Futex => is(Rule::Lock),
        Cause::Sleep => is(Rule::Sleep),
        Cause::FileIo(io) => on(Rule::FileIo, io),
        Cause::NetworkIo(io) => on(Rule::NetworkIo, io),
        Cause::PipeIo(io) => on(Rule::PipeIo, io),
        Cause::Poll(io)
            if io
                .on
                .iter()
                .any(|on| matches!(on, Descriptor::Socket { .. })) =>
        {
            on(Rule::NetworkIo, io)
        }
        Cause::Poll(io) => on(Rule::Syscall, io),
        Cause::PageFault => is(Rule::PageFault),
        Cause::SystemCall(_) => Verdict::Is(Rule::Syscall, seen.cause.to_string()),
        Cause::OnCpu => on_cpu(seen.behind, &inner),
        _ => is(Rule::Unknown),
    }
}

/// A thread on a processor may compute for itself or, inside the kernel, copy a file that is in memory; between two such calls it is in
/// std's part of reading it. A library that reads pages of its file as it computes (a database) computes.
fn on_cpu(behind: Option<&Io>, inner: &Inner<'_>) -> Verdict {
    let in_std_fs = inner.calls(&["std::fs::"]);
    match behind.map(|io| Cause::in_call(io.call, &io.on)) {
        Some(Cause::FileIo(io)) if in_std_fs || inner.is_thin() => {
            Verdict::Is(Rule::FileIo, io.to_string())
        }
        _ if in_std_fs => Verdict::Is(Rule::FileIo, String::new()),
        _ => Verdict::Is(Rule::Cpu, String::new()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use stallscope_stack::kernel::SystemCall;

    use super::*;

    fn frames(functions: &[&str]) -> Vec<Frame> {
        let frame = |function: &&str| Frame {
            function: (*function).to_owned(),
            in_app: function.starts_with("app::"),
            origin: function.split("::").next().unwrap_or_default().to_owned(),
            ..Frame::default()
        };
        functions.iter().map(frame).collect()
    }

    fn judge(cause: &Cause, functions: &[&str]) -> Rule {
        let frames = frames(functions);
        let seen = Seen {
            cause,
            behind: None,
            frames: &frames,
            starved: false,
        };
        match long_poll(&seen) {
            Verdict::Is(rule, _) => rule,
            Verdict::Intended => panic!("not intended: {functions:?}"),
        }
    }

    fn io(number: u32, on: Descriptor) -> Io {
        Io {
            call: SystemCall {
                number,
                ..read_call()
            },
            on: vec![on],
        }
    }

    fn read_call() -> SystemCall {
        SystemCall {
            number: 0,
            arguments: [3, 0, 0, 0, 0, 0],
        }
    }

    #[test]
    fn the_kernels_view_decides_where_it_can() {
        let stack = ["libc::x", "app::handler"];
        assert_eq!(judge(&Cause::Sleep, &stack), Rule::Sleep);
        assert_eq!(judge(&Cause::Futex, &stack), Rule::Lock);
        assert_eq!(judge(&Cause::ChildWait, &stack), Rule::ChildProcess);
        assert_eq!(judge(&Cause::OnCpu, &stack), Rule::Cpu);
        assert_eq!(judge(&Cause::WaitingForCpu, &stack), Rule::CpuStarved);
        assert_eq!(judge(&Cause::Unknown, &stack), Rule::Unknown);
    }

    #[test]
    fn what_the_line_has_called_tells_the_rest() {
        let output = [
            "libc::poll",
            "std::process::Command::output",
            "app::handler",
        ];
        assert_eq!(
            judge(&Cause::Poll(io(7, Descriptor::Pipe)), &output),
            Rule::ChildProcess
        );
        let lookup = [
            "libc::recv",
            "libc::getaddrinfo",
            "std::net::to_socket_addrs",
            "app::handler",
        ];
        assert_eq!(judge(&Cause::Futex, &lookup), Rule::Dns);
    }

    #[test]
    fn a_lock_of_the_runtime_is_not_the_applications() {
        let pool = [
            "parking_lot::raw_mutex::RawMutex::lock_slow",
            "tokio::runtime::blocking::pool::Spawner::spawn_task",
            "tokio::fs::file::File::open",
            "app::handler",
            "tokio::runtime::scheduler::multi_thread::worker::run",
        ];
        assert_eq!(judge(&Cause::Futex, &pool), Rule::CpuStarved);
    }

    #[test]
    fn a_nested_executor_is_told_from_the_one_that_drives_the_root_future() {
        let nested = [
            "tokio::park",
            "futures_executor::local_pool::block_on",
            "app::handler",
            "tokio::worker::run",
        ];
        assert_eq!(judge(&Cause::Futex, &nested), Rule::BlockOn);
        let root = [
            "std::sync::Mutex::lock",
            "app::main::{async_block#0}",
            "tokio::runtime::park::block_on",
            "app::main",
        ];
        assert_eq!(judge(&Cause::Futex, &root), Rule::Lock);
    }

    #[test]
    fn a_file_that_is_in_memory_is_still_a_file() {
        let io = io(0, Descriptor::File(PathBuf::from("/var/data/big.csv")));
        let frames = frames(&["std::fs::read", "app::report"]);
        let seen = Seen {
            cause: &Cause::OnCpu,
            behind: Some(&io),
            frames: &frames,
            starved: false,
        };
        assert!(
            matches!(long_poll(&seen), Verdict::Is(Rule::FileIo, detail) if detail.contains("big.csv"))
        );
    }

    #[test]
    fn a_library_that_reads_as_it_computes_computes() {
        let io = io(0, Descriptor::File(PathBuf::from("/var/data/shop.db")));
        let judge = |functions: &[&str]| {
            let frames = frames(functions);
            let seen = Seen {
                cause: &Cause::OnCpu,
                behind: Some(&io),
                frames: &frames,
                starved: false,
            };
            match long_poll(&seen) {
                Verdict::Is(rule, _) => rule,
                Verdict::Intended => panic!("nobody said so"),
            }
        };
        let query = [
            "pread",
            "unixRead",
            "sqlite3PagerGet",
            "sqlite3_step",
            "app::median",
        ];
        assert_eq!(judge(&query), Rule::Cpu);
        assert_eq!(
            judge(&["pread", "rustix::io::pread", "app::header"]),
            Rule::FileIo
        );
    }

    #[test]
    fn a_lock_whose_holder_got_no_processor_blames_nobody() {
        let frames = frames(&["std::sync::Mutex::lock", "app::handler"]);
        let seen = Seen {
            cause: &Cause::Futex,
            behind: None,
            frames: &frames,
            starved: true,
        };
        assert_eq!(
            long_poll(&seen),
            Verdict::Is(Rule::CpuStarved, String::new())
        );
    }

    #[test]
    fn block_in_place_is_intended() {
        let plain = frames(&[
            "std::thread::sleep",
            "tokio::task::blocking::block_in_place",
            "app::handler",
        ]);
        let with_closure = frames(&[
            "std::thread::sleep",
            "app::handler::{closure#0}",
            "tokio::task::block_in_place",
            "app::handler",
        ]);
        for frames in [plain, with_closure] {
            let seen = Seen {
                cause: &Cause::Sleep,
                behind: None,
                frames: &frames,
                starved: false,
            };
            assert_eq!(long_poll(&seen), Verdict::Intended);
        }
    }
}

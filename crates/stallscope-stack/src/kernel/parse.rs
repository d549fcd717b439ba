//! The files under `/proc/self/task/<tid>/` as text: pure functions, `None` or `Unknown` for what they do not understand.

use std::time::Duration;

use super::syscalls::SystemCall;

/// The scheduler's state of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunState {
    /// On a processor or waiting for one (`R`).
    Running,
    /// Waiting; a signal would wake it (`S`).
    Sleeping,
    /// Waiting; no signal wakes it: disk, a child about to `exec` (`D`).
    Uninterruptible,
    /// Stopped by a signal or a debugger (`T`, `t`).
    Stopped,
    /// Ended (`X`, `Z`).
    Dead,
    /// Unreadable, or a letter of a newer kernel.
    Unknown,
}

/// Where a thread stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Position {
    /// Runnable: in user code, or in the kernel on its behalf. The kernel says no more of a running thread.
    Running,
    /// Waiting inside a system call.
    InSystemCall {
        /// Which, with its arguments.
        call: SystemCall,
        /// User stack pointer at the call.
        sp: u64,
        /// User program counter, just after the call instruction.
        pc: u64,
    },
    /// Waiting in the kernel without a system call: a page fault that needs the disk, or stopped.
    InFault {
        /// User stack pointer.
        sp: u64,
        /// User program counter.
        pc: u64,
    },
    /// Unreadable.
    Unknown,
}

/// Where a thread's time went since it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SchedTimes {
    /// On a processor, in user code or in the kernel.
    pub on_cpu: Duration,
    /// Runnable, but without a processor.
    pub waiting_for_cpu: Duration,
    /// How often it was put on a processor. Unchanged between two readings of a sleeping thread: it slept on.
    pub switches: u64,
}

/// Page faults since the thread began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Faults {
    /// Served from memory.
    pub minor: u64,
    /// Needed the disk.
    pub major: u64,
}

/// `stat`: the field after the name. The name is the program's choice and may hold anything, also `) R`.
pub(super) fn run_state(stat: &str) -> RunState {
    match fields_after_name(stat).and_then(|mut fields| fields.next()) {
        Some("R") => RunState::Running,
        Some("S") => RunState::Sleeping,
        Some("D") => RunState::Uninterruptible,
        Some("T" | "t") => RunState::Stopped,
        Some("X" | "Z") => RunState::Dead,
        _ => RunState::Unknown,
    }
}

/// `stat`: fields 10 and 12 of proc(5).
pub(super) fn faults(stat: &str) -> Option<Faults> {
    // The first field after the name is number 3.
    let mut fields = fields_after_name(stat)?.skip(10 - 3);
    let minor = fields.next()?.parse().ok()?;
    let major = fields.nth(1)?.parse().ok()?;
    Some(Faults { minor, major })
}

/// `syscall`: `running`, `-1 SP PC`, or `NR A0 A1 A2 A3 A4 A5 SP PC`.
pub(super) fn position(syscall: &str) -> Position {
    let mut words = syscall.split_ascii_whitespace();
    let parsed = match words.next() {
        Some("running") => Some(Position::Running),
        Some("-1") => hex(words.next())
            .zip(hex(words.next()))
            .map(|(sp, pc)| Position::InFault { sp, pc }),
        Some(number) => number
            .parse()
            .ok()
            .and_then(|number| in_system_call(number, words)),
        None => None,
    };
    parsed.unwrap_or(Position::Unknown)
}

/// `wchan`: a kernel function, or `0` when the thread does not wait (or the kernel hides it).
pub(super) fn wait_channel(wchan: &str) -> Option<String> {
    let name = wchan.trim();
    (!name.is_empty() && name != "0").then(|| name.to_owned())
}

/// `schedstat`: nanoseconds on a processor, nanoseconds waiting for one, number of times put on one.
///
/// A kernel that does not count says `0 0 0`; a thread that reads or is read has run, so that means unknown.
pub(super) fn sched_times(schedstat: &str) -> Option<SchedTimes> {
    let mut numbers = schedstat
        .split_ascii_whitespace()
        .map(|word| word.parse::<u64>().ok());
    let times = SchedTimes {
        on_cpu: Duration::from_nanos(numbers.next()??),
        waiting_for_cpu: Duration::from_nanos(numbers.next()??),
        switches: numbers.next()??,
    };
    (times.switches != 0).then_some(times)
}

/// `status`: the set of blocked signals, bit 0 for signal 1, 16 hexadecimal digits behind their name.
pub(super) fn blocked_signals(status: &str) -> Option<u64> {
    let digits = status
        .lines()
        .find_map(|line| line.strip_prefix("SigBlk:"))?;
    u64::from_str_radix(digits.trim(), 16).ok()
}

fn fields_after_name(stat: &str) -> Option<std::str::SplitAsciiWhitespace<'_>> {
    stat.rsplit_once(')')
        .map(|(_, rest)| rest.split_ascii_whitespace())
}

fn in_system_call<'a>(number: u32, mut words: impl Iterator<Item = &'a str>) -> Option<Position> {
    let mut arguments = [0; 6];
    for argument in &mut arguments {
        *argument = hex(words.next())?;
    }
    let (sp, pc) = (hex(words.next())?, hex(words.next())?);
    Some(Position::InSystemCall {
        call: SystemCall { number, arguments },
        sp,
        pc,
    })
}

fn hex(word: Option<&str>) -> Option<u64> {
    u64::from_str_radix(word?.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_sleeping_thread_reads_as_its_system_call() {
        let text = "230 0x1 0x0 0x7f00 0x7f00 0x0 0x0 0x7f00aa00 0x7f00bb00\n";
        let Position::InSystemCall { call, sp, pc } = position(text) else {
            panic!("{:?}", position(text))
        };
        assert_eq!(
            (call.number, call.arguments[0], call.arguments[2]),
            (230, 1, 0x7f00)
        );
        assert_eq!((sp, pc), (0x7f00_aa00, 0x7f00_bb00));
    }

    #[test]
    fn running_faulting_and_unreadable_are_told_apart() {
        assert_eq!(position("running\n"), Position::Running);
        assert_eq!(
            position("-1 0x10 0x20\n"),
            Position::InFault { sp: 0x10, pc: 0x20 }
        );
        for broken in ["", "\n", "0 0x1", "-1 0x10", "x 0x1", "0 1 2 3 4 5 6 7 8"] {
            assert_eq!(position(broken), Position::Unknown, "{broken:?}");
        }
    }

    #[test]
    fn a_thread_name_cannot_forge_its_state() {
        let stat = "4711 (a) R 1) S 1 2 3 0 -1 64 111 0 22 0 5 6";
        assert_eq!(run_state(stat), RunState::Sleeping);
        assert_eq!(
            faults(stat),
            Some(Faults {
                minor: 111,
                major: 22
            })
        );
    }

    #[test]
    fn schedstat_that_counts_nothing_is_unknown() {
        assert_eq!(sched_times("0 0 0\n"), None);
        let times = sched_times("1000 2000 3\n").expect("three numbers");
        assert_eq!(
            (
                times.on_cpu.as_nanos(),
                times.waiting_for_cpu.as_nanos(),
                times.switches
            ),
            (1000, 2000, 3)
        );
    }

    #[test]
    fn the_signal_mask_is_found_among_other_lines() {
        let status = "Name:\tx\nSigPnd:\t0000000000000000\nSigBlk:\t0000000000400000\nSigIgn:\t1\n";
        assert_eq!(blocked_signals(status), Some(1 << 22));
        assert_eq!(blocked_signals("Name:\tx\n"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_a_parser_panic(text in "\\PC*") {
            let _ = (run_state(&text), faults(&text), position(&text), wait_channel(&text), sched_times(&text));
            let _ = blocked_signals(&text);
        }

        #[test]
        fn numbers_come_back_as_written(number in 0u32..500, words in proptest::array::uniform8(any::<u64>())) {
            let text = words.iter().fold(number.to_string(), |text, word| format!("{text} {word:#x}"));
            let [a, b, c, d, e, f, sp, pc] = words;
            let call = SystemCall { number, arguments: [a, b, c, d, e, f] };
            prop_assert_eq!(position(&text), Position::InSystemCall { call, sp, pc });
        }
    }
}

//! What a tracked lock costs beside a plain one.

use super::super::mode::Mode;
use super::{Group, Run, Tasks, Unit, figure};

pub(super) const RUNS: &[Run] = &[Run {
    group: Group::Locks,
    full: "locks rounds=201 times=20000",
    quick: "locks rounds=41 times=20000",
    modes: &[Mode::Core, Mode::Hooks],
    tasks: Tasks::FEW,
    figures: &[
        figure(
            "lock-mutex",
            "mutex_ns",
            "lock + unlock of `sync::Mutex`, tracked",
            Unit::Nanos,
        ),
        figure(
            "lock-mutex-plain",
            "mutex_plain_ns",
            "— the plain one in the same run",
            Unit::Nanos,
        ),
        figure(
            "lock-mutex-ratio",
            "mutex_ratio",
            "— tracked / plain",
            Unit::Times,
        ),
        figure(
            "lock-read",
            "read_ns",
            "lock + unlock of `sync::RwLock`, to read, tracked",
            Unit::Nanos,
        ),
        figure(
            "lock-read-plain",
            "read_plain_ns",
            "— the plain one in the same run",
            Unit::Nanos,
        ),
        figure(
            "lock-read-ratio",
            "read_ratio",
            "— tracked / plain",
            Unit::Times,
        ),
        figure(
            "lock-write",
            "write_ns",
            "lock + unlock of `sync::RwLock`, to write, tracked",
            Unit::Nanos,
        ),
        figure(
            "lock-write-plain",
            "write_plain_ns",
            "— the plain one in the same run",
            Unit::Nanos,
        ),
        figure(
            "lock-write-ratio",
            "write_ratio",
            "— tracked / plain",
            Unit::Times,
        ),
        figure(
            "lock-blocking-mutex",
            "blocking_mutex_ns",
            "lock + unlock of `sync::blocking::Mutex`, tracked",
            Unit::Nanos,
        ),
        figure(
            "lock-blocking-mutex-plain",
            "blocking_mutex_plain_ns",
            "— the plain one in the same run",
            Unit::Nanos,
        ),
        figure(
            "lock-blocking-mutex-ratio",
            "blocking_mutex_ratio",
            "— tracked / plain",
            Unit::Times,
        ),
        figure(
            "lock-blocking-read",
            "blocking_read_ns",
            "lock + unlock of `sync::blocking::RwLock`, to read, tracked",
            Unit::Nanos,
        ),
        figure(
            "lock-blocking-read-plain",
            "blocking_read_plain_ns",
            "— the plain one in the same run",
            Unit::Nanos,
        ),
        figure(
            "lock-blocking-read-ratio",
            "blocking_read_ratio",
            "— tracked / plain",
            Unit::Times,
        ),
        figure(
            "lock-blocking-write",
            "blocking_write_ns",
            "lock + unlock of `sync::blocking::RwLock`, to write, tracked",
            Unit::Nanos,
        ),
        figure(
            "lock-blocking-write-plain",
            "blocking_write_plain_ns",
            "— the plain one in the same run",
            Unit::Nanos,
        ),
        figure(
            "lock-blocking-write-ratio",
            "blocking_write_ratio",
            "— tracked / plain",
            Unit::Times,
        ),
    ],
}];

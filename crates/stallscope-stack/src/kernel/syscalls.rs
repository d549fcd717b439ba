//! System calls a thread may be found in: one table of number, name and what waiting in it means.

/// A system call with its arguments, as the kernel took them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SystemCall {
    /// The kernel's number; it differs between architectures.
    pub number: u32,
    /// The six argument registers, used or not.
    pub arguments: [u64; 6],
}

/// What waiting in a system call means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// Waits for time to pass.
    Sleep,
    /// Waits for another thread: a lock, a channel, a join.
    Futex,
    /// Reads or writes a descriptor: what the descriptor is decides.
    Descriptor,
    /// Works on files by path, or makes data durable.
    File,
    /// Works on a socket.
    Network,
    /// Waits for any of several descriptors.
    Poll,
    /// Waits for a child process to end, or to start its program.
    Child,
    /// Anything else.
    Other,
}

impl SystemCall {
    /// `None` for a call that is not in the table; its number still says which it is.
    pub fn name(&self) -> Option<&'static str> {
        self.row().map(|row| row.name)
    }

    /// What waiting in it means.
    pub fn family(&self) -> Family {
        self.row().map_or(Family::Other, |row| row.family)
    }

    /// The file descriptor it works on, if it has one.
    pub fn descriptor(&self) -> Option<i32> {
        let argument = *self.arguments.get(usize::from(self.row()?.descriptor?))?;
        // The kernel looks at the low half only.
        let descriptor = argument as u32;
        i32::try_from(descriptor).ok()
    }

    /// The array of `struct pollfd` it waits on, as (address, length).
    pub(super) fn poll_set(&self) -> Option<(u64, u64)> {
        matches!(self.name()?, "poll" | "ppoll").then_some((self.arguments[0], self.arguments[1]))
    }

    fn row(&self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.number() == Some(self.number))
    }
}

struct Row {
    name: &'static str,
    x86_64: Option<u32>,
    aarch64: Option<u32>,
    family: Family,
    /// Which argument is the descriptor.
    descriptor: Option<u8>,
}

impl Row {
    fn number(&self) -> Option<u32> {
        if cfg!(target_arch = "x86_64") {
            self.x86_64
        } else if cfg!(target_arch = "aarch64") {
            self.aarch64
        } else {
            None
        }
    }
}

/// `row(name, x86-64, aarch64, family)`; −1: the architecture does not have it.
const fn row(name: &'static str, x86_64: i32, aarch64: i32, family: Family) -> Row {
    Row {
        name,
        x86_64: number(x86_64),
        aarch64: number(aarch64),
        family,
        descriptor: None,
    }
}

/// The same with the descriptor in the first argument.
const fn on_fd(name: &'static str, x86_64: i32, aarch64: i32, family: Family) -> Row {
    Row {
        descriptor: Some(0),
        ..row(name, x86_64, aarch64, family)
    }
}

const fn number(number: i32) -> Option<u32> {
    if number < 0 {
        None
    } else {
        Some(number.unsigned_abs())
    }
}

const TABLE: &[Row] = &[
    row("nanosleep", 35, 101, Family::Sleep),
    row("clock_nanosleep", 230, 115, Family::Sleep),
    row("futex", 202, 98, Family::Futex),
    row("futex_waitv", 449, 449, Family::Futex),
    row("futex_wait", 455, 455, Family::Futex),
    on_fd("read", 0, 63, Family::Descriptor),
    on_fd("write", 1, 64, Family::Descriptor),
    on_fd("pread64", 17, 67, Family::Descriptor),
    on_fd("pwrite64", 18, 68, Family::Descriptor),
    on_fd("readv", 19, 65, Family::Descriptor),
    on_fd("writev", 20, 66, Family::Descriptor),
    on_fd("preadv", 295, 69, Family::Descriptor),
    on_fd("pwritev", 296, 70, Family::Descriptor),
    on_fd("preadv2", 327, 286, Family::Descriptor),
    on_fd("pwritev2", 328, 287, Family::Descriptor),
    on_fd("ioctl", 16, 29, Family::Descriptor),
    on_fd("close", 3, 57, Family::Descriptor),
    on_fd("sendfile", 40, 71, Family::Descriptor),
    on_fd("splice", 275, 76, Family::Descriptor),
    on_fd("copy_file_range", 326, 285, Family::Descriptor),
    on_fd("fcntl", 72, 25, Family::Descriptor),
    row("open", 2, -1, Family::File),
    row("openat", 257, 56, Family::File),
    row("openat2", 437, 437, Family::File),
    row("creat", 85, -1, Family::File),
    row("stat", 4, -1, Family::File),
    row("lstat", 6, -1, Family::File),
    row("newfstatat", 262, 79, Family::File),
    row("statx", 332, 291, Family::File),
    row("statfs", 137, 43, Family::File),
    row("access", 21, -1, Family::File),
    row("faccessat", 269, 48, Family::File),
    row("faccessat2", 439, 439, Family::File),
    row("rename", 82, -1, Family::File),
    row("renameat", 264, 38, Family::File),
    row("renameat2", 316, 276, Family::File),
    row("mkdir", 83, -1, Family::File),
    row("mkdirat", 258, 34, Family::File),
    row("rmdir", 84, -1, Family::File),
    row("unlink", 87, -1, Family::File),
    row("unlinkat", 263, 35, Family::File),
    row("link", 86, -1, Family::File),
    row("linkat", 265, 37, Family::File),
    row("symlink", 88, -1, Family::File),
    row("symlinkat", 266, 36, Family::File),
    row("readlink", 89, -1, Family::File),
    row("readlinkat", 267, 78, Family::File),
    row("truncate", 76, 45, Family::File),
    row("sync", 162, 81, Family::File),
    row("mount", 165, 40, Family::File),
    on_fd("fstat", 5, 80, Family::File),
    on_fd("fstatfs", 138, 44, Family::File),
    on_fd("lseek", 8, 62, Family::File),
    on_fd("ftruncate", 77, 46, Family::File),
    on_fd("fallocate", 285, 47, Family::File),
    on_fd("flock", 73, 32, Family::File),
    on_fd("fsync", 74, 82, Family::File),
    on_fd("fdatasync", 75, 83, Family::File),
    on_fd("syncfs", 306, 267, Family::File),
    on_fd("sync_file_range", 277, 84, Family::File),
    on_fd("getdents", 78, -1, Family::File),
    on_fd("getdents64", 217, 61, Family::File),
    row("msync", 26, 227, Family::File),
    on_fd("connect", 42, 203, Family::Network),
    on_fd("accept", 43, 202, Family::Network),
    on_fd("accept4", 288, 242, Family::Network),
    on_fd("sendto", 44, 206, Family::Network),
    on_fd("recvfrom", 45, 207, Family::Network),
    on_fd("sendmsg", 46, 211, Family::Network),
    on_fd("recvmsg", 47, 212, Family::Network),
    on_fd("sendmmsg", 307, 269, Family::Network),
    on_fd("recvmmsg", 299, 243, Family::Network),
    on_fd("shutdown", 48, 210, Family::Network),
    row("poll", 7, -1, Family::Poll),
    row("ppoll", 271, 73, Family::Poll),
    row("select", 23, -1, Family::Poll),
    row("pselect6", 270, 72, Family::Poll),
    on_fd("epoll_wait", 232, -1, Family::Poll),
    on_fd("epoll_pwait", 281, 22, Family::Poll),
    on_fd("epoll_pwait2", 441, 441, Family::Poll),
    row("wait4", 61, 260, Family::Child),
    row("waitid", 247, 95, Family::Child),
    row("clone", 56, 220, Family::Child),
    row("clone3", 435, 435, Family::Child),
    row("fork", 57, -1, Family::Child),
    row("vfork", 58, -1, Family::Child),
    row("execve", 59, 221, Family::Other),
    row("mmap", 9, 222, Family::Other),
    row("munmap", 11, 215, Family::Other),
    row("mprotect", 10, 226, Family::Other),
    row("madvise", 28, 233, Family::Other),
    row("membarrier", 324, 283, Family::Other),
    row("sched_yield", 24, 124, Family::Other),
    row("getrandom", 318, 278, Family::Other),
    row("pause", 34, -1, Family::Other),
    row("rt_sigtimedwait", 128, 137, Family::Other),
    row("rt_sigsuspend", 130, 133, Family::Other),
    row("restart_syscall", 219, 128, Family::Other),
    row("semop", 65, 193, Family::Other),
    row("semtimedop", 220, 192, Family::Other),
    row("msgsnd", 69, 189, Family::Other),
    row("msgrcv", 70, 188, Family::Other),
    row("mq_timedreceive", 243, 183, Family::Other),
    row("io_uring_enter", 426, 426, Family::Other),
    row("exit", 60, 93, Family::Other),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_number_stands_once() {
        for column in [|row: &Row| row.x86_64, |row: &Row| row.aarch64] {
            let numbers: Vec<u32> = TABLE.iter().filter_map(column).collect();
            let distinct: HashSet<u32> = numbers.iter().copied().collect();
            assert_eq!(numbers.len(), distinct.len());
        }
    }

    #[cfg(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ))]
    #[test]
    fn the_table_agrees_with_the_platform() {
        let known = [
            (libc::SYS_read, "read"),
            (libc::SYS_futex, "futex"),
            (libc::SYS_clock_nanosleep, "clock_nanosleep"),
            (libc::SYS_wait4, "wait4"),
            (libc::SYS_ppoll, "ppoll"),
            (libc::SYS_epoll_pwait, "epoll_pwait"),
            (libc::SYS_connect, "connect"),
            (libc::SYS_recvmsg, "recvmsg"),
            (libc::SYS_fdatasync, "fdatasync"),
            (libc::SYS_openat, "openat"),
            (libc::SYS_statx, "statx"),
            (libc::SYS_copy_file_range, "copy_file_range"),
            (libc::SYS_io_uring_enter, "io_uring_enter"),
        ];
        for (number, name) in known {
            let number = u32::try_from(number).expect("numbers are small");
            assert_eq!(
                SystemCall {
                    number,
                    arguments: [0; 6]
                }
                .name(),
                Some(name)
            );
        }
    }

    #[test]
    fn a_descriptor_is_taken_from_its_argument() {
        let Some(read) = TABLE
            .iter()
            .find(|row| row.name == "read")
            .and_then(Row::number)
        else {
            return;
        };
        // The upper half of the register is whatever the caller left there.
        let call = SystemCall {
            number: read,
            arguments: [0xdead_beef_0000_0007, 0, 0, 0, 0, 0],
        };
        assert_eq!(call.descriptor(), Some(7));
        let call = SystemCall {
            number: read,
            arguments: [u64::MAX, 0, 0, 0, 0, 0],
        };
        assert_eq!(call.descriptor(), None, "-1 is no descriptor");
    }

    #[test]
    fn a_call_of_a_newer_kernel_keeps_its_number() {
        let call = SystemCall {
            number: 9999,
            arguments: [0; 6],
        };
        assert_eq!(
            (call.name(), call.family(), call.descriptor()),
            (None, Family::Other, None)
        );
    }
}

//! Why the kernel does not let us read a process, in a sentence that says what to do.
//!
//! The rule is that of ptrace(2), "Ptrace access mode checking": the same user, a process that may be dumped, and what
//! Yama adds; or `CAP_SYS_PTRACE`. The kernel does not say which of them failed, so we ask for each.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;

use crate::Error;

/// The error of opening a process's memory.
pub(super) fn error(pid: u32, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => Error::NoProcess(pid),
        // ESRCH: it ended in between.
        _ if error.raw_os_error() == Some(3) => Error::NoProcess(pid),
        io::ErrorKind::PermissionDenied => Error::NotPermitted {
            pid,
            because: Facts::gather(pid).explain(),
        },
        _ => Error::File {
            path: format!("/proc/{pid}/mem").into(),
            because: error.to_string(),
        },
    }
}

/// What decides.
#[derive(Debug, Clone, Copy, Default)]
struct Facts {
    own_user: Option<u32>,
    /// Real, effective and saved user of the process, if they are one.
    its_user: Option<u32>,
    /// Whether we may trace everybody of our user namespace.
    may_trace: bool,
    /// Its files in `/proc` belong to root although it does not: the kernel's sign of a process that may not be dumped.
    undumpable: bool,
    /// `kernel.yama.ptrace_scope`; 0 without Yama.
    yama: u8,
}

impl Facts {
    fn gather(pid: u32) -> Self {
        let own = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let its = fs::read(format!("/proc/{pid}/status")).unwrap_or_default();
        let its_user = user(&String::from_utf8_lossy(&its));
        let owner = fs::metadata(format!("/proc/{pid}/mem")).map(|metadata| metadata.uid());
        let yama = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope");
        Self {
            own_user: user(&own),
            its_user,
            may_trace: may_trace(&own),
            undumpable: its_user.is_some_and(|user| user != 0)
                && owner.is_ok_and(|owner| owner == 0),
            yama: yama
                .ok()
                .and_then(|scope| scope.trim().parse().ok())
                .unwrap_or(0),
        }
    }

    fn explain(self) -> String {
        let capability = "the capability SYS_PTRACE (`docker run --cap-add=SYS_PTRACE`, in Kubernetes `securityContext.capabilities.add`)";
        let privileged = format!("use sudo or, in a container, {capability}");
        match self {
            Self { yama: 3.., .. } => {
                "kernel.yama.ptrace_scope is 3, which lets no process read another until the machine is restarted with a lower \
                 value: read a core file of it instead"
                    .to_owned()
            }
            // Root of a container, mostly.
            Self { own_user: Some(0), may_trace: false, .. } => {
                format!("this is root without a right that root of a container often lacks: start the container with {capability}")
            }
            Self { may_trace: true, .. } => {
                "this has the capability SYS_PTRACE, so either the process lives in another user namespace, and this must run in \
                 that one or outside of both, or a security module (SELinux, AppArmor) forbids it: its log says which"
                    .to_owned()
            }
            Self { yama: 2, .. } => {
                format!("kernel.yama.ptrace_scope is 2, which leaves it to who is privileged: {privileged}")
            }
            Self { own_user: Some(own), its_user: Some(its), .. } if own != its => {
                format!("it runs as user {its} and this as user {own}: run this as that user, or {privileged}")
            }
            Self { its_user: None, .. } => {
                format!("it runs as several users at once (set-uid): {privileged}")
            }
            Self { undumpable: true, .. } => {
                format!(
                    "it may not be dumped, because it changed its user, was started with privileges of its file, or asked for it \
                     (PR_SET_DUMPABLE): {privileged}"
                )
            }
            Self { yama: 1, .. } => {
                format!(
                    "kernel.yama.ptrace_scope is 1, which lets only its parents read it: {privileged}, or set the value to 0; a program \
                     with stallscope in it can allow it by itself (PR_SET_PTRACER)"
                )
            }
            _ => {
                format!(
                    "user and kernel.yama.ptrace_scope would allow it, so its group differs, it has more capabilities than this, or a \
                     security module (SELinux, AppArmor) forbids it: {privileged}"
                )
            }
        }
    }
}

/// `Uid:` of `status`: real, effective, saved, that of files. `None`: they differ, or there is no such line.
fn user(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    let mut users = line.split_ascii_whitespace().map(|user| user.parse().ok());
    let first = users.next()??;
    users
        .take(2)
        .all(|user| user == Some(first))
        .then_some(first)
}

/// `CapEff:` of `status`, 64 bits in hexadecimal: bit 19 is `CAP_SYS_PTRACE`.
fn may_trace(status: &str) -> bool {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    line.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok())
        .is_some_and(|set| set >> 19 & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAME: Facts = Facts {
        own_user: Some(1000),
        its_user: Some(1000),
        may_trace: false,
        undumpable: false,
        yama: 0,
    };

    #[test]
    fn each_rule_has_a_sentence_that_names_it_and_what_to_do() {
        let cases = [
            (
                Facts {
                    its_user: Some(0),
                    ..SAME
                },
                "it runs as user 0 and this as user 1000",
                "sudo",
            ),
            (
                Facts {
                    its_user: None,
                    ..SAME
                },
                "several users",
                "sudo",
            ),
            (
                Facts {
                    undumpable: true,
                    yama: 1,
                    ..SAME
                },
                "may not be dumped",
                "sudo",
            ),
            (
                Facts { yama: 1, ..SAME },
                "ptrace_scope is 1",
                "stallscope in it",
            ),
            (Facts { yama: 2, ..SAME }, "ptrace_scope is 2", "SYS_PTRACE"),
            (
                Facts {
                    yama: 3,
                    may_trace: true,
                    ..SAME
                },
                "ptrace_scope is 3",
                "core file",
            ),
            (
                Facts {
                    own_user: Some(0),
                    ..SAME
                },
                "container",
                "--cap-add=SYS_PTRACE",
            ),
            (
                Facts {
                    own_user: Some(0),
                    may_trace: true,
                    ..SAME
                },
                "user namespace",
                "security module",
            ),
            (SAME, "security module", "sudo"),
        ];
        for (facts, names, advises) in cases {
            let sentence = facts.explain();
            assert!(
                sentence.contains(names) && sentence.contains(advises),
                "{facts:?}: {sentence}"
            );
            assert!(!sentence.contains("  "), "{sentence}");
        }
    }

    #[test]
    fn users_and_capabilities_are_read_from_status() {
        let status = "Name:\tUid: x\nUid:\t1000\t1000\t1000\t0\nCapEff:\t0000000000080000\n";
        assert_eq!(user(status), Some(1000));
        assert!(may_trace(status) && !may_trace("CapEff:\t000001fffff7ffff\n"));
        for set_uid in [
            "Uid:\t1000\t0\t1000\t0\n",
            "Uid:\t1000\t1000\t0\t0\n",
            "",
            "Uid:\n",
            "Uid:\tx\n",
        ] {
            assert_eq!(user(set_uid), None, "{set_uid:?}");
        }
    }

    #[test]
    fn a_process_that_ended_is_none_not_a_forbidden_one() {
        for reason in [
            io::Error::from(io::ErrorKind::NotFound),
            io::Error::from_raw_os_error(3),
        ] {
            assert!(matches!(error(7, &reason), Error::NoProcess(7)));
        }
    }
}

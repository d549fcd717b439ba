//! What there is to see of a tracked lock: its columns, its orders, and how those who hold it and wait for it are called.

use std::cmp::Reverse;

use clap::ValueEnum;
use stallscope_wire::message::{Location, Lock, LockHolder, LockKind, LockMode, LockSort, Party};
use stallscope_wire::text::source_path;

use crate::format::{duration_or_none, printable};
use crate::order::SortKey;

/// What locks are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LocksSort {
    /// Who waits
    Queue,
    /// How long it is held
    Hold,
    /// Acquisitions that had to wait
    Contention,
    /// The 99th percentile of their waits
    Wait,
    /// Where it was made
    Place,
}

impl LocksSort {
    pub(crate) fn wire(self) -> LockSort {
        match self {
            LocksSort::Queue => LockSort::Queue,
            LocksSort::Hold => LockSort::Hold,
            LocksSort::Contention => LockSort::Contention,
            LocksSort::Wait => LockSort::Wait,
            LocksSort::Place => LockSort::Place,
        }
    }
}

impl SortKey for LocksSort {
    /// Everything but the place is a figure.
    fn largest_first(self) -> bool {
        self != LocksSort::Place
    }
}

/// The holder to look at: the one that has held it longest.
pub(crate) fn longest_holder(lock: &Lock) -> Option<&LockHolder> {
    lock.holders
        .iter()
        .min_by_key(|holder| Reverse(holder.held_ns))
}

/// `mutex`, `rwlock`, `blocking mutex`, `blocking rwlock`.
pub(crate) fn kind(lock: &Lock) -> &'static str {
    match lock.kind() {
        LockKind::Mutex => "mutex",
        LockKind::RwLock => "rwlock",
        LockKind::BlockingMutex => "blocking mutex",
        LockKind::BlockingRwLock => "blocking rwlock",
        LockKind::Unknown => "lock",
    }
}

/// `reads` or `writes`, of a lock that can be held both ways; otherwise nothing.
pub(crate) fn mode(lock: &Lock, mode: LockMode) -> &'static str {
    match (lock.kind(), mode) {
        (LockKind::RwLock | LockKind::BlockingRwLock, LockMode::Shared) => "reads",
        (LockKind::RwLock | LockKind::BlockingRwLock, LockMode::Exclusive) => "writes",
        _ => "",
    }
}

/// `importer (task 7)`, `task 7`, `thread db-writer (4712)`.
pub(crate) fn who(party: &Party) -> String {
    match (&party.task, party.thread.as_str()) {
        (Some(task), _) if task.name.is_empty() => format!("task {}", task.id),
        (Some(task), _) => format!("{} (task {})", printable(&task.name), task.id),
        (None, "") => format!("thread {}", party.tid),
        (None, name) => format!("thread {} ({})", printable(name), party.tid),
    }
}

/// `src/pool.rs:42`; empty if it is not known.
pub(crate) fn line(location: Option<&Location>) -> String {
    location.map_or_else(String::new, |at| {
        printable(source_path(&format!("{}:{}", at.file, at.line)))
    })
}

/// Who holds it and how many more do; empty if it is free.
pub(crate) fn held_by(lock: &Lock) -> String {
    let Some(party) = longest_holder(lock).and_then(|holder| holder.party.as_ref()) else {
        return String::new();
    };
    let others = lock.holders.len() as u64 - 1 + u64::from(lock.more_holders);
    match others {
        0 => who(party),
        others => format!("{} +{others}", who(party)),
    }
}

/// How long it has been held; `-` if it is free, or nobody has looked before.
pub(crate) fn held_for(lock: &Lock) -> String {
    duration_or_none(longest_holder(lock).map_or(0, |holder| holder.held_ns))
}

/// `12%` of the acquisitions had to wait; `-` if there was none.
pub(crate) fn contention(lock: &Lock) -> String {
    if lock.contended == 0 {
        return "-".to_owned();
    }
    let percent = lock.contended as f64 / lock.acquisitions.max(lock.contended) as f64 * 100.0;
    if percent < 1.0 {
        "<1%".to_owned()
    } else {
        format!("{percent:.0}%")
    }
}

#[cfg(test)]
mod tests {
    use stallscope_wire::message::FindingTask;

    use super::*;

    fn holder(name: &str, held_ns: u64) -> LockHolder {
        LockHolder {
            party: Some(Party {
                task: Some(FindingTask {
                    id: held_ns,
                    name: name.to_owned(),
                    ..FindingTask::default()
                }),
                ..Party::default()
            }),
            held_ns,
            ..LockHolder::default()
        }
    }

    #[test]
    fn of_several_holders_the_one_that_keeps_it_longest_is_shown() {
        let lock = Lock {
            holders: vec![holder("", 5), holder("import", 9)],
            more_holders: 2,
            ..Lock::default()
        };
        assert_eq!(held_by(&lock), "import (task 9) +3");
        assert_eq!(held_for(&lock), "9ns");
        assert_eq!(
            (held_by(&Lock::default()), held_for(&Lock::default())),
            (String::new(), "-".to_owned())
        );
    }

    #[test]
    fn contention_is_a_part_of_the_acquisitions() {
        let lock = |contended, acquisitions| Lock {
            contended,
            acquisitions,
            ..Lock::default()
        };
        let shown = [(0, 9), (1, 1000), (1, 8), (9, 9), (9, 0)];
        let shown = shown.map(|(contended, all)| contention(&lock(contended, all)));
        assert_eq!(shown, ["-", "<1%", "12%", "100%", "100%"]);
    }

    #[test]
    fn only_what_can_be_read_together_has_a_mode() {
        let lock = |kind: LockKind| Lock {
            kind: kind.into(),
            ..Lock::default()
        };
        assert_eq!(mode(&lock(LockKind::Mutex), LockMode::Exclusive), "");
        assert_eq!(mode(&lock(LockKind::RwLock), LockMode::Shared), "reads");
        assert_eq!(kind(&lock(LockKind::BlockingRwLock)), "blocking rwlock");
    }

    #[test]
    fn threads_outside_of_tasks_have_their_names() {
        let thread = |name: &str| Party {
            tid: 7,
            thread: name.to_owned(),
            ..Party::default()
        };
        assert_eq!(who(&thread("db\u{1b}")), "thread db\u{fffd} (7)");
        assert_eq!(who(&thread("")), "thread 7");
    }
}

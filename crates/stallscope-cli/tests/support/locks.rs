//! The locks of the service of a test: one with a queue, one that two read, and one that is free.

use stallscope_wire::message::{
    FindingTask, Location, Lock, LockHolder, LockKind, LockMode, LockQuery, LockWaiter, LockWindow,
    Party,
};

const MS: u64 = 1_000_000;

/// The agent's part: sorting and filtering, is not played; the rows are cut.
pub(crate) fn locks(query: &LockQuery) -> LockWindow {
    let mut locks = vec![connection(), prices(), journal()];
    let matched = locks.len() as u64;
    if query.limit > 0 {
        locks.truncate(query.limit as usize);
    }
    LockWindow {
        matched,
        locks,
        left_out: 0,
    }
}

fn connection() -> Lock {
    let waiter = |id: u64, waits_ns| LockWaiter {
        party: Some(task(id, "", ("session.rs", 92))),
        mode: LockMode::Exclusive.into(),
        waits_ns,
    };
    Lock {
        id: 4,
        kind: LockKind::Mutex.into(),
        made_at: Some(line(("main.rs", 40))),
        holders: vec![LockHolder {
            party: Some(task(71, "import", ("import.rs", 17))),
            mode: LockMode::Exclusive.into(),
            held_ns: 2_300 * MS,
            across_await: true,
        }],
        waiters: vec![waiter(80, 2_200 * MS), waiter(81, 2_100 * MS)],
        queue: 12,
        acquisitions: 90_412,
        contended: 41_007,
        p99_wait_ns: 134_217_727,
        longest_wait_ns: 2_200 * MS,
        ..Lock::default()
    }
}

fn prices() -> Lock {
    let reader = |party, held_ns| LockHolder {
        party: Some(party),
        mode: LockMode::Shared.into(),
        held_ns,
        across_await: false,
    };
    let thread = Party {
        location: Some(line(("report.rs", 61))),
        tid: 4_714,
        thread: "report".to_owned(),
        ..Party::default()
    };
    Lock {
        id: 9,
        kind: LockKind::BlockingRwLock.into(),
        made_at: Some(line(("prices.rs", 8))),
        holders: vec![
            reader(task(80, "", ("session.rs", 101)), 0),
            reader(thread, 3 * MS),
        ],
        more_holders: 1,
        acquisitions: 1_200,
        contended: 3,
        p99_wait_ns: 1_048_575,
        longest_wait_ns: 900_000,
        ..Lock::default()
    }
}

fn journal() -> Lock {
    Lock {
        id: 2,
        kind: LockKind::Mutex.into(),
        made_at: Some(line(("journal.rs", 12))),
        acquisitions: 7,
        ..Lock::default()
    }
}

fn task(id: u64, name: &str, at: (&str, u32)) -> Party {
    Party {
        location: Some(line(at)),
        task: Some(FindingTask {
            id,
            name: name.to_owned(),
            ..FindingTask::default()
        }),
        ..Party::default()
    }
}

fn line((file, line): (&str, u32)) -> Location {
    Location {
        file: format!("demo-apps/hybrid-service/src/{file}"),
        line,
        column: 9,
        ..Location::default()
    }
}

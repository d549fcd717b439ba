//! Findings of the service of a test that have no stack: state that several share, and a task that does not come back.

use stallscope_wire::message::{
    Certainty, Finding, FindingTask, Location, LockRole, Occurrence, Party, Severity, Site,
    TaskKind,
};

use super::findings::{MS, at_ms};

/// A task overwrites what a thread has written: nothing that takes time, and no stack.
pub(crate) fn lost_update() -> Finding {
    let line = |file: &str, line| Location {
        file: format!("apps/shop/src/{file}"),
        line,
        column: 9,
        ..Location::default()
    };
    Finding {
        id: 6,
        kind: "unsynchronized-state".to_owned(),
        rule: "lost-update".to_owned(),
        severity: Severity::High.into(),
        certainty: Certainty::Proven.into(),
        count: 3,
        first_seen_unix_ns: at_ms(1_000),
        last_seen_unix_ns: at_ms(9_000),
        location: Some(line("hits.rs", 3)),
        task: Some(FindingTask {
            id: 88,
            name: "render".to_owned(),
            kind: TaskKind::Task.into(),
            spawned_at: Some(Site {
                id: 1,
                file: "apps/shop/src/main.rs".to_owned(),
                line: 63,
                column: 9,
            }),
            ancestors: vec![12, 1],
        }),
        tid: 4713,
        parties: vec![Party {
            location: Some(line("report.rs", 30)),
            tid: 4720,
            ..Party::default()
        }],
        occurrences: vec![Occurrence {
            at_unix_ns: at_ms(9_000),
            duration_ns: 0,
        }],
        message: "`hits`: apps/shop/src/hits.rs:3 wrote a value made from an older one than what \
                  apps/shop/src/report.rs:30 had written: that write is lost"
            .to_owned(),
        help: "docs/findings.md#unsynchronized-state-lost-update".to_owned(),
        ..Finding::default()
    }
}

/// Two tasks that wait for each other, and a thread that waits for one of them.
pub(crate) fn deadlock() -> Finding {
    let at = |line| Location {
        file: "apps/shop/src/transfer.rs".to_owned(),
        line,
        column: 9,
        ..Location::default()
    };
    let task = |id| FindingTask {
        id,
        kind: TaskKind::Task.into(),
        ..FindingTask::default()
    };
    let party = |role: LockRole, line, task| Party {
        role: role.into(),
        location: Some(at(line)),
        task,
        ..Party::default()
    };
    Finding {
        id: 8,
        rule: "deadlock".to_owned(),
        count: 1,
        first_seen_unix_ns: at_ms(4_000),
        last_seen_unix_ns: at_ms(10_000),
        ongoing: true,
        location: Some(at(7)),
        task: Some(task(88)),
        longest_ns: 6_000 * MS,
        total_ns: 6_000 * MS,
        queued_behind: 3,
        parties: vec![
            party(LockRole::Waits, 19, Some(task(90))),
            party(LockRole::Holds, 6, Some(task(88))),
            Party {
                tid: 4731,
                thread: "settlement".to_owned(),
                ..party(LockRole::Waits, 52, None)
            },
        ],
        occurrences: Vec::new(),
        message:
            "apps/shop/src/transfer.rs:7 waits for a lock whose holder waits, in a circle, at \
                  apps/shop/src/transfer.rs:19: none of them will go on"
                .to_owned(),
        help: "docs/findings.md#unsynchronized-state-deadlock".to_owned(),
        ..lost_update()
    }
}

/// A task that has been in one poll for minutes, told at its spawn place.
pub(crate) fn never_yields() -> Finding {
    Finding {
        id: 9,
        kind: "task-leak".to_owned(),
        rule: "never-yields".to_owned(),
        severity: Severity::Warning.into(),
        certainty: Certainty::Likely.into(),
        count: 1,
        ongoing: true,
        location: Some(Location {
            file: "apps/shop/src/main.rs".to_owned(),
            line: 63,
            ..Location::default()
        }),
        tid: 0,
        longest_ns: 312_000 * MS,
        total_ns: 312_000 * MS,
        parties: Vec::new(),
        message: "the task spawned at apps/shop/src/main.rs:63 does not come back, holds a worker, and its runtime \
                  cannot shut down before it does"
            .to_owned(),
        help: "docs/findings.md#task-leak-never-yields".to_owned(),
        ..lost_update()
    }
}

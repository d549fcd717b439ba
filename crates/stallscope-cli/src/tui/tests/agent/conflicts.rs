//! Findings about state that several share, as agents send them; and a task that does not come back, which has no stack either.

use stallscope_wire::message::{
    Certainty, Finding, FindingTask, Location, LockRole, Occurrence, Party, Severity, Site,
    TaskKind,
};

use super::{FakeAgent, SECOND};

impl FakeAgent {
    /// With an update that is lost, again and again.
    pub(crate) fn with_a_lost_update(mut self) -> Self {
        self.findings = Some(vec![lost_update()]);
        self
    }

    /// With conflicts of every shape: two tasks, a task and a thread, one side only, a circle of locks.
    pub(crate) fn with_conflicts(mut self) -> Self {
        self.findings = Some(vec![
            lost_update(),
            overlap(),
            guard(),
            thread_local(),
            deadlock(),
        ]);
        self
    }

    /// With a task that has been in one poll for minutes.
    pub(crate) fn with_a_task_that_never_yields(mut self) -> Self {
        self.findings = Some(vec![never_yields()]);
        self
    }
}

/// Two tasks read the same value, and both write it.
fn lost_update() -> Finding {
    Finding {
        id: 11,
        rule: "lost-update".to_owned(),
        severity: Severity::High.into(),
        count: 3,
        first_seen_unix_ns: 80 * SECOND,
        last_seen_unix_ns: 121 * SECOND,
        location: Some(line("hits.rs", 7)),
        task: Some(task(300, "db conn 0")),
        tid: 4712,
        parties: vec![Party {
            location: Some(line("report.rs", 30)),
            task: Some(task(4, "reports")),
            tid: 4713,
            ..Party::default()
        }],
        occurrences: [80, 100, 121].map(at).to_vec(),
        message: "`hits`: demo-apps/hybrid-service/src/hits.rs:7 wrote a value made from an older one than what \
                  demo-apps/hybrid-service/src/report.rs:30 had written: that write is lost"
            .to_owned(),
        help: "docs/findings.md#unsynchronized-state-lost-update".to_owned(),
        ..conflict()
    }
}

/// A task and a thread of the application's own.
fn overlap() -> Finding {
    Finding {
        id: 12,
        rule: "overlapping-access".to_owned(),
        severity: Severity::High.into(),
        location: Some(line("ffi.rs", 19)),
        task: Some(task(4, "reports")),
        parties: vec![Party {
            location: Some(line("ffi.rs", 52)),
            tid: 4790,
            ..Party::default()
        }],
        message: "`db handle`: the access at src/ffi.rs:19 began while that at src/ffi.rs:52 was going on, and one \
                  of them writes"
            .to_owned(),
        ..conflict()
    }
}

fn guard() -> Finding {
    Finding {
        id: 13,
        rule: "guard-across-await".to_owned(),
        location: Some(line("pool.rs", 88)),
        task: Some(task(300, "db conn 0")),
        message: "the guard taken at src/pool.rs:88 was held while its task waited: whoever wants the lock blocks a \
                  thread"
            .to_owned(),
        ..conflict()
    }
}

fn thread_local() -> Finding {
    Finding {
        id: 14,
        rule: "thread-local-across-await".to_owned(),
        location: Some(line("tenant.rs", 40)),
        task: Some(task(4, "reports")),
        parties: vec![Party {
            location: Some(line("tenant.rs", 31)),
            task: Some(task(4, "reports")),
            ..Party::default()
        }],
        message: "src/tenant.rs:40 read what the same task had set at src/tenant.rs:31 on another thread: it read \
                  that thread's own value"
            .to_owned(),
        ..conflict()
    }
}

/// It has been so for 12 s when the sessions begin.
fn deadlock() -> Finding {
    let party = |role: LockRole, at: u32, task: Option<FindingTask>| Party {
        role: role.into(),
        location: Some(line("transfer.rs", at)),
        task,
        ..Party::default()
    };
    Finding {
        id: 15,
        rule: "deadlock".to_owned(),
        severity: Severity::High.into(),
        ongoing: true,
        location: Some(line("transfer.rs", 7)),
        task: Some(task(300, "db conn 0")),
        total_ns: 12 * SECOND,
        queued_behind: 2,
        parties: vec![
            party(LockRole::Holds, 6, Some(task(300, "db conn 0"))),
            Party {
                tid: 4790,
                thread: "settlement".to_owned(),
                ..party(LockRole::Waits, 19, None)
            },
        ],
        occurrences: vec![at(112)],
        message: "src/transfer.rs:7 waits for a lock whose holder waits, in a circle, at src/transfer.rs:19: none of \
                  them will go on"
            .to_owned(),
        ..conflict()
    }
}

/// At its spawn place: nothing of a thread.
fn never_yields() -> Finding {
    Finding {
        id: 16,
        kind: "task-leak".to_owned(),
        rule: "never-yields".to_owned(),
        certainty: Certainty::Likely.into(),
        ongoing: true,
        location: Some(line("report.rs", 63)),
        task: Some(task(4, "reports")),
        longest_ns: 114 * SECOND,
        total_ns: 114 * SECOND,
        occurrences: vec![at(10)],
        message: "the task spawned at src/report.rs:63 does not come back, holds a worker, and its runtime cannot \
                  shut down before it does"
            .to_owned(),
        ..conflict()
    }
}

fn conflict() -> Finding {
    Finding {
        kind: "unsynchronized-state".to_owned(),
        severity: Severity::Warning.into(),
        certainty: Certainty::Proven.into(),
        count: 1,
        first_seen_unix_ns: 100 * SECOND,
        last_seen_unix_ns: 100 * SECOND,
        ..Finding::default()
    }
}

fn at(second: u64) -> Occurrence {
    Occurrence {
        at_unix_ns: second * SECOND,
        duration_ns: 0,
    }
}

/// As tracked code tells it: without the function.
fn line(file: &str, line: u32) -> Location {
    Location {
        file: format!("demo-apps/hybrid-service/src/{file}"),
        line,
        column: 9,
        ..Location::default()
    }
}

fn task(id: u64, name: &str) -> FindingTask {
    FindingTask {
        id,
        name: name.to_owned(),
        kind: TaskKind::Task.into(),
        spawned_at: Some(Site {
            id: 3,
            file: "demo-apps/hybrid-service/src/report.rs".to_owned(),
            line: 63,
            column: 9,
        }),
        ancestors: vec![3, 0],
    }
}

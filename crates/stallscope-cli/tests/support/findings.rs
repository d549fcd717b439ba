//! What is wrong with the service of a test, and what its threads do.

use stallscope_wire::message::{
    Certainty, Finding, FindingTask, Frame, Leak, Location, Occurrence, Severity, Site, Span,
    TaskKind, ThreadStack,
};

/// Wall clock at the start of recording: 2026-11-20T21:33:00Z.
pub(crate) const STARTED_UNIX_NS: u64 = 1_795_210_380_000_000_000;

pub(super) const MS: u64 = 1_000_000;

/// The moment so many milliseconds after the start.
pub(crate) fn at_ms(ms: u64) -> u64 {
    STARTED_UNIX_NS + ms * MS
}

/// A large file read on a worker, again and again, with everything known.
pub(crate) fn file_read() -> Finding {
    Finding {
        id: 3,
        kind: "long-poll".to_owned(),
        rule: "file-io".to_owned(),
        severity: Severity::High.into(),
        certainty: Certainty::Proven.into(),
        count: 17,
        first_seen_unix_ns: at_ms(123),
        last_seen_unix_ns: at_ms(9_876),
        ongoing: false,
        location: Some(Location {
            function: "hybrid_service::report::render".to_owned(),
            file: "demo-apps/hybrid-service/src/report.rs".to_owned(),
            line: 41,
            column: 17,
        }),
        task: Some(FindingTask {
            id: 88,
            name: "render".to_owned(),
            kind: TaskKind::Task.into(),
            spawned_at: Some(Site {
                id: 1,
                file: "demo-apps/hybrid-service/src/main.rs".to_owned(),
                line: 63,
                column: 9,
            }),
            ancestors: vec![12, 1],
        }),
        longest_ns: 341_200_000,
        total_ns: 2_210 * MS,
        queued_behind: 12,
        stack: stack(),
        message: "worker 1 blocked 341 ms in std::fs::read at src/report.rs:41 (read on \
                  /var/data/big.csv), 12 tasks waiting"
            .to_owned(),
        help: "docs/findings.md#long-poll-file-io".to_owned(),
        tid: 4713,
        worker: Some(1),
        occurrences: vec![
            Occurrence {
                at_unix_ns: at_ms(123),
                duration_ns: 341_200_000,
            },
            Occurrence {
                at_unix_ns: at_ms(9_876),
                duration_ns: 20_500_000,
            },
        ],
        span: Some(Box::new(Span {
            name: "request".to_owned(),
            target: "hybrid_service::http".to_owned(),
            fields: "method=GET path=\"/report\"".to_owned(),
            file: "demo-apps/hybrid-service/src/http.rs".to_owned(),
            line: 27,
        })),
        leak: None,
        parties: Vec::new(),
    }
}

/// A poll of the root future that does not end, of which little is known.
pub(crate) fn endless() -> Finding {
    Finding {
        id: 1,
        kind: "long-poll".to_owned(),
        rule: "sleep".to_owned(),
        severity: Severity::High.into(),
        certainty: Certainty::Proven.into(),
        count: 1,
        first_seen_unix_ns: at_ms(500),
        last_seen_unix_ns: at_ms(500),
        ongoing: true,
        task: Some(FindingTask {
            kind: TaskKind::Root.into(),
            ..FindingTask::default()
        }),
        longest_ns: 9_734 * MS,
        total_ns: 9_734 * MS,
        message: "the thread in block_on has been asleep for 9.7 s".to_owned(),
        help: "docs/findings.md#long-poll-sleep".to_owned(),
        ..Finding::default()
    }
}

/// A place that leaks tasks: nothing that takes time.
pub(crate) fn leak() -> Finding {
    Finding {
        id: 5,
        kind: "task-leak".to_owned(),
        rule: "growth".to_owned(),
        severity: Severity::Warning.into(),
        certainty: Certainty::Likely.into(),
        count: 1,
        first_seen_unix_ns: at_ms(8_000),
        last_seen_unix_ns: at_ms(10_000),
        ongoing: true,
        location: Some(Location {
            file: "demo-apps/hybrid-service/src/session.rs".to_owned(),
            line: 88,
            ..Location::default()
        }),
        task: Some(FindingTask {
            id: 95,
            kind: TaskKind::Task.into(),
            spawned_at: Some(Site {
                id: 3,
                file: "demo-apps/hybrid-service/src/session.rs".to_owned(),
                line: 88,
                column: 9,
            }),
            ancestors: vec![20, 12],
            ..FindingTask::default()
        }),
        leak: Some(Leak {
            live: 412,
            live_at_first: 16,
            growth_per_second: 9.0,
            spawned: 463,
            ended: 51,
            oldest_ns: 46_000 * MS,
            orphans: 408,
        }),
        message: "412 tasks from src/session.rs:88 alive, +9/s, oldest 46 s".to_owned(),
        help: "docs/findings.md#task-leak-growth".to_owned(),
        ..Finding::default()
    }
}

/// The machine is overloaded: nobody's line.
pub(crate) fn overload() -> Finding {
    Finding {
        id: 7,
        kind: "long-poll".to_owned(),
        rule: "cpu-starved".to_owned(),
        severity: Severity::Info.into(),
        certainty: Certainty::Proven.into(),
        count: 2,
        first_seen_unix_ns: at_ms(9_000),
        last_seen_unix_ns: at_ms(10_230),
        message: "worker 0 waited 48 ms for a processor: the machine is overloaded".to_owned(),
        help: "docs/findings.md#long-poll-cpu-starved".to_owned(),
        ..Finding::default()
    }
}

/// A worker in the middle of that read, one that waits for work, and a thread nothing can be learned of.
pub(crate) fn threads() -> Vec<ThreadStack> {
    vec![
        ThreadStack {
            tid: 4713,
            name: "tokio-rt-worker".to_owned(),
            worker: Some(1),
            runtime: 0,
            state: "sleeping".to_owned(),
            doing: "read on /var/data/big.csv".to_owned(),
            task: Some(88),
            polling_ns: 55 * MS,
            stack: stack(),
            missing: String::new(),
        },
        ThreadStack {
            tid: 4720,
            name: "background".to_owned(),
            worker: Some(0),
            runtime: 1,
            state: "sleeping".to_owned(),
            doing: "waiting for work".to_owned(),
            stack: vec![stripped()],
            missing: "the outer frames: no unwind tables in libc.so.6".to_owned(),
            ..ThreadStack::default()
        },
        ThreadStack {
            tid: 4731,
            missing: "the thread ended meanwhile".to_owned(),
            ..ThreadStack::default()
        },
    ]
}

fn stack() -> Vec<Frame> {
    vec![
        Frame {
            function: "std::fs::read".to_owned(),
            file: "/rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/std/src/fs.rs"
                .to_owned(),
            line: 312,
            origin: "std".to_owned(),
            ..frame()
        },
        Frame {
            function: "hybrid_service::report::render".to_owned(),
            file: "demo-apps/hybrid-service/src/report.rs".to_owned(),
            line: 41,
            column: 17,
            in_app: true,
            origin: "app".to_owned(),
            inlined: true,
            ..frame()
        },
    ]
}

fn frame() -> Frame {
    Frame {
        address: 0x5581_0004_2a10,
        module: "/srv/hybrid-service".to_owned(),
        build_id: "0b5c4e".to_owned(),
        module_offset: 0x4_2a10,
        ..Frame::default()
    }
}

/// Of a library without names.
fn stripped() -> Frame {
    Frame {
        address: 0x7f10_0011_ba61,
        module: "/usr/lib/libc.so.6".to_owned(),
        module_offset: 0x11_ba61,
        origin: "native".to_owned(),
        ..Frame::default()
    }
}

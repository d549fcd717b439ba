//! What is wrong with the program of the sessions.

use stallscope_wire::message::{
    Certainty, Finding, FindingTask, Findings, Frame, Location, Occurrence, Severity, Site, Span,
    TaskKind,
};

use super::{FakeAgent, MILLISECOND, SECOND};

impl FakeAgent {
    /// With a file that is being read on a worker.
    pub(crate) fn with_a_stall(mut self) -> Self {
        self.findings = Some(vec![file_read()]);
        self
    }

    /// With some more that has been seen before.
    pub(crate) fn with_stalls(mut self) -> Self {
        self.findings = Some(vec![
            computing(),
            machine_is_overloaded(),
            sleeping(),
            file_read(),
            nobody_to_blame(),
        ]);
        self
    }

    /// From before there were findings.
    pub(crate) fn without_findings(mut self) -> Self {
        self.findings = None;
        self
    }

    /// Those that go on have gone on until now.
    pub(super) fn findings_at(&self, at_ns: u64) -> Result<Findings, String> {
        let mut findings = self
            .findings
            .clone()
            .ok_or("this agent knows no such topic")?;
        for finding in findings.iter_mut().filter(|finding| finding.ongoing) {
            if let Some(latest) = finding.occurrences.last_mut() {
                latest.duration_ns = at_ns.saturating_sub(latest.at_unix_ns);
                finding.longest_ns = finding.longest_ns.max(latest.duration_ns);
                finding.last_seen_unix_ns = at_ns;
            }
        }
        Ok(Findings {
            total: findings.len() as u64,
            findings,
        })
    }
}

/// The last of them began 660 ms before the sessions of a second look at it.
fn file_read() -> Finding {
    let ms = |ms: u64, duration: u64| Occurrence {
        at_unix_ns: ms * MILLISECOND,
        duration_ns: duration * MILLISECOND,
    };
    Finding {
        id: 3,
        rule: "file-io".to_owned(),
        count: 17,
        first_seen_unix_ns: 20 * SECOND,
        ongoing: true,
        location: Some(Location {
            function: "hybrid_service::report::render".to_owned(),
            file: "demo-apps/hybrid-service/src/report.rs".to_owned(),
            line: 41,
            column: 17,
        }),
        task: Some(FindingTask {
            id: 4,
            name: "reports".to_owned(),
            kind: TaskKind::Task.into(),
            spawned_at: Some(Site {
                id: 3,
                file: "demo-apps/hybrid-service/src/report.rs".to_owned(),
                line: 63,
                column: 9,
            }),
            ancestors: vec![3, 0],
        }),
        span: Some(Box::new(Span {
            name: "request".to_owned(),
            target: "hybrid_service::http".to_owned(),
            fields: "method=GET path=\"/report\"".to_owned(),
            file: "demo-apps/hybrid-service/src/http.rs".to_owned(),
            line: 27,
        })),
        longest_ns: 341 * MILLISECOND,
        total_ns: 2_210 * MILLISECOND,
        queued_behind: 12,
        stack: stack(),
        message: "worker 0 blocked 341 ms in std::fs::read at demo-apps/hybrid-service/src/report.rs:41 (read on \
                  /var/data/big.csv), 12 tasks waiting"
            .to_owned(),
        help: "docs/findings.md#long-poll-file-io".to_owned(),
        occurrences: vec![
            ms(20_000, 80),
            ms(41_000, 120),
            ms(60_000, 90),
            ms(61_000, 341),
            ms(100_000, 40),
            ms(123_340, 0),
        ],
        ..long_poll(Severity::High)
    }
}

fn sleeping() -> Finding {
    Finding {
        id: 5,
        rule: "sleep".to_owned(),
        count: 3,
        first_seen_unix_ns: 80 * SECOND,
        last_seen_unix_ns: 112 * SECOND,
        location: Some(Location {
            function: "hybrid_service::poller::wait".to_owned(),
            file: "demo-apps/hybrid-service/src/poller.rs".to_owned(),
            line: 12,
            column: 9,
        }),
        longest_ns: 120 * MILLISECOND,
        total_ns: 330 * MILLISECOND,
        message: "worker 1 slept 120 ms in std::thread::sleep at demo-apps/hybrid-service/src/poller.rs:12".to_owned(),
        ..long_poll(Severity::High)
    }
}

fn computing() -> Finding {
    Finding {
        id: 7,
        rule: "cpu".to_owned(),
        certainty: Certainty::Likely.into(),
        count: 2_345,
        first_seen_unix_ns: 2 * SECOND,
        last_seen_unix_ns: 30 * SECOND,
        location: Some(Location {
            function: "hybrid_service::thumbnail::scale".to_owned(),
            file: "demo-apps/hybrid-service/src/thumbnail.rs".to_owned(),
            line: 88,
            column: 5,
        }),
        longest_ns: 34 * MILLISECOND,
        total_ns: 61 * SECOND,
        message: "worker 1 computed for 34 ms at demo-apps/hybrid-service/src/thumbnail.rs:88"
            .to_owned(),
        ..long_poll(Severity::Warning)
    }
}

/// No frame of the application's own code, no task, no stack.
fn nobody_to_blame() -> Finding {
    Finding {
        id: 9,
        rule: "unknown".to_owned(),
        count: 1,
        first_seen_unix_ns: 119 * SECOND,
        last_seen_unix_ns: 119 * SECOND,
        longest_ns: 25 * MILLISECOND,
        total_ns: 25 * MILLISECOND,
        message: "worker 1 was held for 25 ms; its stack could not be read".to_owned(),
        ..long_poll(Severity::Warning)
    }
}

fn machine_is_overloaded() -> Finding {
    Finding {
        id: 8,
        rule: "cpu-starved".to_owned(),
        message: "the machine is overloaded, not your code".to_owned(),
        ..long_poll(Severity::Info)
    }
}

fn long_poll(severity: Severity) -> Finding {
    Finding {
        kind: "long-poll".to_owned(),
        severity: severity.into(),
        certainty: Certainty::Proven.into(),
        tid: 4712,
        worker: Some(0),
        ..Finding::default()
    }
}

fn stack() -> Vec<Frame> {
    let frame = |origin: &str, function: &str, file: &str, line: u32| Frame {
        function: function.to_owned(),
        file: file.to_owned(),
        line,
        column: 9,
        in_app: origin == "app",
        origin: origin.to_owned(),
        ..Frame::default()
    };
    let std = "/rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/std/src";
    let tokio = "/home/me/.cargo/registry/src/a-registry-1949cf8c/tokio-1.54.1/src/runtime";
    vec![
        Frame {
            function: String::new(),
            module: "libc.so.6".to_owned(),
            module_offset: 0x10_e1f2,
            ..frame("native", "", "", 0)
        },
        Frame {
            inlined: true,
            ..frame(
                "std",
                "std::sys::fs::unix::File::read",
                &format!("{std}/sys/fs/unix.rs"),
                1423,
            )
        },
        frame("std", "std::fs::read", &format!("{std}/fs.rs"), 320),
        frame(
            "app",
            "hybrid_service::report::render",
            "demo-apps/hybrid-service/src/report.rs",
            41,
        ),
        frame(
            "app",
            "hybrid_service::report::serve::{{closure}}",
            "demo-apps/hybrid-service/src/report.rs",
            64,
        ),
        frame(
            "tokio",
            "tokio::runtime::task::raw::poll",
            &format!("{tokio}/task/raw.rs"),
            325,
        ),
        frame(
            "tokio",
            "tokio::runtime::scheduler::multi_thread::worker::run",
            &format!("{tokio}/scheduler/multi_thread/worker.rs"),
            580,
        ),
    ]
}

//! One message of every kind, each with all of its fields set to something other than their zero.
//!
//! The literals name every field, so a field added to the `.proto` does not compile until it has a sample.

use stallscope_wire::message::{
    AgentMessage, AsyncBranch, AsyncStack, AsyncStackQuery, CancelQuery, Cancellation, Certainty,
    ClientMessage, Comparison, Details, DetailsQuery, Doctor, DoctorEntry, DoctorQuery, EndedQuery,
    EndedTask, EndedWindow, Failed, Field, Finding, FindingTask, Findings, FindingsQuery, Frame,
    Group, GroupKey, Hello, Leak, Level, Location, Lock, LockHolder, LockKind, LockMode, LockQuery,
    LockRole, LockSort, LockWaiter, LockWindow, NodeKey, Occurrence, Outcome, Overview,
    OverviewQuery, Party, Process, Refused, Runtime, Severity, Site, SiteQuery, SiteSort,
    SiteStats, SiteWindow, Span, Stacks, StacksQuery, Subscribe, Task, TaskKind, TaskQuery,
    TaskSort, TaskState, TaskWindow, Term, ThreadStack, Tier, TierState, TreeQuery, TreeRow,
    TreeWindow, Unsubscribe, Update, Welcome, Worker, agent_message, client_message, node_key,
    subscribe, tree_row, update,
};
use stallscope_wire::{MAGIC, PROTOCOL};

/// What a client can send, by name.
pub(crate) fn to_agent() -> Vec<(&'static str, ClientMessage)> {
    let subscribe = |topic| {
        client_message::Body::Subscribe(Subscribe {
            subscription: 7,
            interval_ms: 250,
            topic: Some(topic),
        })
    };
    [
        (
            "hello",
            client_message::Body::Hello(Hello {
                magic: MAGIC,
                protocol_min: PROTOCOL,
                protocol_max: PROTOCOL + 1,
                client_version: "0.1.0".to_owned(),
                token: "correct horse".to_owned(),
            }),
        ),
        (
            "subscribe to overview",
            subscribe(subscribe::Topic::Overview(OverviewQuery {})),
        ),
        (
            "subscribe to sites",
            subscribe(subscribe::Topic::Sites(SiteQuery {
                sort: SiteSort::Live.into(),
                ascending: true,
                limit: 50,
            })),
        ),
        (
            "subscribe to tasks",
            subscribe(subscribe::Topic::Tasks(TaskQuery {
                filter: vec![term()],
                sort: TaskSort::Busy.into(),
                descending: true,
                offset: 300,
                limit: 40,
                subtree: Some(12),
                after: Some(88),
            })),
        ),
        (
            "subscribe to tree",
            subscribe(subscribe::Topic::Tree(TreeQuery {
                filter: vec![term()],
                sort: TaskSort::Name.into(),
                descending: true,
                offset: 5,
                limit: 40,
                default_depth: 2,
                expanded: vec![group_key()],
                collapsed: vec![NodeKey {
                    node: Some(node_key::Node::Task(88)),
                }],
                fold_at: 16,
                follow: Some(88),
            })),
        ),
        (
            "subscribe to details",
            subscribe(subscribe::Topic::Details(DetailsQuery { task: 88 })),
        ),
        (
            "subscribe to doctor",
            subscribe(subscribe::Topic::Doctor(DoctorQuery {})),
        ),
        (
            "subscribe to findings",
            subscribe(subscribe::Topic::Findings(FindingsQuery {
                since_ns: 10_000_000_000,
                with_info: true,
                limit: 50,
            })),
        ),
        (
            "subscribe to stacks",
            subscribe(subscribe::Topic::Stacks(StacksQuery {})),
        ),
        (
            "subscribe to ended",
            subscribe(subscribe::Topic::Ended(EndedQuery { limit: 20 })),
        ),
        (
            "subscribe to cancel",
            subscribe(subscribe::Topic::Cancel(CancelQuery { task: 88 })),
        ),
        (
            "subscribe to async stack",
            subscribe(subscribe::Topic::AsyncStack(AsyncStackQuery { task: 88 })),
        ),
        (
            "subscribe to locks",
            subscribe(subscribe::Topic::Locks(LockQuery {
                sort: LockSort::Hold.into(),
                ascending: true,
                limit: 20,
                text: "src/pool.rs".to_owned(),
            })),
        ),
        (
            "unsubscribe",
            client_message::Body::Unsubscribe(Unsubscribe { subscription: 7 }),
        ),
    ]
    .map(|(name, body)| (name, ClientMessage { body: Some(body) }))
    .into()
}

/// What an agent can send, by name.
pub(crate) fn to_client() -> Vec<(&'static str, AgentMessage)> {
    let update = |body| {
        agent_message::Body::Update(Update {
            subscription: 7,
            at_ns: 10_234_000_000,
            body: Some(body),
        })
    };
    [
        (
            "welcome",
            agent_message::Body::Welcome(Welcome {
                protocol: PROTOCOL,
                process: Some(Process {
                    pid: 4711,
                    program: "hybrid-service".to_owned(),
                    tokio_version: "1.54.1".to_owned(),
                    stallscope_version: "0.1.0".to_owned(),
                    started_unix_ns: 1_795_210_380_123_000_000,
                    control: true,
                }),
            }),
        ),
        (
            "refused",
            agent_message::Body::Refused(Refused {
                reason: "agent speaks protocol 1, this client 2".to_owned(),
                protocol: PROTOCOL,
            }),
        ),
        (
            "failed",
            agent_message::Body::Failed(Failed {
                subscription: 7,
                reason: "unknown topic: upgrade stallscope in the application".to_owned(),
            }),
        ),
        ("overview", update(update::Body::Overview(overview()))),
        (
            "sites",
            update(update::Body::Sites(SiteWindow {
                total: 9,
                sites: vec![SiteStats {
                    site: Some(site()),
                    live: 3,
                    spawned: 10,
                    ended: 7,
                    polls: 88_123,
                    busy_ns: 2_210_000_000,
                    longest_poll_ns: 341_200_000,
                    oldest_ns: 9_000_000_000,
                    live_by_second: vec![0, 130, 3],
                    live_by_ten_seconds: vec![2, 3],
                    live_by_minute: vec![3],
                    spawned_per_second: 0.5,
                    ended_per_second: 0.25,
                    orphans: 2,
                    longest_idle_ns: 3_200_000,
                }],
            })),
        ),
        (
            "tasks",
            update(update::Body::Tasks(TaskWindow {
                matched: 132,
                offset: 40,
                tasks: vec![task()],
                sites: vec![site()],
            })),
        ),
        ("tree", update(update::Body::Tree(tree()))),
        (
            "details",
            update(update::Body::Details(Details {
                task: Some(task()),
                ancestors: vec![task()],
                sites: vec![site()],
                children: 2,
                unseen: "the hooks tier does not see who wakes a task".to_owned(),
            })),
        ),
        (
            "doctor",
            update(update::Body::Doctor(Doctor {
                entries: vec![DoctorEntry {
                    level: Level::Warning.into(),
                    topic: "config".to_owned(),
                    message: "STALLSCOPE_THRESHOLD is \"fast\", which is no duration".to_owned(),
                    advice: "write it as 20ms".to_owned(),
                }],
            })),
        ),
        (
            "findings",
            update(update::Body::Findings(Findings {
                total: 9,
                findings: vec![finding(), leak(), conflict()],
            })),
        ),
        (
            "stacks",
            update(update::Body::Stacks(Stacks {
                threads: vec![ThreadStack {
                    tid: 4713,
                    name: "tokio-rt-worker".to_owned(),
                    worker: Some(1),
                    runtime: 1,
                    state: "sleeping".to_owned(),
                    doing: "read on /var/data/big.csv".to_owned(),
                    task: Some(88),
                    polling_ns: 341_200_000,
                    stack: vec![frame()],
                    missing: "the outer frames: no unwind tables in libc.so.6".to_owned(),
                }],
            })),
        ),
        (
            "ended",
            update(update::Body::Ended(EndedWindow {
                tasks: vec![ended_task()],
                sites: vec![site()],
                finished: 9_860,
                panicked: 2,
                aborted: 6,
            })),
        ),
        (
            "cancel",
            update(update::Body::Cancel(Cancellation {
                alive: true,
                task: Some(task()),
                ended: Some(ended_task()),
                sites: vec![site()],
            })),
        ),
        (
            "async stack",
            update(update::Body::AsyncStack(AsyncStack {
                branches: vec![AsyncBranch {
                    frames: vec![frame()],
                }],
                more: 36,
                missing: "the application was built without stallscope's feature `taskdump`"
                    .to_owned(),
            })),
        ),
        (
            "locks",
            update(update::Body::Locks(LockWindow {
                matched: 41,
                locks: vec![lock()],
                left_out: 3,
            })),
        ),
    ]
    .map(|(name, body)| (name, AgentMessage { body: Some(body) }))
    .into()
}

fn lock() -> Lock {
    Lock {
        id: 19,
        kind: LockKind::RwLock.into(),
        made_at: Some(location()),
        holders: vec![LockHolder {
            party: Some(party(LockRole::Holds)),
            mode: LockMode::Shared.into(),
            held_ns: 4_200_000_000,
            across_await: true,
        }],
        more_holders: 2,
        waiters: vec![LockWaiter {
            party: Some(party(LockRole::Waits)),
            mode: LockMode::Exclusive.into(),
            waits_ns: 4_100_000_000,
        }],
        queue: 12,
        acquisitions: 90_000,
        contended: 700,
        p99_wait_ns: 2_147_483_647,
        longest_wait_ns: 4_300_000_000,
    }
}

fn party(role: LockRole) -> Party {
    Party {
        location: Some(location()),
        task: Some(FindingTask {
            id: 88,
            ..FindingTask::default()
        }),
        tid: 4712,
        role: role.into(),
        thread: "db-writer".to_owned(),
    }
}

fn location() -> Location {
    Location {
        function: "app::pool::take".to_owned(),
        file: "src/pool.rs".to_owned(),
        line: 42,
        column: 17,
    }
}

fn term() -> Term {
    Term {
        field: Field::Busy.into(),
        comparison: Comparison::Above.into(),
        text: "db".to_owned(),
        number: 20_000_000,
        negated: true,
    }
}

fn group_key() -> NodeKey {
    NodeKey {
        node: Some(node_key::Node::Group(GroupKey {
            parent: Some(12),
            site: 3,
        })),
    }
}

fn site() -> Site {
    Site {
        id: 3,
        file: "demo-apps/hybrid-service/src/main.rs".to_owned(),
        line: 63,
        column: 9,
    }
}

fn task() -> Task {
    Task {
        id: 88,
        parent: Some(12),
        parent_ended: true,
        name: "render".to_owned(),
        kind: TaskKind::Task.into(),
        state: TaskState::Running.into(),
        site: 3,
        age_ns: 9_000_000_000,
        idle_ns: 250_000_000,
        polls: 17,
        busy_ns: 2_210_000_000,
        longest_poll_ns: 341_200_000,
        worker: Some(1),
        runtime: 1,
        polling_ns: 12_000_000,
    }
}

fn ended_task() -> EndedTask {
    EndedTask {
        task: Some(task()),
        outcome: Outcome::Panicked.into(),
        panic: Some("called `Option::unwrap()` on a `None` value".to_owned()),
        ago_ns: 3_000_000_000,
    }
}

fn overview() -> Overview {
    Overview {
        tiers: vec![Tier {
            name: "hooks".to_owned(),
            state: TierState::Degraded.into(),
            note: "another hook has replaced ours: use BuilderExt::stallscope".to_owned(),
        }],
        runtimes: vec![Runtime {
            index: 1,
            flavor: "multi_thread".to_owned(),
            hooked: true,
            alive_tasks: 132,
            global_queue_depth: 4,
            blocking_threads: Some(6),
            idle_blocking_threads: Some(5),
            blocking_queue_depth: Some(2),
            workers: vec![Worker {
                index: 1,
                busy_ns: 8_000_000_000,
                parks: 5_123,
                parked: true,
                polls: Some(44_000),
                local_queue_depth: Some(11),
                task: Some(88),
                polling_ns: 12_000_000,
                tid: 4713,
            }],
            ended: true,
        }],
        live_tasks: 132,
        spawned_tasks: 10_000,
        ended_tasks: 9_868,
        polls: 88_123,
        dropped_events: 1,
        poll_times: vec![0, 5, 300, 88_000],
        warnings: 2,
        findings: 3,
        long_polls: 17,
        long_poll_threshold_ns: 20_000_000,
    }
}

fn finding() -> Finding {
    Finding {
        id: 3,
        kind: "long-poll".to_owned(),
        rule: "file-io".to_owned(),
        severity: Severity::High.into(),
        certainty: Certainty::Proven.into(),
        count: 17,
        first_seen_unix_ns: 1_795_210_380_123_000_000,
        last_seen_unix_ns: 1_795_210_390_000_000_000,
        ongoing: true,
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
            spawned_at: Some(site()),
            ancestors: vec![12, 1],
        }),
        longest_ns: 341_200_000,
        total_ns: 2_210_000_000,
        queued_behind: 12,
        stack: vec![frame()],
        message: "worker 1 blocked 341 ms in std::fs::read at src/report.rs:41".to_owned(),
        help: "docs/findings.md#long-poll-file-io".to_owned(),
        tid: 4713,
        worker: Some(1),
        occurrences: vec![Occurrence {
            at_unix_ns: 1_795_210_390_000_000_000,
            duration_ns: 341_200_000,
        }],
        span: Some(Box::new(Span {
            name: "request".to_owned(),
            target: "hybrid_service::http".to_owned(),
            fields: "method=GET path=\"/report\"".to_owned(),
            file: "demo-apps/hybrid-service/src/http.rs".to_owned(),
            line: 27,
        })),
        leak: None,
        parties: vec![party(LockRole::Waits)],
    }
}

/// Of a place, not of a poll: no stack, no thread.
fn leak() -> Finding {
    Finding {
        id: 4,
        kind: "task-leak".to_owned(),
        rule: "growth".to_owned(),
        certainty: Certainty::Likely.into(),
        leak: Some(Leak {
            live: 412,
            live_at_first: 40,
            growth_per_second: 9.25,
            spawned: 512,
            ended: 100,
            oldest_ns: 192_000_000_000,
            orphans: 408,
        }),
        ..Finding::default()
    }
}

/// Between two lines: nothing that takes time.
fn conflict() -> Finding {
    Finding {
        id: 5,
        kind: "unsynchronized-state".to_owned(),
        rule: "lost-update".to_owned(),
        certainty: Certainty::Proven.into(),
        location: Some(location()),
        parties: vec![party(LockRole::Unknown)],
        ..Finding::default()
    }
}

fn frame() -> Frame {
    Frame {
        function: "hybrid_service::report::render".to_owned(),
        file: "demo-apps/hybrid-service/src/report.rs".to_owned(),
        line: 41,
        column: 17,
        in_app: true,
        origin: "app".to_owned(),
        inlined: true,
        address: 0x5581_0004_2a10,
        module: "/srv/hybrid-service".to_owned(),
        build_id: "0b5c4e".to_owned(),
        module_offset: 0x4_2a10,
    }
}

fn tree() -> TreeWindow {
    TreeWindow {
        total_rows: 500,
        offset: 20,
        rows: vec![
            TreeRow {
                depth: 1,
                guides: 0b11,
                expanded: true,
                children: 2,
                node: Some(tree_row::Node::Task(task())),
            },
            TreeRow {
                depth: 2,
                guides: 0b10,
                expanded: false,
                children: 100,
                node: Some(tree_row::Node::Group(Group {
                    key: Some(GroupKey {
                        parent: Some(88),
                        site: 3,
                    }),
                    count: 100,
                    running: 1,
                    polls: 4_000,
                    busy_ns: 30_000_000,
                    longest_poll_ns: 2_000_000,
                    oldest_ns: 8_000_000_000,
                })),
            },
        ],
        sites: vec![site()],
        matched: 132,
        follow_row: Some(24),
    }
}

//! Findings as JSON. Scripts rely on this shape: fields are added, never renamed or removed.

use serde::Serialize;
use stallscope_wire::message::{
    Certainty, Finding, FindingTask, Leak, Location, Occurrence, Party, Severity, Span, TaskKind,
};
use stallscope_wire::text::place;

use super::Snapshot;
use super::outside::{Outside, OutsideJson};
use crate::attach::Stopped;
use crate::conflict;
use crate::format::milliseconds;
use crate::headless::about::Head;
use crate::headless::frame::{FrameJson, known};
use crate::time::rfc3339;

/// Counted up when a field is renamed or removed.
const SCHEMA: u32 = 1;

/// The whole answer of `findings --json` and `report --json`.
#[derive(Serialize)]
pub(in crate::headless) struct Answer<'a> {
    schema: u32,
    #[serde(flatten)]
    head: Head<'a>,
    /// The time that was watched; not part of `findings`, which holds everything so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<&'a Window>,
    /// How many findings there are; `findings` are the most harmful of them.
    matched: u64,
    findings: Vec<FindingJson<'a>>,
}

impl<'a> Answer<'a> {
    pub(in crate::headless) fn new(snapshot: &'a Snapshot, window: Option<&'a Window>) -> Self {
        let Snapshot {
            about,
            findings,
            outside,
        } = snapshot;
        Answer {
            schema: SCHEMA,
            head: about.head(),
            window,
            matched: findings.total,
            findings: findings
                .findings
                .iter()
                .map(|finding| FindingJson::new(finding, outside))
                .collect(),
        }
    }
}

#[derive(Serialize)]
pub(in crate::headless) struct Window {
    pub(in crate::headless) asked_ms: f64,
    /// Until the last answer; may be longer than what was asked for.
    pub(in crate::headless) watched_ms: f64,
    /// Why it was not watched to its end; `null` if it was.
    pub(in crate::headless) cut_short: Option<String>,
    /// What it took to stop threads that ran, to read their stacks; not there if that was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::headless) stopped: Option<StoppedJson>,
}

#[derive(Serialize)]
pub(in crate::headless) struct StoppedJson {
    count: u64,
    longest_us: u128,
}

impl From<Stopped> for StoppedJson {
    fn from(stopped: Stopped) -> Self {
        Self {
            count: stopped.count,
            longest_us: stopped.longest.as_micros(),
        }
    }
}

#[derive(Serialize)]
struct FindingJson<'a> {
    id: u64,
    kind: &'a str,
    rule: &'a str,
    /// `null` if this version has no name for it, as for `certainty`.
    severity: Option<&'static str>,
    certainty: Option<&'static str>,
    count: u64,
    first_seen: String,
    last_seen: String,
    /// Whether it still holds.
    ongoing: bool,
    /// The line to change; `null` if no code of the application was found.
    location: Option<LocationJson<'a>>,
    task: Option<TaskJson<'a>>,
    /// In which span of the application's `tracing` it was; `null` if in none, or not known.
    span: Option<SpanJson<'a>>,
    /// Thread and worker of the latest occurrence.
    tid: Option<u32>,
    worker: Option<u32>,
    /// Figures of the place that leaks; `null` for other kinds.
    leak: Option<LeakJson>,
    /// The other sides of a conflict over shared state; empty for other kinds.
    parties: Vec<PartyJson<'a>>,
    duration_ms: DurationJson,
    queued_behind: QueueJson,
    /// Of the longest occurrence, innermost frame first.
    stack: Vec<FrameJson<'a>>,
    /// The latest ones, oldest first.
    occurrences: Vec<OccurrenceJson>,
    message: &'a str,
    help: &'a str,
}

impl<'a> FindingJson<'a> {
    fn new(finding: &'a Finding, outside: &'a Outside) -> Self {
        let (severity, certainty) = (finding.severity(), finding.certainty());
        FindingJson {
            id: finding.id,
            kind: &finding.kind,
            rule: &finding.rule,
            severity: (severity != Severity::Unknown).then(|| severity.as_str()),
            certainty: (certainty != Certainty::Unknown).then(|| certainty.as_str()),
            count: finding.count,
            first_seen: rfc3339(finding.first_seen_unix_ns),
            last_seen: rfc3339(finding.last_seen_unix_ns),
            ongoing: finding.ongoing,
            location: finding.location.as_ref().map(LocationJson::from),
            task: finding.task.as_ref().map(|task| TaskJson {
                outside: outside.json(finding),
                ..TaskJson::from(task)
            }),
            span: finding.span.as_deref().map(SpanJson::from),
            tid: (finding.tid != 0).then_some(finding.tid),
            worker: finding.worker,
            leak: finding.leak.as_ref().map(LeakJson::from),
            parties: finding.parties.iter().map(PartyJson::from).collect(),
            duration_ms: DurationJson {
                max: milliseconds(finding.longest_ns),
                total: milliseconds(finding.total_ns),
            },
            queued_behind: QueueJson {
                max: finding.queued_behind,
            },
            stack: finding.stack.iter().map(FrameJson::from).collect(),
            occurrences: finding
                .occurrences
                .iter()
                .map(OccurrenceJson::from)
                .collect(),
            message: &finding.message,
            help: &finding.help,
        }
    }
}

#[derive(Serialize)]
struct LocationJson<'a> {
    function: Option<&'a str>,
    file: Option<&'a str>,
    line: u32,
}

impl<'a> From<&'a Location> for LocationJson<'a> {
    fn from(location: &'a Location) -> Self {
        LocationJson {
            function: known(&location.function),
            file: known(&location.file),
            line: location.line,
        }
    }
}

/// The task as it was known when it was found.
#[derive(Serialize)]
struct TaskJson<'a> {
    id: u64,
    name: Option<&'a str>,
    kind: Option<&'static str>,
    spawned_at: Option<String>,
    /// The nearest first.
    ancestors: &'a [u64],
    /// Of a task that nobody ends, where the process could be read from outside.
    #[serde(flatten)]
    outside: Option<OutsideJson<'a>>,
}

impl<'a> From<&'a FindingTask> for TaskJson<'a> {
    fn from(task: &'a FindingTask) -> Self {
        let kind = task.kind();
        TaskJson {
            id: task.id,
            name: known(&task.name),
            kind: (kind != TaskKind::Unknown).then(|| kind.as_str()),
            spawned_at: task.spawned_at.as_ref().map(place),
            ancestors: &task.ancestors,
            outside: None,
        }
    }
}

#[derive(Serialize)]
struct SpanJson<'a> {
    name: &'a str,
    target: Option<&'a str>,
    /// As in `user=7 path="/x"`.
    fields: Option<&'a str>,
    /// Where it is made.
    file: Option<&'a str>,
    line: u32,
}

impl<'a> From<&'a Span> for SpanJson<'a> {
    fn from(span: &'a Span) -> Self {
        SpanJson {
            name: &span.name,
            target: known(&span.target),
            fields: known(&span.fields),
            file: known(&span.file),
            line: span.line,
        }
    }
}

#[derive(Serialize)]
struct LeakJson {
    live: u64,
    /// When it was found.
    live_at_first: u64,
    /// `null` if it is no number.
    growth_per_s: Option<f64>,
    spawned: u64,
    ended: u64,
    oldest_ms: f64,
    /// Live tasks whose parent has ended.
    orphans: u64,
}

impl From<&Leak> for LeakJson {
    fn from(leak: &Leak) -> Self {
        LeakJson {
            live: leak.live,
            live_at_first: leak.live_at_first,
            growth_per_s: Some(leak.growth_per_second).filter(|growth| growth.is_finite()),
            spawned: leak.spawned,
            ended: leak.ended,
            oldest_ms: milliseconds(leak.oldest_ns),
            orphans: leak.orphans,
        }
    }
}

/// Where another side was, and who.
#[derive(Serialize)]
struct PartyJson<'a> {
    location: Option<LocationJson<'a>>,
    /// `null`: a thread outside of any task.
    task: Option<TaskJson<'a>>,
    tid: Option<u32>,
    /// Its name, where it is about locks and no task.
    thread: Option<&'a str>,
    /// Of locks: `waits` or `holds`.
    role: Option<&'static str>,
}

impl<'a> From<&'a Party> for PartyJson<'a> {
    fn from(party: &'a Party) -> Self {
        PartyJson {
            location: party.location.as_ref().map(LocationJson::from),
            task: party.task.as_ref().map(TaskJson::from),
            tid: (party.tid != 0).then_some(party.tid),
            thread: known(&party.thread),
            role: conflict::role(party.role()),
        }
    }
}

#[derive(Serialize)]
struct DurationJson {
    max: f64,
    total: f64,
}

#[derive(Serialize)]
struct QueueJson {
    max: u64,
}

#[derive(Serialize)]
struct OccurrenceJson {
    at: String,
    duration_ms: f64,
}

impl From<&Occurrence> for OccurrenceJson {
    fn from(occurrence: &Occurrence) -> Self {
        OccurrenceJson {
            at: rfc3339(occurrence.at_unix_ns),
            duration_ms: milliseconds(occurrence.duration_ns),
        }
    }
}

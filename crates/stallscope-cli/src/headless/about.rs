//! What every answer begins with: which process it is about, which tiers are live and what they cannot see.

use std::io::{self, Write};
use std::time::Duration;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{Overview, OverviewQuery, Process, Tier, TierState, update};

use crate::attach;
use crate::client::{ClientError, Connection};
use crate::failure::Failure;
use crate::format::{counted, duration, milliseconds, printable};

#[derive(Debug)]
pub(super) struct About {
    pub(super) process: Process,
    pub(super) overview: Overview,
    pub(super) uptime: Duration,
    /// From where it was read.
    seen_from: SeenFrom,
}

/// Where an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SeenFrom {
    Agent,
    /// From outside, where much is not known.
    Outside,
    CoreFile,
}

impl About {
    pub(super) fn ask(connection: &mut Connection) -> Result<Self, ClientError> {
        let (uptime, body) = connection.ask_when(Topic::Overview(OverviewQuery {}))?;
        let update::Body::Overview(overview) = body else {
            return Err(connection.mismatch());
        };
        Ok(About {
            process: connection.welcome().process.clone().unwrap_or_default(),
            overview,
            uptime,
            seen_from: SeenFrom::Agent,
        })
    }

    /// Of a process that was watched from outside for some time, and had so many tasks at last.
    pub(super) fn from_outside(pid: u32, live_tasks: u64, watched: Duration) -> Self {
        About {
            process: attach::process(pid),
            overview: Overview {
                live_tasks,
                ..Overview::default()
            },
            uptime: watched,
            seen_from: SeenFrom::Outside,
        }
    }

    /// Of a process that is no more.
    pub(super) fn from_core(process: Process, live_tasks: u64) -> Self {
        About {
            process,
            overview: Overview {
                live_tasks,
                ..Overview::default()
            },
            uptime: Duration::ZERO,
            seen_from: SeenFrom::CoreFile,
        }
    }

    /// Time since the start of recording.
    pub(super) fn uptime_ns(&self) -> u64 {
        u64::try_from(self.uptime.as_nanos()).unwrap_or(u64::MAX)
    }

    /// `core, hooks`.
    pub(super) fn tiers_on(&self) -> String {
        let on: Vec<_> = self
            .overview
            .tiers
            .iter()
            .filter(|tier| tier.state() == TierState::On)
            .map(|tier| printable(&tier.name))
            .collect();
        if on.is_empty() {
            return "none".to_owned();
        }
        on.join(", ")
    }

    /// The first lines of an answer for people.
    pub(super) fn write_header(&self, out: &mut impl Write) -> io::Result<()> {
        let Process {
            pid,
            program,
            tokio_version,
            stallscope_version,
            ..
        } = &self.process;
        let from = match self.seen_from {
            SeenFrom::Agent => None,
            SeenFrom::Outside => Some("outside"),
            SeenFrom::CoreFile => Some("a core file"),
        };
        if let Some(from) = from {
            let tasks = counted(self.overview.live_tasks, "task");
            return writeln!(
                out,
                "{} (pid {pid}), {tasks}, read from {from}",
                printable(program)
            );
        }
        writeln!(
            out,
            "{} (pid {pid}), {} (tokio counts {}), up {}, tokio {}, stallscope {}",
            printable(program),
            counted(self.overview.live_tasks, "task"),
            RuntimeJson::from(&self.overview).alive_tasks,
            duration(self.uptime_ns()),
            printable(tokio_version),
            printable(stallscope_version),
        )?;
        writeln!(out, "tiers on: {}", self.tiers_on())?;
        for tier in &self.overview.tiers {
            if tier.state() != TierState::On {
                writeln!(out, "{} {}", printable(&tier.name), printable(&state(tier)))?;
            }
        }
        match self.overview.dropped_events {
            0 => Ok(()),
            lost => writeln!(
                out,
                "incomplete: {} could not be recorded; see `stallscope doctor`",
                counted(lost, "event")
            ),
        }
    }

    /// One JSON object: what every answer begins with, and the fields of `body`.
    pub(super) fn write_json(
        &self,
        out: &mut impl Write,
        body: &impl Serialize,
    ) -> Result<(), Failure> {
        serde_json::to_writer(
            &mut *out,
            &Answer {
                head: self.head(),
                body,
            },
        )?;
        writeln!(out)?;
        Ok(())
    }

    pub(super) fn head(&self) -> Head<'_> {
        Head {
            process: ProcessJson {
                pid: self.process.pid,
                program: &self.process.program,
                tokio: &self.process.tokio_version,
                stallscope: &self.process.stallscope_version,
                uptime_ms: milliseconds(self.uptime_ns()),
            },
            tiers: Tiers(&self.overview.tiers),
            runtime: (self.seen_from == SeenFrom::Agent).then(|| RuntimeJson::from(&self.overview)),
        }
    }
}

#[derive(Serialize)]
struct Answer<'a, B> {
    #[serde(flatten)]
    head: Head<'a>,
    #[serde(flatten)]
    body: &'a B,
}

#[derive(Serialize)]
pub(super) struct Head<'a> {
    process: ProcessJson<'a>,
    tiers: Tiers<'a>,
    /// `null` of a process that is read from outside.
    runtime: Option<RuntimeJson>,
}

#[derive(Serialize)]
struct ProcessJson<'a> {
    pid: u32,
    program: &'a str,
    tokio: &'a str,
    stallscope: &'a str,
    uptime_ms: f64,
}

/// All runtimes of the process that have not shut down.
#[derive(Serialize)]
struct RuntimeJson {
    workers: usize,
    /// Tasks that are seen.
    live_tasks: u64,
    /// Tasks that there are, by tokio's own count.
    alive_tasks: u64,
    polls: u64,
    dropped_events: u64,
}

impl From<&Overview> for RuntimeJson {
    fn from(overview: &Overview) -> Self {
        let running = || overview.runtimes.iter().filter(|runtime| !runtime.ended);
        RuntimeJson {
            workers: running().map(|runtime| runtime.workers.len()).sum(),
            live_tasks: overview.live_tasks,
            alive_tasks: running().map(|runtime| runtime.alive_tasks).sum(),
            polls: overview.polls,
            dropped_events: overview.dropped_events,
        }
    }
}

/// `{"core": "on", "deep": "off: why and how to get it"}`.
pub(super) struct Tiers<'a>(pub(super) &'a [Tier]);

impl Serialize for Tiers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for tier in self.0 {
            map.serialize_entry(&tier.name, &state(tier))?;
        }
        map.end()
    }
}

/// `on`, or what it is instead and why.
fn state(tier: &Tier) -> String {
    let state = tier.state().as_str();
    if tier.state() == TierState::On || tier.note.is_empty() {
        state.to_owned()
    } else {
        format!("{state}: {}", tier.note)
    }
}

//! One finding: what it is about, what is known of it, and what of that is sent.

use std::collections::VecDeque;

use stallscope_wire::message::{
    self, Certainty, FindingTask, Frame, Leak, Location, Party, Severity, Span,
};
use stallscope_wire::text;

use super::rules::Rule;
use super::store::Episode;

/// Occurrences that are told one by one.
pub(super) const OCCURRENCES: usize = 32;

/// One finding.
pub(super) struct Finding {
    pub(super) id: u64,
    pub(super) rule: Rule,
    pub(super) detail: String,
    pub(super) place: Place,
    /// None if it is not known whose poll it was.
    pub(super) task: Option<FindingTask>,
    pub(super) certainty: Certainty,
    pub(super) frames: Vec<Frame>,
    pub(super) tid: u32,
    pub(super) worker: Option<u32>,
    pub(super) count: u64,
    pub(super) first_unix: u64,
    pub(super) last_unix: u64,
    pub(super) longest: u64,
    /// Of the occurrences that are over.
    pub(super) total: u64,
    pub(super) queued: u64,
    pub(super) span: Option<Span>,
    /// Of a place that leaks.
    pub(super) leak: Option<Leak>,
    /// The other sides of a conflict over shared state.
    pub(super) parties: Vec<Party>,
    /// Occurrences that go on.
    pub(super) open: u32,
    pub(super) occurrences: VecDeque<message::Occurrence>,
}

/// What a finding is about: the line to change or, if no line was found, where the task was spawned.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Place {
    Line {
        function: String,
        file: String,
        line: u32,
        column: u32,
    },
    SpawnedAt(String),
    Nowhere,
}

impl Place {
    pub(super) fn line(file: &str, line: u32, column: u32) -> Self {
        Place::Line {
            function: String::new(),
            file: file.to_owned(),
            line,
            column,
        }
    }

    /// "src/main.rs:63".
    pub(super) fn text(&self) -> String {
        match self {
            Place::Line { file, line, .. } if !file.is_empty() => format!("{file}:{line}"),
            Place::Line { function, .. } => function.clone(),
            Place::SpawnedAt(place) => place.clone(),
            Place::Nowhere => "an unknown line".to_owned(),
        }
    }

    pub(super) fn of(frames: &[Frame], task: Option<&FindingTask>) -> Self {
        let spawned_at = task.and_then(|task| task.spawned_at.as_ref());
        match (frames.iter().find(|frame| frame.in_app), spawned_at) {
            (Some(frame), _) => Place::Line {
                function: frame.function.clone(),
                file: frame.file.clone(),
                line: frame.line,
                column: frame.column,
            },
            (None, Some(site)) => Place::SpawnedAt(text::place(site)),
            (None, None) => Place::Nowhere,
        }
    }

    /// The same place, whatever instance of a generic function and whatever column: one line is one finding.
    pub(super) fn key(&self) -> Self {
        match self {
            Place::Line {
                file,
                line,
                function,
                ..
            } if file.is_empty() => Place::Line {
                function: function.clone(),
                file: String::new(),
                line: *line,
                column: 0,
            },
            Place::Line { file, line, .. } => Place::Line {
                function: String::new(),
                file: file.clone(),
                line: *line,
                column: 0,
            },
            other => other.clone(),
        }
    }
}

/// A stall as it was judged.
#[derive(Clone)]
pub(super) struct Occurrence {
    pub(super) episode: Episode,
    pub(super) rule: Rule,
    pub(super) detail: String,
    pub(super) place: Place,
    pub(super) task: Option<FindingTask>,
    pub(super) certainty: Certainty,
    pub(super) frames: Vec<Frame>,
    pub(super) tid: u32,
    pub(super) worker: Option<u32>,
    pub(super) queued: u64,
    /// The span of the application's `tracing` that it is in.
    pub(super) span: Option<Span>,
    /// Of a place that leaks.
    pub(super) leak: Option<Leak>,
    /// The other sides of a conflict over shared state.
    pub(super) parties: Vec<Party>,
    /// As how many it counts.
    pub(super) times: u64,
    /// Nanoseconds so far.
    pub(super) length: u64,
}

impl Occurrence {
    /// One of which nothing more is known.
    pub(super) fn of(episode: Episode, rule: Rule, place: Place) -> Self {
        Occurrence {
            episode,
            rule,
            detail: String::new(),
            place,
            task: None,
            certainty: Certainty::Proven,
            frames: Vec::new(),
            tid: 0,
            worker: None,
            queued: 0,
            span: None,
            leak: None,
            parties: Vec::new(),
            times: 1,
            length: 0,
        }
    }
}

impl Finding {
    pub(super) fn new(id: u64, occurrence: &Occurrence, began_unix: u64) -> Self {
        Finding {
            id,
            rule: occurrence.rule,
            detail: String::new(),
            place: occurrence.place.clone(),
            task: None,
            certainty: occurrence.certainty,
            frames: Vec::new(),
            tid: 0,
            worker: None,
            count: 0,
            first_unix: began_unix,
            last_unix: began_unix,
            longest: 0,
            total: 0,
            queued: 0,
            span: None,
            leak: None,
            parties: Vec::new(),
            open: 0,
            occurrences: VecDeque::new(),
        }
    }

    /// Takes in a sight of an occurrence; the longest one lends its stack, its task and its span.
    pub(super) fn grow(&mut self, occurrence: Occurrence, now_unix: u64) {
        self.last_unix = now_unix;
        self.queued = self.queued.max(occurrence.queued);
        self.leak = occurrence.leak.or(self.leak);
        self.certainty = self.certainty.max(occurrence.certainty);
        (self.tid, self.worker) = (occurrence.tid, occurrence.worker);
        if occurrence.length >= self.longest {
            self.longest = occurrence.length;
            // A stack without a line of the application's own says less than an earlier one with.
            if self.frames.is_empty() || occurrence.frames.iter().any(|frame| frame.in_app) {
                self.frames = occurrence.frames;
            }
            self.task = occurrence.task;
            self.detail = occurrence.detail;
            self.span = occurrence.span;
            self.parties = occurrence.parties;
        }
    }

    pub(super) fn harm(&self) -> u64 {
        self.total.max(self.longest)
    }

    pub(super) fn rule(&self) -> Rule {
        self.rule
    }

    pub(super) fn times(&self) -> (u64, u64) {
        (self.count, self.longest)
    }

    pub(super) fn spawned_at(&self) -> String {
        let spawned_at = self.task.as_ref().and_then(|task| task.spawned_at.as_ref());
        spawned_at.map(text::place).unwrap_or_default()
    }

    pub(super) fn in_span(&self) -> Option<String> {
        self.span.as_ref().map(text::span)
    }

    pub(super) fn is_ongoing(&self) -> bool {
        self.open > 0
    }

    /// `began_unix`: of the occurrence that goes on, the oldest if there are several.
    pub(super) fn to_message(&self, began_unix: Option<u64>, now_unix: u64) -> message::Finding {
        let about = self.rule.about();
        let ongoing = began_unix.map(|began| now_unix.saturating_sub(began));
        let going_on =
            began_unix
                .zip(ongoing)
                .map(|(at_unix_ns, duration_ns)| message::Occurrence {
                    at_unix_ns,
                    duration_ns,
                });
        let skipped =
            (self.occurrences.len() + usize::from(going_on.is_some())).saturating_sub(OCCURRENCES);
        let longest = self.longest.max(ongoing.unwrap_or(0));
        let severity: Severity = self.rule.severity(longest);
        message::Finding {
            id: self.id,
            kind: about.kind.to_owned(),
            rule: about.name.to_owned(),
            severity: severity.into(),
            certainty: self.certainty.into(),
            count: self.count,
            first_seen_unix_ns: self.first_unix,
            last_seen_unix_ns: self.last_unix,
            ongoing: ongoing.is_some(),
            location: match &self.place {
                Place::Line {
                    function,
                    file,
                    line,
                    column,
                } => Some(Location {
                    function: function.clone(),
                    file: file.clone(),
                    line: *line,
                    column: *column,
                }),
                Place::SpawnedAt(_) | Place::Nowhere => None,
            },
            task: self.task.clone(),
            longest_ns: longest,
            total_ns: self.total + ongoing.unwrap_or(0),
            queued_behind: self.queued,
            stack: self.frames.clone(),
            message: self.sentence(ongoing),
            help: self.rule.help(),
            tid: self.tid,
            worker: self.worker,
            occurrences: self
                .occurrences
                .iter()
                .copied()
                .chain(going_on)
                .skip(skipped)
                .collect(),
            span: self.span.clone().map(Box::new),
            leak: self.leak,
            parties: self.parties.clone(),
        }
    }
}

//! What was found so far: one finding per place and rule, with a count. Pure: time is an argument.

use std::collections::{HashMap, VecDeque};

use stallscope_wire::message::{self, Certainty, FindingTask, Frame, Location, Severity};
use stallscope_wire::text;

use super::rules::{Rule, last_part};

/// Findings that are kept. A process that has more different ones keeps the first.
const MOST_FINDINGS: usize = 1000;
const OCCURRENCES: usize = 32;
/// Without a limit of the client's own.
const DEFAULT_LIMIT: u32 = 1000;

/// All findings.
#[derive(Default)]
pub(super) struct Store {
    findings: Vec<Finding>,
    by_place: HashMap<(Rule, Place), usize>,
    /// Stalls that go on, and the finding each belongs to.
    open: HashMap<Stall, Open>,
}

/// Names one stall: a thread and the beginning of the poll it is in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Stall {
    pub(super) thread: u16,
    pub(super) key: u64,
}

struct Open {
    finding: usize,
    began_unix: u64,
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
    pub(super) fn of(frames: &[Frame], task: &FindingTask) -> Self {
        match (frames.iter().find(|frame| frame.in_app), &task.spawned_at) {
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
    fn key(&self) -> Self {
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
pub(super) struct Occurrence {
    pub(super) stall: Stall,
    pub(super) rule: Rule,
    pub(super) detail: String,
    pub(super) place: Place,
    pub(super) task: FindingTask,
    pub(super) frames: Vec<Frame>,
    pub(super) tid: u32,
    pub(super) worker: Option<u32>,
    pub(super) queued: u64,
    /// Nanoseconds so far.
    pub(super) length: u64,
}

/// One finding.
pub(super) struct Finding {
    id: u64,
    rule: Rule,
    detail: String,
    place: Place,
    task: FindingTask,
    frames: Vec<Frame>,
    tid: u32,
    worker: Option<u32>,
    count: u64,
    first_unix: u64,
    last_unix: u64,
    longest: u64,
    /// Of the occurrences that are over.
    total: u64,
    queued: u64,
    /// Occurrences that go on.
    open: u32,
    occurrences: VecDeque<message::Occurrence>,
}

/// What a report has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Change {
    pub(super) finding: usize,
    /// Worth a line in the log: the first of its place, and then each time the count has grown tenfold.
    pub(super) is_news: bool,
}

impl Store {
    /// A stall was seen, for the first time or again while it goes on.
    pub(super) fn stalled(&mut self, occurrence: Occurrence, now_unix: u64) -> Change {
        let stall = occurrence.stall;
        if let Some(open) = self.open.get_mut(&stall) {
            // Counted back from here: time in which the process stood still is not part of it.
            open.began_unix = now_unix.saturating_sub(occurrence.length);
            let finding = open.finding;
            self.findings[finding].grow(occurrence, now_unix);
            return Change {
                finding,
                is_news: false,
            };
        }
        let key = (occurrence.rule, occurrence.place.key());
        let known = self.by_place.get(&key).copied();
        let began_unix = now_unix.saturating_sub(occurrence.length);
        let finding = match known {
            Some(finding) => finding,
            None if self.findings.len() >= MOST_FINDINGS => {
                return Change {
                    finding: usize::MAX,
                    is_news: false,
                };
            }
            None => {
                self.findings.push(Finding::new(
                    self.findings.len() as u64 + 1,
                    &occurrence,
                    began_unix,
                ));
                self.by_place.insert(key, self.findings.len() - 1);
                self.findings.len() - 1
            }
        };
        self.open.insert(
            stall,
            Open {
                finding,
                began_unix,
            },
        );
        let found = &mut self.findings[finding];
        found.count += 1;
        found.open += 1;
        found.grow(occurrence, now_unix);
        Change {
            finding,
            is_news: is_power_of_ten(found.count),
        }
    }

    /// A stall is over.
    pub(super) fn over(&mut self, stall: Stall, length: u64, now_unix: u64) {
        let Some(open) = self.open.remove(&stall) else {
            return;
        };
        let finding = &mut self.findings[open.finding];
        finding.open = finding.open.saturating_sub(1);
        finding.total += length;
        finding.longest = finding.longest.max(length);
        finding.last_unix = now_unix;
        finding.occurrences.push_back(message::Occurrence {
            at_unix_ns: open.began_unix,
            duration_ns: length,
        });
        if finding.occurrences.len() > OCCURRENCES {
            finding.occurrences.pop_front();
        }
    }

    /// The process as a whole stood still.
    pub(super) fn paused(&mut self, length: u64, now_unix: u64) {
        let stall = Stall {
            thread: u16::MAX,
            key: now_unix,
        };
        let occurrence = Occurrence {
            stall,
            rule: Rule::ProcessPaused,
            detail: String::new(),
            place: Place::Nowhere,
            task: FindingTask::default(),
            frames: Vec::new(),
            tid: 0,
            worker: None,
            queued: 0,
            length,
        };
        self.stalled(occurrence, now_unix);
        self.over(stall, length, now_unix);
    }

    pub(super) fn get(&self, finding: usize) -> Option<&Finding> {
        self.findings.get(finding)
    }

    pub(super) fn count(&self) -> u64 {
        self.findings
            .iter()
            .filter(|finding| !finding.rule.about().is_info)
            .count() as u64
    }

    /// Findings with a last sight at or after `since_unix`, and those that go on; the most harmful first.
    pub(super) fn window(
        &self,
        since_unix: u64,
        with_info: bool,
        limit: u32,
        now_unix: u64,
    ) -> message::Findings {
        let matches = |finding: &&Finding| {
            (with_info || !finding.rule.about().is_info)
                && (finding.open > 0 || finding.last_unix >= since_unix)
        };
        let mut found: Vec<&Finding> = self.findings.iter().filter(matches).collect();
        found.sort_by_key(|finding| {
            let severity = finding.rule.severity(finding.longest) as u32;
            std::cmp::Reverse((
                severity,
                finding.open > 0,
                finding.harm(),
                u64::MAX - finding.id,
            ))
        });
        let total = found.len() as u64;
        found.truncate(if limit == 0 { DEFAULT_LIMIT } else { limit } as usize);
        let message = |finding: &&Finding| {
            let open = self
                .open
                .values()
                .filter(|open| self.findings[open.finding].id == finding.id);
            finding.to_message(open.map(|open| open.began_unix).min(), now_unix)
        };
        message::Findings {
            total,
            findings: found.iter().map(message).collect(),
        }
    }
}

impl Finding {
    fn new(id: u64, occurrence: &Occurrence, began_unix: u64) -> Self {
        Finding {
            id,
            rule: occurrence.rule,
            detail: String::new(),
            place: occurrence.place.clone(),
            task: FindingTask::default(),
            frames: Vec::new(),
            tid: 0,
            worker: None,
            count: 0,
            first_unix: began_unix,
            last_unix: began_unix,
            longest: 0,
            total: 0,
            queued: 0,
            open: 0,
            occurrences: VecDeque::new(),
        }
    }

    /// Takes in a sight of an occurrence; the longest one lends its stack and its task.
    fn grow(&mut self, occurrence: Occurrence, now_unix: u64) {
        self.last_unix = now_unix;
        self.queued = self.queued.max(occurrence.queued);
        (self.tid, self.worker) = (occurrence.tid, occurrence.worker);
        if occurrence.length >= self.longest {
            self.longest = occurrence.length;
            // A stack without a line of the application's own says less than an earlier one with.
            if self.frames.is_empty() || occurrence.frames.iter().any(|frame| frame.in_app) {
                self.frames = occurrence.frames;
            }
            self.task = occurrence.task;
            self.detail = occurrence.detail;
        }
    }

    fn harm(&self) -> u64 {
        self.total.max(self.longest)
    }

    /// One sentence for a tired person.
    pub(super) fn sentence(&self, ongoing: Option<u64>) -> String {
        let about = self.rule.about();
        let who = match (self.worker, self.tid) {
            (Some(worker), _) => format!("worker {worker}"),
            (None, 0) => "the process".to_owned(),
            (None, tid) => format!("thread {tid}"),
        };
        let (has, length) = match ongoing {
            Some(so_far) => ("has been blocked for", so_far),
            None => ("was blocked for", self.longest),
        };
        let callee = self
            .callee()
            .map(|callee| format!(" in {callee}"))
            .unwrap_or_default();
        let place = match &self.place {
            Place::Line { file, line, .. } if !file.is_empty() => format!(" at {file}:{line}"),
            Place::Line { function, .. } => format!(" in {function}"),
            Place::SpawnedAt(place) => format!(" in the task spawned at {place}"),
            Place::Nowhere => String::new(),
        };
        let detail = if self.detail.is_empty() {
            String::new()
        } else {
            format!(" ({})", self.detail)
        };
        let behind = match self.queued {
            0 => String::new(),
            1 => ", 1 task waiting".to_owned(),
            count => format!(", {count} tasks waiting"),
        };
        if about.is_info {
            return format!("{who} {has} {}: it {}", millis(length), about.did);
        }
        format!(
            "{who} {has} {}{callee}{place}: it {}{detail}{behind}",
            millis(length),
            about.did
        )
    }

    /// The function that the application's line has called.
    fn callee(&self) -> Option<String> {
        let app = self.frames.iter().position(|frame| frame.in_app)?;
        let callee = self.frames.get(app.checked_sub(1)?)?;
        (!callee.function.is_empty() && last_part(&callee.function) != "{closure}")
            .then(|| callee.function.clone())
    }

    pub(super) fn rule(&self) -> Rule {
        self.rule
    }

    pub(super) fn times(&self) -> (u64, u64) {
        (self.count, self.longest)
    }

    pub(super) fn spawned_at(&self) -> String {
        self.task
            .spawned_at
            .as_ref()
            .map(text::place)
            .unwrap_or_default()
    }

    pub(super) fn is_ongoing(&self) -> bool {
        self.open > 0
    }

    /// `began_unix`: of the occurrence that goes on, the oldest if there are several.
    fn to_message(&self, began_unix: Option<u64>, now_unix: u64) -> message::Finding {
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
            certainty: Certainty::Proven.into(),
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
            task: (self.rule != Rule::ProcessPaused).then(|| self.task.clone()),
            longest_ns: longest,
            total_ns: self.total + ongoing.unwrap_or(0),
            queued_behind: self.queued,
            stack: self.frames.clone(),
            message: self.sentence(ongoing),
            help: format!("docs/findings.md#{}-{}", about.kind, about.name),
            tid: self.tid,
            worker: self.worker,
            occurrences: self
                .occurrences
                .iter()
                .copied()
                .chain(going_on)
                .skip(skipped)
                .collect(),
        }
    }
}

fn is_power_of_ten(count: u64) -> bool {
    count > 0 && 10_u64.checked_pow(count.ilog10()) == Some(count)
}

fn millis(nanos: u64) -> String {
    match nanos {
        0..10_000_000 => format!("{:.1} ms", nanos as f64 / 1e6),
        10_000_000..10_000_000_000 => format!("{} ms", nanos / 1_000_000),
        _ => format!("{:.1} s", nanos as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use stallscope_wire::message::Site;

    use super::*;

    const MS: u64 = 1_000_000;

    fn frame(function: &str, line: u32) -> Frame {
        let file = format!("src/{}.rs", function.split("::").nth(1).unwrap_or("x"));
        Frame {
            function: function.to_owned(),
            file,
            line,
            in_app: function.starts_with("app::"),
            ..Frame::default()
        }
    }

    fn seen(key: u64, line: u32, length: u64) -> Occurrence {
        let frames = vec![
            frame("std::fs::read", 300),
            frame("app::report::render", line),
        ];
        let site = Site {
            id: 1,
            file: "src/main.rs".to_owned(),
            line: 63,
            column: 9,
        };
        let task = FindingTask {
            id: 88,
            spawned_at: Some(site),
            ..FindingTask::default()
        };
        Occurrence {
            stall: Stall { thread: 1, key },
            rule: Rule::FileIo,
            detail: "read on /var/data/big.csv".to_owned(),
            place: Place::of(&frames, &task),
            task,
            frames,
            tid: 4712,
            worker: Some(1),
            queued: 12,
            length: length * MS,
        }
    }

    #[test]
    fn a_stall_is_one_occurrence_that_grows_until_it_is_over() {
        let mut store = Store::default();
        assert!(store.stalled(seen(1, 41, 20), 1000 * MS).is_news);
        assert!(!store.stalled(seen(1, 41, 40), 1020 * MS).is_news);
        let going_on = store.window(0, false, 0, 1100 * MS).findings.remove(0);
        assert_eq!(
            (going_on.count, going_on.ongoing, going_on.longest_ns),
            (1, true, 120 * MS)
        );
        assert_eq!(going_on.occurrences.len(), 1, "the one that goes on");
        assert_eq!(
            going_on.message,
            "worker 1 has been blocked for 120 ms in std::fs::read at src/report.rs:41: it used a file \
             (read on /var/data/big.csv), 12 tasks waiting"
        );

        store.over(Stall { thread: 1, key: 1 }, 341 * MS, 1321 * MS);
        let over = store.window(0, false, 0, 5000 * MS).findings.remove(0);
        assert_eq!((over.count, over.ongoing), (1, false));
        assert_eq!((over.longest_ns, over.total_ns), (341 * MS, 341 * MS));
        assert_eq!(over.first_seen_unix_ns, 980 * MS);
        assert_eq!(over.severity(), Severity::High);
        assert_eq!(over.help, "docs/findings.md#long-poll-file-io");
        assert_eq!(over.occurrences.len(), 1);
    }

    #[test]
    fn a_thousand_stalls_at_one_line_are_one_finding_and_four_lines_of_log() {
        let mut store = Store::default();
        let mut news = 0;
        for key in 1..=1000 {
            news += u32::from(store.stalled(seen(key, 41, 25), key * 1000 * MS).is_news);
            store.over(Stall { thread: 1, key }, 25 * MS, (key * 1000 + 5) * MS);
        }
        let window = store.window(0, false, 0, 2_000_000 * MS);
        assert_eq!((window.total, window.findings[0].count, news), (1, 1000, 4));
        assert_eq!(window.findings[0].total_ns, 25_000 * MS);
        assert_eq!(window.findings[0].occurrences.len(), OCCURRENCES);
    }

    #[test]
    fn another_line_or_rule_is_another_finding() {
        let mut store = Store::default();
        store.stalled(seen(1, 41, 25), MS);
        store.stalled(seen(2, 42, 25), MS);
        store.stalled(
            Occurrence {
                rule: Rule::Cpu,
                ..seen(3, 41, 25)
            },
            MS,
        );
        assert_eq!((store.window(0, false, 0, MS).total, store.count()), (3, 3));
    }

    #[test]
    fn a_window_holds_what_was_seen_in_it_and_what_goes_on() {
        let mut store = Store::default();
        store.stalled(seen(1, 41, 25), 1000 * MS); // goes on
        store.stalled(seen(2, 42, 25), 1000 * MS);
        store.over(Stall { thread: 1, key: 2 }, 25 * MS, 1000 * MS);
        let lines = |since: u64| -> Vec<u32> {
            let window = store.window(since, false, 0, 9000 * MS);
            window
                .findings
                .iter()
                .filter_map(|finding| Some(finding.location.as_ref()?.line))
                .collect()
        };
        assert_eq!(lines(0), [41, 42]);
        assert_eq!(lines(5000 * MS), [41]);
    }

    #[test]
    fn what_blames_no_line_is_shown_on_request_only() {
        let mut store = Store::default();
        store.paused(5000 * MS, MS);
        store.stalled(
            Occurrence {
                rule: Rule::CpuStarved,
                ..seen(1, 41, 25)
            },
            MS,
        );
        assert_eq!((store.window(0, false, 0, MS).total, store.count()), (0, 0));
        let info = store.window(0, true, 0, MS);
        assert_eq!(info.total, 2);
        assert!(
            info.findings
                .iter()
                .all(|finding| finding.severity() == Severity::Info)
        );
    }

    #[test]
    fn without_a_line_the_spawn_place_tells_findings_apart() {
        let task = seen(1, 41, 25).task;
        assert_eq!(
            Place::of(&[], &task),
            Place::SpawnedAt("src/main.rs:63:9".to_owned())
        );
        assert_eq!(Place::of(&[], &FindingTask::default()), Place::Nowhere);
    }

    #[test]
    fn a_second_instance_of_a_generic_function_is_the_same_line() {
        let mut store = Store::default();
        for (key, function) in [
            (1, "app::report::render::<u8>"),
            (2, "app::report::render::<u16>"),
        ] {
            let occurrence = seen(key, 41, 25);
            let place = Place::Line {
                function: function.to_owned(),
                file: "src/report.rs".to_owned(),
                line: 41,
                column: 5,
            };
            store.stalled(
                Occurrence {
                    place,
                    ..occurrence
                },
                MS,
            );
        }
        assert_eq!(store.window(0, false, 0, MS).findings[0].count, 2);
    }
}

//! What was found so far: one finding per place and rule, with a count. Pure: time is an argument.

use std::collections::HashMap;

use stallscope_wire::message;

use super::finding::{Finding, OCCURRENCES, Occurrence, Place};
use super::rules::Rule;
use crate::runtimes::RuntimeIndex;
use crate::watch::Trouble;

/// Findings that are kept. A process that has more different ones keeps the first.
const MOST_FINDINGS: usize = 1000;
/// Without a limit of the client's own.
const DEFAULT_LIMIT: u32 = 1000;

/// All findings.
#[derive(Default)]
pub(super) struct Store {
    findings: Vec<Finding>,
    by_place: HashMap<(Rule, Place), usize>,
    /// Stalls that go on, and the finding each belongs to.
    open: HashMap<Episode, Open>,
}

/// Names one occurrence of anything, as long as it goes on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Episode {
    Stall(Stall),
    /// The same, of a task that may never come back from it.
    Unyielding(Stall),
    /// When it was told, wall clock.
    Pause(u64),
    /// Something that happened and took no time, by its number.
    Event(u64),
    /// Locks that keep tasks waiting, by the number of the occurrence.
    Lock(u64),
    /// A spawn place that leaks, by a rule.
    Leak {
        site: u32,
        rule: Rule,
    },
    Trouble {
        runtime: RuntimeIndex,
        trouble: Trouble,
        since: u64,
    },
    /// A closure of a blocking pool, by its thread and when it was first seen there.
    Closure {
        thread: u16,
        since: u64,
    },
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
        let episode = occurrence.episode;
        self.blame_after_all(&occurrence);
        if let Some(open) = self.open.get_mut(&episode) {
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
            episode,
            Open {
                finding,
                began_unix,
            },
        );
        let found = &mut self.findings[finding];
        let before = found.count;
        found.count += occurrence.times;
        found.open += 1;
        found.grow(occurrence, now_unix);
        Change {
            finding,
            is_news: passes_a_power_of_ten(before, found.count),
        }
    }

    /// What looked at first as if no line was to blame, or could not be told, or had no stack, becomes an occurrence of what it is.
    fn blame_after_all(&mut self, occurrence: &Occurrence) {
        let is_info = |rule: Rule| rule.about().is_info;
        let was_vague = |rule: Rule| is_info(rule) || rule == Rule::Unknown;
        let Some(open) = self.open.get(&occurrence.episode) else {
            return;
        };
        let finding = &mut self.findings[open.finding];
        let is_line = |place: &Place| matches!(place, Place::Line { .. });
        let locates = !is_line(&finding.place) && is_line(&occurrence.place);
        if !was_vague(occurrence.rule) && (was_vague(finding.rule) || locates) {
            finding.open = finding.open.saturating_sub(1);
            finding.count = finding.count.saturating_sub(1);
            self.open.remove(&occurrence.episode);
        }
    }

    /// Something is over.
    pub(super) fn over(&mut self, episode: Episode, length: u64, now_unix: u64) {
        let Some(open) = self.open.remove(&episode) else {
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
        let episode = Episode::Pause(now_unix);
        let occurrence = Occurrence {
            length,
            ..Occurrence::of(episode, Rule::ProcessPaused, Place::Nowhere)
        };
        self.stalled(occurrence, now_unix);
        self.over(episode, length, now_unix);
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
                && finding.count > 0
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

fn passes_a_power_of_ten(before: u64, now: u64) -> bool {
    now > before && now.checked_ilog10() > before.checked_ilog10()
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;

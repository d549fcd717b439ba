//! Watches what is registered, one word for one round at a time. On the agent's thread, which comes by four times a second.

use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use stallscope_stack::{Meeting, Round, Tid, Watchpoint};

use super::regions::{REGIONS, Word};
use crate::process;
use crate::sync::trial::{self, Trial};

/// After a round the agent rests for so many times what the round has cost its own thread: at most a hundredth of a processor.
const REST: u32 = 100;
/// The threads of a process that a round can be on.
const MOST_THREADS: usize = 32;

/// Why the last round was not to be had.
static REFUSED: Mutex<Option<String>> = Mutex::new(None);

/// Rounds that have ended.
static ROUNDS: AtomicU64 = AtomicU64::new(0);
/// Those in which a thread was held.
static HOLDS: AtomicU64 = AtomicU64::new(0);

/// Two threads at the same bytes.
#[derive(Debug)]
pub(crate) struct Sight {
    /// Where the bytes were registered.
    pub(crate) registered: &'static Location<'static>,
    pub(crate) meeting: Meeting,
    trial: Option<Arc<Trial>>,
}

impl Sight {
    /// Charges the test that has registered the bytes with it, in this sentence.
    pub(crate) fn charge(self, sentence: String) {
        match self.trial {
            Some(trial) => trial.round_is_over(Some(sentence)),
            None => trial::met_outside(&sentence),
        }
    }
}

/// What becomes of what is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing is registered.
    Unused,
    /// So many regions are registered, and the switch is off.
    Off(usize),
    /// They are watched.
    On {
        regions: usize,
        rounds: u64,
        holds: u64,
    },
    /// They cannot be.
    Refused(usize, String),
}

/// For `doctor`.
pub(crate) fn state() -> State {
    match (
        REGIONS.count(),
        process::watches_memory(),
        refused().clone(),
    ) {
        (0, ..) => State::Unused,
        (regions, false, _) => State::Off(regions),
        (regions, true, None) => State::On {
            regions,
            rounds: ROUNDS.load(Ordering::Relaxed),
            holds: HOLDS.load(Ordering::Relaxed),
        },
        (regions, true, Some(why)) => State::Refused(regions, why),
    }
}

/// Owned by the agent's thread.
#[derive(Default)]
pub(crate) struct Watcher {
    round: Option<(Watchpoint, Word)>,
    turn: u64,
    rests_until: Option<Instant>,
}

impl Watcher {
    /// Ends the round and begins another. What the one that ended has seen.
    pub(crate) fn look(&mut self) -> Option<Box<Sight>> {
        if self.round.is_none() && (!process::watches_memory() || REGIONS.count() == 0) {
            return None;
        }
        let began = Instant::now();
        let seen = match self.end() {
            Ended::Later => return None,
            Ended::Now(seen) => seen,
        };
        if self.rests_until.is_none_or(|until| began >= until) {
            self.begin();
            self.rests_until = Some(began + began.elapsed() * REST);
        }
        seen
    }

    fn end(&mut self) -> Ended {
        let Some((watch, word)) = self.round.take() else {
            return Ended::Now(None);
        };
        match watch.end() {
            Ok(Round { held_ns, meeting }) => {
                ROUNDS.fetch_add(1, Ordering::Relaxed);
                HOLDS.fetch_add(u64::from(held_ns > 0), Ordering::Relaxed);
                let Some(meeting) = meeting else {
                    if let Some(trial) = word.trial {
                        trial.round_is_over(None);
                    }
                    return Ended::Now(None);
                };
                Ended::Now(Some(Box::new(Sight {
                    registered: word.place,
                    meeting,
                    trial: word.trial,
                })))
            }
            Err(watch) => {
                self.round = Some((watch, word));
                Ended::Later
            }
        }
    }

    fn begin(&mut self) {
        let Some(word) = REGIONS.word(self.turn) else {
            return;
        };
        let threads = chosen(threads(), self.turn);
        self.turn += 1;
        match Watchpoint::lay(word.address, word.length, threads) {
            Ok(watch) => {
                *refused() = None;
                if REGIONS.begin(&word, &watch) {
                    if let Some(trial) = &word.trial {
                        trial.round_begins();
                    }
                    watch.switch_on();
                    self.round = Some((watch, word));
                }
            }
            Err(error) => {
                let is_new = refused().replace(error.to_string()).is_none();
                if is_new {
                    process::warn(&format!(
                        "watch_memory: no hardware watchpoints ({error}), so the bytes registered at {} are not watched; {ADVICE}",
                        word.place
                    ));
                }
            }
        }
    }
}

/// What helps where it is refused.
pub(crate) const ADVICE: &str = "allow perf_event_open (Linux, no seccomp filter, kernel.perf_event_paranoid at most 2) and leave two debug registers free";

enum Ended {
    Now(Option<Box<Sight>>),
    /// A thread is still on its way out.
    Later,
}

/// All threads of this process but the one that asks.
fn threads() -> Vec<Tid> {
    let Ok(listing) = std::fs::read_dir("/proc/self/task") else {
        return Vec::new();
    };
    let number = |entry: std::io::Result<std::fs::DirEntry>| {
        Tid::new(entry.ok()?.file_name().to_str()?.parse().ok()?)
    };
    let own = Tid::current();
    listing
        .filter_map(number)
        .filter(|tid| Some(*tid) != own)
        .collect()
}

/// Others each time, if there are too many: any two meet some day.
fn chosen(mut threads: Vec<Tid>, turn: u64) -> Vec<Tid> {
    if threads.len() > MOST_THREADS {
        threads.sort_by_cached_key(|tid| scattered(tid.number().cast_unsigned().into(), turn));
        threads.truncate(MOST_THREADS);
    }
    threads
}

/// A number that looks like none of the others of the same turn.
fn scattered(number: u64, turn: u64) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = (number ^ turn.wrapping_mul(ODD)).wrapping_mul(ODD);
    (mixed ^ mixed >> 29).wrapping_mul(ODD)
}

fn refused() -> MutexGuard<'static, Option<String>> {
    REFUSED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn many(count: i32) -> Vec<Tid> {
        (1..=count).filter_map(Tid::new).collect()
    }

    #[test]
    fn few_threads_are_all_chosen() {
        assert_eq!(chosen(many(32), 7), many(32));
    }

    #[test]
    fn of_many_threads_any_two_are_chosen_together_some_day() {
        let threads = many(100);
        let mut together = HashSet::new();
        for turn in 0..400 {
            let chosen = chosen(threads.clone(), turn);
            assert_eq!(chosen.len(), MOST_THREADS);
            for one in &chosen {
                together.extend(chosen.iter().map(|other| (*one, *other)));
            }
        }
        assert_eq!(together.len(), 100 * 100);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn threads_are_those_of_the_process_but_not_the_caller() {
        let (tell, told) = std::sync::mpsc::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let other = std::thread::spawn(move || {
            tell.send(Tid::current()).expect("the test waits");
            let _ = ended.recv();
        });
        let tid = told.recv().expect("it sends").expect("Linux");
        let threads = threads();
        assert!(threads.contains(&tid));
        assert!(!threads.contains(&Tid::current().expect("Linux")));
        drop(end);
        other.join().expect("it ends");
    }
}

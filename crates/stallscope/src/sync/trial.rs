//! Which test does the code that runs here belong to? To the one in whose runtime it is.
//!
//! Tests of one binary run beside each other in one process, so each has to answer for what happened in its own runtime, and is delayed
//! by its own seed. A runtime is known by tokio's id of it, of which there are enough for any number of tests and seeds. To a process without
//! tests all this is one load.

mod meetings;
mod standstill;

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::{Handle, Id};

use self::meetings::Meetings;
use self::standstill::Standstill;
use super::conflict::{self, Conflict};
use super::party::Party;
use super::perturb::{self, Delays};
use crate::findings::Rule;
use crate::locks::Sign;
use crate::process;

/// A test has begun in this process.
static ANY: AtomicBool = AtomicBool::new(false);
/// Those that go on.
static TRIALS: Mutex<Vec<(Id, Arc<Trial>)>> = Mutex::new(Vec::new());
/// Conflicts outside of tests that were told: each place once.
static OUTSIDE: Mutex<Vec<Conflict>> = Mutex::new(Vec::new());

/// Meetings of threads at bytes that no test has registered, and that were told: each once.
static MET_OUTSIDE: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Different conflicts that are kept.
const MOST: usize = 64;

/// Of waits that were told to be of no test, the youngest.
static LAST_OUTSIDE: AtomicU64 = AtomicU64::new(0);

/// A test, from the first poll of its body until it is judged.
pub(crate) struct Trial {
    /// What it is called.
    test: &'static str,
    seed: Option<u64>,
    /// Nothing of this kind is held against it.
    may_conflict: bool,
    conflicts: Mutex<Vec<Conflict>>,
    standstill: Standstill,
    meetings: Meetings,
    pub(super) delays: Option<Delays>,
    is_over: AtomicBool,
}

/// Keeps a test known by its runtime. Where there is none, nothing.
pub(crate) struct Running {
    runtime: Option<Id>,
    is_perturbed: bool,
}

impl Trial {
    /// With a seed its tracked points are delayed.
    pub(crate) fn new(test: &'static str, seed: Option<u64>, may_conflict: bool) -> Arc<Self> {
        ANY.store(true, Ordering::Relaxed);
        Arc::new(Trial {
            test,
            seed,
            may_conflict,
            conflicts: Mutex::new(Vec::new()),
            standstill: Standstill::default(),
            meetings: Meetings::default(),
            delays: seed.map(Delays::new),
            is_over: AtomicBool::new(false),
        })
    }

    /// To be called within the runtime of the test.
    pub(crate) fn runs_here(self: &Arc<Self>) -> Running {
        let runtime = Handle::try_current().ok().map(|handle| handle.id());
        let is_perturbed = runtime.is_some() && self.delays.is_some();
        if let Some(runtime) = runtime {
            trials().push((runtime, self.clone()));
        }
        if runtime.is_some() {
            perturb::one_more(is_perturbed);
        }
        Running {
            runtime,
            is_perturbed,
        }
    }

    /// The body has ended, and what it had to wait for: the runtime is about to be shut down. A region that this tears is not the program's doing.
    pub(crate) fn is_over(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    pub(crate) fn test(&self) -> &'static str {
        self.test
    }

    pub(crate) fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// What was found of those who wait, in this order, so far.
    pub(crate) fn waits(&self) -> Vec<Sign> {
        self.standstill.signs()
    }

    /// What happened, in this order, so far.
    pub(crate) fn conflicts(&self) -> Vec<Conflict> {
        self.entries().clone()
    }

    /// The threads that met at bytes it has registered, each with how often. Waits for the end of a round that is on them.
    pub(crate) fn meetings(&self) -> Vec<(String, u64)> {
        self.meetings.all()
    }

    /// A round is on bytes that this test has registered.
    pub(super) fn round_begins(&self) {
        self.meetings.round_begins();
    }

    /// It is over, with what was seen.
    pub(super) fn round_is_over(&self, met: Option<String>) {
        self.meetings
            .round_is_over(met.filter(|_| !self.may_conflict));
    }

    fn note(&self, conflict: &Conflict) {
        if self.may_conflict {
            return;
        }
        if conflict.rule == Rule::TornRegion && self.is_over.load(Ordering::Relaxed) {
            return;
        }
        conflict::count(&mut self.entries(), conflict, MOST);
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Conflict>> {
        self.conflicts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Trial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let delays = self.delays.is_some();
        formatter
            .debug_struct("Trial")
            .field("delays", &delays)
            .finish_non_exhaustive()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime {
            perturb::one_less(self.is_perturbed);
            trials().retain(|(known, _)| *known != runtime);
        }
    }
}

/// The test that the code which runs here belongs to.
pub(super) fn current() -> Option<Arc<Trial>> {
    let runtime = Handle::try_current().ok()?.id();
    let trials = trials();
    let found = trials.iter().find(|(known, _)| *known == runtime)?;
    Some(found.1.clone())
}

/// The code that runs here comes to a tracked point: it is known as the test's from now on.
pub(super) fn passes() {
    thread_local! {
        /// Who came by on this thread last.
        static LAST: Cell<Option<(Id, Party)>> = const { Cell::new(None) };
    }
    let Ok(runtime) = Handle::try_current().map(|handle| handle.id()) else {
        return;
    };
    let passes = Some((runtime, Party::current()));
    // A thread that ends passes none.
    if LAST.try_with(|last| last.replace(passes)) != Ok(passes)
        && let Some(trial) = current()
    {
        trial.standstill.meets(Party::current());
    }
}

/// The agent has found that these wait for good, or in a long queue. It fails each test that one of them is of, and ends those that it would
/// keep from ending.
pub(crate) fn charge_wait(sign: &Sign) {
    if !ANY.load(Ordering::Relaxed) {
        return;
    }
    let all: Vec<Arc<Trial>> = trials().iter().map(|(_, trial)| trial.clone()).collect();
    let mut is_anybodys = false;
    for trial in all.iter().filter(|trial| trial.standstill.is_about(sign)) {
        is_anybodys = true;
        if !trial.may_conflict {
            trial.standstill.note(sign);
        }
    }
    if !is_anybodys
        && !sign.is_over
        && LAST_OUTSIDE.fetch_max(sign.episode, Ordering::Relaxed) < sign.episode
    {
        tell_outside(&sign.sentence());
    }
}

/// A test that was found so long ago to stand still, and that nobody can end: its own thread is blocked. And how many others run.
pub(crate) fn blocked_for(long: Duration) -> Option<(Arc<Trial>, usize)> {
    if !ANY.load(Ordering::Relaxed) {
        return None;
    }
    let all: Vec<Arc<Trial>> = trials().iter().map(|(_, trial)| trial.clone()).collect();
    let is_blocked = |trial: &&Arc<Trial>| trial.standstill.is_blocked_for(long);
    let blocked: Vec<&Arc<Trial>> = all.iter().filter(is_blocked).collect();
    let first = (*blocked.first()?).clone();
    Some((first, all.len() - blocked.len()))
}

/// This happened, and was seen by the calling thread.
#[inline]
pub(super) fn charge(conflict: &Conflict) {
    if ANY.load(Ordering::Relaxed) {
        charge_test(conflict);
    }
}

/// What cannot be charged to any test is said at once, by nobody's output: to fail some test for it would be a guess, and silence would look
/// as if nothing had happened.
#[cold]
fn charge_test(conflict: &Conflict) {
    if let Some(trial) = current() {
        return trial.note(conflict);
    }
    let is_new = {
        let mut told = OUTSIDE.lock().unwrap_or_else(PoisonError::into_inner);
        conflict::count(&mut told, conflict, MOST) == Some(1)
    };
    if is_new {
        tell_outside(&conflict.sentence());
    }
}

/// Threads have met at bytes that were registered outside of any test.
pub(super) fn met_outside(sentence: &str) {
    if !ANY.load(Ordering::Relaxed) {
        return;
    }
    let mut told = MET_OUTSIDE.lock().unwrap_or_else(PoisonError::into_inner);
    let is_new = told.len() < MOST && !told.iter().any(|known| known == sentence);
    if is_new {
        told.push(sentence.to_owned());
        drop(told);
        tell_outside(sentence);
    }
}

fn tell_outside(sentence: &str) {
    process::warn(&format!(
        "{sentence}; no test fails for it, because it was outside of the runtime of any"
    ));
}

fn trials() -> MutexGuard<'static, Vec<(Id, Arc<Trial>)>> {
    TRIALS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::conflict::{Place, Side};
    use super::super::party::Party;
    use super::*;

    fn conflict(rule: Rule) -> Conflict {
        let side = Side {
            party: Party::Thread(1),
            place: Place {
                file: "src/hits.rs",
                line: 7,
                column: 9,
            },
            tid: 1,
        };
        Conflict {
            rule,
            what: "hits",
            at: side,
            other: Some(side),
            times: 1,
        }
    }

    fn told(trial: &Trial) -> Vec<(Rule, u64)> {
        let conflicts = trial.conflicts();
        let each = conflicts.iter();
        each.map(|conflict| (conflict.rule, conflict.times))
            .collect()
    }

    #[test]
    fn each_test_answers_for_its_own_runtime_and_for_threads_within_it() {
        let runtime = || tokio::runtime::Builder::new_current_thread().build();
        let (one, other) = (runtime().expect("built"), runtime().expect("built"));
        let trial = || Trial::new("tests::sells", None, false);
        let (first, second) = (trial(), trial());
        let _running = [
            one.block_on(async { first.runs_here() }),
            other.block_on(async { second.runs_here() }),
        ];
        let handle = one.handle().clone();
        one.block_on(async {
            charge_test(&conflict(Rule::LostUpdate));
            let closure = tokio::task::spawn_blocking(|| charge_test(&conflict(Rule::LostUpdate)));
            closure.await.expect("no panic");
            let thread = std::thread::spawn(move || {
                charge_test(&conflict(Rule::TornRegion)); // outside: nobody's
                let _entered = handle.enter();
                charge_test(&conflict(Rule::OverlappingAccess));
            });
            thread.join().expect("no panic");
        });
        assert_eq!(
            told(&first),
            [(Rule::LostUpdate, 2), (Rule::OverlappingAccess, 1)]
        );
        assert_eq!(told(&second), []);
    }

    #[test]
    fn a_region_that_the_end_of_the_runtime_tears_is_not_charged() {
        let trial = Trial::new("tests::sells", None, false);
        trial.note(&conflict(Rule::TornRegion));
        trial.is_over();
        trial.note(&conflict(Rule::TornRegion));
        trial.note(&conflict(Rule::LostUpdate));
        assert_eq!(told(&trial), [(Rule::TornRegion, 1), (Rule::LostUpdate, 1)]);
    }
}

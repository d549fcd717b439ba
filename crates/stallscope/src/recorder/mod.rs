//! What happens to tasks, as told by the tiers and read by the agent.
//!
//! The four calls that matter are [`Recorder::task_spawned`], [`Recorder::poll_started`],
//! [`Recorder::poll_ended`] and [`Recorder::task_ended`]. A poll takes no lock, makes no allocation
//! and no system call: two clock readings, a handful of stores to lines that the polling thread
//! owns, and one look-up by id.

mod archive;
mod clock;
mod fence;
mod histogram;
mod id;
mod keeper;
mod long_polls;
mod names;
mod page;
mod sites;
mod slot;
mod store;
mod table;
mod thread;

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub(crate) use self::clock::{Clock, Rate, Ticks};
pub(crate) use self::histogram::Histogram;
pub(crate) use self::id::TaskId;
pub(crate) use self::keeper::Keeper;
use self::long_polls::LongPoll;
use self::names::Names;
use self::sites::Sites;
pub(crate) use self::sites::{SiteFigures, SiteId};
use self::slot::Birth;
pub(crate) use self::slot::{Kind, Life, Record, Totals};
use self::store::{Place, Store};
use self::table::NoSlot;
#[cfg(feature = "tracing-subscriber")]
pub(crate) use self::thread::OwnPoll;
pub(crate) use self::thread::{Look, ThreadRecord, Threads};
use crate::runtimes::RuntimeIndex;
use crate::sync::open_guards;

/// The recorder of this process.
pub(crate) static RECORDER: Recorder = Recorder::new();

/// Everything that is recorded.
pub(crate) struct Recorder {
    store: Store,
    sites: Sites,
    threads: Threads,
    names: Names,
    clock: Clock,
    losses: Losses,
    cheap_fence: AtomicBool,
    /// From how many ticks on a poll is long; set by the watchdog, which knows how long a tick is.
    long_poll: AtomicU64,
}

/// Events that could not be recorded, by reason.
#[derive(Default)]
pub(crate) struct Losses {
    /// Tasks for which the system had no memory.
    pub(crate) memory: AtomicU64,
    /// Tasks whose place was still taken by ones from 67 million ids ago.
    pub(crate) window: AtomicU64,
    /// Root futures beyond 64 at a time.
    pub(crate) roots: AtomicU64,
}

impl Losses {
    /// All of them together.
    pub(crate) fn total(&self) -> u64 {
        [&self.memory, &self.window, &self.roots]
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .sum()
    }
}

/// What a tier knows of a task at its spawn.
pub(crate) struct Spawned {
    pub(crate) id: TaskId,
    pub(crate) parent: Option<TaskId>,
    pub(crate) place: &'static Location<'static>,
    pub(crate) runtime: RuntimeIndex,
    pub(crate) name: Option<Arc<str>>,
}

/// What is known of a task at its end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LastLook {
    pub(crate) at: Ticks,
    pub(crate) spawned: Ticks,
    /// With the poll in which it ends.
    pub(crate) totals: Totals,
    pub(crate) parent: Option<TaskId>,
    pub(crate) runtime: RuntimeIndex,
    /// On which it ended, if that was in a poll.
    pub(crate) worker: Option<u32>,
}

impl Recorder {
    const fn new() -> Self {
        Recorder {
            store: Store::new(),
            sites: Sites::new(),
            threads: Threads::new(),
            names: Names::new(),
            clock: Clock::new(),
            losses: Losses {
                memory: AtomicU64::new(0),
                window: AtomicU64::new(0),
                roots: AtomicU64::new(0),
            },
            cheap_fence: AtomicBool::new(false),
            long_poll: AtomicU64::new(u64::MAX),
        }
    }

    /// Prepares for recording; called once, before the first hook can run.
    pub(crate) fn start(&self) {
        self.clock.start();
        self.cheap_fence.store(fence::prepare(), Ordering::Relaxed);
    }

    /// The part that reads and tidies. To be called once, by the agent.
    pub(crate) fn keeper(&'static self) -> Keeper {
        Keeper::new(&self.store, &self.threads)
    }

    pub(crate) fn task_spawned(&'static self, task: Spawned) {
        let site = self.sites.id_of(task.place);
        let named = task.name.is_some();
        if let Some(name) = task.name {
            self.names.insert(task.id, name);
        }
        let birth = Birth {
            id: task.id,
            parent: task.parent,
            kind: Kind::Task,
            site,
            runtime: task.runtime,
            named,
            at: self.clock.now(),
        };
        if self.begin(&birth) {
            thread::with_record(&self.threads, |thread| {
                self.sites.count_spawn(site, &thread.near_sites);
            });
        }
    }

    /// Makes a record for a running `spawn_blocking` closure that no hook has announced, if there
    /// is none yet.
    pub(crate) fn blocking_task_seen(&'static self, id: TaskId, runtime: RuntimeIndex) {
        let birth = Birth {
            id,
            parent: None,
            kind: Kind::Blocking,
            site: SiteId::UNKNOWN,
            runtime,
            named: false,
            at: self.clock.now(),
        };
        self.begin(&birth);
    }

    /// Begins the record of a root future. None if 64 of them are alive.
    pub(crate) fn root_started(
        &'static self,
        place: &'static Location<'static>,
        runtime: RuntimeIndex,
    ) -> Option<TaskId> {
        let Some(id) = self.store.roots.claim() else {
            self.losses.roots.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        let site = self.sites.id_of(place);
        let at = self.clock.now();
        self.begin(&Birth {
            id,
            parent: None,
            kind: Kind::Root,
            site,
            runtime,
            named: false,
            at,
        });
        Some(id)
    }

    pub(crate) fn root_ended(&'static self, id: TaskId) {
        self.task_ended(id);
        self.store.roots.give_back(id);
    }

    /// The calling thread begins: the pool of this runtime has made it.
    pub(crate) fn thread_started(&'static self, runtime: RuntimeIndex) {
        thread::with_record(&self.threads, |thread| thread.made_by(runtime));
    }

    /// The calling thread is in this runtime, perhaps as a worker.
    pub(crate) fn thread_met(&'static self, runtime: RuntimeIndex) {
        thread::with_record(&self.threads, |thread| thread.look_up_worker(runtime));
    }

    #[inline]
    pub(crate) fn poll_started(&'static self, id: TaskId, runtime: RuntimeIndex) -> Look {
        let now = self.clock.now();
        thread::with_record(&self.threads, |thread| {
            thread.polls.started(id, now, open_guards::taken_so_far());
            thread.note_worker(runtime)
        })
    }

    /// False: the poll is not counted, for nobody has recorded the task yet.
    #[inline]
    pub(crate) fn poll_ended(&'static self, id: TaskId) -> bool {
        let now = self.clock.now();
        thread::with_record(&self.threads, |thread| {
            let Some(ended) = thread.polls.ended(id) else {
                return true;
            };
            open_guards::poll_has_ended(ended.guards_before);
            let lasted = now.since(ended.began);
            thread.poll_times.count(lasted);
            if lasted >= self.long_poll.load(Ordering::Relaxed) {
                thread.long_polls.push(LongPoll {
                    task: id,
                    started: ended.began,
                    lasted,
                });
            }
            let inside = thread.enter();
            let Some(place) = self.store.find(&inside, id) else {
                return false;
            };
            place.slot().poll_ended(now, lasted, inside.thread());
            if place.slot().life() == Life::Ending {
                self.finish(thread, place, Life::Ending);
            }
            true
        })
    }

    /// Counts a poll of which it is known only now that it has been: how long it lasted is not.
    pub(crate) fn poll_had_been(&'static self, id: TaskId) {
        let now = self.clock.now();
        thread::with_record(&self.threads, |thread| {
            let inside = thread.enter();
            if let Some(place) = self.store.find(&inside, id) {
                place.slot().poll_ended(now, 0, inside.thread());
            }
        });
    }

    /// Ends a task's record. A task that was never announced is passed over: tokio reports the end
    /// of blocking closures, but not their beginning.
    pub(crate) fn task_ended(&'static self, id: TaskId) {
        thread::with_record(&self.threads, |thread| {
            let inside = thread.enter();
            if let Some(place) = self.store.find(&inside, id) {
                // The last poll is usually still in progress, and its end is told after the task's.
                if thread.polls.is_of(id) {
                    place.slot().goes_from(Life::Alive, Life::Ending);
                } else {
                    self.finish(thread, place, Life::Alive);
                }
            }
        });
    }

    /// What there is to be known of a task that ends. To be asked on the thread on which it does, before its end is told.
    pub(crate) fn last_look(&'static self, id: TaskId) -> LastLook {
        let at = self.clock.now();
        thread::with_record(&self.threads, |thread| {
            let record = {
                let inside = thread.enter();
                let found = self.store.find(&inside, id);
                found.and_then(|place| place.slot().read())
            };
            // The last poll is usually still in progress.
            let poll = thread.polling().filter(|poll| poll.task == id);
            let mut totals = record.map(|record| record.totals).unwrap_or_default();
            if let Some(poll) = poll {
                let lasted = at.since(poll.since);
                totals.polls += 1;
                totals.busy += lasted;
                totals.longest = totals.longest.max(lasted);
            }
            LastLook {
                at,
                // One that ends before its spawner has come round to recording it has lived for no more than this poll.
                spawned: record
                    .map(|record| record.spawned)
                    .or(poll.map(|poll| poll.since))
                    .unwrap_or(at),
                totals,
                parent: record.and_then(|record| record.parent),
                runtime: record.map_or(0, |record| record.runtime),
                worker: poll.and_then(|_| thread.worker()).map(|(_, worker)| worker),
            }
        })
    }

    fn finish(&self, thread: &ThreadRecord, place: Place<'_>, from: Life) {
        let slot = place.slot();
        let (id, site, kind, named) = (slot.id(), slot.site(), slot.kind(), slot.is_named());
        if let Some(totals) = self.store.end(place, from) {
            if kind == Kind::Task {
                self.sites.count_end(site, totals, &thread.near_sites);
            }
            if let (true, Some(id)) = (named, id) {
                self.names.remove(id);
            }
        }
    }

    /// The task this thread polls, if it is a root future.
    pub(crate) fn current_root(&'static self) -> Option<TaskId> {
        thread::with_record(&self.threads, ThreadRecord::polling)
            .map(|poll| poll.task)
            .filter(|task| task.root_index().is_some())
    }

    /// As [`Recorder::current_root`], of a thread that has polled before; makes no record for others.
    #[inline]
    #[allow(clippy::unused_self)] // one recorder: its threads are found without it
    pub(crate) fn current_root_if_known(&'static self) -> Option<TaskId> {
        let poll = thread::present_record()?.polling()?;
        Some(poll.task).filter(|task| task.root_index().is_some())
    }

    /// What names the poll in progress on this thread: the number of the thread's record, and the beginning.
    pub(crate) fn current_poll(&'static self) -> Option<(u16, Ticks)> {
        thread::with_record(&self.threads, |thread| {
            thread.polling().map(|poll| (thread.number(), poll.since))
        })
    }

    /// Whether a poll is in progress on this thread.
    pub(crate) fn is_polling(&'static self) -> bool {
        thread::with_record(&self.threads, ThreadRecord::polling).is_some()
    }

    /// The poll that this thread is in.
    #[cfg(feature = "tracing-subscriber")]
    #[inline]
    #[allow(clippy::unused_self)] // one recorder: its threads are found without it
    pub(crate) fn own_poll(&'static self) -> Option<(&'static ThreadRecord, OwnPoll)> {
        let thread = thread::present_record()?;
        Some((thread, thread.polls.own()?))
    }

    /// Whether this is a task that is recorded and alive.
    #[inline]
    pub(crate) fn knows(&'static self, id: TaskId) -> bool {
        thread::with_record(&self.threads, |thread| {
            thread.polls.is_of(id) || {
                let inside = thread.enter();
                self.store
                    .find(&inside, id)
                    .is_some_and(|place| place.slot().life() == Life::Alive)
            }
        })
    }

    /// Has polls counted as long from this many ticks on.
    pub(crate) fn set_long_poll(&self, ticks: u64) {
        self.long_poll.store(ticks, Ordering::Relaxed);
    }

    /// Runs `body` as a region of this thread in which blocking is intended.
    pub(crate) fn allowing<T>(&'static self, body: impl FnOnce() -> T) -> T {
        struct Region(&'static ThreadRecord);
        impl Drop for Region {
            fn drop(&mut self) {
                self.0.allow(false);
            }
        }
        let _region = thread::with_record(&self.threads, |thread| {
            thread.allow(true);
            Region(thread)
        });
        body()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn threads(&self) -> &Threads {
        &self.threads
    }

    pub(crate) fn losses(&self) -> &Losses {
        &self.losses
    }

    pub(crate) fn name(&self, id: TaskId) -> Option<Arc<str>> {
        self.names.get(id)
    }

    pub(crate) fn site_of(&self, place: &'static Location<'static>) -> SiteId {
        self.sites.id_of(place)
    }

    pub(crate) fn place(&self, site: SiteId) -> Option<&'static Location<'static>> {
        self.sites.place(site)
    }

    pub(crate) fn site_figures(&self) -> Vec<SiteFigures> {
        self.sites
            .figures(|| self.threads.iter().map(|thread| &thread.near_sites))
    }

    pub(crate) fn sites_are_full(&self) -> bool {
        self.sites.is_full()
    }

    /// Whether the poll path gets by without a memory fence of its own.
    pub(crate) fn has_cheap_fence(&self) -> bool {
        self.cheap_fence.load(Ordering::Relaxed)
    }

    fn begin(&'static self, birth: &Birth) -> bool {
        let begun = thread::with_record(&self.threads, |thread| {
            self.store.begin(&thread.enter(), birth)
        });
        let lost = match begun {
            Ok(new) => return new,
            Err(NoSlot::Memory) => &self.losses.memory,
            Err(NoSlot::Window) => &self.losses.window,
        };
        lost.fetch_add(1, Ordering::Relaxed);
        false
    }
}

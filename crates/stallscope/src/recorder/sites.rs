//! Which places spawn tasks, and how many? A place is a line and column of source; its counters are
//! the basis of every per-place figure.

use std::collections::HashMap;
use std::panic::Location;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::slot::Totals;

/// Names a spawn place for the life of the process. 0 stands for every place beyond the capacity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct SiteId(pub(crate) u32);

impl SiteId {
    pub(crate) const UNKNOWN: SiteId = SiteId(0);
}

type Place = &'static Location<'static>;

/// Places told apart. One place can stand in several `Location`s (one for each instance of a
/// generic function), so there are more keys.
const PLACES: usize = 4096;
const KEYS: usize = 16 * 1024;

/// The spawn places seen so far.
pub(crate) struct Sites {
    /// Open addressing by the address of the `Location`; written once each, read without a lock.
    keys: [AtomicPtr<Location<'static>>; KEYS],
    values: [AtomicU32; KEYS],
    counters: [Counters; PLACES],
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    places: Vec<Place>,
    by_text: Option<HashMap<(&'static str, u32, u32), SiteId>>,
}

/// Places whose tasks each thread counts for itself; the few that make nearly all tasks are nearly
/// always among the first. Their counters have one writer, so counting needs no atomic
/// read-modify-write and shares no line between workers.
const NEAR: usize = 64;

/// One thread's counts of the first places.
pub(super) struct NearCounters([Counters; NEAR]);

/// Figures of the tasks of one place. They only grow.
struct Counters {
    spawned: AtomicU64,
    ended: AtomicU64,
    polls: AtomicU64,
    busy: AtomicU64,
    longest: AtomicU64,
}

/// One place with its figures, times in ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SiteFigures {
    pub(crate) id: SiteId,
    pub(crate) place: Option<Place>,
    pub(crate) spawned: u64,
    pub(crate) ended: u64,
    /// Of the ended tasks.
    pub(crate) totals: Totals,
}

impl Sites {
    #[allow(clippy::large_stack_arrays)] // it becomes a static; tests box it
    pub(super) const fn new() -> Self {
        Sites {
            keys: [const { AtomicPtr::new(std::ptr::null_mut()) }; KEYS],
            values: [const { AtomicU32::new(0) }; KEYS],
            counters: [const { Counters::new() }; PLACES],
            known: Mutex::new(Known {
                places: Vec::new(),
                by_text: None,
            }),
        }
    }

    /// The id of a place: without a lock but for the first time a place is seen.
    pub(crate) fn id_of(&self, place: Place) -> SiteId {
        let key = std::ptr::from_ref(place).cast_mut();
        for index in probe(key.addr()) {
            let found = self.keys[index].load(Ordering::Acquire);
            if std::ptr::eq(found, key) {
                return SiteId(self.values[index].load(Ordering::Acquire));
            }
            if found.is_null() {
                return self.insert(place);
            }
        }
        SiteId::UNKNOWN
    }

    pub(super) fn count_spawn(&self, site: SiteId, near: &NearCounters) {
        match near.get(site) {
            Some(counters) => add(&counters.spawned, 1),
            None => _ = self.counters(site).spawned.fetch_add(1, Ordering::Relaxed),
        }
    }

    pub(super) fn count_end(&self, site: SiteId, totals: Totals, near: &NearCounters) {
        if let Some(counters) = near.get(site) {
            add(&counters.polls, totals.polls);
            add(&counters.busy, totals.busy);
            let longest = counters.longest.load(Ordering::Relaxed).max(totals.longest);
            counters.longest.store(longest, Ordering::Relaxed);
            add(&counters.ended, 1);
        } else {
            let counters = self.counters(site);
            counters.polls.fetch_add(totals.polls, Ordering::Relaxed);
            counters.busy.fetch_add(totals.busy, Ordering::Relaxed);
            counters
                .longest
                .fetch_max(totals.longest, Ordering::Relaxed);
            counters.ended.fetch_add(1, Ordering::Release);
        }
    }

    pub(crate) fn place(&self, site: SiteId) -> Option<Place> {
        let known = self.known();
        known.places.get((site.0 as usize).checked_sub(1)?).copied()
    }

    /// All places with their figures, those beyond the capacity as one with id 0 if there are any.
    /// `near` gives the counts of every thread.
    pub(super) fn figures<'a, I>(&self, near: impl Fn() -> I) -> Vec<SiteFigures>
    where
        I: Iterator<Item = &'a NearCounters>,
    {
        let places = self.known().places.clone();
        let unknown = std::iter::once((SiteId::UNKNOWN, None));
        let known = places
            .into_iter()
            .enumerate()
            .map(|(index, place)| (SiteId(index as u32 + 1), Some(place)));
        unknown
            .chain(known)
            .map(|(id, place)| {
                let counters = || {
                    near()
                        .filter_map(|near| near.get(id))
                        .chain([self.counters(id)])
                };
                figures_of(id, place, counters)
            })
            .filter(|figures| figures.place.is_some() || figures.spawned > 0)
            .collect()
    }

    /// Whether places had to be thrown together under id 0.
    pub(crate) fn is_full(&self) -> bool {
        self.known().places.len() + 1 >= PLACES
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counters(&self, site: SiteId) -> &Counters {
        self.counters
            .get(site.0 as usize)
            .unwrap_or(&self.counters[0])
    }

    #[cold]
    fn insert(&self, place: Place) -> SiteId {
        let mut known = self.known();
        let id = known.id_of(place);
        let key = std::ptr::from_ref(place).cast_mut();
        // Only this function writes keys, under the lock.
        let free = probe(key.addr()).find(|&index| {
            let found = self.keys[index].load(Ordering::Relaxed);
            found.is_null() || std::ptr::eq(found, key)
        });
        if let Some(index) = free {
            self.values[index].store(id.0, Ordering::Release);
            self.keys[index].store(key, Ordering::Release);
        }
        id
    }
}

fn figures_of<'a, I>(id: SiteId, place: Option<Place>, counters: impl Fn() -> I) -> SiteFigures
where
    I: Iterator<Item = &'a Counters>,
{
    let sum = |of: fn(&Counters) -> &AtomicU64| {
        counters()
            .map(|counters| of(counters).load(Ordering::Acquire))
            .sum()
    };
    // `ended` first: a task that ends between the two sums must not make the difference negative.
    let ended = sum(|counters| &counters.ended);
    let longest = counters()
        .map(|counters| counters.longest.load(Ordering::Relaxed))
        .max();
    SiteFigures {
        id,
        place,
        ended,
        spawned: sum(|counters| &counters.spawned),
        totals: Totals {
            polls: sum(|counters| &counters.polls),
            busy: sum(|counters| &counters.busy),
            longest: longest.unwrap_or(0),
        },
    }
}

/// Adds to a counter that only the calling thread writes.
fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Ordering::Relaxed) + more, Ordering::Release);
}

impl NearCounters {
    pub(super) const fn new() -> Self {
        NearCounters([const { Counters::new() }; NEAR])
    }

    fn get(&self, site: SiteId) -> Option<&Counters> {
        self.0.get(site.0 as usize)
    }
}

impl Known {
    fn id_of(&mut self, place: Place) -> SiteId {
        let text = (place.file(), place.line(), place.column());
        let by_text = self.by_text.get_or_insert_default();
        if let Some(&id) = by_text.get(&text) {
            return id;
        }
        if self.places.len() + 1 >= PLACES {
            return SiteId::UNKNOWN;
        }
        self.places.push(place);
        let id = SiteId(self.places.len() as u32);
        by_text.insert(text, id);
        id
    }
}

impl Counters {
    const fn new() -> Self {
        Counters {
            spawned: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            polls: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            longest: AtomicU64::new(0),
        }
    }
}

/// The places a key may stand in: 64 tries, so that a full table costs a bounded time.
fn probe(address: usize) -> impl Iterator<Item = usize> {
    // `Location`s are at least 8 bytes apart and lie close together.
    let start = (address >> 3).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as usize) >> 20;
    (0..64).map(move |step| start.wrapping_add(step) % KEYS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn here() -> Place {
        Location::caller()
    }

    #[test]
    fn one_place_has_one_id_and_counts_its_tasks() {
        let sites = Box::new(Sites::new());
        let ids: Vec<SiteId> = (0..3).map(|_| sites.id_of(here())).collect();
        let other = sites.id_of(here());
        assert!(ids.iter().all(|&id| id == ids[0]));
        assert_ne!(other, ids[0]);

        let near = [NearCounters::new(), NearCounters::new()];
        sites.count_spawn(ids[0], &near[0]);
        sites.count_spawn(ids[0], &near[1]);
        sites.count_end(
            ids[0],
            Totals {
                polls: 3,
                busy: 40,
                longest: 30,
            },
            &near[1],
        );
        let figures = sites.figures(|| near.iter());
        assert_eq!(
            figures.len(),
            2,
            "no place was lost, so none is called unknown"
        );
        assert_eq!((figures[0].spawned, figures[0].ended), (2, 1));
        assert_eq!(
            figures[0].totals,
            Totals {
                polls: 3,
                busy: 40,
                longest: 30
            }
        );
        assert_eq!(
            figures[0].place.map(Location::line),
            sites.place(ids[0]).map(Location::line)
        );
    }

    #[test]
    fn two_locations_of_the_same_line_are_one_place() {
        let sites = Box::new(Sites::new());
        let place = here();
        let copy: Place = Box::leak(Box::new(*place));
        assert!(!std::ptr::eq(place, copy));
        assert_eq!(sites.id_of(place), sites.id_of(copy));
    }

    #[test]
    fn a_place_beyond_the_capacity_is_counted_as_unknown() {
        let sites = Box::new(Sites::new());
        {
            let mut known = sites.known.lock().expect("unpoisoned");
            let place = here();
            known.places = vec![place; PLACES - 1];
        }
        let id = sites.id_of(here());
        assert_eq!(id, SiteId::UNKNOWN);
        let near = [NearCounters::new()];
        sites.count_spawn(id, &near[0]);
        assert!(sites.is_full());
        assert_eq!(sites.figures(|| near.iter())[0].spawned, 1);

        let far = SiteId(NEAR as u32);
        sites.count_spawn(far, &near[0]);
        let spawned = sites
            .figures(|| near.iter())
            .iter()
            .find(|figures| figures.id == far)
            .map(|figures| figures.spawned);
        assert_eq!(
            spawned,
            Some(1),
            "places beyond those that threads count for themselves"
        );
    }
}

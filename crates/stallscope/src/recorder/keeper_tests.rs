//! The keeper at work: what is freed, what is moved, and that workers lose nothing meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::thread as os_thread;
use std::time::{Duration, Instant};

use super::super::clock::Ticks;
use super::super::sites::SiteId;
use super::super::slot::{Birth, Kind};
use super::super::thread::ThreadRecord;
use super::*;

/// A recorder's store with a worker and a keeper, in a test's own hands.
struct Scene {
    store: &'static Store,
    threads: &'static Threads,
    worker: &'static ThreadRecord,
    keeper: Keeper,
}

impl Scene {
    fn new() -> Self {
        fence::prepare();
        let store: &'static Store = Box::leak(Box::new(Store::new()));
        let threads: &'static Threads = Box::leak(Box::new(Threads::new()));
        Scene {
            store,
            threads,
            worker: threads.claim(),
            keeper: Keeper::new(store, threads),
        }
    }

    fn spawn(&self, id: u64) {
        spawn(self.store, self.worker, id);
    }

    fn poll(&self, id: u64, lasted: u64) -> bool {
        poll(self.store, self.worker, id, lasted)
    }

    fn end(&self, id: u64) {
        end(self.store, self.worker, id);
    }

    fn polls_of(&self, id: u64) -> Option<u64> {
        self.keeper
            .record(TaskId(id))
            .filter(|record| record.life == Life::Alive)
            .map(|record| record.totals.polls)
    }

    fn live(&self) -> Vec<u64> {
        let mut ids = Vec::new();
        self.keeper.for_each_live(|record| ids.push(record.id.0));
        ids.sort_unstable();
        ids
    }

    fn tidy(&mut self) -> Tidied {
        let mut all = Tidied::default();
        // Twice: pages settle for one round before their survivors are moved.
        for _ in 0..2 {
            let round = self.keeper.tidy();
            all.pages_freed += round.pages_freed;
            all.tasks_moved += round.tasks_moved;
        }
        all
    }
}

fn spawn(store: &Store, worker: &ThreadRecord, id: u64) {
    let birth = Birth {
        id: TaskId(id),
        parent: None,
        kind: Kind::Task,
        site: SiteId(1),
        runtime: 0,
        named: false,
        at: Ticks(id),
    };
    store.begin(&worker.enter(), &birth).expect("a slot");
}

fn poll(store: &Store, worker: &ThreadRecord, id: u64, lasted: u64) -> bool {
    let inside = worker.enter();
    let place = store.find(&inside, TaskId(id));
    place
        .inspect(|place| place.slot().poll_ended(Ticks(id + lasted), lasted, 0))
        .is_some()
}

fn end(store: &Store, worker: &ThreadRecord, id: u64) {
    let inside = worker.enter();
    let place = store
        .find(&inside, TaskId(id))
        .expect("a task that is alive");
    store.end(place, Life::Alive).expect("a first end");
}

#[test]
fn pages_of_ended_tasks_are_freed_and_the_newest_is_kept() {
    let mut scene = Scene::new();
    let ids = 1..=10 * SLOTS as u64;
    ids.clone().for_each(|id| scene.spawn(id));
    ids.for_each(|id| scene.end(id));
    let full = scene.keeper.bytes();
    assert_eq!(scene.tidy().pages_freed, 10);
    assert!(
        scene.keeper.bytes() <= full / 10,
        "{} of {full} bytes are left",
        scene.keeper.bytes()
    );
    assert_eq!(scene.live(), [] as [u64; 0]);
}

#[test]
fn one_task_in_a_thousand_costs_at_most_128_bytes() {
    let mut scene = Scene::new();
    let ids = 1..=1_000_000_u64;
    ids.clone().for_each(|id| scene.spawn(id));
    ids.clone()
        .filter(|id| id % 1000 != 7)
        .for_each(|id| scene.end(id));
    scene.tidy();
    let eternal: Vec<u64> = ids.filter(|id| id % 1000 == 7).collect();
    assert_eq!(scene.live(), eternal);
    let newest_page = size_of::<super::super::page::Page>();
    let each = (scene.keeper.bytes() - newest_page) / eternal.len();
    assert!(each <= 128, "{each} bytes per live task");
}

#[test]
fn a_moved_task_keeps_its_times_and_goes_on_counting() {
    let mut scene = Scene::new();
    (1..=3000).for_each(|id| scene.spawn(id));
    assert!(scene.poll(42, 500));
    (1..=3000)
        .filter(|&id| id != 42)
        .for_each(|id| scene.end(id));
    assert_eq!(scene.tidy().tasks_moved, 1);
    assert!(scene.poll(42, 300));
    let record = scene.keeper.record(TaskId(42)).expect("still known");
    assert_eq!(
        (
            record.totals.polls,
            record.totals.busy,
            record.totals.longest
        ),
        (2, 800, 500)
    );
    assert_eq!(record.spawned, Ticks(42));

    scene.end(42);
    for _ in 0..20 {
        scene.keeper.tidy();
    }
    assert_eq!(scene.live(), [] as [u64; 0]);
    assert!(!scene.poll(42, 1), "its place is free again");
}

#[test]
fn a_worker_that_uses_a_claimed_page_keeps_it() {
    let mut scene = Scene::new();
    (1..=3000).for_each(|id| scene.spawn(id));
    (2..=3000).for_each(|id| scene.end(id));
    scene.keeper.look_at_end();
    assert!(scene.store.table.claim(0));
    let moved = scene.keeper.archive_survivors(0);
    assert_eq!(moved.len(), 1);
    assert!(scene.poll(1, 10), "the worker is faster");
    // SAFETY: no other thread exists in this scene.
    assert!(unsafe { scene.store.table.commit(0) }.is_none());
    scene.keeper.take_back(&moved);
    assert_eq!(scene.live(), [1]);
    assert_eq!(scene.polls_of(1), Some(1));
}

#[test]
fn a_task_whose_spawn_was_so_late_that_its_page_was_freed_before_gets_a_new_one() {
    let mut scene = Scene::new();
    (1..=5000)
        .filter(|&id| id != 100)
        .for_each(|id| scene.spawn(id));
    (1..=5000)
        .filter(|&id| id != 100)
        .for_each(|id| scene.end(id));
    scene.tidy();
    scene.spawn(100); // its thread was preempted between getting the id and telling us
    assert_eq!(scene.live(), [100]);
    assert_eq!(scene.tidy().tasks_moved, 1);
    assert_eq!(scene.live(), [100]);
}

#[test]
fn an_id_whose_place_in_the_window_is_taken_is_refused_until_the_old_one_has_moved() {
    let mut scene = Scene::new();
    let window = (WINDOW * SLOTS) as u64;
    scene.spawn(5);
    let birth = |id| Birth {
        id: TaskId(id),
        parent: None,
        kind: Kind::Task,
        site: SiteId(1),
        runtime: 0,
        named: false,
        at: Ticks(1),
    };
    let refused = scene.store.begin(&scene.worker.enter(), &birth(window + 5));
    assert_eq!(refused, Err(super::super::table::NoSlot::Window));
    scene.spawn(window / 2 + 5000);
    scene.tidy();
    assert_eq!(
        scene.store.begin(&scene.worker.enter(), &birth(window + 5)),
        Ok(true)
    );
    scene.tidy();
    assert_eq!(scene.live(), [5, window / 2 + 5000, window + 5]);
}

/// The race itself: workers poll and end tasks at full speed while the keeper moves everything it
/// can.
#[test]
fn nothing_is_lost_while_records_move_under_busy_workers() {
    const TASKS: u64 = 60_000;
    let mut scene = Scene::new();
    let stop = AtomicBool::new(false);
    let polled: Vec<AtomicU64> = (0..=TASKS).map(|_| AtomicU64::new(0)).collect();
    let (store, threads) = (scene.store, scene.threads);
    os_thread::scope(|scope| {
        for half in 0..2_u64 {
            let (stop, polled) = (&stop, &polled);
            scope.spawn(move || {
                let worker = threads.claim();
                let mine = || (1..=TASKS).filter(|id| id % 2 == half);
                for id in mine() {
                    spawn(store, worker, id);
                    if id > 4000 && id % 100 > 2 {
                        end(store, worker, id);
                    }
                }
                let survivors: Vec<u64> =
                    mine().filter(|id| id <= &4000 || id % 100 <= 2).collect();
                loop {
                    for &id in &survivors {
                        assert!(poll(store, worker, id, 1), "task {id} was not found");
                        polled[id as usize].fetch_add(1, Ordering::Relaxed);
                    }
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    // One core for two workers and the keeper would otherwise be taken for good.
                    os_thread::yield_now();
                }
                worker.leave();
            });
        }
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut moved = 0;
        while moved < 500 && Instant::now() < deadline {
            moved += scene.keeper.tidy().tasks_moved;
            os_thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
        assert!(moved >= 500, "the keeper won only {moved} tasks");
    });
    let mut survivors = 0;
    for id in 1..=TASKS {
        let count = polled[id as usize].load(Ordering::Relaxed);
        if count > 0 {
            survivors += 1;
            assert_eq!(scene.polls_of(id), Some(count), "task {id}");
        }
    }
    assert_eq!(scene.live().len(), survivors);
}

//! Which threads sleep on within one poll? Answered from looks at threads alone, which are cheap: there can be many.
//!
//! A thread that is seen twice in the same system call, and was put on no processor in between, has slept all that time. So what it
//! said it polls at the first look it polled until the second. Nothing of the kind can be said of a thread that runs: it may have
//! begun a new poll of the same task.

use std::collections::HashMap;
use std::mem;
use std::ops::Range;
use std::time::Duration;

use stallscope_stack::kernel::{Position, RunState};

use crate::memory::Thread;

/// Looks at the threads of one process, one after the other. `E` is what is kept of a poll besides, its stack.
#[derive(Debug)]
pub struct Polls<E> {
    threshold: Duration,
    /// The number of the next stay.
    next: u64,
    /// Those that lasted at the last look, by thread.
    stays: HashMap<u32, Stay<E>>,
    over: Vec<LongPoll<E>>,
}

/// A poll in which a thread sleeps for longer than it should.
#[derive(Debug, Clone, PartialEq)]
pub struct LongPoll<E> {
    /// The number of the task.
    pub task: u64,
    /// The thread, as it was when it was first seen asleep.
    pub thread: Thread,
    /// From the first to the last look at which it slept, on the clock of the looks: at least this long.
    pub slept: Range<Duration>,
    /// What was [kept](Polls::keep) of it.
    pub evidence: Option<E>,
    /// It slept at the last look still.
    pub ongoing: bool,
}

impl<E> LongPoll<E> {
    /// For how long it slept at least.
    pub fn held(&self) -> Duration {
        self.slept.end.saturating_sub(self.slept.start)
    }
}

/// A stay of a thread in the kernel that may become too long. Look closer now: there may be no other time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Names it for [`Polls::keep`].
    pub number: u64,
    /// The thread, as it was when it was first seen asleep.
    pub thread: Thread,
    /// The number of the task.
    pub task: u64,
}

/// A thread's stay in one system call, within one task.
#[derive(Debug)]
struct Stay<E> {
    number: u64,
    poll: LongPoll<E>,
    is_due: bool,
}

impl<E> Polls<E> {
    /// Nothing has been seen yet. A poll is too long from `threshold` on.
    pub fn new(threshold: Duration) -> Self {
        Self {
            threshold,
            next: 0,
            stays: HashMap::new(),
            over: Vec::new(),
        }
    }

    /// Takes note of a look at all threads, each with the number of the task it polls, and tells which stays have just become half as
    /// long as is too long. `look`: when it began and ended, on a clock that only goes forward.
    pub fn note(&mut self, look: &Range<Duration>, threads: &[(Thread, Option<u64>)]) -> Vec<Due> {
        let mut before = mem::take(&mut self.stays);
        let mut due = Vec::new();
        for (thread, task) in threads {
            let Some(task) = task.filter(|_| is_asleep(thread)) else {
                continue;
            };
            let known = before.remove(&thread.tid);
            let mut stay = match known {
                Some(known) if known.goes_on(thread, task) => known,
                other => {
                    self.end(other);
                    self.begin(thread, task, look.end)
                }
            };
            stay.poll.slept.end = look.start.max(stay.poll.slept.start);
            if !stay.is_due && stay.poll.held() >= self.threshold / 2 {
                stay.is_due = true;
                due.push(Due {
                    number: stay.number,
                    thread: stay.poll.thread.clone(),
                    task,
                });
            }
            self.stays.insert(thread.tid, stay);
        }
        for stay in before.into_values() {
            self.end(Some(stay));
        }
        due
    }

    /// Keeps what was seen of a stay that was due.
    pub fn keep(&mut self, number: u64, evidence: E) {
        let mut stays = self.stays.values_mut();
        if let Some(stay) = stays.find(|stay| stay.number == number) {
            stay.poll.evidence = Some(evidence);
        }
    }

    /// All that were too long, in the order in which they began.
    pub fn finish(self) -> Vec<LongPoll<E>> {
        let threshold = self.threshold;
        let last = self.stays.into_values().map(|stay| LongPoll {
            ongoing: true,
            ..stay.poll
        });
        let too_long = last.filter(|poll| poll.held() >= threshold);
        let mut all: Vec<_> = self.over.into_iter().chain(too_long).collect();
        all.sort_by_key(|poll| (poll.slept.start, poll.thread.tid));
        all
    }

    fn begin(&mut self, thread: &Thread, task: u64, at: Duration) -> Stay<E> {
        self.next += 1;
        Stay {
            number: self.next,
            poll: LongPoll {
                task,
                thread: thread.clone(),
                slept: at..at,
                evidence: None,
                ongoing: false,
            },
            is_due: false,
        }
    }

    fn end(&mut self, stay: Option<Stay<E>>) {
        let too_long = stay.filter(|stay| stay.poll.held() >= self.threshold);
        self.over.extend(too_long.map(|stay| stay.poll));
    }
}

impl<E> Stay<E> {
    /// Whether the thread has not run since, which it would have had to for another poll.
    fn goes_on(&self, thread: &Thread, task: u64) -> bool {
        let first = &self.poll.thread;
        self.poll.task == task
            && first.position() == thread.position()
            && switches(first) == switches(thread)
    }
}

/// Whether it sleeps in the kernel, and enough is known to tell whether it goes on sleeping.
fn is_asleep(thread: &Thread) -> bool {
    matches!(
        thread.run_state(),
        RunState::Sleeping | RunState::Uninterruptible
    ) && matches!(
        thread.position(),
        Position::InSystemCall { .. } | Position::InFault { .. }
    ) && switches(thread).is_some()
}

/// How often it was put on a processor.
fn switches(thread: &Thread) -> Option<u64> {
    Some(thread.kernel.as_ref()?.times?.switches)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stallscope_stack::Tid;
    use stallscope_stack::kernel::{SchedTimes, SystemCall, ThreadState};

    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// A thread asleep in `clock_nanosleep`, put on a processor so often before.
    fn asleep(switches: u64) -> Thread {
        let call = SystemCall {
            number: 230,
            arguments: [0; 6],
        };
        let kernel = ThreadState {
            tid: Tid::new(7).expect("a number"),
            run_state: RunState::Sleeping,
            position: Position::InSystemCall {
                call,
                sp: 0x7ffe,
                pc: 0x4010,
            },
            wait_channel: None,
            times: Some(SchedTimes {
                on_cpu: MS(1),
                waiting_for_cpu: MS(0),
                switches,
            }),
            faults: None,
            descriptors: Vec::new(),
        };
        Thread {
            tid: 7,
            kernel: Some(kernel),
            ..Thread::default()
        }
    }

    fn with(change: impl FnOnce(&mut ThreadState)) -> Thread {
        let mut thread = asleep(5);
        change(thread.kernel.as_mut().expect("it has one"));
        thread
    }

    /// Looks that take no time at these milliseconds, at one thread that polls task 1.
    struct Session(Polls<&'static str>);

    impl Session {
        fn new() -> Self {
            Self(Polls::new(MS(20)))
        }

        fn look(&mut self, at: u64, thread: &Thread) -> Vec<u64> {
            self.look_at(at, &[(thread.clone(), Some(1))])
        }

        fn look_at(&mut self, at: u64, threads: &[(Thread, Option<u64>)]) -> Vec<u64> {
            let due = self.0.note(&(MS(at)..MS(at)), threads);
            due.into_iter().map(|due| due.number).collect()
        }

        fn told(self) -> Vec<(u64, Duration, bool)> {
            let told = self.0.finish().into_iter();
            told.map(|poll| (poll.task, poll.held(), poll.ongoing))
                .collect()
        }
    }

    #[test]
    fn a_thread_that_sleeps_on_is_due_at_half_the_threshold_and_told_beyond_it() {
        let mut session = Session::new();
        assert_eq!(session.look(0, &asleep(5)), []);
        assert_eq!(session.look(9, &asleep(5)), []);
        assert_eq!(session.look(10, &asleep(5)), [1]);
        session.0.keep(1, "its stack");
        assert_eq!(session.look(14, &asleep(5)), [], "once");
        assert_eq!(session.look(900, &asleep(5)), []);
        let told = session.0.finish();
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].held(), told[0].ongoing), (MS(900), true));
        assert_eq!(told[0].evidence, Some("its stack"));
    }

    #[test]
    fn what_ends_in_between_is_told_with_the_time_it_was_seen() {
        let mut session = Session::new();
        for at in [0, 10, 20, 25] {
            session.look(at, &asleep(5));
        }
        session.look(30, &asleep(6));
        session.look(45, &asleep(6));
        session.look_at(50, &[]);
        assert_eq!(session.told(), [(1, MS(25), false)]);
    }

    #[test]
    fn a_thread_that_ran_in_between_may_have_begun_another_poll() {
        let mut session = Session::new();
        for look in 0..50 {
            assert_eq!(session.look(10 * look, &asleep(look)), []);
        }
        assert_eq!(session.told(), []);
    }

    #[test]
    fn one_that_computes_is_not_told_however_long_it_is_seen_in_the_same_task() {
        let computes = with(|kernel| {
            kernel.run_state = RunState::Running;
            kernel.position = Position::Running;
        });
        let mut session = Session::new();
        session.look(0, &computes);
        session.look(5000, &computes);
        assert_eq!(session.told(), []);
    }

    #[test]
    fn without_the_count_of_switches_nothing_is_proven() {
        let mut session = Session::new();
        let unknown = with(|kernel| kernel.times = None);
        session.look(0, &unknown);
        session.look(5000, &unknown);
        assert_eq!(session.told(), []);
    }

    #[test]
    fn a_thread_outside_of_any_task_may_sleep() {
        let mut session = Session::new();
        session.look_at(0, &[(asleep(5), None)]);
        session.look_at(5000, &[(asleep(5), None)]);
        assert_eq!(session.told(), []);
    }

    #[test]
    fn a_page_that_is_read_from_disk_counts_too() {
        let faults = with(|kernel| {
            kernel.run_state = RunState::Uninterruptible;
            kernel.position = Position::InFault {
                sp: 0x7ffe,
                pc: 0x4010,
            };
        });
        let mut session = Session::new();
        session.look(0, &faults);
        session.look(30, &faults);
        assert_eq!(session.told(), [(1, MS(30), true)]);
    }

    #[test]
    fn the_time_that_a_look_took_is_not_counted() {
        let mut polls = Polls::<()>::new(MS(20));
        let threads = [(asleep(5), Some(1))];
        polls.note(&(MS(0)..MS(15)), &threads);
        polls.note(&(MS(30)..MS(45)), &threads);
        assert_eq!(polls.finish(), [], "from 15 to 30 it slept for certain");
    }

    proptest! {
        /// Whatever is seen: no more than the time between the looks is told, and of one thread no moment twice.
        #[test]
        fn what_is_told_fits_between_the_looks(looks in prop::collection::vec((0..40_u64, 0..3_u64, prop::option::of(1..3_u64)), 0..60)) {
            let mut session = Session::new();
            let mut at = 0;
            for (later, switches, task) in looks {
                at += later;
                session.look_at(at, &[(asleep(switches), task)]);
            }
            let told = session.0.finish();
            for poll in &told {
                prop_assert!(poll.held() >= MS(20) && poll.slept.end <= MS(at));
            }
            for pair in told.windows(2) {
                prop_assert!(pair[0].slept.end <= pair[1].slept.start);
            }
        }
    }
}

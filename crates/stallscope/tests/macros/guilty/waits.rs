//! Tests whose tasks and threads wait for locks: for good or in a long queue, and as it should be.

#[path = "waits/programs.rs"]
mod programs;

use std::any::Any;
use std::panic::catch_unwind;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use stallscope::__private::{Limits, test};
use stallscope::sync::{Mutex, blocking};
use tokio::runtime::Builder;

use super::is_run;

/// For each rule: a test of its guilty program, one of its repaired twin, and those that count how often each fails.
macro_rules! tests {
    ($($kind:ident ($($flavor:tt)*) $new:ident $rule:literal;)+) => { $(
        mod $kind {
            use super::*;

            #[stallscope::test($($flavor)* perturb = "0..20")]
            async fn guilty() {
                if is_run() {
                    programs::$kind::badly().await;
                }
            }

            #[stallscope::test($($flavor)* perturb = "0..5")]
            async fn repaired() {
                if is_run() {
                    programs::$kind::well().await;
                }
            }

            #[test]
            fn counted() {
                if is_run() {
                    count(Builder::$new, programs::$kind::badly, $rule);
                }
            }

            #[test]
            fn repaired_counted() {
                if is_run() {
                    count(Builder::$new, programs::$kind::well, "");
                }
            }
        }
    )+ };
}

mod of {
    use super::*;

    tests! {
        deadlock() new_current_thread "#unsynchronized-state-deadlock";
        blocked(flavor = "multi_thread", worker_threads = 2,) new_multi_thread "#unsynchronized-state-deadlock";
        futurelock() new_current_thread "#unsynchronized-state-futurelock";
        convoy() new_current_thread "#unsynchronized-state-convoy";
    }

    /// Runs that stand still take seconds and no processor: so many stand beside each other.
    const RUNS: u64 = 40;
    /// The first of as many seeds, if it is not 0.
    const FIRST_SEED: &str = "MACROS_FIRST_SEED";

    /// In how many runs, each with a seed of its own, the program fails its test in words that contain these.
    fn count<F: Future<Output = ()>>(
        builder: fn() -> Builder,
        program: fn() -> F,
        words: &'static str,
    ) {
        let fails = move |seed| {
            let test = || {
                let mut builder = builder();
                builder.enable_all().worker_threads(2);
                // How long a poll may take is not what is asked, and so many runs keep each other from running.
                let limits = Limits::new().long_poll(Duration::from_secs(60));
                test(builder, limits.perturb(seed..=seed), program);
            };
            catch_unwind(test).is_err_and(|panic| says(panic.as_ref(), words))
        };
        let first = std::env::var(FIRST_SEED).map_or(0, |first| first.parse().expect("a seed"));
        let found = thread::scope(|scope| {
            let runs: Vec<_> = (first..first + RUNS)
                .map(|seed| scope.spawn(move || fails(seed)))
                .collect();
            let found = runs.into_iter().map(|run| run.join().expect("no panic"));
            found.filter(|found| *found).count()
        });
        println!("found in {found} of {RUNS}");
    }

    fn says(panic: &(dyn Any + Send), words: &str) -> bool {
        panic
            .downcast_ref::<String>()
            .is_some_and(|told| told.contains(words))
    }
}

/// If it were not ended, nobody would.
fn lest_it_hangs() {
    thread::spawn(|| {
        thread::sleep(Duration::from_secs(60));
        println!("it hangs");
        std::process::exit(1);
    });
}

#[stallscope::test]
async fn body_waits_for_itself() {
    if is_run() {
        lest_it_hangs();
        let stock = Mutex::new(0);
        // itself: holds
        let _stock = stock.lock().await;
        // itself: waits
        let _again = stock.lock().await;
    }
}

#[stallscope::test(flavor = "local")]
async fn body_is_blocked() {
    if is_run() {
        lest_it_hangs();
        let stock = blocking::Mutex::new(0);
        // blocked body: holds
        let _stock = stock.lock();
        // blocked body: waits
        let _again = stock.lock();
    }
}

#[stallscope::test(conflicts = "allow")]
async fn may_wait_for_a_while() {
    if is_run() {
        let stock = Mutex::new(0);
        let _stock = stock.lock().await;
        let gives_up = tokio::time::timeout(Duration::from_secs(8), stock.lock()).await;
        assert!(gives_up.is_err());
    }
}

/// Two threads that belong to no runtime, and are left to themselves.
#[stallscope::test]
async fn threads_of_nobody() {
    if is_run() {
        let both = Arc::new((
            Barrier::new(2),
            blocking::Mutex::new(0),
            blocking::Mutex::new(0),
        ));
        for turned in [false, true] {
            let both = both.clone();
            thread::spawn(move || {
                let (barrier, left, right) = &*both;
                let (first, second) = if turned { (right, left) } else { (left, right) };
                let _first = first.lock();
                barrier.wait();
                let _second = second.lock();
            });
        }
        tokio::time::sleep(Duration::from_secs(6)).await;
    }
}

/// One that stands still, and one that goes on meanwhile.
mod beside {
    use super::*;

    #[stallscope::test(perturb = "0..20")]
    async fn guilty() {
        if is_run() {
            programs::deadlock::badly().await;
        }
    }

    #[stallscope::test]
    async fn innocent() {
        if is_run() {
            for _ in 0..100 {
                programs::deadlock::well().await;
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
        }
    }
}

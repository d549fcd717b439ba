//! Tests whose tasks use the same state, without an order that they agree on and as it should be.

#[path = "sharing/beside.rs"]
mod beside;
#[path = "sharing/programs.rs"]
pub(super) mod programs;
#[path = "sharing/seeds.rs"]
mod seeds;
#[path = "sharing/told.rs"]
mod told;

use super::is_run;

/// For each kind: a test of its guilty program, one of its repaired twin, and one that counts how often the first is found out.
macro_rules! tests {
    ($($kind:ident ($($flavor:tt)*) $new:ident;)+) => { $(
        mod $kind {
            use super::*;

            #[stallscope::test($($flavor)* perturb = 1)]
            async fn guilty() {
                if is_run() {
                    programs::$kind::badly().await;
                }
            }

            #[stallscope::test($($flavor)* perturb = 1)]
            async fn repaired() {
                if is_run() {
                    programs::$kind::well().await;
                }
            }

            #[test]
            fn counted() {
                if is_run() {
                    count(tokio::runtime::Builder::$new, programs::$kind::badly);
                }
            }
        }
    )+ };
}

mod of {
    use super::*;

    tests! {
        shared() new_current_thread;
        region() new_current_thread;
        torn() new_current_thread;
        guard() new_current_thread;
        span() new_current_thread;
        thread_local(flavor = "multi_thread", worker_threads = 2,) new_multi_thread;
        overlap() new_current_thread;
    }

    #[test]
    fn threads_counted() {
        if is_run() {
            count(
                tokio::runtime::Builder::new_multi_thread,
                programs::shared::badly_on_threads,
            );
        }
    }

    /// In how many of 200 runs, each with a seed of its own, the program fails its test; and in how many of 50 without any.
    fn count<F: Future<Output = ()>>(builder: fn() -> tokio::runtime::Builder, program: fn() -> F) {
        use stallscope::__private::{Limits, test};
        let fails = |limits: Limits| {
            let test = || {
                let mut builder = builder();
                builder.enable_all().worker_threads(2);
                test(builder, limits, program);
            };
            std::panic::catch_unwind(test).is_err()
        };
        let perturbed = (0..200).filter(|&seed| fails(Limits::new().perturb(seed..=seed)));
        println!("found in {} of 200", perturbed.count());
        let plain = (0..50).filter(|_| fails(Limits::new()));
        println!("unperturbed in {} of 50", plain.count());
    }
}

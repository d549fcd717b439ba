//! Programs that keep something across an `.await` which belongs to a thread, and their repaired twins.

use std::cell::Cell;

use stallscope::sync::blocking;
use tracing::Instrument;

use super::{Audit, Threads, all, note};

/// A guard of a blocking lock.
pub(crate) mod guard {
    use super::*;

    pub(crate) async fn badly() {
        let (table, audit) = (blocking::Mutex::new(0), Audit::default());
        for _ in 0..5 {
            // guard: taken here
            let mut table = table.lock().expect("not poisoned");
            note(&audit).await;
            *table += 1;
        }
    }

    pub(crate) async fn well() {
        let (table, audit) = (blocking::Mutex::new(0), Audit::default());
        for _ in 0..5 {
            note(&audit).await;
            *table.lock().expect("not poisoned") += 1;
        }
    }
}

/// A span of `tracing`.
pub(crate) mod span {
    use super::*;

    pub(crate) async fn badly() {
        let _default = tracing::subscriber::set_default(tracing_subscriber::Registry::default());
        let audit = Audit::default();
        for _ in 0..5 {
            // span: made here
            let _entered = tracing::info_span!("sweep").entered();
            note(&audit).await;
        }
    }

    pub(crate) async fn well() {
        let _default = tracing::subscriber::set_default(tracing_subscriber::Registry::default());
        let audit = Audit::default();
        for _ in 0..5 {
            note(&audit).instrument(tracing::info_span!("sweep")).await;
        }
    }
}

/// A variable of the thread.
pub(crate) mod thread_local {
    use super::*;

    stallscope::thread_local! {
        static REQUEST: Cell<u64> = const { Cell::new(0) };
    }

    pub(crate) async fn badly() {
        let (audit, threads) = (Audit::default(), Threads::default());
        let serves = |request| {
            let (audit, threads) = (audit.clone(), threads.clone());
            stallscope::spawn(async move {
                threads.are_two().await;
                for _ in 0..30 {
                    // thread local: set here
                    REQUEST.set(request);
                    note(&audit).await;
                    // thread local: read here
                    REQUEST.get();
                }
            })
        };
        all((0..8).map(serves)).await;
    }

    pub(crate) async fn well() {
        let audit = Audit::default();
        let serves = |request| {
            let audit = audit.clone();
            stallscope::spawn(async move {
                for _ in 0..30 {
                    note(&audit).await;
                    REQUEST.set(request);
                    assert_eq!(REQUEST.get(), request);
                }
            })
        };
        all((0..8).map(serves)).await;
    }
}

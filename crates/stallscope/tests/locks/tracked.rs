//! Our locks, with stallscope on.

use std::sync::Once;

pub(crate) use stallscope::sync as tokio_sync;
pub(crate) use stallscope::sync::blocking as std_sync;

#[path = "blocking.rs"]
mod blocking;
#[path = "mutex.rs"]
mod mutex;
#[path = "rwlock.rs"]
mod rwlock;

pub(crate) fn begin() {
    static STARTED: Once = Once::new();
    STARTED.call_once(stallscope_is_on);
}

#[stallscope::test]
async fn stallscope_is_on() {}

//! An application that keeps its `#[tokio::main]`: one call in its first line.

use std::sync::Arc;

use super::scout;
use crate::process;
use crate::runtimes::{RUNTIMES, Watched};

/// Starts stallscope inside a runtime that is running already. The first line of an `async fn main`
/// under `#[tokio::main]`:
///
/// ```
/// #[tokio::main]
/// async fn main() {
///     let _stallscope = stallscope::init();
///     // the application
/// }
/// ```
///
/// Hooks can only be set before a runtime is built, so this is the core tier: the runtime's gauges, tasks spawned through
/// [`spawn`](crate::spawn), and long polls of all tasks are seen; the body of `main` is not, and tasks of plain `tokio::spawn` do not
/// appear in the tree. `#[stallscope::main]` sees all. Keep the value until the end of `main`: dropping it tells that this runtime is no
/// longer of interest, and removes the socket.
///
/// Outside of a runtime it starts the agent alone. There it has a use beside [`BuilderExt`](crate::BuilderExt): in the first line of a `main` that
/// builds its runtime by hand, it is dropped after that runtime and leaves no socket behind.
pub fn init() -> impl Drop {
    let found = process::start().then(|| RUNTIMES.current()).flatten();
    if let Some((runtime, watched)) = &found {
        watched.hold();
        if !watched.is_hooked() {
            scout::meet_workers(*runtime);
        }
    }
    Init(found.map(|(_, watched)| watched))
}

struct Init(Option<Arc<Watched>>);

impl Drop for Init {
    fn drop(&mut self) {
        if let Some(watched) = &self.0 {
            watched.let_go();
        }
        process::take_leave();
    }
}

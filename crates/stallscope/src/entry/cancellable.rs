//! Lets clients abort a task that was not spawned through stallscope.

use tokio::task::AbortHandle;

use crate::control::HANDLES;
use crate::process;

/// Lets `stallscope cancel` abort a task that was not spawned by [`spawn`](crate::spawn) or [`task`](crate::task), which need no
/// registration.
///
/// Without [`Config::control`](crate::Config::control) (variable `STALLSCOPE_CONTROL=on`) it does nothing and keeps nothing. With it, the handle is kept until
/// shortly after the task's end; up to 4096 are, and `stallscope doctor` counts those that found no room.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let mut connections = tokio::task::JoinSet::new();
/// stallscope::cancellable(connections.spawn(async { /* … */ }));
///
/// let refresher = tokio::spawn(async { /* … */ });
/// stallscope::cancellable(refresher.abort_handle());
/// # }
/// ```
pub fn cancellable(task: AbortHandle) {
    if process::start() && process::allows_control() {
        HANDLES.register(task);
    }
}

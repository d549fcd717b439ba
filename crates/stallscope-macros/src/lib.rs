//! The attributes of [stallscope], which re-exports them: use them from there.
//!
//! Invariant: no logic in here. An attribute expands to calls into the crate `stallscope`; what an application was
//! compiled with a year ago does what the `stallscope` it is linked with says.
//!
//! [stallscope]: https://github.com/stallscope/stallscope

mod args;
mod expand;
mod value;

use proc_macro::TokenStream;

/// Runs an async fn on a tokio runtime that stallscope watches. It stands where `#[tokio::main]` stood.
///
/// ```no_run
/// #[stallscope::main]
/// async fn main() -> std::io::Result<()> {
///     let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
///     loop {
///         let (connection, _) = listener.accept().await?;
///         tokio::spawn(async move { drop(connection) });
///     }
/// }
/// ```
///
/// While the program runs, `stallscope` in another terminal shows its tasks. The body of the fn is the root of the tree.
///
/// With `STALLSCOPE=off` in its environment the program runs as if the attribute were tokio's: nothing is recorded, no
/// thread is started and no socket is opened.
///
/// # Arguments
///
/// They are those of `#[tokio::main]`, with the same meaning.
///
/// | argument | value | default | with flavor |
/// |---|---|---|---|
/// | `flavor` | `"multi_thread"`, `"current_thread"`, or `"local"` (one thread, on which also futures that are not `Send` can be spawned) | `"multi_thread"` | |
/// | `worker_threads` | how many threads poll tasks, at least 1 | one per CPU | `multi_thread` |
/// | `start_paused` | `true`: the clock of `tokio::time` stands still until it is resumed, or until nothing but a timer is left to wait for; needs tokio's feature `test-util` | `false` | `current_thread`, `local` |
/// | `unhandled_panic` | `"ignore"`, or `"shutdown_runtime"`: a panic in a task ends the runtime; needs `--cfg tokio_unstable` | `"ignore"` | `current_thread`, `local` |
/// | `name` | the name of the runtime | none | any |
/// | `crate` | the path at which the application has tokio; it must be the tokio that stallscope uses | | any |
///
/// A wrong argument is a compile error in the words of `#[tokio::main]`, and the fn is still there for the rest of the
/// program (and for an editor) to work with.
///
/// # The fn
///
/// Any async fn will do, as with `#[tokio::main]`: it may return anything, take arguments (unless it is `main`), be
/// generic, or be a method. Each call builds a runtime of its own and blocks until the body is done, so it must not be
/// called from async code.
///
/// # Panics
///
/// The fn panics if the runtime cannot be built, for instance for lack of threads.
///
/// # What it expands to
///
/// `#[stallscope::main(worker_threads = 2)] async fn main() { serve().await }` is short for
///
/// ```
/// # async fn serve() {}
/// use stallscope::BuilderExt;
///
/// fn main() {
///     tokio::runtime::Builder::new_multi_thread()
///         .enable_all()
///         .worker_threads(2)
///         .stallscope()
///         .build()
///         .expect("Failed building the Runtime")
///         .block_on(stallscope::root(async { serve().await }))
/// }
/// ```
///
/// # What differs from `#[tokio::main]`
///
/// Nothing that the program itself could tell. The compiler reports a body of the wrong type once, at the expression
/// that is wrong, and coerces it to the declared type as it does in any async fn.
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::main(arguments.into(), item.into()).into()
}

/// Runs an async fn as a test, on a tokio runtime that stallscope watches. It stands where `#[tokio::test]` stood, and
/// fails the test also if one of its polls held a thread for too long, if it left tasks behind, if its tasks used the same
/// state without an order, or if they wait for each other's locks.
///
/// ```
/// use std::time::Duration;
///
/// #[stallscope::test]
/// async fn answers() {
///     let answer = tokio::spawn(async { 6 * 7 }).await;
///     assert_eq!(answer.ok(), Some(42));
/// }
///
/// #[stallscope::test(flavor = "multi_thread", worker_threads = 2, long_poll = "100ms")]
/// async fn digests() -> Result<(), tokio::task::JoinError> {
///     // 30 ms of work: too long for the default limit, allowed here.
///     tokio::spawn(async { std::thread::sleep(Duration::from_millis(30)) }).await
/// }
/// ```
///
/// # What fails a test
///
/// **A poll** of its runtime that took longer than the limit: of the body or of any task, whether or not the body waits for
/// it, on whichever thread. The test says what it was, with the line, the reason and the application's part of the stack:
///
/// ```text
/// a poll took longer than the 20 ms that a poll of this test may take
///
/// worker 0 was blocked for 80 ms in std::thread::sleep at src/digest.rs:41: it slept
///   in task 7, spawned at src/digest.rs:30:5
///   at app::digest::hash_all (src/digest.rs:41)
///   at app::digest::run::{{closure}} (src/digest.rs:31)
///   what it means and what to do: docs/findings.md#long-poll-sleep
/// ```
///
/// Tests run beside each other in one process; each answers for its own runtime. A body that panics has failed with that
/// panic, whatever its polls took. `#[should_panic]` is content with either.
///
/// Not counted are
///
/// - time in which the machine kept the thread from running, and time in which the process as a whole stood still: a
///   test does not fail because others run beside it;
/// - what is inside of `stallscope::allow_blocking` or `tokio::task::block_in_place`;
/// - `spawn_blocking`, which may block.
///
/// Where it is not certain that the program itself took the time, the test passes. That is so too for a poll that was
/// over before the watchdog came to look, as happens on an overloaded machine, unless the kernel says that it computed for
/// longer than the limit.
///
/// Without `--cfg tokio_unstable` tokio does not tell about the polls of tasks. The body is watched in the same way; of the
/// others those count that the watchdog catches and can prove to be one poll, and it misses short ones.
///
/// **A task** of its runtime that is still alive when the body has ended: a server would keep it for ever. They are listed,
/// the oldest first:
///
/// ```text
/// 2 tasks are still alive at the end of the test
///
/// task 7 `session`, spawned at src/server.rs:88:9 by task 3, 312 ms old
/// task 9, spawned at src/server.rs:93:13 by task 7, 310 ms old
///
/// what it means and what to do: docs/findings.md#task-leak-alive-at-exit
/// ```
///
/// A task that is about to end, because it was aborted or its channel closed, is given the time: a tenth of a second
/// without any task ending, longer on a busy machine. The clock of `tokio::time` is not moved for that. Closures of
/// `spawn_blocking` and tasks of a `LocalSet` do not count. `leaks = "allow"` lets a test leave tasks, for instance those of
/// a client's connection pool. In the middle of a test, `stallscope::assert_no_leaked_tasks().await` asks the same.
///
/// Without `--cfg tokio_unstable` only tasks of `stallscope::spawn` are listed. Others are told by their number, which tokio
/// counts, and fail the test too.
///
/// **State** that was used by several without an order they agree on: an update that was lost, a region that was torn, accesses
/// that overlapped, a guard or a span that was held across an `.await`. It is seen where the test uses `stallscope::sync`,
/// `stallscope::atomic` or `stallscope::thread_local!`; spans are seen in the body. Each is told with the lines of both sides:
///
/// ```text
/// state was used by several without an order they agree on
///
/// `hits`: src/hits.rs:9 wrote a value made from an older one than what src/hits.rs:9 had written: that write is lost
///   task 81, after task 80; 3 times
///   what it means and what to do: docs/findings.md#unsynchronized-state-lost-update
/// ```
///
/// It fails the test in whose runtime it happened: in its body, a task, a closure of `spawn_blocking`, or a thread that has
/// entered the runtime. What another thread does cannot be told to be of this test or that one; it is said on standard error, and
/// fails none. A `static` that tests share is shared by their tasks too. After a panic of the body it is told as well: it may be why.
///
/// **Locks** of `stallscope::sync` that keep its tasks or threads waiting: for each other in a circle, for a lock that was given to a future which its
/// task polls no more, or in a long queue behind one that is held across an `.await`. All lines are told:
///
/// ```text
/// tasks or threads were kept waiting by locks
///
/// src/transfer.rs:14 waits for a lock whose holder waits, in a circle, at src/transfer.rs:14: none of them will go on
///   task 82 waits at src/transfer.rs:14
///   task 81 waits at src/transfer.rs:14
///   task 81 holds what it took at src/transfer.rs:12
///   task 82 holds what it took at src/transfer.rs:12
///   what it means and what to do: docs/findings.md#unsynchronized-state-deadlock
/// ```
///
/// A test that hangs in a circle, or for a lock that nobody will take, is ended as soon as that is known: after two seconds of real time, five where it
/// is a task that waits for itself. Its body is dropped where it waits, and its runtime is shut down in the background, since threads that are blocked cannot be ended. If
/// the test's own thread is blocked, the process says so and ends with status 101, as nothing else would end that test; others in it are given up to
/// thirty seconds. A shorter queue than one of eight, and one that has gone within half a second, is none.
///
/// # Perturbed tests
///
/// Most of that happens once in a thousand runs. Seeded delays at the points that stallscope sees bring it out:
///
/// ```
/// use std::sync::Arc;
/// use stallscope::sync::Shared;
///
/// #[stallscope::test(perturb = "0..200")]
/// async fn counts_every_hit() {
///     let hits = Arc::new(Shared::new("hits", 0));
///     let counts = |hits: Arc<Shared<u64>>| async move { hits.update(|hits| *hits += 1) };
///     let tasks = [hits.clone(), hits.clone()].map(|hits| stallscope::spawn(counts(hits)));
///     for task in tasks {
///         task.await.expect("no panic");
///     }
///     assert_eq!(hits.get(), 2);
/// }
/// ```
///
/// The body is run once with each seed, on a runtime of its own, until one run fails: by a panic, an error, or any of the above.
/// Then the seed is told, and how to run exactly that again:
///
/// ```text
/// perturbed with seed 17; the same again: STALLSCOPE_PERTURB=17 cargo test hits::counts_every_hit
/// ```
///
/// The variable stands for the seeds of all tests that have the argument. It takes a seed or a range, too. Where one thread does all
/// the work a seed decides everything that stallscope does; with several, a run is much like the one before.
///
/// Held up, for up to a millisecond, are threads that use `Shared`, `AccessProbe`, `stallscope::thread_local!` or a blocking lock. Others
/// are let go first by async locks, regions of `stallscope::atomic`, tasks of `stallscope::spawn`, and the body. Only this test
/// is delayed, and no poll is too long for it.
///
/// # Arguments
///
/// | argument | value | default | with flavor |
/// |---|---|---|---|
/// | `long_poll` | how long a poll may take, from `"1ms"` to `"60s"` | `STALLSCOPE_LONG_POLL`, else `"20ms"` | any |
/// | `leaks` | `"deny"`, or `"allow"`: tasks may be alive at the end of the body | `"deny"` | any |
/// | `conflicts` | `"deny"`, or `"allow"`: state may be used without an order, and locks may keep tasks waiting | `"deny"` | any |
/// | `perturb` | a seed, as in `42`, or a range of seeds, as in `"0..200"` | not perturbed | any |
///
/// and those of [`#[stallscope::main]`](macro@main), with the same meaning. The default flavor is `"current_thread"`, as
/// with `#[tokio::test]`.
///
/// Code without optimization is slow: the limit for a test that computes is best taken from what it takes there.
///
/// # The fn
///
/// It returns what a `#[test]` may return, and takes other attributes as one: `#[ignore]`, `#[should_panic]`.
///
/// # The process
///
/// A process whose first entry point is a test opens no socket, unless `STALLSCOPE_LISTEN` says where. With
/// `STALLSCOPE=off` the test is that of `#[tokio::test]`: no poll is too long, and no task is in the way.
///
/// # Panics
///
/// The fn panics if the runtime cannot be built.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::test(arguments.into(), item.into()).into()
}

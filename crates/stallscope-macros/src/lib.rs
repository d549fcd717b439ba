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

//! A runtime built by hand: `Builder::new_multi_thread().enable_all().stallscope().build()`.

use std::sync::Arc;

use tokio::runtime::Builder;

use super::hooks::Hooks;
use crate::process;
use crate::recorder::RECORDER;
use crate::runtimes::{RUNTIMES, RuntimeIndex, Watched, mark_pool_thread};

/// Adds stallscope to a [`tokio::runtime::Builder`].
pub trait BuilderExt: sealed::Sealed {
    /// Lets stallscope watch the runtime that will be built. Use [`root`](crate::root) around the
    /// future given to `block_on`, so that it is seen too.
    ///
    /// Uses the builder's hooks. If the application has hooks of its own, pass them to
    /// [`stallscope_with`](BuilderExt::stallscope_with); one that is set on the builder afterwards
    /// replaces ours, and `stallscope doctor` will say so. With `STALLSCOPE=off` this does nothing.
    ///
    /// ```
    /// use stallscope::BuilderExt;
    ///
    /// let _stallscope = stallscope::init(); // removes the socket when `main` is over
    /// let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().stallscope().build()?;
    /// runtime.block_on(stallscope::root(async { tokio::task::yield_now().await }));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    fn stallscope(&mut self) -> &mut Self;

    /// As [`stallscope`](BuilderExt::stallscope), with hooks of the application's own beside ours.
    ///
    /// ```
    /// use stallscope::{BuilderExt, Hooks};
    ///
    /// let hooks = Hooks::new().on_thread_stop(|| println!("a thread stops"));
    /// let runtime = tokio::runtime::Builder::new_multi_thread().stallscope_with(hooks).build()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    fn stallscope_with(&mut self, hooks: Hooks) -> &mut Self;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for tokio::runtime::Builder {}
}

impl BuilderExt for Builder {
    fn stallscope(&mut self) -> &mut Self {
        self.stallscope_with(Hooks::new())
    }

    fn stallscope_with(&mut self, hooks: Hooks) -> &mut Self {
        if process::start() {
            watch(self, hooks);
        } else {
            install_unchanged(self, hooks);
        }
        self
    }
}

#[cfg(tokio_unstable)]
fn watch(builder: &mut Builder, hooks: Hooks) {
    let (index, watched) = RUNTIMES.add(true);
    let of_threads = watched.clone();
    watch_threads(builder, &hooks, move || Some((index, of_threads.clone())));
    crate::tier::hooks::install(builder, index, &watched, hooks);
}

#[cfg(not(tokio_unstable))]
#[allow(clippy::needless_pass_by_value)] // the hooks tier takes them
fn watch(builder: &mut Builder, hooks: Hooks) {
    watch_threads(builder, &hooks, || RUNTIMES.current());
}

/// Keeps the runtime's handle as long as it has threads. `which` is asked on them.
fn watch_threads(
    builder: &mut Builder,
    hooks: &Hooks,
    which: impl Fn() -> Option<(RuntimeIndex, Arc<Watched>)> + Send + Sync + Clone + 'static,
) {
    let (theirs_at_start, theirs_at_stop) = (hooks.thread_start.clone(), hooks.thread_stop.clone());
    let which_at_stop = which.clone();
    builder.on_thread_start(move || {
        mark_pool_thread();
        if let Some((index, watched)) = which() {
            RECORDER.thread_started(index);
            watched.hold();
        }
        if let Some(theirs) = &theirs_at_start {
            theirs();
        }
    });
    builder.on_thread_stop(move || {
        if let Some(theirs) = &theirs_at_stop {
            theirs();
        }
        if let Some((_, watched)) = which_at_stop() {
            watched.let_go();
        }
    });
}

/// With stallscope switched off, the application's own hooks are all there is.
fn install_unchanged(builder: &mut Builder, hooks: Hooks) {
    if let Some(hook) = hooks.thread_start {
        builder.on_thread_start(move || hook());
    }
    if let Some(hook) = hooks.thread_stop {
        builder.on_thread_stop(move || hook());
    }
    #[cfg(tokio_unstable)]
    {
        if let Some(hook) = hooks.task_spawn {
            builder.on_task_spawn(move |task| hook(task));
        }
        if let Some(hook) = hooks.before_task_poll {
            builder.on_before_task_poll(move |task| hook(task));
        }
        if let Some(hook) = hooks.after_task_poll {
            builder.on_after_task_poll(move |task| hook(task));
        }
        if let Some(hook) = hooks.task_terminate {
            builder.on_task_terminate(move |task| hook(task));
        }
    }
}

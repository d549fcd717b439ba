//! The application's own runtime hooks, for a builder that stallscope uses too.

use std::sync::Arc;

type ThreadHook = Arc<dyn Fn() + Send + Sync>;
#[cfg(tokio_unstable)]
type TaskHook = Arc<dyn Fn(&tokio::runtime::TaskMeta<'_>) + Send + Sync>;

/// The application's own runtime hooks.
///
/// A tokio builder has room for one hook of each kind, and stallscope needs them: a second call of,
/// say, `on_thread_start` on the builder would silently replace the first. Hooks given here run
/// beside ours: at the beginning of something after ours, at its end before ours, so that what they
/// do counts as done by the application.
///
/// ```
/// use stallscope::{BuilderExt, Hooks};
///
/// let hooks = Hooks::new().on_thread_start(|| println!("a thread starts"));
/// let runtime = tokio::runtime::Builder::new_multi_thread().stallscope_with(hooks).build()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Hooks {
    pub(crate) thread_start: Option<ThreadHook>,
    pub(crate) thread_stop: Option<ThreadHook>,
    #[cfg(tokio_unstable)]
    pub(crate) task_spawn: Option<TaskHook>,
    #[cfg(tokio_unstable)]
    pub(crate) before_task_poll: Option<TaskHook>,
    #[cfg(tokio_unstable)]
    pub(crate) after_task_poll: Option<TaskHook>,
    #[cfg(tokio_unstable)]
    pub(crate) task_terminate: Option<TaskHook>,
}

impl Hooks {
    /// No hooks.
    ///
    /// ```
    /// let none = stallscope::Hooks::new();
    /// ```
    pub fn new() -> Self {
        Hooks::default()
    }

    /// Runs on each new thread of the runtime, as `Builder::on_thread_start`.
    ///
    /// ```
    /// let hooks = stallscope::Hooks::new().on_thread_start(|| println!("hello"));
    /// ```
    pub fn on_thread_start(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.thread_start = Some(Arc::new(hook));
        self
    }

    /// Runs on each thread of the runtime before it stops, as `Builder::on_thread_stop`.
    ///
    /// ```
    /// let hooks = stallscope::Hooks::new().on_thread_stop(|| println!("good-bye"));
    /// ```
    pub fn on_thread_stop(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.thread_stop = Some(Arc::new(hook));
        self
    }
}

#[cfg(tokio_unstable)]
impl Hooks {
    /// Runs when a task is spawned, as `Builder::on_task_spawn`. Needs `--cfg tokio_unstable`.
    ///
    /// ```
    /// let hooks = stallscope::Hooks::new().on_task_spawn(|task| println!("{} is there", task.id()));
    /// ```
    pub fn on_task_spawn(
        mut self,
        hook: impl Fn(&tokio::runtime::TaskMeta<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.task_spawn = Some(Arc::new(hook));
        self
    }

    /// Runs before each poll of a task, as `Builder::on_before_task_poll`. Needs `--cfg
    /// tokio_unstable`.
    ///
    /// ```
    /// let hooks = stallscope::Hooks::new().on_before_task_poll(|task| println!("{} is polled", task.id()));
    /// ```
    pub fn on_before_task_poll(
        mut self,
        hook: impl Fn(&tokio::runtime::TaskMeta<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.before_task_poll = Some(Arc::new(hook));
        self
    }

    /// Runs after each poll of a task, as `Builder::on_after_task_poll`. Needs `--cfg
    /// tokio_unstable`.
    ///
    /// ```
    /// let hooks = stallscope::Hooks::new().on_after_task_poll(|task| println!("{} was polled", task.id()));
    /// ```
    pub fn on_after_task_poll(
        mut self,
        hook: impl Fn(&tokio::runtime::TaskMeta<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.after_task_poll = Some(Arc::new(hook));
        self
    }

    /// Runs when a task has ended, as `Builder::on_task_terminate`. Needs `--cfg tokio_unstable`.
    ///
    /// ```
    /// let hooks = stallscope::Hooks::new().on_task_terminate(|task| println!("{} is gone", task.id()));
    /// ```
    pub fn on_task_terminate(
        mut self,
        hook: impl Fn(&tokio::runtime::TaskMeta<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.task_terminate = Some(Arc::new(hook));
        self
    }
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}

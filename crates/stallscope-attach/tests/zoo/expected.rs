//! What must be told of each of the zoo's tasks: one row for each. The one place where it stands.

use stallscope_attach::tasks::{Kind, State, Waiting};

use Waiting::{
    Blocking, Broadcast, Join, MpscRecv, MpscSend, Mutex, Notify, Oneshot, Other, Process, RwLock,
    Semaphore, Signal, Tcp, Timer, Udp, Unix, Watch,
};

/// All of them.
pub(crate) fn tasks() -> Vec<Expected> {
    vec![
        at("time::sleeping", Timer).detail("left"),
        at("time::sleeping_until", Timer).detail("left"),
        at("time::sleeping_pinned", Timer).detail("left"),
        at("time::sleeping_boxed", Timer).detail("left"),
        at("time::ticking", Timer).detail("left"),
        at("time::timing_out", Notify).wakers(2),
        at("time::timing_out_own", Timer).then("asking").wakers(2),
        at("time::timing_out_a_timer", Timer)
            .detail("left")
            .wakers(2),
        at("channels::receiving", MpscRecv).detail("0 of 64 queued"),
        at("channels::receiving_unbounded", MpscRecv).detail("0 queued"),
        at("channels::receiving_many", MpscRecv).detail("0 of 16 queued"),
        at("channels::sending", MpscSend).detail("4 of 4 queued"),
        at("channels::reserving", MpscSend),
        at("channels::waiting_until_closed", MpscSend),
        at("channels::receiving_once", Oneshot),
        at("channels::watching", Watch),
        at("channels::listening", Broadcast),
        at("locks::being_notified", Notify),
        at("locks::locking", Mutex),
        at("locks::locking_owned", Mutex),
        at("locks::reading", RwLock),
        at("locks::writing", RwLock),
        at("locks::taking_two_of_one", Semaphore),
        at("locks::taking_an_owned_one", Semaphore),
        // It is made of a watch.
        at("locks::meeting", Watch),
        at("joins::joined", Timer),
        at("joins::joining", Join),
        at("joins::joining_blocking", Blocking),
        at("joins::joining_any", Join),
        at("joins::child", Timer).times(2),
        at("joins::joining_by_reference", Join),
        at("joins::helping", Notify),
        at("sockets::accepting", Tcp).detail("fd "),
        at("sockets::reading", Tcp).detail("fd "),
        at("sockets::reading_exactly", Tcp).detail("fd "),
        at("sockets::reading_frames", Tcp).detail("fd "),
        at("sockets::writing", Tcp).detail("fd "),
        at("sockets::receiving", Udp).detail("fd "),
        at("sockets::reading_unix", Unix).detail("fd "),
        at("sockets::accepting_unix", Unix).detail("fd "),
        at("system::expecting_a_signal", Signal).detail("SIGHUP"),
        at("system::expecting_ctrl_c", Signal).detail("SIGINT"),
        at("system::waiting_for_a_child", Process),
        at("system::reading_a_file", Blocking),
        blocking("system::start"),
        at("branches::selecting", MpscRecv).wakers(3).branches(vec![
            waits_for(MpscRecv),
            waits_for(Notify),
            waits_in("slowly", Timer),
        ]),
        at("branches::selecting_in_a_loop", MpscRecv)
            .wakers(2)
            .branches(vec![waits_for(MpscRecv), waits_for(Timer)]),
        at("branches::selecting_with_a_condition", Notify)
            .branches(vec![done(), waits_in("patiently", Notify)]),
        at("branches::joining", Timer).wakers(2).branches(vec![
            done(),
            waits_in("slowly_joined", Timer),
            waits_for(Oneshot),
        ]),
        at("branches::trying_to_join", Timer)
            .wakers(2)
            .branches(vec![waits_in("working", Timer), waits_in("working", Timer)]),
        at("composed::unordered", Timer)
            .branches(vec![waits_in("fetching", Timer); 3])
            .hangs_at("fetching"),
        at("composed::all", Timer)
            .wakers(3)
            .branches(vec![waits_in("fetching_too", Timer); 3])
            .hangs_at("fetching_too"),
        at("composed::streaming", MpscRecv),
        at("composed::streaming_even", MpscRecv),
        at("composed::sharing", Timer).then("fetching_shared"),
        by_hand("by_hand::Remembering", Other).detail("zoo::by_hand::Remembering"),
        at("by_hand::awaiting_one", Other).detail("zoo::by_hand::Remembering"),
        at("by_hand::awaiting_a_wrapper", Timer),
        by_hand("by_hand::Wrapper", Timer),
        at("by_hand::sleeping_until_stopped", Timer)
            .wakers(2)
            .branches(vec![waits_for(Timer), waits_for(Oneshot)]),
        at("by_hand::awaiting_either", Oneshot)
            .wakers(3)
            .branches(vec![
                waits_for(Oneshot),
                waits_for(Oneshot),
                waits_for(Timer),
            ]),
        at("by_hand::sleeping_until_cancelled", Timer)
            .detail("left")
            .wakers(2)
            .branches(vec![waits_for(Timer), waits_for(Notify)]),
        at("by_hand::receiving_until_cancelled", Oneshot)
            .wakers(2)
            .branches(vec![waits_for(Oneshot), waits_for(Notify)]),
        at("by_hand::working_until_cancelled", Timer)
            .wakers(2)
            .branches(vec![waits_in("working", Timer), waits_for(Notify)])
            .hangs_at("working"),
        at("shapes::calling_a_method", Timer).then_in("shapes::Service::call", "method"),
        at("shapes::calling_a_trait_method", Timer)
            .then_in("shapes::Service::fetch", "trait_method"),
        at("shapes::calling_generic", Timer).then("generic"),
        at("shapes::calling_a_closure", Timer).then_in(
            "shapes::calling_a_closure::{async_fn#0}::{closure#0}::{async_closure#0}",
            "async_closure",
        ),
        at("shapes::calling_dyn", Notify).then("behind_a_box"),
        at("shapes::boxed_whole", Notify),
        task("shapes::descending::{async_block#0}", "descending", Timer)
            .then_in("shapes::descending::{async_block#0}", "descending")
            .then_in("shapes::descending::{async_block#0}", "descending")
            .then_in("shapes::descending::{async_block#0}", "bottom"),
        task("shapes::of_a_block::{async_block#0}", "of_a_block", Notify),
        at("values::outermost", Notify)
            .then("middle")
            .then("numbers"),
        at("values::texts", Notify),
        at("values::choices", Notify),
        at("values::moved_out", Notify),
        at("lives::with_its_handle_kept", Notify),
        at("lives::detached", Notify).detached(),
        at("lives::with_an_abort_handle_only", Notify)
            .detached()
            .wakers(2),
        at("lives::in_a_join_set", Notify),
        at("lives::unwakeable", Other)
            .detail("core::future::pending::Pending")
            .detached()
            .wakers(0),
        at("lives::unwakeable_with_its_handle_kept", Other).wakers(0),
        at("lives::in_a_cycle", Notify).detached(),
        unsuspended("lives::ended", State::Ended).wakers(0),
        at("runtimes::on_the_second", Timer),
        unsuspended("runtimes::never_polled", State::Scheduled).wakers(0),
        at("runtimes::on_a_single_thread", Notify),
        at("runtimes::in_a_local_set", Notify).local(),
        at("runtimes::detached_in_a_local_set", Notify)
            .local()
            .detached(),
    ]
}

/// What must be told of a task.
pub(crate) struct Expected {
    /// Its outermost function, without the crate.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) state: State,
    pub(crate) detached: bool,
    pub(crate) wakers: Option<u32>,
    /// What it waits for; `None`: it is not suspended.
    pub(crate) waits_for: Option<Waiting>,
    /// What the detail says, among other things.
    pub(crate) detail: &'static str,
    /// The frames of the zoo's own functions, outermost first: function and mark.
    pub(crate) frames: Vec<(&'static str, &'static str)>,
    /// Those of its innermost frame that has some.
    pub(crate) branches: Vec<ExpectedBranch>,
    /// The mark of its innermost await. That of a collection of futures is in one of them, that of a macro is the macro.
    pub(crate) hangs_at: Option<&'static str>,
    /// How many tasks are just like this.
    pub(crate) times: usize,
}

impl Expected {
    /// The zoo's file without `.rs`, in which all its frames are.
    pub(crate) fn file(&self) -> &'static str {
        self.name.split("::").next().unwrap_or_default()
    }

    fn detail(mut self, detail: &'static str) -> Self {
        self.detail = detail;
        self
    }

    fn wakers(mut self, wakers: u32) -> Self {
        self.wakers = Some(wakers);
        self
    }

    fn detached(mut self) -> Self {
        self.detached = true;
        self
    }

    fn local(mut self) -> Self {
        self.kind = Kind::Local;
        self
    }

    fn hangs_at(mut self, mark: &'static str) -> Self {
        self.hangs_at = Some(mark);
        self
    }

    fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// It awaits a function of the same file, at the mark of that name.
    fn then(self, function: &'static str) -> Self {
        self.then_in(function, function)
    }

    fn then_in(mut self, function: &'static str, mark: &'static str) -> Self {
        self.hangs_at = Some(mark);
        self.frames.push((function, mark));
        self
    }

    fn branches(mut self, branches: Vec<ExpectedBranch>) -> Self {
        self.branches = branches;
        self
    }
}

/// What must be told of a branch of a `select!` or `join!`, or of a future in a collection.
#[derive(Clone)]
pub(crate) struct ExpectedBranch {
    pub(crate) done: bool,
    /// The function of the zoo in it, if it is one; its mark has the same name.
    pub(crate) function: Option<&'static str>,
    pub(crate) waits_for: Option<Waiting>,
}

fn done() -> ExpectedBranch {
    ExpectedBranch {
        done: true,
        function: None,
        waits_for: None,
    }
}

fn waits_for(kind: Waiting) -> ExpectedBranch {
    ExpectedBranch {
        done: false,
        function: None,
        waits_for: Some(kind),
    }
}

fn waits_in(function: &'static str, kind: Waiting) -> ExpectedBranch {
    ExpectedBranch {
        function: Some(function),
        ..waits_for(kind)
    }
}

/// An async fn that waits at the mark of its own name.
fn at(name: &'static str, waits_for: Waiting) -> Expected {
    task(name, name.rsplit("::").next().unwrap_or(name), waits_for)
}

fn task(name: &'static str, mark: &'static str, waits_for: Waiting) -> Expected {
    Expected {
        frames: vec![(name, mark)],
        hangs_at: Some(mark),
        waits_for: Some(waits_for),
        ..unsuspended(name, State::Idle)
    }
}

/// A future without awaits.
fn by_hand(name: &'static str, waits_for: Waiting) -> Expected {
    Expected {
        frames: Vec::new(),
        hangs_at: None,
        ..at(name, waits_for)
    }
}

/// A closure of the blocking pool.
fn blocking(name: &'static str) -> Expected {
    Expected {
        kind: Kind::Blocking,
        wakers: None,
        ..unsuspended(name, State::Running)
    }
}

fn unsuspended(name: &'static str, state: State) -> Expected {
    Expected {
        name,
        kind: Kind::Task,
        state,
        detached: false,
        wakers: Some(1),
        waits_for: None,
        detail: "",
        frames: Vec::new(),
        branches: Vec::new(),
        hangs_at: None,
        times: 1,
    }
}

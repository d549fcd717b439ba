//! The programs under watch. A line that a test asks about has a mark above it.

mod async_stack;
mod causes;
mod dumps;
mod ended;
mod entries;
pub(crate) mod flood;
mod lazy_memory;
mod leaking;
mod memory;
mod sharing;
#[cfg(feature = "tracing-subscriber")]
mod spans;
mod stalls;
mod stuck;
mod trees;
mod troubles;
mod waiting;

use std::io::BufRead;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub(crate) use self::causes::lack_of_lazy_memory;

/// Runs one of the programs.
pub(crate) fn run(name: &str) {
    match name {
        "family" => trees::family(),
        "blocking" => trees::blocking(),
        "in-place" => trees::in_place(),
        "current-thread" => trees::current_thread(),
        "local-set" => trees::local_set(),
        "two-runtimes" => trees::two_runtimes(),
        "ends" => trees::ends(),
        "polls" => trees::polls(),
        "many" => trees::many(),
        "named" => trees::named(),
        "init" => entries::init(),
        "by-hand" => entries::by_hand(),
        "own-hooks" => entries::own_hooks(),
        "replaced-hooks" => entries::replaced_hooks(),
        "exit-while-stalled" => entries::exit_while_stalled(),
        "error" => entries::error().expect("an error is what this program returns"),
        "stalls" => stalls::stalls(),
        "stalls-under-init" => stalls::stalls_under_init(),
        "stalls-on-one-thread" => stalls::stalls_on_one_thread(),
        "considerate" => stalls::considerate(),
        "endless" => stalls::endless(),
        "stalled-root" => stalls::stalled_root(),
        "healthy" => stalls::healthy(),
        "growing" => leaking::growing(),
        "undriven-tasks" => leaking::undriven_tasks(),
        "leaving-behind" => leaking::leaving_behind(),
        "steady-connections" => leaking::steady_connections(),
        "tied-to-requests" => leaking::tied_to_requests(),
        "outliving" => leaking::outliving(),
        "full-pool" => troubles::full_pool(),
        "busy-pool" => troubles::busy_pool(),
        "undriven" => troubles::undriven(),
        "long-queue" => troubles::long_queue(),
        "undumpable" => stalls::undumpable(),
        "causes" => causes::causes(),
        #[cfg(feature = "tracing-subscriber")]
        "spans" => spans::spans(),
        "suspended" => async_stack::suspended(),
        "ready-when-asked" => async_stack::ready_when_asked(),
        "passing-on" => async_stack::passing_on(),
        "suspended-on-one-thread" => async_stack::suspended_on_one_thread(),
        "stuck-closure" => stuck::closure(),
        "stuck-closure-on-one-thread" => stuck::closure_on_one_thread(),
        "healthy-pool" => stuck::healthy_pool(),
        "ways-to-end" => ended::ways_to_end(),
        "can-be-aborted" => ended::can_be_aborted(),
        "local-can-be-aborted" => ended::local_can_be_aborted(),
        "flood" => flood::flood(),
        "sharing-badly" => sharing::badly(),
        "sharing-well" => sharing::well(),
        "memory-badly" => memory::badly(),
        "memory-well" => memory::well(),
        #[cfg(target_os = "linux")]
        "memory-filtered" => memory::filtered(),
        "waiting-for-good" => waiting::for_good(),
        "waiting-well" => waiting::well(),
        "stuck" => dumps::stuck(),
        "handles-later" => dumps::handles_later(),
        "handles-before" => dumps::handles_before(),
        other => panic!("no program is called {other}"),
    }
}

/// The sources of the programs, where marks are looked for.
const SOURCES: [(&str, &str); 16] = [
    (
        "sessions/programs/async_stack.rs",
        include_str!("async_stack.rs"),
    ),
    ("sessions/programs/causes.rs", include_str!("causes.rs")),
    ("sessions/programs/dumps.rs", include_str!("dumps.rs")),
    ("sessions/programs/ended.rs", include_str!("ended.rs")),
    ("sessions/programs/entries.rs", include_str!("entries.rs")),
    (
        "sessions/programs/lazy_memory.rs",
        include_str!("lazy_memory.rs"),
    ),
    ("sessions/programs/flood.rs", include_str!("flood.rs")),
    ("sessions/programs/sharing.rs", include_str!("sharing.rs")),
    ("sessions/programs/spans.rs", include_str!("spans.rs")),
    ("sessions/programs/memory.rs", include_str!("memory.rs")),
    ("sessions/programs/leaking.rs", include_str!("leaking.rs")),
    ("sessions/programs/stalls.rs", include_str!("stalls.rs")),
    ("sessions/programs/stuck.rs", include_str!("stuck.rs")),
    ("sessions/programs/trees.rs", include_str!("trees.rs")),
    ("sessions/programs/troubles.rs", include_str!("troubles.rs")),
    ("sessions/programs/waiting.rs", include_str!("waiting.rs")),
];

/// The line below `// mark`, and the end of its file's path.
pub(crate) fn place_of(mark: &str) -> (&'static str, u32) {
    let wanted = format!("// {mark}");
    let line_in = |source: &str| {
        source
            .lines()
            .zip(2..)
            .find(|(line, _)| line.trim() == wanted)
            .map(|(_, below)| below)
    };
    SOURCES
        .iter()
        .find_map(|(file, source)| line_in(source).map(|line| (*file, line)))
        .unwrap_or_else(|| panic!("no line of the programs is marked `{wanted}`"))
}

/// The steps the test lets the program take; over when it closes stdin.
struct Steps(UnboundedReceiver<()>);

impl Steps {
    fn ready() -> Self {
        let (sender, receiver) = unbounded_channel();
        // A thread of its own: tokio's stdin would add a blocking task to what is looked at.
        std::thread::spawn(move || {
            for _line in std::io::stdin().lock().lines() {
                let _ = sender.send(());
            }
        });
        println!("ready");
        Steps(receiver)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }

    async fn end(mut self) {
        while self.0.recv().await.is_some() {}
    }
}

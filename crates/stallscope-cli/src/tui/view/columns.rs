//! The columns of the tree: the one table of their heads, widths and contents.

use stallscope_wire::message::{Group, Task, TaskSort, TaskState};

use super::text::{count, left, right};
use crate::format::{UNKNOWN, duration, duration_or_none};
use crate::task::has_times;
use crate::tui::theme::Role;

/// A column beside the tree itself.
pub(super) struct Column {
    pub(super) head: &'static str,
    pub(super) width: u16,
    /// What its head shows the arrow for.
    pub(super) sort: TaskSort,
    pub(super) align: Align,
    /// Of a task; the number is the length from which on a poll is long, in nanoseconds.
    pub(super) of_task: fn(&Task, u64) -> Cell,
    /// Of a group, with the same number.
    pub(super) of_group: fn(&Group, u64) -> Cell,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// A text and what it means.
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) role: Role,
}

/// Less of the tree than this says too little; what is left of the screen is for columns.
const TREE_AT_LEAST: u16 = 22;

/// From the most to the least important: narrow screens lose the last ones.
static COLUMNS: &[Column] = &[
    Column {
        head: "STATE",
        width: 9,
        sort: TaskSort::State,
        align: Align::Left,
        of_task: state,
        of_group: |group, _| {
            let role = if group.running == 0 {
                Role::Dim
            } else {
                Role::Running
            };
            plain(format!("{} run", count(group.running)), role)
        },
    },
    Column {
        head: "AGE",
        width: 6,
        sort: TaskSort::Age,
        align: Align::Right,
        of_task: |task, _| time(task, task.age_ns),
        of_group: |group, _| plain(duration_or_none(group.oldest_ns), Role::Text),
    },
    Column {
        head: "IDLE",
        width: 6,
        sort: TaskSort::Idle,
        align: Align::Right,
        of_task: |task, _| time(task, task.idle_ns),
        of_group: |_, _| plain(String::new(), Role::Text),
    },
    Column {
        head: "POLLS",
        width: 6,
        sort: TaskSort::Polls,
        align: Align::Right,
        of_task: |task, _| {
            if has_times(task) {
                plain(count(task.polls), Role::Text)
            } else {
                unknown()
            }
        },
        of_group: |group, _| plain(count(group.polls), Role::Text),
    },
    Column {
        head: "BUSY",
        width: 6,
        sort: TaskSort::Busy,
        align: Align::Right,
        of_task: |task, _| time(task, task.busy_ns),
        of_group: |group, _| plain(duration_or_none(group.busy_ns), Role::Text),
    },
    Column {
        head: "LONGEST",
        width: 8,
        sort: TaskSort::LongestPoll,
        align: Align::Right,
        of_task: |task, long_poll_ns| Cell {
            role: length(task.longest_poll_ns, long_poll_ns),
            ..time(task, task.longest_poll_ns)
        },
        of_group: |group, long_poll_ns| {
            plain(
                duration_or_none(group.longest_poll_ns),
                length(group.longest_poll_ns, long_poll_ns),
            )
        },
    },
    Column {
        head: "W",
        width: 3,
        sort: TaskSort::Worker,
        align: Align::Right,
        of_task: |task, _| {
            plain(
                task.worker
                    .map_or_else(|| "-".to_owned(), |worker| worker.to_string()),
                Role::Text,
            )
        },
        of_group: |_, _| plain(String::new(), Role::Text),
    },
];

/// How many of them are known of a process that is read from outside.
const WITHOUT_AGENT: usize = 1;

/// The columns there is room for, and how wide the tree is then. `attached`: the process is read from outside.
pub(super) fn fitting(width: u16, attached: bool) -> (&'static [Column], u16) {
    let known = if attached {
        &COLUMNS[..WITHOUT_AGENT]
    } else {
        COLUMNS
    };
    let widths = known.iter().map(|column| column.width);
    let (shown, tree) = fit(widths, width, TREE_AT_LEAST.max(width / 8 * 3));
    (&known[..shown], tree)
}

/// How many columns of these widths, each with a blank before it, leave `at_least` to what they stand beside, and how much they leave.
pub(super) fn fit(widths: impl Iterator<Item = u16>, width: u16, at_least: u16) -> (usize, u16) {
    let mut rest = width;
    let shown = widths
        .take_while(|column| {
            let fits = rest.saturating_sub(column + 1) >= at_least;
            if fits {
                rest -= column + 1;
            }
            fits
        })
        .count();
    (shown, rest)
}

/// A text at its end of a column.
pub(super) fn aligned(text: &str, align: Align, width: u16) -> String {
    match align {
        Align::Left => left(text, usize::from(width)),
        Align::Right => right(text, usize::from(width)),
    }
}

fn state(task: &Task, long_poll_ns: u64) -> Cell {
    let role = match task.state() {
        TaskState::Running if task.polling_ns >= long_poll_ns => Role::Warning,
        TaskState::Running => Role::Running,
        TaskState::Scheduled => Role::Scheduled,
        TaskState::Ended => Role::Ended,
        TaskState::Idle | TaskState::Unknown => Role::Idle,
    };
    // How long it runs is said once it is long enough to be read.
    let text = match task.state() {
        TaskState::Running if task.polling_ns >= 1_000_000 => {
            format!("run {}", duration(task.polling_ns))
        }
        state => state.as_str().to_owned(),
    };
    plain(text, role)
}

fn time(task: &Task, ns: u64) -> Cell {
    if has_times(task) {
        plain(duration_or_none(ns), Role::Text)
    } else {
        unknown()
    }
}

fn length(longest_poll_ns: u64, long_poll_ns: u64) -> Role {
    if longest_poll_ns >= long_poll_ns {
        Role::Warning
    } else {
        Role::Text
    }
}

fn plain(text: String, role: Role) -> Cell {
    Cell { text, role }
}

fn unknown() -> Cell {
    plain(UNKNOWN.to_owned(), Role::Dim)
}

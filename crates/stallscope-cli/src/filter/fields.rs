//! The one table of fields a filter can name: the parser reads it, `--help` and the documentation print it.

use std::fmt::Write;

use stallscope_wire::message::{Comparison, Field};

pub(super) struct FieldSpec {
    pub(super) name: &'static str,
    pub(super) field: Field,
    pub(super) kind: Kind,
    pub(super) meaning: &'static str,
    pub(super) example: &'static str,
}

/// What a field holds, which decides how it can be compared.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    Number,
    Duration,
}

impl Kind {
    /// A time is measured: it is above or below, never equal.
    pub(super) fn operators(self) -> &'static [(char, Comparison)] {
        match self {
            Kind::Text => &[(':', Comparison::Contains), ('=', Comparison::Equal)],
            Kind::Choice(_) => &[(':', Comparison::Equal), ('=', Comparison::Equal)],
            Kind::Number => &[
                (':', Comparison::Equal),
                ('=', Comparison::Equal),
                ('>', Comparison::Above),
                ('<', Comparison::Below),
            ],
            Kind::Duration => &[('>', Comparison::Above), ('<', Comparison::Below)],
        }
    }
}

const STATES: &[&str] = &["running", "scheduled", "idle"];
const KINDS: &[&str] = &["root", "task", "blocking", "local"];

pub(super) const FIELDS: &[FieldSpec] = &[
    FieldSpec {
        name: "id",
        field: Field::Id,
        kind: Kind::Number,
        meaning: "tokio's id of the task",
        example: "id:88",
    },
    FieldSpec {
        name: "name",
        field: Field::Name,
        kind: Kind::Text,
        meaning: "its name, if it was given one",
        example: "name:db-pool",
    },
    FieldSpec {
        name: "site",
        field: Field::Site,
        kind: Kind::Text,
        meaning: "file:line:column that spawned it",
        example: "site:src/main.rs:63",
    },
    FieldSpec {
        name: "state",
        field: Field::State,
        kind: Kind::Choice(STATES),
        meaning: "running, scheduled or idle",
        example: "!state:idle",
    },
    FieldSpec {
        name: "kind",
        field: Field::Kind,
        kind: Kind::Choice(KINDS),
        meaning: "root, task, blocking or local",
        example: "kind:local",
    },
    FieldSpec {
        name: "age",
        field: Field::Age,
        kind: Kind::Duration,
        meaning: "time since it was spawned",
        example: "age>3s",
    },
    FieldSpec {
        name: "idle",
        field: Field::Idle,
        kind: Kind::Duration,
        meaning: "time since its last poll",
        example: "idle>1m",
    },
    FieldSpec {
        name: "polls",
        field: Field::Polls,
        kind: Kind::Number,
        meaning: "how often it was polled",
        example: "polls<10",
    },
    FieldSpec {
        name: "busy",
        field: Field::Busy,
        kind: Kind::Duration,
        meaning: "time spent in its polls",
        example: "busy>50ms",
    },
    FieldSpec {
        name: "longest-poll",
        field: Field::LongestPoll,
        kind: Kind::Duration,
        meaning: "its longest poll",
        example: "longest-poll>20ms",
    },
    FieldSpec {
        name: "worker",
        field: Field::Worker,
        kind: Kind::Number,
        meaning: "the worker of its last poll",
        example: "worker:1",
    },
    FieldSpec {
        name: "parent",
        field: Field::Parent,
        kind: Kind::Number,
        meaning: "id of the task that spawned it",
        example: "parent:12",
    },
];

/// The filter language on one page.
pub(crate) fn reference() -> String {
    let mut page = String::from(
        "Filters: terms separated by spaces, all of which must hold.\n\
         A word is looked for in name, place, kind, state and id: `db`, \"two words\".\n\
         `!` in front of a term turns it around: `!hyper`.\n\
         A field is compared with `:` (contains, or is), `=` (is), `>` (above) and `<` (below):\n",
    );
    for spec in FIELDS {
        // Writing to a string cannot fail.
        let _ = write!(page, "\n  {:<22}{}", spec.example, spec.meaning);
    }
    page.push_str("\n\nTimes are written `100us`, `50ms`, `1.5s`, `2m` or `1h`.");
    page
}

/// `a`, `a or b`, `a, b or c`.
pub(super) fn one_of<T: std::fmt::Display>(choices: &[T]) -> String {
    let quoted: Vec<_> = choices.iter().map(|choice| format!("`{choice}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

//! Which tasks are shown, and in which order: filters and sorts of an agent, as far as what they name can be read from outside.

use std::cmp::Ordering;

use stallscope_attach::tasks::{Place, Task};
use stallscope_wire::message::{Comparison, Field, TaskSort, Term};

use super::words;

/// What there is to filter and sort by, for the sentence that refuses the rest.
const FIELDS: &str =
    "id, name (its future), site (the line it hangs in), state and kind are read from outside";

/// A filter and an order, all of which can be applied.
#[derive(Debug)]
pub(crate) struct Selection<'a> {
    filter: &'a [Term],
    sort: TaskSort,
    descending: bool,
}

impl<'a> Selection<'a> {
    /// # Errors
    ///
    /// A sentence, if the filter or the order needs what is not known.
    pub(crate) fn new(
        filter: &'a [Term],
        sort: TaskSort,
        descending: bool,
    ) -> Result<Self, String> {
        if let Some(name) = filter.iter().find_map(|term| unknown_field(term.field())) {
            return Err(format!("no filter by `{name}` with --attach: {FIELDS}"));
        }
        if let Some(name) = unknown_sort(sort) {
            return Err(format!("no order by `{name}` with --attach: {FIELDS}"));
        }
        Ok(Selection {
            filter,
            sort,
            descending,
        })
    }

    /// The tasks that match, in order. Those that are equal come by id, what is missing comes last.
    pub(crate) fn apply<'t>(&self, tasks: &'t [Task]) -> Vec<&'t Task> {
        let mut chosen: Vec<&Task> = tasks.iter().filter(|task| self.matches(task)).collect();
        chosen.sort_by(|a, b| self.compare(a, b));
        chosen
    }

    fn matches(&self, task: &Task) -> bool {
        let holds = |term: &Term| holds(term, task) != term.negated;
        self.filter.iter().all(holds)
    }

    fn compare(&self, a: &Task, b: &Task) -> Ordering {
        let by = match self.sort {
            TaskSort::Name => words::function(a).cmp(&words::function(b)),
            TaskSort::State => rank(a).cmp(&rank(b)),
            TaskSort::Site => missing_last(position(a), position(b)),
            _ => a.id.cmp(&b.id),
        };
        let directed = if self.descending { by.reverse() } else { by };
        directed.then(a.id.cmp(&b.id))
    }
}

fn unknown_field(field: Field) -> Option<&'static str> {
    match field {
        Field::Any | Field::Id | Field::Name | Field::Site | Field::State | Field::Kind => None,
        Field::Age => Some("age"),
        Field::Idle => Some("idle"),
        Field::Polls => Some("polls"),
        Field::Busy => Some("busy"),
        Field::LongestPoll => Some("longest-poll"),
        Field::Worker => Some("worker"),
        Field::Parent => Some("parent"),
        Field::Unknown => Some("a field that is not known here"),
    }
}

fn unknown_sort(sort: TaskSort) -> Option<&'static str> {
    match sort {
        TaskSort::Unknown | TaskSort::Id | TaskSort::Name | TaskSort::State | TaskSort::Site => {
            None
        }
        TaskSort::Age => Some("age"),
        TaskSort::Idle => Some("idle"),
        TaskSort::Polls => Some("polls"),
        TaskSort::Busy => Some("busy"),
        TaskSort::LongestPoll => Some("longest-poll"),
        TaskSort::Worker => Some("worker"),
    }
}

fn holds(term: &Term, task: &Task) -> bool {
    match term.field() {
        Field::Id => match term.comparison() {
            Comparison::Above => task.id > term.number,
            Comparison::Below => task.id < term.number,
            _ => task.id == term.number,
        },
        Field::Name => says(term, &words::function(task)) || says(term, &task.future),
        Field::Site => words::suspended_at(task).is_some_and(|place| says(term, &place)),
        Field::State => says(term, words::state(task.state)),
        Field::Kind => says(term, words::kind(task.kind)),
        _ => {
            let waits = task.waits_for.as_ref().map(words::waits_in_short);
            says(term, &words::function(task))
                || says(term, &task.future)
                || words::suspended_at(task).is_some_and(|place| says(term, &place))
                || waits.is_some_and(|waits| says(term, &waits))
                || says(term, words::state(task.state))
                || says(term, words::kind(task.kind))
                || says(term, &task.id.to_string())
        }
    }
}

fn says(term: &Term, text: &str) -> bool {
    let (text, wanted) = (text.to_lowercase(), term.text.to_lowercase());
    match term.comparison() {
        Comparison::Equal => text == wanted,
        _ => text.contains(&wanted),
    }
}

/// In the order in which the states are declared: those that run first.
fn rank(task: &Task) -> u8 {
    task.state as u8
}

fn position(task: &Task) -> Option<(&str, u32)> {
    let Place { file, line } = task.suspended_at.as_ref()?;
    Some((file, *line))
}

fn missing_last<T: Ord + Copy>(a: Option<T>, b: Option<T>) -> Ordering {
    a.is_none().cmp(&b.is_none()).then_with(|| a.cmp(&b))
}

#[cfg(test)]
mod tests {
    use super::super::words::samples::{running, select, task};
    use super::*;
    use crate::filter;

    fn chosen(filter: &str, sort: TaskSort, descending: bool) -> Vec<u64> {
        let filter = filter::parse(filter).expect("a filter");
        let selection = Selection::new(filter.terms(), sort, descending).expect("all is known");
        let tasks = [task(7), select(3), running(12), task(1)];
        let chosen = selection.apply(&tasks);
        chosen.iter().map(|task| task.id).collect()
    }

    #[test]
    fn a_filter_looks_at_what_is_known() {
        let by_id = |filter| chosen(filter, TaskSort::Id, false);
        assert_eq!(by_id(""), [1, 3, 7, 12]);
        assert_eq!(by_id("id>3 !state:running"), [7]);
        assert_eq!(by_id("kind:local"), [3]);
        assert_eq!(by_id("name:HANDLER"), [1, 7]);
        assert_eq!(by_id("site=src/main.rs:40"), [3]);
        assert_eq!(by_id("mpsc-recv"), [3]);
    }

    #[test]
    fn an_order_puts_what_is_missing_last() {
        assert_eq!(chosen("", TaskSort::Site, false), [1, 7, 3, 12]);
        assert_eq!(chosen("", TaskSort::State, false), [12, 1, 3, 7]);
        assert_eq!(chosen("", TaskSort::Id, true), [12, 7, 3, 1]);
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_what_can() {
        let filter = filter::parse("db busy>50ms").expect("a filter");
        let refused = Selection::new(filter.terms(), TaskSort::Id, false).expect_err("busy");
        assert_eq!(
            refused,
            "no filter by `busy` with --attach: id, name (its future), site (the line it hangs in), state and kind are \
             read from outside"
        );
        assert!(Selection::new(&[], TaskSort::Polls, false).is_err());
    }
}

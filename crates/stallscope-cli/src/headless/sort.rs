//! The columns tasks can be sorted by: their names, the agent's word for each, and the same order here.

use std::cmp::Ordering;

use clap::ValueEnum;
use stallscope_wire::message::{Task, TaskSort};

use super::task::Places;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sort {
    Id,
    Name,
    State,
    Site,
    Age,
    Idle,
    Polls,
    Busy,
    LongestPoll,
    Worker,
}

impl Sort {
    pub(super) fn wire(self) -> TaskSort {
        match self {
            Sort::Id => TaskSort::Id,
            Sort::Name => TaskSort::Name,
            Sort::State => TaskSort::State,
            Sort::Site => TaskSort::Site,
            Sort::Age => TaskSort::Age,
            Sort::Idle => TaskSort::Idle,
            Sort::Polls => TaskSort::Polls,
            Sort::Busy => TaskSort::Busy,
            Sort::LongestPoll => TaskSort::LongestPoll,
            Sort::Worker => TaskSort::Worker,
        }
    }

    /// The agent's order: what is missing comes after everything that is there, and tasks that are equal come by id, also in a
    /// descending order.
    pub(super) fn compare(self, a: &Task, b: &Task, places: &Places, descending: bool) -> Ordering {
        let by = match self {
            Sort::Id => a.id.cmp(&b.id),
            Sort::Name => missing_last(name(a), name(b)),
            Sort::State => a.state.cmp(&b.state),
            Sort::Site => missing_last(places.position(a), places.position(b)),
            Sort::Age => a.age_ns.cmp(&b.age_ns),
            Sort::Idle => a.idle_ns.cmp(&b.idle_ns),
            Sort::Polls => a.polls.cmp(&b.polls),
            Sort::Busy => a.busy_ns.cmp(&b.busy_ns),
            Sort::LongestPoll => a.longest_poll_ns.cmp(&b.longest_poll_ns),
            Sort::Worker => missing_last(a.worker, b.worker),
        };
        let directed = if descending { by.reverse() } else { by };
        directed.then(a.id.cmp(&b.id))
    }
}

fn name(task: &Task) -> Option<&str> {
    Some(task.name.as_str()).filter(|name| !name.is_empty())
}

fn missing_last<T: Ord + Copy>(a: Option<T>, b: Option<T>) -> Ordering {
    a.is_none().cmp(&b.is_none()).then_with(|| a.cmp(&b))
}

#[cfg(test)]
mod tests {
    use stallscope_wire::message::{Site, Task};

    use super::{Places, Sort};

    fn site(id: u32, line: u32) -> Site {
        Site {
            id,
            file: "main.rs".to_owned(),
            line,
            column: 9,
        }
    }

    fn task(id: u64, name: &str, site: u32) -> Task {
        Task {
            id,
            name: name.to_owned(),
            site,
            ..Task::default()
        }
    }

    fn sorted(sort: Sort, descending: bool) -> Vec<u64> {
        let places = Places::from(vec![site(1, 9), site(2, 63)]);
        let mut tasks = [
            task(1, "", 0),
            task(2, "b", 2),
            task(3, "a", 1),
            task(4, "a", 1),
        ];
        tasks.sort_by(|a, b| sort.compare(a, b, &places, descending));
        tasks.map(|task| task.id).to_vec()
    }

    #[test]
    fn names_and_places_come_before_their_absence_and_equals_by_id() {
        assert_eq!(sorted(Sort::Name, false), [3, 4, 2, 1]);
        assert_eq!(sorted(Sort::Name, true), [1, 2, 3, 4]);
    }

    #[test]
    fn lines_of_places_are_compared_as_numbers() {
        assert_eq!(sorted(Sort::Site, false), [3, 4, 2, 1]);
    }
}

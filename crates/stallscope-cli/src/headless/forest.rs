//! The tree of tasks, built here from a flat listing: who spawned whom.

use std::collections::HashMap;

use stallscope_wire::message::{Task, TaskKind};

/// Tasks below those that spawned them. Holds every task exactly once, whatever the listing says of parents.
#[derive(Debug)]
pub(super) struct Forest {
    tasks: Vec<Task>,
    /// Direct children, by id; the two lists run along `tasks`.
    children: Vec<Vec<usize>>,
    /// Root futures first, then tasks spawned from outside of any task and those whose parent has ended, by id.
    tops: Vec<usize>,
}

impl Forest {
    /// `tasks` by id.
    pub(super) fn new(mut tasks: Vec<Task>) -> Self {
        let index_of: HashMap<u64, usize> = tasks
            .iter()
            .enumerate()
            .map(|(index, task)| (task.id, index))
            .collect();
        let mut parents = vec![None; tasks.len()];
        let mut children = vec![Vec::new(); tasks.len()];
        let mut tops = Vec::new();
        for (index, task) in tasks.iter_mut().enumerate() {
            parents[index] = task
                .parent
                .and_then(|parent| index_of.get(&parent).copied());
            match parents[index] {
                Some(parent) => children[parent].push(index),
                None => tops.push(index),
            }
            // Ended before it could be listed, even if the agent still saw it alive.
            task.parent_ended |= task.parent.is_some() && parents[index].is_none();
        }
        let mut forest = Forest {
            tasks,
            children,
            tops,
        };
        forest.lift_circles(&parents);
        let tasks = &forest.tasks;
        forest
            .tops
            .sort_by_key(|&index| (tasks[index].kind() != TaskKind::Root, tasks[index].id));
        forest
    }

    /// The walk, depth first.
    pub(super) fn walk(&self) -> Walk<'_> {
        Walk {
            forest: self,
            pending: self
                .tops
                .iter()
                .rev()
                .map(|&index| Step::Enter(index))
                .collect(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// An agent does not name a task as its own ancestor. One that did must still not make us lose the task: it goes to the
    /// top.
    fn lift_circles(&mut self, parents: &[Option<usize>]) {
        let mut reached = vec![false; self.tasks.len()];
        let mut pending = self.tops.clone();
        let mut next = 0;
        loop {
            while let Some(index) = pending.pop() {
                reached[index] = true;
                pending.extend(&self.children[index]);
            }
            let Some(lost) = (next..reached.len()).find(|&index| !reached[index]) else {
                return;
            };
            next = lost;
            if let Some(parent) = parents[lost] {
                self.children[parent].retain(|&child| child != lost);
            }
            self.tops.push(lost);
            pending.push(lost);
        }
    }
}

/// A step of a walk through the forest.
#[derive(Debug)]
pub(super) enum Step<T> {
    Enter(T),
    Leave,
}

#[derive(Debug)]
pub(super) struct Walk<'a> {
    forest: &'a Forest,
    /// The next step is the last element. Not recursive: a chain of tasks can be longer than a thread's stack is deep.
    pending: Vec<Step<usize>>,
}

impl<'a> Iterator for Walk<'a> {
    type Item = Step<&'a Task>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(match self.pending.pop()? {
            Step::Enter(index) => {
                self.pending.push(Step::Leave);
                let children = self.forest.children[index].iter().rev();
                self.pending
                    .extend(children.map(|&child| Step::Enter(child)));
                Step::Enter(&self.forest.tasks[index])
            }
            Step::Leave => Step::Leave,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stallscope_wire::message::{Task, TaskKind};

    use super::{Forest, Step};

    fn task(id: u64, parent: Option<u64>) -> Task {
        Task {
            id,
            parent,
            kind: TaskKind::Task.into(),
            ..Task::default()
        }
    }

    /// The ids, each with its depth.
    fn outline(forest: &Forest) -> Vec<(usize, u64)> {
        let mut depth = 0;
        let mut outline = Vec::new();
        for step in forest.walk() {
            match step {
                Step::Enter(task) => {
                    outline.push((depth, task.id));
                    depth += 1;
                }
                Step::Leave => depth -= 1,
            }
        }
        outline
    }

    #[test]
    fn roots_come_first_and_orphans_stand_at_the_top() {
        let root = Task {
            kind: TaskKind::Root.into(),
            ..task((1 << 53) - 1, None)
        };
        let forest = Forest::new(vec![
            task(3, Some(2)),
            task(5, None),
            task(6, Some((1 << 53) - 1)),
            task(7, Some(6)),
            root,
        ]);
        assert_eq!(
            outline(&forest),
            [(0, (1 << 53) - 1), (1, 6), (2, 7), (0, 3), (0, 5)]
        );
        assert!(forest.tasks[0].parent_ended, "the parent of 3 is not there");
        assert!(!forest.tasks[1].parent_ended, "5 never had a parent");
    }

    #[test]
    fn a_chain_deeper_than_any_stack_is_walked() {
        let chain = (0..200_000)
            .map(|id: u64| task(id, id.checked_sub(1)))
            .collect();
        assert_eq!(
            outline(&Forest::new(chain)).last(),
            Some(&(199_999, 199_999))
        );
    }

    proptest! {
        #[test]
        fn every_task_is_there_once_whatever_the_parents_are(
            parents in proptest::collection::vec(proptest::option::of(0_u64..40), 0..40)
        ) {
            let count = parents.len() as u64;
            let tasks = (0..).zip(parents).map(|(id, parent)| task(id, parent)).collect();
            let mut ids: Vec<_> = outline(&Forest::new(tasks)).into_iter().map(|(_, id)| id).collect();
            ids.sort_unstable();
            prop_assert_eq!(ids, (0..count).collect::<Vec<_>>());
        }
    }
}

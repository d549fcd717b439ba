//! One task with its ancestors.

use stallscope_wire::message::{Details, DetailsQuery, FindingTask, TaskKind};

use super::source::{Source, name_of, places, task};

/// How many ancestors are followed.
const MOST_ANCESTORS: usize = 64;

/// `can_be_asked`: whether the task can say itself what it waits for.
pub(super) fn details(
    query: DetailsQuery,
    can_be_asked: bool,
    source: &dyn Source,
) -> Result<Details, String> {
    let Some(row) = source.get(query.task) else {
        return Err(no_such_task(query.task));
    };
    let mut ancestors = Vec::new();
    let mut next = row.parent;
    while let Some(ancestor) = next.and_then(|id| source.get(id))
        && ancestors.len() < MOST_ANCESTORS
    {
        ancestors.push(task(&ancestor, source));
        next = ancestor.parent;
    }
    ancestors.reverse();
    let mut children = 0;
    source.for_each(&mut |other| children += u64::from(other.parent == Some(row.id)));
    let task = task(&row, source);
    let used = ancestors.iter().chain([&task]).map(|task| task.site);
    Ok(Details {
        sites: places(used, source),
        ancestors,
        children,
        unseen: unseen(row.kind, can_be_asked).to_owned(),
        task: Some(task),
    })
}

pub(super) fn no_such_task(id: u64) -> String {
    format!(
        "no live task has the id {id}: it has ended, or it is of a kind that this tier does not see"
    )
}

/// A task as a finding names it: what is left of it if it has ended meanwhile.
pub(super) fn describe(id: u64, source: &dyn Source) -> FindingTask {
    let Some(row) = source.get(id) else {
        return FindingTask {
            id,
            ..FindingTask::default()
        };
    };
    let mut ancestors = Vec::new();
    let mut next = row.parent;
    while let Some(ancestor) = next
        && ancestors.len() < MOST_ANCESTORS
    {
        ancestors.push(ancestor);
        next = source.get(ancestor).and_then(|row| row.parent);
    }
    FindingTask {
        id,
        name: name_of(&row, source)
            .map(|name| name.to_string())
            .unwrap_or_default(),
        kind: row.kind.into(),
        spawned_at: source.site(row.site),
        ancestors,
    }
}

/// What nobody can tell about a task of this kind here.
fn unseen(kind: TaskKind, can_be_asked: bool) -> &'static str {
    match kind {
        TaskKind::Root => {
            "What the root future waits for, and whether it has been woken, is not visible in this tier."
        }
        TaskKind::Blocking => {
            "A blocking closure is known only because it spawned a task: its age counts from then, and its spawn place and times are not visible."
        }
        _ if can_be_asked => {
            "Whether it has been woken since its last poll is not visible in this tier."
        }
        _ => {
            "What it waits for, and whether it has been woken since its last poll, is not visible in this tier."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::fake::Fake;
    use super::*;

    fn family() -> Fake {
        let mut fake = Fake {
            files: vec!["a.rs"],
            ..Fake::default()
        };
        fake.add(0, None, 0);
        fake.add(1, Some(0), 1);
        fake.add(2, Some(1), 1);
        fake.add(3, Some(2), 1);
        fake.add(4, Some(2), 1);
        fake
    }

    #[test]
    fn ancestors_come_outermost_first() {
        let details = details(DetailsQuery { task: 2 }, false, &family()).expect("task 2 is alive");
        assert_eq!(
            details
                .ancestors
                .iter()
                .map(|task| task.id)
                .collect::<Vec<_>>(),
            [0, 1]
        );
        assert_eq!(
            (details.task.map(|task| task.id), details.children),
            (Some(2), 2)
        );
        assert_eq!(details.sites.len(), 1);
    }

    #[test]
    fn what_the_task_says_itself_is_not_unseen() {
        let unseen = |can_be_asked| {
            details(DetailsQuery { task: 2 }, can_be_asked, &family())
                .expect("task 2 is alive")
                .unseen
        };
        assert!(unseen(false).contains("What it waits for"));
        assert!(!unseen(true).contains("waits for") && unseen(true).contains("woken"));
    }

    #[test]
    fn a_finding_names_the_nearest_ancestor_first() {
        let found = describe(3, &family());
        assert_eq!((found.id, found.ancestors), (3, vec![2, 1, 0]));
        assert_eq!(found.spawned_at.map(|site| site.line), Some(1));
        assert_eq!(describe(99, &family()).id, 99);
    }

    #[test]
    fn a_task_that_is_not_there_is_told_by_its_id() {
        let error =
            details(DetailsQuery { task: 99 }, false, &family()).expect_err("there is no task 99");
        assert!(error.contains("99"), "{error}");
    }
}

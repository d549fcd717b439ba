//! What one task waits for, as it says itself, or why it does not.

use stallscope_wire::message::{AsyncBranch, AsyncStack, AsyncStackQuery, Frame, TaskKind};

use super::details::no_such_task;
use super::source::Source;
use crate::entry::async_stack::{PATIENCE, Silent, Standing, is_own_frame};
use crate::recorder::TaskId;

/// `ask` waits for the task's worker; `frames` names return addresses, the innermost first.
pub(super) fn async_stack(
    query: AsyncStackQuery,
    source: &dyn Source,
    ask: impl FnOnce(TaskId) -> Result<Standing, Silent>,
    mut frames: impl FnMut(&[u64]) -> Vec<Frame>,
) -> Result<AsyncStack, String> {
    let row = source
        .get(query.task)
        .ok_or_else(|| no_such_task(query.task))?;
    let standing = match row.kind {
        TaskKind::Root => Err(
            "a root future cannot be asked: what it runs as a task of `stallscope::spawn` can"
                .to_owned(),
        ),
        TaskKind::Blocking => {
            Err("a blocking closure keeps its thread: `stallscope stacks` shows where".to_owned())
        }
        _ => ask(TaskId(query.task)).map_err(why),
    };
    Ok(match standing {
        Ok(standing) if standing.branches.is_empty() => missing(
            "it waits for no future of tokio's: for one of another crate, perhaps, and those do not tell"
                .to_owned(),
        ),
        Ok(standing) => AsyncStack {
            branches: standing
                .branches
                .iter()
                .map(|addresses| branch(frames(addresses)))
                .collect(),
            more: standing.more,
            missing: String::new(),
        },
        Err(reason) => missing(reason),
    })
}

fn missing(missing: String) -> AsyncStack {
    AsyncStack {
        missing,
        ..AsyncStack::default()
    }
}

/// Without what is ours, around the task's own future.
fn branch(mut frames: Vec<Frame>) -> AsyncBranch {
    let ours = frames.iter().position(is_own_frame);
    frames.truncate(ours.unwrap_or(frames.len()));
    frames.reverse();
    AsyncBranch { frames }
}

fn why(silent: Silent) -> String {
    match silent {
        Silent::NotBuilt(missing) => missing.to_owned(),
        Silent::NotOurs => {
            "it was not spawned through stallscope, so that only a dump of its whole runtime could tell, which stops all workers, \
             for good if one is stalled, and is never taken: spawn it with `stallscope::spawn`"
                .to_owned()
        }
        Silent::NeverPolled => "no worker has polled it yet: it waits for one".to_owned(),
        Silent::Ended => "it ended when it was asked".to_owned(),
        Silent::NotInTime => format!(
            "its worker has not come round to it within {} ms: `stallscope stacks` shows what keeps it",
            PATIENCE.as_millis()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::fake::Fake;
    use super::*;

    fn family() -> Fake {
        let mut fake = Fake::default();
        fake.add(0, None, 0).kind = TaskKind::Root;
        fake.add(1, Some(0), 1);
        fake.add(2, Some(1), 1).kind = TaskKind::Blocking;
        fake
    }

    fn answer(task: u64, told: Result<Standing, Silent>) -> Result<AsyncStack, String> {
        let name = |address: &u64| Frame {
            function: match address {
                1 => "stallscope::entry::async_stack::present::poll_and_answer".to_owned(),
                address => format!("f{address}"),
            },
            ..Frame::default()
        };
        let frames = |addresses: &[u64]| addresses.iter().map(name).collect();
        async_stack(AsyncStackQuery { task }, &family(), |_| told, frames)
    }

    #[test]
    fn a_stack_begins_with_the_tasks_own_future_and_ends_with_what_it_waits_for() {
        let standing = Standing {
            branches: vec![vec![9, 8, 7, 1, 5], vec![6, 7]],
            more: 3,
        };
        let told = answer(1, Ok(standing)).expect("it is alive");
        let functions: Vec<Vec<_>> = told
            .branches
            .iter()
            .map(|branch| {
                branch
                    .frames
                    .iter()
                    .map(|frame| frame.function.as_str())
                    .collect()
            })
            .collect();
        assert_eq!(functions, [vec!["f7", "f8", "f9"], vec!["f7", "f6"]]);
        assert_eq!((told.more, told.missing.as_str()), (3, ""));
    }

    #[test]
    fn a_task_that_does_not_tell_says_why() {
        let why = |task, told| answer(task, told).expect("it is alive").missing;
        let silent = [
            (Silent::NotBuilt("no feature"), "no feature"),
            (Silent::NotOurs, "`stallscope::spawn`"),
            (Silent::NeverPolled, "polled it yet"),
            (Silent::Ended, "ended"),
            (Silent::NotInTime, "within 250 ms"),
        ];
        for (silent, words) in silent {
            let why = why(1, Err(silent));
            assert!(why.contains(words), "{why}");
        }
        assert!(why(1, Ok(Standing::default())).contains("another crate"));
        assert!(why(0, Ok(Standing::default())).contains("root future"));
        assert!(why(2, Ok(Standing::default())).contains("stallscope stacks"));
        let gone = answer(99, Ok(Standing::default())).expect_err("there is no task 99");
        assert!(gone.contains("99"), "{gone}");
    }
}

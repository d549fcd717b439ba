//! Every task is there, once, and told right: what it is, who holds it, where it hangs, what it waits for.

use std::fmt::{Debug, Write};

use stallscope_attach::tasks::{Branch, Frame, Kind, Task};

use crate::expected::{self, Expected};
use crate::marks::line_of;
use crate::program::{Reading, readings};

#[test]
fn every_task_is_listed_once() {
    check(|expected, found| same("number of such tasks", &expected.times, &found.len()));
}

#[test]
fn no_number_is_listed_twice() {
    for Reading { program, tasks } in readings() {
        let twice = tasks
            .iter()
            .find(|task| tasks.iter().filter(|other| other.id == task.id).count() > 1);
        assert!(twice.is_none(), "{}: {twice:#?}", program.display());
    }
}

#[test]
fn no_task_is_listed_that_nobody_expects() {
    for reading in readings() {
        let known: Vec<_> = expected::tasks();
        let is_known = |task: &Task| known.iter().any(|expected| is(task, expected));
        // What a task of ours started in turn: the blocking closures of `joining_blocking` and of tokio's files.
        let is_helper = |task: &Task| task.kind == Kind::Blocking;
        let unknown: Vec<_> = reading
            .tasks
            .iter()
            .filter(|task| !is_known(task) && !is_helper(task))
            .collect();
        assert!(
            unknown.is_empty(),
            "{}: {unknown:#?}",
            reading.program.display()
        );
    }
}

#[test]
fn a_task_is_of_its_kind_and_in_its_state() {
    each(|expected, task| {
        same("kind", &expected.kind, &task.kind)?;
        same("state", &expected.state, &task.state)
    });
}

#[test]
fn a_task_whose_join_handle_is_gone_is_detached() {
    each(|expected, task| same("detached", &Some(expected.detached), &task.detached));
}

#[test]
fn a_task_has_as_many_wakers_as_can_wake_it() {
    each(|expected, task| same("wakers", &expected.wakers, &task.wakers));
}

#[test]
fn a_stack_leads_to_the_line_of_each_await() {
    each(|expected, task| {
        let wanted: Vec<_> = expected
            .frames
            .iter()
            .map(|(function, mark)| place(expected.file(), function, mark))
            .collect();
        same("frames", &wanted, &own_places(&task.stack))?;
        let innermost = task.suspended_at.as_ref().map(|place| place.line);
        let hangs_at = expected.hangs_at.map(|mark| line_of(expected.file(), mark));
        same("suspended_at", &hangs_at, &innermost)
    });
}

#[test]
fn a_task_waits_for_what_its_innermost_future_is() {
    each(|expected, task| {
        same(
            "waits_for",
            &expected.waits_for,
            &task.waits_for.as_ref().map(|waits_for| waits_for.kind),
        )
    });
}

#[test]
fn a_detail_says_how_much_and_which() {
    each(|expected, task| match &task.waits_for {
        Some(waits_for) if waits_for.detail.contains(expected.detail) => Ok(()),
        None if expected.detail.is_empty() => Ok(()),
        told => Err(format!("detail: {:?} is not in {told:?}", expected.detail)),
    });
}

#[test]
fn branches_are_told_one_by_one() {
    each(|expected, task| {
        let branching = task
            .stack
            .iter()
            .rev()
            .find(|frame| !frame.branches.is_empty());
        let told = branching.map_or(&[][..], |frame| &frame.branches);
        let wanted: Vec<_> = expected
            .branches
            .iter()
            .map(|branch| {
                let function = branch.function.iter();
                let places: Vec<_> = function
                    .map(|function| place(expected.file(), function, function))
                    .collect();
                (branch.done, places, branch.waits_for)
            })
            .collect();
        let of = |branch: &Branch| {
            let waits_for = branch.waits_for.as_ref().map(|waits_for| waits_for.kind);
            (branch.done, own_places(&branch.stack), waits_for)
        };
        same("branches", &wanted, &told.iter().map(of).collect())
    });
}

/// Function, file and line of a frame.
type PlaceOf = (String, String, u32);

fn place(file: &str, function: &str, mark: &str) -> PlaceOf {
    let path = if function.contains("::") {
        format!("zoo::{function}")
    } else {
        format!("zoo::{file}::{function}")
    };
    (path, format!("src/{file}.rs"), line_of(file, mark))
}

/// Those of the zoo's own code, in the form of [`place`].
fn own_places(stack: &[Frame]) -> Vec<PlaceOf> {
    let own = stack.iter().filter(|frame| frame.in_app);
    own.filter_map(|frame| {
        let place = frame.place.as_ref()?;
        let file = place
            .file
            .rfind("src/")
            .map_or(&*place.file, |at| &place.file[at..]);
        Some((frame.function.clone(), file.to_owned(), place.line))
    })
    .collect()
}

/// Whether this is the task that is expected: by its future's type or, if that is a box, by its outermost function.
fn is(task: &Task, expected: &Expected) -> bool {
    let path = format!("zoo::{}", expected.name);
    let of_type = path.replace("{async_block#", "{async_block_env#");
    let rest = task.future.strip_prefix(&of_type);
    let is_type = rest.is_some_and(|rest| {
        rest.is_empty() || rest.starts_with("::{async_fn_env#") || rest.starts_with('<')
    });
    let is_closure = expected.kind == Kind::Blocking && task.future.contains(&path);
    is_type
        || is_closure
        || task
            .stack
            .first()
            .is_some_and(|frame| frame.function == path)
}

/// Compares the tasks one by one, and fails with all that is wrong.
fn each(compare: impl Fn(&Expected, &Task) -> Result<(), String>) {
    check(|expected, found| found.iter().try_for_each(|task| compare(expected, task)));
}

fn check(compare: impl Fn(&Expected, &[&Task]) -> Result<(), String>) {
    let mut wrong = String::new();
    for Reading { program, tasks } in readings() {
        for expected in expected::tasks() {
            let found: Vec<_> = tasks.iter().filter(|task| is(task, &expected)).collect();
            if let Err(problem) = compare(&expected, &found) {
                let _ = writeln!(
                    wrong,
                    "{} in {}: {problem}",
                    expected.name,
                    program.display()
                );
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

fn same<T: PartialEq + Debug>(what: &str, wanted: &T, told: &T) -> Result<(), String> {
    if wanted == told {
        return Ok(());
    }
    Err(format!("{what}: wanted {wanted:?}, told {told:?}"))
}

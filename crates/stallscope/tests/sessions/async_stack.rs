//! A task that is suspended says where, and notices nothing of it; one that cannot says why.

use stallscope_wire::message::{AsyncStack, AsyncStackQuery, Task, subscribe::Topic, update};

use crate::support::{Client, Program};

fn ask(client: &mut Client, task: u64) -> Result<AsyncStack, String> {
    match client.ask(Topic::AsyncStack(AsyncStackQuery { task }))? {
        update::Body::AsyncStack(stack) => Ok(stack),
        other => panic!("an answer to another question: {other:?}"),
    }
}

/// The id of the task of this name, once it was polled.
#[cfg(all(feature = "taskdump", tokio_unstable))]
fn named(client: &mut Client, name: &str) -> u64 {
    task_when(client, |task| task.name == name && task.polls > 0)
}

/// The same, once it is suspended.
fn suspended(client: &mut Client, name: &str) -> u64 {
    task_when(client, |task| {
        task.name == name && task.polls > 0 && task.polling_ns == 0
    })
}

fn task_when(client: &mut Client, is_it: impl Fn(&Task) -> bool) -> u64 {
    let tasks = client.tasks_when(|tasks| tasks.tasks.iter().any(&is_it));
    tasks
        .tasks
        .iter()
        .find(|task| is_it(task))
        .expect("just seen")
        .id
}

fn why_not(client: &mut Client, task: u64) -> String {
    let stack = ask(client, task).expect("it is alive");
    assert_eq!(stack.branches, [], "{stack:#?}");
    stack.missing
}

#[test]
fn a_task_that_does_not_exist_is_told_by_its_id() {
    let program = Program::start("suspended");
    let why = ask(&mut program.connect(), 123_456).expect_err("there is none");
    assert!(why.contains("no live task has the id 123456"), "{why}");
}

#[cfg(not(feature = "taskdump"))]
#[test]
fn a_build_without_the_feature_names_it() {
    let program = Program::start("suspended");
    let mut client = program.connect();
    let consumer = suspended(&mut client, "consumer");
    let why = why_not(&mut client, consumer);
    assert!(why.contains("feature `taskdump`"), "{why}");
    // Nothing of a build could have it told.
    assert!(why_not(&mut client, 0).contains("root future"));
}

#[cfg(all(feature = "taskdump", not(tokio_unstable)))]
#[test]
fn a_build_without_the_flag_names_it() {
    let program = Program::start("suspended");
    let mut client = program.connect();
    let consumer = suspended(&mut client, "consumer");
    let why = why_not(&mut client, consumer);
    assert!(why.contains("--cfg tokio_unstable"), "{why}");
}

#[cfg(all(feature = "taskdump", tokio_unstable))]
mod with_task_dumps {
    use stallscope_wire::message::Frame;

    use super::*;
    use crate::programs::place_of;
    use crate::support::PATIENCE;

    /// The marked lines a branch goes through, outermost first.
    fn own_lines(frames: &[Frame]) -> Vec<(&str, u32)> {
        frames
            .iter()
            .filter(|frame| frame.in_app)
            .map(|frame| (frame.file.as_str(), frame.line))
            .collect()
    }

    fn assert_goes_through(frames: &[Frame], marks: &[&str]) {
        let lines = own_lines(frames);
        let mut rest = lines.iter();
        for mark in marks {
            let (file, line) = place_of(mark);
            assert!(
                rest.any(|(seen, at)| seen.ends_with(file) && *at == line),
                "not through `{mark}` at {file}:{line}, in this order: {frames:#?}"
            );
        }
    }

    #[test]
    fn a_receiver_two_functions_deep_is_told_by_both_lines_as_often_as_it_is_asked() {
        let mut program = Program::start("suspended");
        let mut client = program.connect();
        let consumer = suspended(&mut client, "consumer");
        for _ in 0..3 {
            let stack = ask(&mut client, consumer).expect("it is alive");
            let [branch] = &stack.branches[..] else {
                panic!("not one branch: {stack:#?}");
            };
            let frames = &branch.frames;
            assert_eq!(own_lines(frames).len(), 2, "{frames:#?}");
            assert_goes_through(
                frames,
                &["async stack: takes jobs", "async stack: waits for a job"],
            );
            assert!(frames[0].in_app, "nothing is further out: {frames:#?}");
            let innermost = frames.last().expect("not empty");
            assert_eq!(innermost.origin, "tokio", "{innermost:#?}");
            assert_eq!((stack.more, stack.missing.as_str()), (0, ""));
        }
        arrives(&mut program, &mut client);
    }

    /// Lets the tasks go on: each gets what it waits for.
    fn arrives(program: &mut Program, client: &mut Client) {
        let fragile = suspended(client, "fragile");
        let _ = ask(client, fragile);
        program.go_on();
        program.expect("all has arrived");
    }

    #[test]
    fn a_select_is_told_by_its_three_branches() {
        let mut program = Program::start("suspended");
        let mut client = program.connect();
        let chooser = suspended(&mut client, "chooser");
        for _ in 0..3 {
            let stack = ask(&mut client, chooser).expect("it is alive");
            assert_eq!(stack.branches.len(), 3, "{stack:#?}");
            for branch in &stack.branches {
                assert_goes_through(&branch.frames, &["async stack: chooses"]);
            }
            let (_, waits) = place_of("async stack: waits for a job");
            let deeper = stack.branches.iter().filter(|branch| {
                own_lines(&branch.frames)
                    .iter()
                    .any(|(_, line)| *line == waits)
            });
            assert_eq!(deeper.count(), 1, "{stack:#?}");
        }
        arrives(&mut program, &mut client);
    }

    #[test]
    fn of_very_many_places_the_rest_is_counted() {
        let program = Program::start("suspended");
        let mut client = program.connect();
        let crowd = suspended(&mut client, "crowd");
        let stack = ask(&mut client, crowd).expect("it is alive");
        assert_eq!((stack.branches.len(), stack.more), (64, 36));
    }

    #[test]
    fn what_cannot_tell_says_why() {
        let mut program = Program::start("suspended");
        let mut client = program.connect();
        let stranger = suspended(&mut client, "stranger");
        let plain = program.expect("plain is ").parse().expect("an id");
        client.tasks_when(|tasks| tasks.tasks.iter().any(|task| task.id == plain));
        let whys = [
            (0, "root future"),
            (stranger, "no future of tokio's"),
            (plain, "not spawned through stallscope"),
        ];
        for (task, words) in whys {
            let why = why_not(&mut client, task);
            assert!(why.contains(words), "{why}");
        }
        arrives(&mut program, &mut client);
    }

    #[test]
    fn a_task_that_panics_when_it_is_asked_ends_as_by_any_poll() {
        let mut program = Program::start("suspended");
        let mut client = program.connect();
        let fragile = suspended(&mut client, "fragile");
        let why = why_not(&mut client, fragile);
        assert!(why.contains("it ended"), "{why}");
        let gone = ask(&mut client, fragile).expect_err("it has ended");
        assert!(gone.contains("has ended"), "{gone}");
        program.go_on();
        program.expect("all has arrived");
    }

    #[test]
    fn no_wake_is_lost_on_tasks_that_are_asked_again_and_again_while_they_work() {
        let mut program = Program::start("passing-on");
        let mut client = program.connect();
        let tasks = ["passer", "counter"].map(|name| named(&mut client, name));
        let mut answers = 0;
        for task in (0..100).flat_map(|_| tasks) {
            let stack = ask(&mut client, task).expect("it is alive");
            answers += u32::from(!stack.branches.is_empty());
        }
        assert!(answers > 0, "none of 200 times");
        program.go_on();
        program.expect("all has arrived");
        assert!(program.finish().0.success());
    }

    #[test]
    fn a_task_that_is_ready_when_it_is_asked_goes_on_in_a_poll_like_any_other() {
        let mut program = Program::start("ready-when-asked");
        program.expect("it may go on");
        let mut client = program.connect();
        let sleeper = named(&mut client, "sleeper");
        let _ = ask(&mut client, sleeper);
        program.expect("all has arrived");
        assert!(program.finish().0.success());
    }

    #[test]
    fn a_worker_that_is_stuck_is_not_waited_for_and_the_task_can_be_asked_later() {
        let mut program = Program::start("suspended-on-one-thread");
        let mut client = program.connect();
        let consumer = suspended(&mut client, "consumer");
        program.go_on();
        program.expect("stalled");
        let before = std::time::Instant::now();
        let why = why_not(&mut client, consumer);
        assert!(why.contains("within 250 ms"), "{why}");
        assert!(before.elapsed() < PATIENCE);
        program.go_on();
        program.expect("all has arrived");
        assert!(program.finish().0.success());
    }
}

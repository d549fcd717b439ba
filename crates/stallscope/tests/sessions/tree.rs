//! What the hooks tier shows: every task, with parent, place and times.

use stallscope_wire::message::{Overview, Task, TaskKind, TaskState, TierState};

use crate::support::{Client, Program, patiently};

#[test]
fn every_task_has_its_parent_and_its_line() {
    let mut program = Program::start("family");
    let mut client = program.connect();
    let is_at_rest = |task: &Task| task.id == 0 || task.state() == TaskState::Idle;
    let tasks = client.tasks_when(|tasks| tasks.tasks.iter().all(is_at_rest));
    let root = tasks.one_at("family: root");
    assert_eq!(
        (root.id, root.kind(), root.parent),
        (0, TaskKind::Root, None)
    );
    let parent = tasks.one_at("family: parent");
    assert_eq!(
        (parent.kind(), parent.parent),
        (TaskKind::Task, Some(root.id))
    );
    let children = tasks.at("family: child");
    assert_eq!(
        children
            .iter()
            .map(|child| child.parent)
            .collect::<Vec<_>>(),
        [Some(parent.id); 3]
    );
    assert_eq!(tasks.one_at("family: in a set").parent, Some(parent.id));

    program.go_on();
    let alive: u64 = program.expect("alive").parse().expect("a number");
    let overview = client.overview();
    assert_eq!(
        (overview.live_tasks, overview.runtimes[0].alive_tasks),
        (alive, alive)
    );
    assert_eq!(overview.dropped_events, 0);
    assert_eq!(
        (
            overview.runtimes[0].flavor.as_str(),
            overview.runtimes[0].workers.len()
        ),
        ("multi_thread", 2)
    );
    let tiers: Vec<_> = overview
        .tiers
        .iter()
        .map(|tier| (tier.name.as_str(), tier.state()))
        .collect();
    assert_eq!(
        tiers,
        [
            ("core", TierState::On),
            ("hooks", TierState::On),
            ("deep", TierState::Off)
        ]
    );
}

#[test]
fn a_blocking_closure_is_known_by_the_task_it_spawned_and_gone_when_it_ends() {
    let mut program = Program::start("blocking");
    program.expect("spawned");
    let mut client = program.connect();
    let tasks = client.tasks();
    let child = tasks.one_at("blocking: child");
    let closure = tasks.get(child.parent.expect("the closure is its parent"));
    assert_eq!(
        (closure.kind(), closure.state(), closure.site),
        (TaskKind::Blocking, TaskState::Running, 0)
    );

    program.go_on();
    program.expect("closure ended");
    let tasks = client.tasks_when(|tasks| tasks.one_at("blocking: child").parent_ended);
    assert!(
        tasks
            .tasks
            .iter()
            .all(|task| task.kind() != TaskKind::Blocking)
    );
    // The closure was never counted as spawned, so its end must not be counted either.
    let overview = client.overview();
    assert_eq!(
        (
            overview.live_tasks,
            overview.spawned_tasks,
            overview.ended_tasks
        ),
        (2, 2, 0)
    );
}

#[test]
fn block_in_place_ends_no_task() {
    let mut program = Program::start("in-place");
    for _ in 0..3 {
        program.expect("was in place");
    }
    let mut client = program.connect();
    assert_eq!(client.tasks().at("in place: task").len(), 3);
    let overview = client.overview();
    assert_eq!((overview.live_tasks, overview.ended_tasks), (3, 0));
}

#[test]
fn a_current_thread_runtime_is_seen_alike() {
    let program = Program::start("current-thread");
    let mut client = program.connect();
    let tasks = client.tasks();
    let root = tasks.one_at("current thread: root");
    assert_eq!(tasks.one_at("current thread: task").parent, Some(root.id));
    let runtimes = client.overview().runtimes;
    assert_eq!(runtimes.len(), 1, "{runtimes:#?}");
    assert_eq!(
        (runtimes[0].flavor.as_str(), runtimes[0].hooked),
        ("current_thread", true)
    );
}

#[test]
fn what_a_local_set_spawns_belongs_to_the_root_that_drives_it() {
    let mut program = Program::start("local-set");
    program.expect("spawned");
    let tasks = program.connect().tasks();
    assert_eq!(
        tasks.one_at("local set: spawned from within").parent,
        Some(0)
    );
}

#[test]
fn two_runtimes_are_told_apart() {
    let mut program = Program::start("two-runtimes");
    program.expect("second");
    let mut client = program.connect();
    let tasks = client.tasks();
    let (first, second) = (
        tasks.one_at("two runtimes: in the first"),
        tasks.one_at("two runtimes: in the second"),
    );
    assert_ne!(first.runtime, second.runtime);
    assert_ne!(first.parent, second.parent);
    let overview = client.overview();
    let flavor = |task: &Task| {
        overview
            .runtimes
            .iter()
            .find(|runtime| runtime.index == task.runtime)
            .map(|runtime| runtime.flavor.clone())
    };
    assert_eq!(overview.runtimes.len(), 2);
    assert_eq!(flavor(first).as_deref(), Some("multi_thread"));
    assert_eq!(flavor(second).as_deref(), Some("current_thread"));
}

#[test]
fn finished_panicked_and_aborted_tasks_are_gone() {
    let program = Program::start("ends");
    let mut client = program.connect();
    // A joined task is still ending for a moment: its handle is told first, the hooks after.
    let tasks = client.tasks_when(|tasks| tasks.tasks.len() == 2);
    tasks.one_at("ends: the one that stays");
    assert_eq!(when_counted(&mut client, 5, 4).live_tasks, 1);
}

#[test]
fn polls_are_counted_and_the_longest_is_kept() {
    let mut program = Program::start("polls");
    program.expect("yielded");
    program.expect("spun");
    let mut client = program.connect();
    // What a task says in a poll is heard before the poll ends.
    let tasks = client.tasks_when(|tasks| {
        tasks.tasks.iter().all(|task| task.polling_ns == 0)
            && tasks.one_at("polls: a long one").polls > 0
    });
    let hundred = tasks.one_at("polls: a hundred");
    assert_eq!(hundred.polls, 100);
    assert!(
        hundred.longest_poll_ns <= hundred.busy_ns && hundred.busy_ns < hundred.age_ns,
        "{hundred:?}"
    );
    let long = tasks.one_at("polls: a long one");
    assert!(
        long.longest_poll_ns >= 30_000_000 && long.busy_ns == long.longest_poll_ns,
        "{long:?}"
    );
    assert_eq!(long.worker, Some(0));
    assert!(long.idle_ns < long.age_ns, "{long:?}");

    program.go_on(); // aborts the hundred, which is one more poll
    patiently(|| {
        let tasks = client.tasks();
        if tasks.at("polls: a hundred").is_empty() {
            Ok(())
        } else {
            Err("still alive".to_owned())
        }
    });
    let counted: u64 = client.overview().poll_times.iter().sum();
    assert!(
        counted >= 102,
        "polls by duration add up to all polls: {counted}"
    );
}

#[test]
fn a_hundred_thousand_short_tasks_leave_nothing_but_the_eternal_ones() {
    let mut program = Program::start("many");
    program.expect("spawned");
    let mut client = program.connect();
    let tasks = client.tasks_when(|tasks| tasks.at("many: short ones").is_empty());
    assert_eq!(tasks.at("many: one in a thousand").len(), 100);
    let overview = when_counted(&mut client, 100_100, 100_000);
    assert_eq!((overview.live_tasks, overview.dropped_events), (100, 0));
}

#[test]
fn tasks_can_have_names() {
    let program = Program::start("named");
    let tasks = program
        .connect()
        .tasks_when(|tasks| tasks.at("named: child").len() == 1);
    let parent = tasks.one_at("named: parent");
    assert_eq!(
        (parent.name.as_str(), parent.parent),
        ("accept loop", Some(0))
    );
    let child = tasks.one_at("named: child");
    assert_eq!((child.name.as_str(), child.parent), ("", Some(parent.id)));
}

#[test]
fn the_applications_own_hooks_run_beside_ours() {
    let mut program = Program::start("own-hooks");
    program.expect("all task hooks were called");
    let mut client = program.connect();
    client.tasks_when(|tasks| tasks.tasks.len() == 1);
    when_counted(&mut client, 1, 1);
}

#[test]
fn a_hook_that_replaced_ours_is_told() {
    let program = Program::start("replaced-hooks");
    let mut client = program.connect();
    let hooks = client
        .overview()
        .tiers
        .into_iter()
        .find(|tier| tier.name == "hooks")
        .expect("a tier");
    assert_eq!(hooks.state(), TierState::Degraded);
    assert!(hooks.note.contains("stallscope_with"), "{}", hooks.note);
    assert!(client.overview().warnings >= 1);
}

/// The overview once so many tasks are spawned and ended: a task that ends leaves the list a moment before it counts.
fn when_counted(client: &mut Client, spawned: u64, ended: u64) -> Overview {
    patiently(|| {
        let overview = client.overview();
        match (overview.spawned_tasks, overview.ended_tasks) {
            counted if counted == (spawned, ended) => Ok(overview),
            counted => Err(format!("{counted:?} are not {:?}", (spawned, ended))),
        }
    })
}

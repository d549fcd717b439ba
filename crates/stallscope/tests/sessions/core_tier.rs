//! What is seen without hooks: tasks spawned through stallscope, root futures, gauges.

use stallscope_wire::message::{TaskKind, TierState};

use crate::support::{Program, patiently};

#[test]
fn with_init_tasks_spawned_through_stallscope_are_seen_and_others_are_not() {
    let program = Program::start("init");
    let mut client = program.connect();
    let tasks =
        client.tasks_when(|tasks| tasks.at("init: child").len() == 1 && tasks.tasks.len() == 2);
    let seen = tasks.one_at("init: seen");
    assert_eq!(
        (seen.name.as_str(), seen.kind(), seen.parent),
        ("seen", TaskKind::Task, None)
    );
    assert_eq!(tasks.one_at("init: child").parent, Some(seen.id));
    assert!(tasks.at("init: not seen").is_empty());

    // tokio's own gauge counts the unseen one too, and for a moment the one that was aborted.
    let overview = patiently(|| match client.overview() {
        overview if overview.runtimes[0].alive_tasks == 3 => Ok(overview),
        overview => Err(format!("{:?}", overview.runtimes)),
    });
    assert_eq!((overview.live_tasks, overview.spawned_tasks), (2, 1003));
    let hooks = overview
        .tiers
        .iter()
        .find(|tier| tier.name == "hooks")
        .expect("a tier");
    assert_eq!(hooks.state(), TierState::Off);
    assert!(hooks.note.contains("not seen"), "{}", hooks.note);
}

#[cfg(not(tokio_unstable))]
#[test]
fn the_root_future_and_named_tasks_are_seen_on_stable_tokio() {
    let program = Program::start("named");
    let mut client = program.connect();
    let tasks = client.tasks_when(|tasks| tasks.at("named: child").len() == 1);
    let parent = tasks.one_at("named: parent");
    assert_eq!(
        (parent.name.as_str(), parent.parent),
        ("accept loop", Some(0))
    );
    assert_eq!(tasks.one_at("named: child").parent, Some(parent.id));
    assert_eq!(tasks.get(0).kind(), TaskKind::Root);
    assert_eq!(parent.polls, 1);
}

#[cfg(not(tokio_unstable))]
#[test]
fn plain_tasks_are_not_seen_and_that_is_said() {
    let program = Program::start("family");
    let mut client = program.connect();
    let tasks = client.tasks();
    assert_eq!(tasks.tasks.len(), 1, "only the root future: {tasks:#?}");
    // Those of ours that ask the workers who they are end soon after the start.
    let overview = patiently(|| {
        let overview = client.overview();
        match overview.runtimes[0].alive_tasks {
            5 => Ok(overview),
            count => Err(format!("{count} tasks are alive")),
        }
    });
    let hooks = overview
        .tiers
        .iter()
        .find(|tier| tier.name == "hooks")
        .expect("a tier");
    assert!(
        hooks.state() == TierState::Off && hooks.note.contains("--cfg tokio_unstable"),
        "{hooks:?}"
    );
}

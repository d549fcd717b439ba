//! What one poll costs: many tasks that do nothing but `yield_now`.

use std::sync::Arc;

use anyhow::Result;
use tokio::task::yield_now;

use crate::arguments::Arguments;
use crate::gate::{Countdown, Gate};
use crate::instrumented;
use crate::measure::{Figures, Stopwatch, nanos_each};

/// `wall_ns`: wall time × workers / polls. `cpu_ns`: CPU time of the process / polls.
pub(crate) fn run(arguments: &Arguments) -> Result<Figures> {
    let workers = arguments.count("workers")?;
    let tasks = arguments.count("tasks")?;
    let yields = arguments.count("yields")?;
    let warm_up = arguments.count("warm_up")?;

    let elapsed = instrumented::run(workers, async move {
        let course = Arc::new(Course::new(tasks));
        for _ in 0..tasks {
            tokio::spawn(run_course(Arc::clone(&course), warm_up, yields));
        }
        course.warm.all_arrived().await;
        let watch = Stopwatch::start();
        course.start.open();
        course.done.all_arrived().await;
        watch.stop()
    })?;

    // One more poll than yields: the one that ends the wait at the start.
    let polls = tasks * (yields + 1);
    Ok(vec![
        ("wall_ns", nanos_each(elapsed.wall, polls) * workers as f64),
        ("cpu_ns", nanos_each(elapsed.cpu, polls)),
    ])
}

/// Spawning and ending stay outside the measured time: every task waits at the start and stays at the end.
struct Course {
    warm: Countdown,
    start: Gate,
    done: Countdown,
}

impl Course {
    fn new(tasks: usize) -> Self {
        Self {
            warm: Countdown::new(tasks),
            start: Gate::new(),
            done: Countdown::new(tasks),
        }
    }
}

async fn run_course(course: Arc<Course>, warm_up: usize, yields: usize) {
    for _ in 0..warm_up {
        yield_now().await;
    }
    course.warm.arrive();
    course.start.passed().await;
    for _ in 0..yields {
        yield_now().await;
    }
    course.done.arrive();
    std::future::pending::<()>().await;
}

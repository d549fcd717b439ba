//! The tasks of a tokio process that knows nothing of it: `cargo run --release --example tasks PID [--locals]`.

use std::time::Instant;

use stallscope_attach::tasks::{Frame, Task};
use stallscope_attach::{Options, Process, Target};

fn main() {
    if let Err(error) = run() {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let pid = arguments.next().ok_or("which process? Give its number")?;
    let locals = arguments.next().is_some_and(|flag| flag == "--locals");

    let start = Instant::now();
    let target = Target::live(pid.parse()?)?;
    let process = Process::of(&target)?;
    let indexed = start.elapsed();
    let tasks = process.tasks(&Options { locals });
    let listed = start.elapsed().saturating_sub(indexed);
    for task in &tasks {
        show(task);
    }
    for (thread, polls) in process.polling(|_| true) {
        println!(
            "thread {} {} polls task {}",
            thread.tid, thread.name, polls.task
        );
    }
    println!(
        "{} tasks in {listed:.0?}, after {indexed:.0?} for the debug information",
        tasks.len()
    );
    Ok(())
}

fn show(task: &Task) {
    let waits_for = task.waits_for.as_ref();
    println!(
        "{} {:?} {:?} waits for {} {}  {}",
        task.id,
        task.kind,
        task.state,
        waits_for.map_or("-", |waits| waits.kind.name()),
        waits_for.map_or("", |waits| &waits.detail),
        task.future,
    );
    show_stack(&task.stack, 4);
}

fn show_stack(stack: &[Frame], indent: usize) {
    for frame in stack {
        let place = frame.place.as_ref().map(ToString::to_string);
        print!(
            "{:indent$}{} {}",
            "",
            frame.function,
            place.unwrap_or_default()
        );
        for local in &frame.locals {
            print!("  {}={}", local.name, local.value);
        }
        println!();
        for branch in &frame.branches {
            println!(
                "{:indent$}- {}",
                "",
                if branch.done { "done" } else { "pending" }
            );
            show_stack(&branch.stack, indent + 2);
        }
    }
}

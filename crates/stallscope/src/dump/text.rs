//! What do the stacks of all threads look like as text, 80 columns wide?

use stallscope_wire::message::{Frame, Process, Stacks, ThreadStack};
use stallscope_wire::text::place;
use stallscope_wire::text::stack::{Line, folded, frame_place};

use crate::findings::Tasks;

const COLUMNS: usize = 80;

/// All threads, each with a header and its frames in short, innermost first; `>` marks the application's own.
pub(crate) fn of(stacks: &Stacks, tasks: &dyn Tasks, process: &Process) -> String {
    let mut text = format!(
        "stallscope: what process {} ({}) does now",
        process.pid, process.program
    );
    if stacks.threads.is_empty() {
        text.push_str(": no thread has run a task yet");
    }
    text.push('\n');
    for thread in &stacks.threads {
        text.push('\n');
        head(&mut text, thread, tasks);
        frames(&mut text, &thread.stack);
        if !thread.missing.is_empty() {
            line(&mut text, &format!("  missing: {}", thread.missing));
        }
    }
    text.push('\n');
    text
}

/// `thread 4713 "tokio-rt-worker", worker 1, sleeping`, and what it polls.
fn head(text: &mut String, thread: &ThreadStack, tasks: &dyn Tasks) {
    let mut parts = vec![format!("thread {} {:?}", thread.tid, thread.name)];
    parts.extend(role(thread));
    parts.extend(Some(thread.state.clone()).filter(|state| !state.is_empty()));
    line(text, &parts.join(", "));
    if thread.doing != thread.state && thread.doing != "unknown" {
        line(text, &format!("  {}", thread.doing));
    }
    if let Some(id) = thread.task {
        let task = tasks.describe(id);
        let name = match task.name.as_str() {
            "" => String::new(),
            name => format!(" {name:?}"),
        };
        line(
            text,
            &format!(
                "  polls task {id}{name} for {}",
                duration(thread.polling_ns)
            ),
        );
        if let Some(site) = &task.spawned_at {
            line(text, &format!("  spawned at {}", place(site)));
        }
    }
}

/// Which worker, or what else; nothing if that cannot be told.
fn role(thread: &ThreadStack) -> Option<String> {
    let runs = |part: &str| {
        thread
            .stack
            .iter()
            .any(|frame| frame.function.contains(part))
    };
    match (thread.worker, thread.runtime) {
        // Most programs have but one runtime.
        (Some(worker), 0) => Some(format!("worker {worker}")),
        (Some(worker), runtime) => Some(format!("worker {worker} of runtime {runtime}")),
        // Threads of the pool may block on a runtime too, so they are told first.
        (None, _) if runs("tokio::runtime::blocking::pool::") => Some("blocking".to_owned()),
        (None, _) if runs("::block_on") => Some("block_on".to_owned()),
        (None, _) => None,
    }
}

fn frames(text: &mut String, stack: &[Frame]) {
    for part in folded(stack) {
        match part {
            Line::Frame(frame) => one(text, frame),
            Line::Hidden(frames) => line(text, &format!("    … {} frames", frames.len())),
        }
    }
}

/// `> shop::report::render (src/report.rs:12)`, on two lines if it has to be.
fn one(text: &mut String, frame: &Frame) {
    let mark = if frame.in_app { '>' } else { ' ' };
    let function = match frame.function.as_str() {
        "" => "?",
        function => function,
    };
    let place = frame_place(frame);
    let together = format!("  {mark} {function} ({place})");
    if together.chars().count() <= COLUMNS {
        line(text, &together);
    } else {
        line(text, &format!("  {mark} {function}"));
        line(text, &format!("      {place}"));
    }
}

/// A line of no more columns than there are. Names and paths tell most at their end, so a long one loses its middle.
fn line(text: &mut String, line: &str) {
    let length = line.chars().count();
    if length <= COLUMNS {
        text.push_str(line);
    } else {
        let keep = COLUMNS - 1;
        text.extend(line.chars().take(keep / 3));
        text.push('…');
        text.extend(line.chars().skip(length - (keep - keep / 3)));
    }
    text.push('\n');
}

/// `850 ms`, `1.2 s`
fn duration(nanos: u64) -> String {
    match nanos / 1_000_000 {
        millis @ 0..1000 => format!("{millis} ms"),
        millis => format!("{:.1} s", millis as f64 / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use stallscope_wire::message::{FindingTask, Site};

    use super::*;

    struct Described;

    impl Tasks for Described {
        fn describe(&self, id: u64) -> FindingTask {
            FindingTask {
                id,
                name: "accept loop".to_owned(),
                spawned_at: Some(Site {
                    id: 1,
                    file: "src/main.rs".to_owned(),
                    line: 63,
                    column: 9,
                }),
                ..FindingTask::default()
            }
        }
    }

    fn shown(threads: Vec<ThreadStack>) -> String {
        let process = Process {
            pid: 4711,
            program: "shop".to_owned(),
            ..Process::default()
        };
        of(&Stacks { threads }, &Described, &process)
    }

    fn frame(function: &str, file: &str, in_app: bool) -> Frame {
        Frame {
            function: function.to_owned(),
            file: file.to_owned(),
            line: 12,
            in_app,
            module: "/usr/bin/shop".to_owned(),
            module_offset: 0x1234,
            ..Frame::default()
        }
    }

    fn stuck() -> ThreadStack {
        let tokio =
            "/home/me/.cargo/registry/src/a-registry-1949cf8c/tokio-1.54.1/src/runtime/x.rs";
        ThreadStack {
            tid: 4713,
            name: "tokio-rt-worker".to_owned(),
            worker: Some(1),
            state: "sleeping".to_owned(),
            doing: "read on /var/data/big.csv".to_owned(),
            task: Some(12),
            polling_ns: 1_240_000_000,
            stack: vec![
                frame("read", "", false),
                frame(
                    "std::fs::read",
                    "/rustc/59807616e1fa/library/std/src/fs.rs",
                    false,
                ),
                frame("shop::report::render", "src/report.rs", true),
                frame(
                    "core::ops::FnOnce::call_once",
                    "/rustc/59807616e1fa/library/core/src/ops.rs",
                    false,
                ),
                frame("shop::main::{async_block#0}", "src/main.rs", true),
                frame("tokio::runtime::task::raw::poll", tokio, false),
                frame("tokio::runtime::blocking::pool::Inner::run", tokio, false),
            ],
            ..ThreadStack::default()
        }
    }

    #[test]
    fn a_stuck_worker_shows_what_it_does_for_whom_and_where() {
        assert_eq!(
            shown(vec![stuck()]),
            "stallscope: what process 4711 (shop) does now

thread 4713 \"tokio-rt-worker\", worker 1, sleeping
  read on /var/data/big.csv
  polls task 12 \"accept loop\" for 1.2 s
  spawned at src/main.rs:63:9
    read (shop+0x1234)
    std::fs::read (library/std/src/fs.rs:12)
  > shop::report::render (src/report.rs:12)
    core::ops::FnOnce::call_once (library/core/src/ops.rs:12)
  > shop::main::{async_block#0} (src/main.rs:12)
    … 2 frames

"
        );
    }

    #[test]
    fn a_thread_that_is_no_worker_is_named_by_what_it_runs() {
        let role = |functions: &[&str]| {
            let stack = functions
                .iter()
                .map(|function| frame(function, "x.rs", false));
            role(&ThreadStack {
                stack: stack.collect(),
                ..ThreadStack::default()
            })
        };
        let pool = "tokio::runtime::blocking::pool::Inner::run";
        let root = "tokio::runtime::scheduler::multi_thread::MultiThread::block_on";
        assert_eq!(role(&[pool]).as_deref(), Some("blocking"));
        assert_eq!(role(&[root, pool]).as_deref(), Some("blocking"));
        assert_eq!(role(&[root]).as_deref(), Some("block_on"));
        assert_eq!(role(&["std::thread::sleep"]), None);
    }

    #[test]
    fn an_idle_thread_shows_what_it_waits_in_and_not_how_the_runtime_came_there() {
        let idle = ThreadStack {
            stack: vec![frame("tokio::park", "x.rs", false); 40],
            ..ThreadStack::default()
        };
        let text = shown(vec![idle]);
        assert_eq!(text.matches("tokio::park").count(), 6);
        assert!(text.contains("    … 34 frames\n"), "{text}");
    }

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        let long = "a::very::long::path".repeat(10);
        let thread = ThreadStack {
            doing: format!("read on /{long}"),
            missing: long.clone(),
            stack: vec![
                frame(&long, "src/main.rs", true),
                frame("f", &long, false),
                frame("", "", true),
            ],
            ..stuck()
        };
        let text = shown(vec![thread]);
        for line in text.lines() {
            assert!(line.chars().count() <= COLUMNS, "{line}");
        }
        assert!(text.contains("  > ? (shop+0x1234)"), "{text}");
    }

    #[test]
    fn a_process_without_threads_says_so() {
        assert!(
            shown(Vec::new())
                .starts_with("stallscope: what process 4711 (shop) does now: no thread")
        );
    }
}

//! A thread that was read from outside, as an agent would tell of it.

use stallscope_attach::threads;
use stallscope_stack::kernel::{Cause, Position, RunState};
use stallscope_stack::{Ended, Frame, Module, Origin};
use stallscope_wire::message::{self, ThreadStack};

/// For how long it has polled is not known.
pub(crate) fn convert(seen: &threads::ThreadStack) -> ThreadStack {
    let thread = &seen.thread;
    let run_state = thread.run_state();
    let cause = thread.kernel.as_ref().map_or(Cause::Unknown, Cause::now);
    let doing = match cause {
        Cause::Unknown if run_state == RunState::Running => Cause::OnCpu,
        cause => cause,
    };
    let stopped = seen.stack.as_ref().ok().and_then(|stack| stack.stopped);
    let missing = match &seen.stack {
        Err(unseen) => unseen.to_string(),
        Ok(stack) => match stack.ended {
            Ended::Root => "",
            Ended::Truncated => {
                "the stack is deeper than was copied: the outermost frames are missing"
            }
            Ended::Lost => "the outermost frames are missing: code without unwind tables",
        }
        .to_owned(),
    };
    ThreadStack {
        tid: thread.tid,
        name: thread.name.clone(),
        state: match (thread.killed_by, run_state, thread.position()) {
            (Some(_), ..) => "killed",
            (_, RunState::Running, _) => "running",
            (_, RunState::Sleeping, _) => "sleeping",
            (_, RunState::Uninterruptible, _) => "in the kernel",
            // A core file has the call, but not whether the thread slept in it.
            (_, _, Position::InSystemCall { .. }) => "in a system call",
            _ => "unknown",
        }
        .to_owned(),
        doing: match (thread.killed_by, stopped) {
            (Some(signal), _) => {
                format!("the process was ended by {signal}, which this thread got")
            }
            (None, Some(time)) => {
                format!("{doing}, stopped for {} µs to be read", time.as_micros())
            }
            (None, None) => doing.to_string(),
        },
        task: seen.polls,
        stack: frames(seen),
        missing,
        ..ThreadStack::default()
    }
}

/// Innermost first; empty where the stack is not known.
fn frames(seen: &threads::ThreadStack) -> Vec<message::Frame> {
    let stack = seen.stack.as_ref();
    stack.map_or_else(
        |_| Vec::new(),
        |stack| stack.frames.iter().map(frame).collect(),
    )
}

/// A frame, as an agent would tell it.
pub(super) fn frame(frame: &Frame) -> message::Frame {
    let module = frame.module.as_deref();
    message::Frame {
        function: frame.function.clone().unwrap_or_default(),
        file: frame.file.clone().unwrap_or_default(),
        line: frame.line.unwrap_or(0),
        column: frame.column.unwrap_or(0),
        in_app: frame.is_app(),
        origin: match &frame.origin {
            Origin::App => "app",
            Origin::Std => "std",
            Origin::Tokio => "tokio",
            Origin::Stallscope => "stallscope",
            Origin::Native => "native",
            Origin::Registry(package) => package,
            _ => "unknown",
        }
        .to_owned(),
        inlined: frame.inlined,
        address: frame.address,
        module: module
            .map(|module| module.path.display().to_string())
            .unwrap_or_default(),
        build_id: module.and_then(Module::build_id_text).unwrap_or_default(),
        module_offset: frame.module_offset.unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use stallscope_attach::Signal;
    use stallscope_attach::memory::Thread;
    use stallscope_attach::threads::{Stack, Unseen};

    use super::*;

    fn seen(stack: Result<Stack, Unseen>) -> threads::ThreadStack {
        let thread = Thread {
            tid: 4713,
            name: "tokio-rt-worker".to_owned(),
            ..Thread::default()
        };
        threads::ThreadStack {
            thread,
            polls: Some(7),
            stack,
        }
    }

    #[test]
    fn a_thread_of_which_nothing_is_known_says_why() {
        let told = convert(&seen(Err(Unseen::Ended)));
        assert_eq!(
            (told.state.as_str(), told.doing.as_str()),
            ("unknown", "unknown")
        );
        assert_eq!((told.task, told.polling_ns), (Some(7), 0));
        assert_eq!(told.missing, "it has ended meanwhile");
    }

    #[test]
    fn the_thread_that_was_hit_by_the_end_of_its_process_says_so() {
        let mut hit = seen(Err(Unseen::Unreadable));
        hit.thread.killed_by = Some(Signal(11));
        let told = convert(&hit);
        assert_eq!(
            (told.state.as_str(), told.doing.as_str()),
            (
                "killed",
                "the process was ended by SIGSEGV, which this thread got"
            )
        );
    }

    #[test]
    fn frames_keep_whose_code_they_are() {
        let frame = |function: &str, origin| Frame {
            function: Some(function.to_owned()),
            file: Some("src/main.rs".to_owned()),
            line: Some(7),
            column: None,
            origin,
            inlined: false,
            address: 0x1000,
            module: None,
            module_offset: None,
        };
        let told = convert(&seen(Ok(Stack {
            frames: vec![
                frame(
                    "serde_json::from_str",
                    Origin::Registry("serde_json".to_owned()),
                ),
                frame("shop::load", Origin::App),
            ],
            ended: Ended::Lost,
            stopped: None,
        })));
        let whose: Vec<_> = told
            .stack
            .iter()
            .map(|frame| (frame.origin.as_str(), frame.in_app))
            .collect();
        assert_eq!(whose, [("serde_json", false), ("app", true)]);
        assert!(told.missing.contains("outermost frames are missing"));
    }
}

//! Tasks and async stacks as JSON. Scripts rely on this shape: fields are added, never renamed or removed.

use serde::{Serialize, Serializer};
use stallscope_attach::tasks::{Frame, Local, Task, WaitsFor};

use crate::attach::words;

/// `null` is "unknown", or that there is none.
#[derive(Serialize)]
pub(super) struct TaskJson<'a> {
    id: u64,
    kind: &'static str,
    state: &'static str,
    /// The type, as the compiler names it.
    future: &'a str,
    detached: Option<bool>,
    wakers: Option<u32>,
    /// `file:line`, as the compiler was given it.
    suspended_at: Option<String>,
    waits_for: Option<WaitsJson<'a>>,
}

impl<'a> From<&'a Task> for TaskJson<'a> {
    fn from(task: &'a Task) -> Self {
        TaskJson {
            id: task.id,
            kind: words::kind(task.kind),
            state: words::state(task.state),
            future: &task.future,
            detached: task.detached,
            wakers: task.wakers,
            suspended_at: words::suspended_at(task),
            waits_for: task.waits_for.as_ref().map(WaitsJson::from),
        }
    }
}

#[derive(Serialize)]
pub(in crate::headless) struct WaitsJson<'a> {
    kind: &'static str,
    detail: &'a str,
}

impl<'a> From<&'a WaitsFor> for WaitsJson<'a> {
    fn from(waits: &'a WaitsFor) -> Self {
        WaitsJson {
            kind: waits.kind.name(),
            detail: &waits.detail,
        }
    }
}

#[derive(Serialize)]
pub(super) struct FrameJson<'a> {
    function: &'a str,
    file: Option<&'a str>,
    /// Of the await.
    line: Option<u32>,
    in_app: bool,
    /// Only where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    locals: Option<Locals<'a>>,
    /// A stack for each future that is awaited at once, outermost first; empty for one that is done. Only of a `select!` or
    /// `join!`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    branches: Vec<Vec<FrameJson<'a>>>,
}

/// Outermost first.
pub(super) fn stack(frames: &[Frame], with_locals: bool) -> Vec<FrameJson<'_>> {
    let frame = |frame| FrameJson::new(frame, with_locals);
    frames.iter().map(frame).collect()
}

impl<'a> FrameJson<'a> {
    fn new(frame: &'a Frame, with_locals: bool) -> Self {
        FrameJson {
            function: &frame.function,
            file: frame.place.as_ref().map(|place| place.file.as_str()),
            line: frame.place.as_ref().map(|place| place.line),
            in_app: frame.in_app,
            locals: with_locals.then_some(Locals(&frame.locals)),
            branches: frame
                .branches
                .iter()
                .map(|branch| stack(&branch.stack, with_locals))
                .collect(),
        }
    }
}

/// An object: name to value. A value that may have been moved out already ends in `?`.
struct Locals<'a>(&'a [Local]);

impl Serialize for Locals<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = |local: &Local| {
            let mark = if local.maybe_moved { "?" } else { "" };
            format!("{}{mark}", local.value)
        };
        serializer.collect_map(self.0.iter().map(|local| (&local.name, value(local))))
    }
}

#[cfg(test)]
mod tests {
    use stallscope_attach::tasks::{Local, Task};

    use super::*;
    use crate::attach::words::samples::{running, select, task};

    fn json(value: impl Serialize) -> String {
        serde_json::to_string_pretty(&value).expect("JSON")
    }

    #[test]
    fn a_task_has_what_scripts_rely_on_and_null_for_what_is_not_known() {
        insta::assert_snapshot!(json([
            TaskJson::from(&task(7)),
            TaskJson::from(&running(12))
        ]));
    }

    #[test]
    fn each_branch_is_a_stack_of_its_own() {
        insta::assert_snapshot!(json(stack(&select(3).stack, false)));
    }

    #[test]
    fn values_are_there_only_where_they_were_asked_for() {
        let Task { mut stack, .. } = task(7);
        stack[1].locals.push(Local {
            name: "token".to_owned(),
            value: "\"s3cr3t\"".to_owned(),
            maybe_moved: true,
        });
        assert!(!json(super::stack(&stack, false)).contains("s3cr3t"));
        let shown = serde_json::to_value(super::stack(&stack, true)).expect("JSON");
        assert_eq!(shown[1]["locals"]["x"], "6");
        assert_eq!(shown[1]["locals"]["token"], "\"s3cr3t\"?");
        assert_eq!(shown[0]["locals"], serde_json::json!({}));
    }
}

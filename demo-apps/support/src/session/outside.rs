//! What the real `stallscope` client tells of a program from outside, and what it has to tell.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::{Finding, Line, Session, within};

/// A look takes seconds on a busy machine: each reads the debug information again, without optimisation.
const PATIENCE: Duration = Duration::from_secs(180);

/// A task as it is told from outside, with the fields that tests look at.
#[derive(Clone, Debug, Deserialize)]
pub struct Outside {
    /// Its number, tokio's own.
    pub id: u64,
    /// `task`, `local` or `blocking`.
    pub kind: String,
    /// `running`, `scheduled`, `idle` or `ended`.
    pub state: String,
    /// The type of its future.
    pub future: String,
    /// Whether no `JoinHandle` of it is left.
    pub detached: Option<bool>,
    /// What is left that can wake it.
    pub wakers: Option<u32>,
    /// `file:line` of the innermost await in the program's own code.
    pub suspended_at: Option<String>,
    /// The innermost future.
    pub waits_for: Option<Waits>,
}

/// What a task waits for.
#[derive(Clone, Debug, Deserialize)]
pub struct Waits {
    /// `timer`, `tcp`, `mpsc-recv`, …
    pub kind: String,
}

/// A task with its async stack.
#[derive(Clone, Debug, Deserialize)]
pub struct Stack {
    /// The task.
    pub task: Outside,
    #[serde(rename = "stack")]
    frames: Vec<Frame>,
}

/// A frame of an async stack.
#[derive(Clone, Debug, Deserialize)]
pub struct Frame {
    /// The `async fn`, or the type of a future written by hand.
    pub function: String,
    file: Option<String>,
    line: Option<u32>,
    /// Name to value.
    #[serde(default)]
    pub locals: BTreeMap<String, String>,
    #[serde(default)]
    branches: Vec<Vec<Frame>>,
}

/// Tasks of one function, and how they have to be told.
#[derive(Clone, Debug)]
pub struct Kind {
    /// What their future is named after, as the compiler names it: `shop::serve`.
    pub function: &'static str,
    /// How many there can be at once.
    pub count: RangeInclusive<usize>,
    /// Whether nobody holds their `JoinHandle`.
    pub detached: bool,
    /// `file:line` of the awaits they can hang in; empty if that is none of the program's own. The first one they all come by.
    pub awaits: Vec<String>,
}

impl Session {
    /// All tasks of the runtime that `stallscope ps --attach` shows.
    ///
    /// # Panics
    ///
    /// As [`ask`](Session::ask).
    pub fn tasks_from_outside(&self) -> Vec<Outside> {
        #[derive(Deserialize)]
        struct Listing {
            tasks: Vec<Outside>,
        }
        let listing: Listing = self.ask(&format!("ps --attach {}", self.pid()));
        let is_task = |task: &Outside| task.kind == "task";
        listing.tasks.into_iter().filter(is_task).collect()
    }

    /// The async stack of a task with its locals. An error if there is no such task any more.
    ///
    /// # Errors
    ///
    /// What the client says then.
    pub fn stack_from_outside(&self, task: u64) -> Result<Stack, String> {
        self.try_ask(&format!("where {task} --attach {} --locals", self.pid()))
    }

    /// The stack of a task of `function` as soon as there is one that hangs in `place` and in which `fits` finds what it looks for.
    ///
    /// # Panics
    ///
    /// If there never is.
    pub fn expect_stack<T>(
        &self,
        function: &str,
        place: &str,
        fits: impl Fn(&Stack) -> Option<T>,
    ) -> T {
        within(PATIENCE, || {
            let tasks = self.tasks_from_outside();
            let mut said = format!("no task of {function} at {place}");
            // Who came last waits longest: it is still there when it is asked for.
            for task in tasks.iter().rev().filter(|task| task.is_of(function)) {
                if !task.is_at(place) {
                    continue;
                }
                // It may have gone on meanwhile, or ended.
                if let Ok(stack) = self.stack_from_outside(task.id) {
                    if stack.task.is_at(place)
                        && let Some(found) = fits(&stack)
                    {
                        return Ok(found);
                    }
                    let _ = write!(said, "; seen: {stack:?}");
                }
            }
            Err(said)
        })
    }

    /// That it runs no thread of stallscope's.
    ///
    /// # Panics
    ///
    /// If there is one.
    pub fn expect_no_thread_of_stallscope(&self) {
        let threads = self.threads();
        let of_ours = |name: &String| name.starts_with("stallscope");
        assert!(!threads.iter().any(of_ours), "{threads:?}");
    }

    /// Watches until there were these tasks, and no others, at one moment, and until all were seen where they come by. They move: a moment at which
    /// one begins or ends is looked over, one at which a task is told anything that cannot be is not.
    ///
    /// # Panics
    ///
    /// If that is never so, or if a task is told to hang where it cannot, or to be detached where it is not.
    pub fn expect_tasks(&self, kinds: &[Kind]) -> Vec<Outside> {
        let mut to_come_by: BTreeSet<_> = kinds
            .iter()
            .filter_map(|kind| Some((kind.function, kind.awaits.first()?)))
            .collect();
        let mut all = None;
        within(PATIENCE, || {
            let tasks = self.tasks_from_outside();
            for task in &tasks {
                let kind = kinds.iter().find(|kind| task.is_of(kind.function));
                let kind = kind.unwrap_or_else(|| panic!("nobody spawns this: {task:?}"));
                kind.expect(task);
                to_come_by
                    .retain(|&(function, place)| !(task.is_of(function) && task.is_at(place)));
            }
            let counts = kinds.iter().map(|kind| {
                let of = tasks.iter().filter(|task| task.is_of(kind.function));
                (kind, of.count())
            });
            let other: Vec<_> = counts
                .filter(|(kind, count)| !kind.count.contains(count))
                .map(|(kind, count)| format!("{count} of {}, not {:?}", kind.function, kind.count))
                .collect();
            if other.is_empty() {
                all = Some(tasks);
            }
            match &all {
                None => Err(other.join("; ")),
                Some(_) if !to_come_by.is_empty() => Err(format!("never seen: {to_come_by:?}")),
                Some(tasks) => Ok(tasks.clone()),
            }
        })
    }

    /// What looks from outside prove in so many seconds.
    ///
    /// # Panics
    ///
    /// As [`ask`](Session::ask).
    fn findings_from_outside(&self, seconds: u8) -> Vec<Finding> {
        #[derive(Deserialize)]
        struct Answer {
            findings: Vec<Finding>,
        }
        let answer: Answer = self.ask(&format!(
            "findings --attach {} --for {seconds}s",
            self.pid()
        ));
        answer.findings
    }

    /// Watches until it is proven that `rule` is broken at `line`. Of a thread that went on before its stack was read no line is known.
    ///
    /// # Panics
    ///
    /// If it never is, or if anything else is found.
    pub fn expect_only_from_outside(&self, rule: &str, line: &Line) {
        within(PATIENCE, || {
            let found = self.findings_from_outside(3);
            let is_meant = |finding: &Finding| {
                finding.rule == rule && (finding.is_nowhere() || finding.is_at(line))
            };
            let other = found.iter().find(|finding| !is_meant(finding));
            assert!(other.is_none(), "not {rule} at {line}: {other:#?}");
            if !found.iter().any(|finding| finding.is_at(line)) {
                return Err(format!("{rule} at {line} was never found"));
            }
            Ok(())
        });
    }

    /// Watches for a while.
    ///
    /// # Panics
    ///
    /// If anything is found.
    pub fn expect_nothing_from_outside(&self) {
        let found = self.findings_from_outside(5);
        assert!(found.is_empty(), "{found:#?}");
    }

    /// What the threads of the program are named, as the kernel tells.
    ///
    /// # Panics
    ///
    /// If it has ended.
    #[cfg(target_os = "linux")]
    pub fn threads(&self) -> Vec<String> {
        let folder = format!("/proc/{}/task", self.pid());
        let threads = std::fs::read_dir(folder).expect("it runs");
        let name = |thread: std::fs::DirEntry| {
            // One that has just ended has no name any more.
            std::fs::read_to_string(thread.path().join("comm")).unwrap_or_default()
        };
        let names = threads.filter_map(Result::ok).map(name);
        names.map(|name| name.trim_end().to_owned()).collect()
    }
}

impl Outside {
    /// Whether its future is that of the function, or a block of it. In programs without optimisation tokio boxes large ones.
    pub fn is_of(&self, function: &str) -> bool {
        let boxed = self
            .future
            .strip_prefix("core::pin::Pin<alloc::boxed::Box<");
        let rest = boxed.unwrap_or(&self.future).strip_prefix(function);
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    }

    /// Whether it hangs in `place`, `file:line`: the compiler may have been given a longer path.
    pub fn is_at(&self, place: &str) -> bool {
        let at = self.suspended_at.as_deref();
        at.is_some_and(|at| is_place(at, place))
    }
}

impl Stack {
    /// The frame of `function`, in whichever branch it is.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[track_caller]
    pub fn frame(&self, function: &str) -> &Frame {
        let frame = Frame::find(&self.frames, function);
        frame.unwrap_or_else(|| panic!("no {function} in {self:#?}"))
    }

    /// The functions of the frames that are in `files`, outermost first, with their places; not those of branches.
    pub fn frames_in(&self, files: &str) -> Vec<(&str, String)> {
        let own = self.frames.iter().filter_map(|frame| {
            let place = frame.place()?;
            let (_, from) = place.rsplit_once(files)?;
            Some((frame.function.as_str(), format!("{files}{from}")))
        });
        own.collect()
    }
}

impl Frame {
    fn find<'a>(frames: &'a [Frame], function: &str) -> Option<&'a Frame> {
        frames.iter().find_map(|frame| {
            if frame.function == function {
                return Some(frame);
            }
            let mut branches = frame.branches.iter();
            branches.find_map(|branch| Frame::find(branch, function))
        })
    }

    fn place(&self) -> Option<String> {
        Some(format!("{}:{}", self.file.as_deref()?, self.line?))
    }

    /// Whether it waits in `place`, `file:line`.
    pub fn is_at(&self, place: &str) -> bool {
        self.place().is_some_and(|at| is_place(&at, place))
    }
}

impl Kind {
    fn expect(&self, task: &Outside) {
        assert_eq!(task.detached, Some(self.detached), "{task:?}");
        match &task.suspended_at {
            Some(at) => assert!(
                self.awaits.iter().any(|place| is_place(at, place)),
                "none of {:?}: {task:?}",
                self.awaits
            ),
            // A task that is polled or was never polled hangs nowhere.
            None => assert!(self.awaits.is_empty() || task.state != "idle", "{task:?}"),
        }
        if task.state == "idle" {
            assert_ne!(task.wakers, Some(0), "{task:?}");
        }
    }
}

fn is_place(at: &str, place: &str) -> bool {
    let before = at.strip_suffix(place);
    before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// The lines of the calling package that await, by what they read: `awaits!("src/server.rs", "accept().await", "sleep(")`. All lines that
/// read so count, those of the first text first.
#[macro_export]
macro_rules! awaits {
    ($file:literal, $($text:literal),+ $(,)?) => {
        $crate::awaits_in(
            ::std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/", $file)),
            concat!(env!("CARGO_PKG_NAME"), "/", $file),
            &[$($text),+],
        )
    };
}

/// What [`awaits!`](crate::awaits) expands to: `name:line` for each line that reads one of `texts`.
///
/// # Panics
///
/// If `file` reads one of them nowhere.
pub fn awaits_in(file: &Path, name: &str, texts: &[&str]) -> Vec<String> {
    let source = std::fs::read_to_string(file)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()));
    let places = |text: &&str| {
        let lines = (1..).zip(source.lines());
        let found = lines.filter(|(_, line)| line.contains(text));
        let found: Vec<_> = found.map(|(line, _)| format!("{name}:{line}")).collect();
        assert!(!found.is_empty(), "{name} nowhere reads {text:?}");
        found
    };
    texts.iter().flat_map(places).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(future: &str, suspended_at: &str) -> Outside {
        let task = format!(
            r#"{{"id":7,"kind":"task","state":"idle","future":"{future}","detached":false,"wakers":1,
            "suspended_at":"{suspended_at}","waits_for":{{"kind":"timer","detail":""}}}}"#
        );
        serde_json::from_str(&task).expect("a task as the client prints it")
    }

    #[test]
    fn a_task_is_of_a_function_and_not_of_one_whose_name_begins_like_it() {
        let task = task("shop::serve::{async_fn_env#0}<shop::Door>", "src/shop.rs:8");
        assert!(task.is_of("shop::serve"));
        assert!(task.is_of("shop"));
        assert!(!task.is_of("shop::ser"));
        assert!(!task.is_of("serve"));
    }

    #[test]
    fn a_place_is_the_end_of_a_path_and_a_whole_line() {
        let task = task("shop::serve", "demo-apps/shop/src/main.rs:18");
        assert!(task.is_at("shop/src/main.rs:18"));
        assert!(task.is_at("demo-apps/shop/src/main.rs:18"));
        assert!(!task.is_at("shop/src/main.rs:1"));
        assert!(!task.is_at("op/src/main.rs:18"));
        assert!(!task.is_at("shop/src/main.rs:8"));
    }

    #[test]
    fn a_frame_is_found_in_a_branch() {
        let inner =
            r#"{"function":"accept","file":"a.rs","line":3,"in_app":true,"locals":{"n":"3"}}"#;
        let stack = format!(
            r#"{{"task":{{"id":7,"kind":"task","state":"idle","future":"f","detached":null,"wakers":null,"suspended_at":null,
            "waits_for":null}},"stack":[{{"function":"serve","file":"/x/a.rs","line":8,"branches":[[],[{inner}]]}}],"notes":[]}}"#
        );
        let stack: Stack = serde_json::from_str(&stack).expect("a stack as the client prints it");
        assert_eq!(stack.frame("accept").locals["n"], "3");
        assert!(stack.frame("accept").is_at("a.rs:3"));
        assert_eq!(stack.frames_in("a.rs"), [("serve", "a.rs:8".to_owned())]);
    }
}

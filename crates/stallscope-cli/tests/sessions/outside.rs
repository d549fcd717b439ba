//! A program of plain tokio, without stallscope, read from outside: the zoo of `stallscope-attach`, in which every task waits in a way that
//! is known. The lines that are told are compared with its source.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Sandbox, Session};

/// How long a task may take to get where it belongs, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// The zoo's program, with types in its debug information.
static ZOO: LazyLock<String> = LazyLock::new(|| {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("zoo");
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--locked"])
        .arg("--manifest-path")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../stallscope-attach/fixtures/Cargo.toml"
        ))
        .arg("--target-dir")
        .arg(&target)
        // Plain tokio, whatever we are built with.
        .env("RUSTFLAGS", "")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .expect("cargo can be started");
    assert!(built.success(), "the zoo cannot be built: see above");
    target.join("debug/zoo").display().to_string()
});

/// The line below `// mark: NAME` in a file of the zoo.
pub(crate) fn line_of(source: &str, mark: &str) -> u64 {
    let wanted = format!("// mark: {mark}");
    let mut lines = source.lines().zip(2..);
    let marked = lines.find(|(line, _)| line.trim() == wanted);
    marked
        .unwrap_or_else(|| panic!("no line has `{wanted}` above it"))
        .1
}

pub(crate) const LIVES: &str = include_str!("../../../stallscope-attach/fixtures/src/lives.rs");
const VALUES: &str = include_str!("../../../stallscope-attach/fixtures/src/values.rs");
const BRANCHES: &str = include_str!("../../../stallscope-attach/fixtures/src/branches.rs");

/// A zoo that runs, and who looks at it. It ends with us: its standard input does.
pub(crate) struct Zoo {
    child: Child,
    sandbox: Sandbox,
}

impl Zoo {
    /// Returns once it says that its tasks wait.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(&*ZOO)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the zoo starts");
        let stdout = child.stdout.take().expect("piped");
        let zoo = Self {
            child,
            sandbox: Sandbox::new(),
        };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("text");
        assert_eq!(line, "ready\n");
        zoo
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn run(&self, line: &str) -> Session {
        let pid = self.pid();
        self.sandbox.run(&format!("{line} --attach {pid}"))
    }

    /// The task of that function, as `ps` tells it once it is as wanted.
    fn task(&self, function: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let listed = self.run("ps --json").json();
            let mut tasks = listed["tasks"].as_array().expect("a list").iter();
            let of = |task: &&Value| {
                let future = task["future"].as_str().unwrap_or_default();
                future.starts_with(&format!("zoo::{function}::{{"))
            };
            match tasks.find(of) {
                Some(task) if wanted(task) => return task.clone(),
                other => assert!(Instant::now() < deadline, "{function}: {other:?}"),
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// `where`, of that task, with its locals.
    fn stack(&self, task: &Value) -> Vec<Value> {
        let answer = self
            .run(&format!("where {} --json --locals", task["id"]))
            .json();
        assert_eq!(&answer["task"], task);
        answer["stack"].as_array().expect("a stack").clone()
    }
}

impl Drop for Zoo {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// A place ends in the file of the zoo and that line: the compiler may have been given a longer path.
#[track_caller]
fn expect_place(file: &Value, line: &Value, name: &str, mark: u64) {
    let file = file.as_str().unwrap_or_default();
    assert!(file.ends_with(&format!("src/{name}.rs")), "{file}");
    assert_eq!(line, mark);
}

fn is_idle(task: &Value) -> bool {
    task["state"] == "idle"
}

fn keys(object: &Value) -> Vec<&str> {
    let object = object.as_object().expect("an object");
    object.keys().map(String::as_str).collect()
}

#[test]
fn a_task_is_told_with_every_field_its_await_and_its_locals() {
    let zoo = Zoo::start(&[]);
    let outermost = zoo.task("values::outermost", is_idle);
    let mut fields = keys(&outermost);
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "detached",
            "future",
            "id",
            "kind",
            "state",
            "suspended_at",
            "waits_for",
            "wakers"
        ]
    );
    assert_eq!(outermost["kind"], "task");
    assert_eq!(outermost["detached"], false);
    assert_eq!(outermost["wakers"], 1);
    assert_eq!(outermost["waits_for"]["kind"], "notify");
    let place = outermost["suspended_at"].as_str().expect("it is suspended");
    let innermost = format!("src/values.rs:{}", line_of(VALUES, "numbers"));
    assert!(place.ends_with(&innermost), "{place} is not {innermost}");

    let stack = zoo.stack(&outermost);
    for (frame, mark) in stack.iter().zip(["outermost", "middle", "numbers"]) {
        assert_eq!(frame["function"], format!("zoo::values::{mark}"));
        assert_eq!(frame["in_app"], true);
        expect_place(
            &frame["file"],
            &frame["line"],
            "values",
            line_of(VALUES, mark),
        );
    }
    assert_eq!(stack[0]["locals"]["request"], "41");
    assert_eq!(stack[1]["locals"]["urgent"], "true");
    assert_eq!(stack[2]["locals"]["negative"], "-7");

    let selecting = zoo.task("branches::selecting", is_idle);
    let stack = zoo.stack(&selecting);
    expect_place(
        &stack[0]["file"],
        &stack[0]["line"],
        "branches",
        line_of(BRANCHES, "selecting"),
    );
    let branches = stack[0]["branches"].as_array().expect("branches");
    assert_eq!(branches.len(), 3);
    let by_hand = &branches[1][0];
    assert_eq!(by_hand["function"], "tokio::sync::notify::Notified");
    assert_eq!(by_hand["line"], Value::Null);
    assert_eq!(by_hand["file"], Value::Null);
    let slowly = &branches[2][0];
    assert_eq!(slowly["function"], "zoo::branches::slowly");
    assert_eq!(slowly["line"], line_of(BRANCHES, "slowly"));
}

#[test]
fn of_tasks_that_wait_in_every_way_only_what_is_wrong_is_found() {
    let zoo = Zoo::start(&[]);
    let answer = zoo.run("findings --for 3s --json").json();
    assert_eq!(
        told(&answer),
        ["task-leak/never-polled", "task-leak/unwakeable"],
        "{answer:#}"
    );
    let location = &find(&answer, "unwakeable")["location"];
    expect_place(
        &location["file"],
        &location["line"],
        "lives",
        line_of(LIVES, "unwakeable"),
    );
    assert_eq!(find(&answer, "never-polled")["location"], Value::Null);
    assert_eq!(answer["schema"], 1);
    assert!(answer["window"]["watched_ms"].as_f64() >= Some(3000.0));
}

#[test]
fn a_poll_that_blocks_is_found_at_its_line_while_it_lasts_and_when_it_is_short() {
    let zoo = Zoo::start(&["--busy", "--stumble"]);
    for (function, mark) in [("blocked", None), ("stumbling", Some("stumbling"))] {
        let running = |task: &Value| mark.is_some() || task["state"] == "running";
        zoo.task(&format!("lives::{function}"), running);
    }
    // A machine with much else to do may let no short one be seen in time.
    let deadline = Instant::now() + PATIENCE;
    let answer = loop {
        let answer = zoo.run("findings --for 3s --json").json();
        let polls = told(&answer);
        let count = |rule: &str| polls.iter().filter(|told| *told == rule).count();
        if count("long-poll/sleep") == 2 && count("long-poll/cpu") == 1 {
            break answer;
        }
        assert!(Instant::now() < deadline, "{answer:#}");
    };
    let findings = answer["findings"].as_array().expect("a list");
    let of = |mark: &str| {
        let line = line_of(LIVES, mark);
        let at = |finding: &&Value| finding["location"]["line"] == line;
        let finding = findings.iter().find(at);
        finding.unwrap_or_else(|| panic!("nothing at line {line}, `{mark}`: {answer:#}"))
    };
    for (mark, ongoing) in [("blocked", Some(true)), ("stumbling", None)] {
        let finding = of(mark);
        assert_eq!(finding["task"]["name"], format!("zoo::lives::{mark}"));
        assert_eq!(finding["certainty"], "proven");
        assert!(ongoing.is_none_or(|ongoing| finding["ongoing"] == ongoing));
        let location = &finding["location"];
        expect_place(
            &location["file"],
            &location["line"],
            "lives",
            line_of(LIVES, mark),
        );
        let stack = finding["stack"].as_array().expect("a stack");
        assert!(
            stack.iter().any(|frame| frame["origin"] == "tokio"),
            "{finding:#}"
        );
    }
    let short = of("stumbling")["duration_ms"]["max"].as_f64();
    assert!(short >= Some(20.0), "{short:?}");
    // Where a thread is that runs cannot be read.
    let computing = find(&answer, "cpu");
    assert_eq!(computing["task"]["name"], "zoo::lives::computing");
    assert_eq!(computing["certainty"], "proven");
    assert_eq!(computing["ongoing"], true);
    assert_eq!(computing["location"], Value::Null);
    assert_eq!(computing["stack"], serde_json::json!([]));
}

#[test]
fn a_poll_that_computes_is_found_at_its_line_if_its_thread_may_be_stopped() {
    let zoo = Zoo::start(&["--busy"]);
    zoo.task("lives::computing", |task| task["state"] == "running");
    // On a machine with much else to do it may have moved on each time it was to be stopped.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = zoo.run("findings --for 2s --stop --json").json();
        let mut findings = answer["findings"].as_array().expect("a list").iter();
        let cpu = findings.find(|finding| finding["rule"] == "cpu");
        if let Some(location) = cpu.map(|cpu| &cpu["location"])
            && !location.is_null()
        {
            expect_place(
                &location["file"],
                &location["line"],
                "lives",
                line_of(LIVES, "computing"),
            );
            return;
        }
        assert!(Instant::now() < deadline, "{answer:#}");
    }
}

#[test]
fn the_thread_that_blocks_names_its_task_and_its_line() {
    let zoo = Zoo::start(&["--busy"]);
    let blocked = zoo.task("lives::blocked", |task| task["state"] == "running");
    let line = line_of(LIVES, "blocked");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = zoo.run("stacks --json").json();
        let mut threads = answer["threads"].as_array().expect("a list").iter();
        let thread = threads.find(|thread| thread["task"] == blocked["id"]);
        let stack = thread.and_then(|thread| thread["stack"].as_array());
        let own = stack.and_then(|stack| stack.iter().find(|frame| frame["in_app"] == true));
        if let Some(own) = own {
            expect_place(&own["file"], &own["line"], "lives", line);
            return;
        }
        assert!(Instant::now() < deadline, "{answer:#}");
    }
}

/// `kind/rule` of each finding, in order of the alphabet.
fn told(answer: &Value) -> Vec<String> {
    let findings = answer["findings"].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut told: Vec<_> = findings
        .map(|finding| format!("{}/{}", text(&finding["kind"]), text(&finding["rule"])))
        .collect();
    told.sort_unstable();
    told
}

fn find<'a>(answer: &'a Value, rule: &str) -> &'a Value {
    let mut findings = answer["findings"].as_array().expect("a list").iter();
    findings
        .find(|finding| finding["rule"] == rule)
        .expect("it was told")
}

//! `#[stallscope::test]` fails the tests of `guilty.rs` that it should, in these words, and no other.

#[path = "verdicts/memory.rs"]
mod memory;
#[path = "verdicts/sharing.rs"]
mod sharing;
#[path = "verdicts/waits.rs"]
mod waits;

use std::process::{Command, Output};

use crate::guilty::RUN;

/// The line of `guilty.rs` below `// mark`.
fn line_of(mark: &str) -> usize {
    line_below(include_str!("guilty.rs"), mark)
}

fn line_below(source: &str, mark: &str) -> usize {
    let wanted = format!("// {mark}");
    let mut lines = source.lines().zip(2..);
    let found = lines.find(|(line, _)| line.trim() == wanted);
    found.expect("a line is marked so").1
}

/// What was said by a process that ran some of the tests.
struct Said {
    text: String,
    runtime_dir: tempfile::TempDir,
}

/// Runs the tests of `guilty.rs` whose names begin so, beside each other.
fn run(tests: &str) -> Said {
    run_with(tests, &[])
}

/// As [`run`], until a stall is caught.
fn catch(tests: &str) -> Said {
    until(tests, &[], "a poll took longer")
}

/// On an overloaded machine a stall may be missed, as it should rather than be a false alarm: then it is tried again.
#[track_caller]
fn until(tests: &str, variables: &[(&str, &str)], wanted: &str) -> Said {
    let mut tries = (0..10).map(|_| run_with(tests, variables));
    let found = tries.find(|said| said.text.contains(wanted));
    found.unwrap_or_else(|| panic!("ten times, `{wanted}` was not said"))
}

fn run_with(tests: &str, variables: &[(&str, &str)]) -> Said {
    let runtime_dir = tempfile::tempdir().expect("a temporary directory");
    let mut command = Command::new(std::env::current_exe().expect("this test binary"));
    command
        .args([&format!("guilty::{tests}"), "--test-threads=4"])
        .env(RUN, "yes")
        .env("XDG_RUNTIME_DIR", runtime_dir.path())
        .env("RUST_BACKTRACE", "0")
        .envs(variables.iter().copied());
    let Output { stdout, stderr, .. } = command.output().expect("it runs");
    let text = [stdout, stderr].concat();
    Said {
        text: String::from_utf8_lossy(&text).into_owned(),
        runtime_dir,
    }
}

impl Said {
    #[track_caller]
    fn number_after(&self, words: &str) -> u32 {
        let (_, rest) = self.text.split_once(words).expect("it says a number");
        let digits = rest.split(' ').next();
        digits
            .and_then(|digits| digits.parse().ok())
            .expect("a number")
    }

    /// Some lines of the output contain these, in this order.
    #[track_caller]
    fn expect(&self, parts: &[&str]) -> &Self {
        let mut rest = self.text.as_str();
        for part in parts {
            match rest.split_once(part) {
                Some((_, after)) => rest = after,
                None => panic!(
                    "`{part}` is missing, after what stands before it in {parts:?}:\n{}",
                    self.text
                ),
            }
        }
        self
    }

    #[track_caller]
    fn expect_not(&self, part: &str) -> &Self {
        assert!(!self.text.contains(part), "`{part}` in\n{}", self.text);
        self
    }

    #[track_caller]
    fn passed(&self, test: &str) -> &Self {
        self.expect(&[&format!("test guilty::{test} ... ok")])
    }

    #[track_caller]
    fn failed(&self, test: &str) -> &Self {
        self.expect(&[&format!("test guilty::{test} ... FAILED")])
    }
}

#[test]
fn a_body_that_stalls_fails_with_line_cause_and_stack() {
    catch("body_stalls").failed("body_stalls").expect(&[
        "panicked at",
        "guilty.rs",
        "a poll took longer than the 20 ms that a poll of this test may take\n\n",
        " was blocked for ",
        "sleep at ",
        &format!("macros/guilty.rs:{}: it slept", line_of("stall: here")),
        "\n  in the body of the test",
        "\n  at macros::guilty::stall (",
        "\n  at macros::guilty::body_stalls",
        "\n  what it means and what to do: docs/findings.md#long-poll-sleep\n",
    ]);
}

#[test]
fn a_body_that_waits_as_it_should_passes() {
    run("body_does_not_stall")
        .passed("body_does_not_stall")
        .expect_not("stallscope:");
}

#[test]
fn a_body_that_computes_fails_on_a_busy_machine_too() {
    run("body_computes")
        .failed("body_computes")
        .expect(&["a poll took longer than the 20 ms", "the body of the test"]);
}

#[test]
fn a_local_runtime_is_watched() {
    catch("local_body_stalls")
        .failed("local_body_stalls")
        .expect(&[&format!("guilty.rs:{}: it slept", line_of("stall: here"))]);
}

#[test]
fn several_stalls_of_one_place_are_told_as_one() {
    let said = until("stalls_at_one_place", &[], " polls; this is the longest\n");
    assert_eq!(said.text.matches("it slept").count(), 1, "{}", said.text);
}

#[test]
fn the_limit_is_what_the_attribute_says() {
    let whatever_the_threshold = |threshold| {
        until(
            "limit",
            &[("STALLSCOPE_LONG_POLL", threshold)],
            "limit_forbids_it ... FAILED",
        )
        .passed("limit_allows_it")
        .failed("limit_forbids_it")
        .expect(&[
            "longer than the 50 ms that",
            &format!("guilty.rs:{}: it slept", line_of("stall: here")),
        ]);
    };
    whatever_the_threshold("20ms");
    whatever_the_threshold("60s");
}

#[test]
fn without_a_limit_the_threshold_of_the_process_holds() {
    run_with("body_stalls", &[("STALLSCOPE_LONG_POLL", "30s")]).passed("body_stalls");
}

#[test]
fn what_is_intended_passes() {
    run("it_is_intended").passed("it_is_intended");
}

#[test]
fn a_panic_of_the_body_wins() {
    run("body_panics_too")
        .failed("body_panics_too")
        .expect(&["the body's own words"])
        .expect_not("a poll took longer");
}

#[test]
fn an_error_of_the_body_is_told_as_well() {
    catch("body_fails_too")
        .failed("body_fails_too")
        .expect(&["Error: \"the body's own error\"", "a poll took longer"]);
}

#[test]
fn a_panic_may_be_expected() {
    until("panic_is_expected", &[], "should panic ... ok");
}

#[test]
fn there_may_be_many_tests() {
    catch("stalls_after_many_tests").expect(&["it slept", "in the body of the test"]);
}

/// And none of an earlier one is taken for its own.
#[test]
fn tasks_have_names_also_after_many_tests() {
    run("leaves_tasks_after_many_tests")
        .failed("leaves_tasks_after_many_tests")
        .expect(&[
            "2 tasks are still alive at the end of the test\n\ntask ",
            " `miller`, spawned at ",
            " by the body of the test, ",
            " old\ntask ",
            " old\n\nwhat it means",
        ]);
}

#[test]
fn tests_beside_each_other_answer_for_themselves() {
    until("beside", &[], "beside::stalls ... FAILED")
        .passed("beside::waits")
        .passed("beside::waits_in_tasks");
}

#[test]
fn switched_off_it_is_an_ordinary_test() {
    run_with("body_", &[("STALLSCOPE", "off")])
        .passed("body_stalls")
        .passed("body_computes")
        .failed("body_panics_too")
        .failed("body_fails_too")
        .expect_not("a poll took longer");
    run_with("leaves::a_plain_task", &[("STALLSCOPE", "off")]).passed("leaves::a_plain_task");
}

#[test]
fn a_process_of_tests_listens_only_where_it_is_told_to() {
    let said = run("body_does_not_stall");
    assert!(!said.runtime_dir.path().join("stallscope").exists());

    let directory = tempfile::tempdir().expect("a temporary directory");
    let socket = directory.path().join("test.sock");
    let listen = format!("unix:{}", socket.display());
    run_with("body_does_not_stall", &[("STALLSCOPE_LISTEN", &listen)])
        .passed("body_does_not_stall");
    assert!(socket.exists());
}

#[test]
fn tasks_that_are_left_are_listed() {
    run("leaves::tasks_behind")
        .failed("leaves::tasks_behind")
        .expect(&[
            "panicked at",
            "guilty.rs",
            "2 tasks are still alive at the end of the test\n\ntask ",
            &format!(
                " `miller`, spawned at crates/stallscope/tests/macros/guilty.rs:{}:",
                line_of("left: named")
            ),
            " by the body of the test, ",
            " old\ntask ",
            &format!("guilty.rs:{}:", line_of("left: its child")),
            " by task ",
            " old\n\nwhat it means and what to do: docs/findings.md#task-leak-alive-at-exit",
        ]);
}

#[test]
fn a_task_that_only_tokio_knows_fails_too() {
    let said = run("leaves::a_plain_task");
    said.failed("leaves::a_plain_task")
        .expect(&["a task is still alive at the end of the test"]);
    if cfg!(tokio_unstable) {
        said.expect(&[&format!("guilty.rs:{}:", line_of("left: plain"))]);
    } else {
        said.expect(&["\n1: spawned by `tokio::spawn`", "--cfg tokio_unstable"]);
    }
}

#[test]
fn tasks_of_all_flavors_count_and_the_clock_is_not_moved_for_them() {
    run("leaves::a_local_task").failed("leaves::a_local_task");
    run("leaves::a_sleeper").failed("leaves::a_sleeper");
}

#[test]
fn tasks_may_be_left_where_the_attribute_says_so() {
    run("leaves::what_it_may").passed("leaves::what_it_may");
}

#[test]
fn a_stall_and_a_task_are_both_told_and_a_panic_is_told_alone() {
    until("leaves::a_task_and_stalls", &[], "a poll took longer")
        .failed("leaves::a_task_and_stalls")
        .expect(&["a task is still alive"]);
    run("leaves::a_task_and_panics")
        .expect(&["the body's own words"])
        .expect_not("still alive");
}

#[test]
fn tasks_are_looked_for_where_the_test_asks() {
    run("leaves::a_task_in_the_middle")
        .failed("leaves::a_task_in_the_middle")
        .expect(&[
            "a task is still alive at ",
            "guilty.rs:",
            " by the root future",
        ]);
    run("leaves::a_task_unwatched")
        .failed("leaves::a_task_unwatched")
        .expect(&[
            "a task is still alive at ",
            "\n1: spawned by `tokio::spawn`",
        ]);
}

#[test]
fn tasks_that_are_about_to_end_are_given_the_time() {
    run("leaves::none")
        .passed("leaves::none_on_one_thread")
        .passed("leaves::none_on_two_threads")
        .passed("leaves::none_while_time_stands_still")
        .passed("leaves::none_unwatched");
}

#[cfg(tokio_unstable)]
mod in_tasks {
    use super::*;

    #[test]
    fn a_task_that_stalls_is_named_with_its_spawn_place() {
        let spawned = format!("guilty.rs:{}:", line_of("task: spawned here"));
        catch("task_stalls").failed("task_stalls").expect(&[
            &format!("guilty.rs:{}: it slept", line_of("stall: here")),
            "\n  in task ",
            ", spawned at ",
            &spawned,
            "\n  at macros::guilty::stall (",
        ]);
    }

    #[test]
    fn a_task_that_has_a_name_is_named_by_it() {
        catch("named_task_stalls")
            .failed("named_task_stalls")
            .expect(&["`miller`, spawned at "]);
    }

    #[test]
    fn nobody_need_await_it() {
        catch("task_that_nobody_awaits").failed("task_that_nobody_awaits_stalls");
    }
}

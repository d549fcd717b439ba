//! A finding says in which span of the application's tracing it was, and never in one that it was not in.

use std::ffi::OsStr;

use stallscope_wire::message::{Finding, Span};
use stallscope_wire::text;

use crate::programs::place_of;
use crate::support::Program;

/// The finding of a program that stalls in this way, seen more than once.
fn finding_of(kind: &str, has_layer: bool) -> Finding {
    let layer = has_layer.then_some(("LAYER", OsStr::new("yes")));
    let variables = [("STALL", OsStr::new(kind))].into_iter().chain(layer);
    let mut program = Program::start_with("spans", variables);
    let finding = program
        .connect()
        .finding_when(|finding| finding.rule == "sleep" && finding.count >= 2);
    let line = finding.location.as_ref().map(|location| location.line);
    assert_eq!(line, Some(place_of("span: stalls here").1), "{finding:#?}");
    program.go_on();
    finding
}

fn span_of(kind: &str) -> Option<Span> {
    finding_of(kind, true).span.map(|span| *span)
}

fn text_of(kind: &str) -> Option<String> {
    span_of(kind).as_ref().map(text::span)
}

#[test]
fn the_span_of_a_handler_is_told_with_its_fields() {
    let span = span_of("task").expect("it was in one");
    assert_eq!(
        (span.name.as_str(), span.fields.as_str()),
        ("handle", r#"path="/report" user=7"#)
    );
    assert!(span.target.ends_with("programs::spans"), "{span:?}");
    let (file, line) = place_of("handle: made here");
    assert_eq!(
        (span.file.ends_with(file), span.line),
        (true, line),
        "{span:?}"
    );
}

#[test]
fn without_the_layer_there_is_the_same_finding_without_a_span() {
    assert_eq!(finding_of("task", false).span, None);
}

#[test]
fn the_root_future_is_in_spans_too() {
    assert_eq!(
        text_of("root").as_deref(),
        Some(r#"handle{path="/report" user=7}"#)
    );
}

#[test]
fn a_value_that_is_recorded_later_is_told() {
    assert_eq!(
        text_of("recorded").as_deref(),
        Some("request{user=7 rows=12}")
    );
}

#[test]
fn a_stall_in_the_middle_of_recording_a_value_is_told_with_those_before() {
    assert_eq!(text_of("recording").as_deref(), Some("request{user=7}"));
}

#[test]
fn of_spans_within_spans_the_innermost_is_told() {
    assert_eq!(text_of("nested").as_deref(), Some(r#"step{name="render"}"#));
}

#[test]
fn a_span_that_is_over_is_not_told() {
    assert_eq!(text_of("between"), None);
}

#[test]
fn a_span_that_an_earlier_task_left_entered_is_not_told() {
    assert_eq!(text_of("left-entered"), None);
}

#[test]
fn a_span_that_another_local_task_left_entered_in_the_same_poll_is_not_told() {
    assert_eq!(text_of("local"), None);
}

#[test]
fn a_subscriber_of_one_thread_is_no_less_than_that_of_all() {
    assert_eq!(text_of("scoped").as_deref(), Some("scoped{depth=2}"));
}

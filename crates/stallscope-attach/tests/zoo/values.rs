//! Locals have their values, each kind in its form; what was moved away is not shown as if it were there.

use std::collections::BTreeMap;

use stallscope_attach::tasks::{Frame, Local};

use crate::program::readings;

#[test]
fn each_frame_has_its_own() {
    told(
        "zoo::values::outermost",
        &[("request", "41"), ("retries", "3")],
    );
    told("zoo::values::middle", &[("id", "42"), ("urgent", "true")]);
}

#[test]
fn numbers_are_plain() {
    told(
        "zoo::values::numbers",
        &[
            ("negative", "-7"),
            ("small", "255"),
            ("short", "-300"),
            ("word", "4000000000"),
            ("size", "18446744073709551615"),
            ("huge", "340282366920938463463374607431768211455"),
            ("huge_negative", "-170141183460469231731"),
            ("half", "0.5"),
            ("quarter", "-0.25"),
            ("flag", "false"),
            ("letter", "'é'"),
        ],
    );
}

#[test]
fn text_is_quoted_and_cut_and_collections_have_their_length() {
    told(
        "zoo::values::texts",
        &[
            ("literal", r#""a \"quoted\" line\nand another""#),
            ("owned", r#""päth/to""#),
            ("empty", r#""""#),
            ("bytes", "Vec(len=3)"),
            ("list", "Vec(len=2)"),
            ("nothing", "Vec(len=0)"),
            ("array", "[u16; 4]"),
        ],
    );
    for locals in locals_of("zoo::values::texts") {
        let long = &locals["long"].value;
        assert!(
            long.starts_with("\"xxxx") && long.len() < 1000 && !long.ends_with("x\""),
            "{long}"
        );
    }
}

#[test]
fn enums_are_told_by_their_variant_niche_or_not() {
    told(
        "zoo::values::choices",
        &[
            ("some", "Some(7)"),
            ("none", "None"),
            ("niche", "None"),
            ("fine", "Ok(4)"),
            ("failed", r#"Err("refused")"#),
            ("stage", "Paid"),
            ("empty", "Empty"),
            ("named", "Named { … }"),
            ("split", "Split(…)"),
            ("point", "Point"),
            ("number", "12"),
        ],
    );
    for locals in locals_of("zoo::values::choices") {
        assert!(
            locals["boxed"].value.starts_with("Some("),
            "{:?}",
            locals["boxed"]
        );
        assert!(
            locals["shared"].value.starts_with("Arc<u32"),
            "{:?}",
            locals["shared"]
        );
        assert!(
            locals["reference"].value.contains("u32"),
            "{:?}",
            locals["reference"]
        );
    }
}

#[test]
fn what_was_given_away_is_not_shown_as_if_it_were_there() {
    told("zoo::values::moved_out", &[("length", "10")]);
    for locals in locals_of("zoo::values::moved_out") {
        assert!(!locals.contains_key("gone"), "{locals:?}");
    }
    // Of a block's captures nobody can tell: they are marked.
    for locals in locals_of("zoo::shapes::of_a_block::{async_block#0}") {
        let count = &locals["count"];
        assert!(count.maybe_moved && count.value == "11", "{count:?}");
        let name = locals.get("name");
        assert!(name.is_none_or(|name| name.maybe_moved), "{name:?}");
    }
}

#[test]
fn arguments_that_are_needed_after_the_await_are_told() {
    told("zoo::by_hand::awaiting_one", &[("attempt", "3")]);
    told("zoo::shapes::behind_a_box", &[("weight", "9")]);
    told("zoo::shapes::Service::fetch", &[("id", "77")]);
    told("zoo::shapes::Service::call", &[("path", r#""/health""#)]);
}

/// In every build the locals of the one frame of that function have these values.
fn told(function: &str, wanted: &[(&str, &str)]) {
    for locals in locals_of(function) {
        let told: Vec<_> = wanted
            .iter()
            .map(|(name, _)| {
                (
                    *name,
                    locals
                        .get(*name)
                        .map_or("(not told)", |local| &*local.value),
                )
            })
            .collect();
        assert_eq!(told, wanted, "of {function}");
    }
}

/// For each build, the locals of the one frame of that function.
fn locals_of(function: &str) -> Vec<BTreeMap<&'static str, &'static Local>> {
    let of = |frame: &'static Frame| {
        frame
            .locals
            .iter()
            .map(|local| (&*local.name, local))
            .collect()
    };
    readings()
        .iter()
        .map(|reading| {
            let mut frames = reading.tasks.iter().flat_map(|task| &task.stack);
            let frame = frames.find(|frame| frame.function == function);
            of(frame.unwrap_or_else(|| panic!("no frame is called {function}")))
        })
        .collect()
}

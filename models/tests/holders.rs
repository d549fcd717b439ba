//! Who holds a lock is told whole, of one holder, whatever its threads see of each other.
#![cfg(loom)]

use stallscope_models::sync::track::models as holders;

#[test]
fn a_look_at_writers_that_take_turns() {
    holders::writers_take_turns();
}

#[test]
fn a_look_at_a_holder_that_comes_back() {
    holders::a_holder_comes_back();
}

#[test]
fn one_slot_is_one_readers() {
    holders::readers_claim();
}

#[test]
fn a_reserved_slot_is_one_threads() {
    holders::readers_reserve();
}

#[test]
fn a_holder_that_does_not_run_is_told_apart_from_the_next() {
    holders::a_waiter_meets_a_holder();
}

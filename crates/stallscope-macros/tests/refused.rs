//! What tokio's attribute refuses is refused in the same words, and a body of the wrong type is reported where it is wrong.

#[test]
fn errors_are_those_of_tokio() {
    trybuild::TestCases::new().compile_fail("tests/refused/*.rs");
}

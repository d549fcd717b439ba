//! `#[stallscope::main]` stands in for `#[tokio::main]`: same arguments, same shapes of fn. So does `#[stallscope::test]` for
//! `#[tokio::test]`, and fails tests that stall, leave tasks behind or share state badly.
//!
//! What it refuses is tested beside the attribute, in `stallscope-macros`.

#[path = "macros/arguments.rs"]
mod arguments;
#[path = "macros/guilty.rs"]
mod guilty;
#[path = "macros/shapes.rs"]
mod shapes;
#[path = "macros/verdicts.rs"]
mod verdicts;

//! `#[stallscope::main]` stands in for `#[tokio::main]`: same arguments, same shapes of fn.
//!
//! What it refuses is tested beside the attribute, in `stallscope-macros`.

#[path = "macros/arguments.rs"]
mod arguments;
#[path = "macros/shapes.rs"]
mod shapes;

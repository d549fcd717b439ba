//! Debug information, as types and functions that are asked for one by one.
//!
//! Binaries of several 100 MB are normal. So one quick pass makes a small index, and a type is read from the file when somebody
//! follows a pointer to it.

mod by_id;
mod files;
mod functions;
mod index;
mod origin;
mod pass;
mod paths;
mod program;
mod read;
mod root;
mod separate;
mod split;
mod thread_local;
mod types;
mod units;

pub(crate) use by_id::ById;
pub use files::Files;
pub use functions::{Function, FunctionId};
pub(crate) use origin::is_app_path;
pub use program::Program;
pub use thread_local::ThreadLocal;
pub use types::{Choice, Member, Number, Shape, Type, TypeId, Variant};

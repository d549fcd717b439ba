//! A function as the compiler describes it: what its code alone does not say.

use super::types::TypeId;

/// Names a function of one [`Program`](super::Program): where it stands in the debug information.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FunctionId(pub(super) u64);

/// A function as the compiler describes it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Function {
    /// With its scope: `tokio::runtime::task::raw::poll<…>`. A method's scope is `{impl#0}`, which does not name the type.
    pub name: String,
    /// Its symbol, demangled, without the hash: names the type of a method. Empty: it has none.
    pub symbol: String,
    /// The types it was made for, by the name of the parameter.
    pub parameters: Vec<(String, TypeId)>,
    /// The type of its first argument.
    pub first_argument: Option<TypeId>,
}

impl Function {
    /// What the function was made for under that name.
    pub fn parameter(&self, name: &str) -> Option<TypeId> {
        let found = self.parameters.iter().find(|(of, _)| of == name);
        found.map(|(_, id)| *id)
    }
}

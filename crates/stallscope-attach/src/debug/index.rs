//! What can be found in debug information by name or address without reading all of it again.

use std::collections::HashMap;

use super::origin::Votes;

/// A place in `.debug_info`.
pub(super) type Offset = u64;

/// Made by one [pass](super::pass). A few dozen bytes for each type and each function of the program.
#[derive(Debug, Default)]
pub(super) struct Index<'f> {
    pub(super) scopes: Vec<Scope<'f>>,
    /// The scope of each type and function, in the order of the file.
    pub(super) scope_of: Vec<(Offset, ScopeId)>,
    /// Definitions by the [`hash`] of their full name.
    pub(super) types: Vec<(u64, Offset)>,
    /// Functions by the address of their first instruction.
    pub(super) functions: Vec<(u64, Offset)>,
    /// The bodies of coroutines (`{async_fn#0}`) by the hash of their full name.
    pub(super) bodies: Vec<(u64, Offset)>,
    /// The variables that hold what is awaited, in the order of the file.
    pub(super) awaits: Vec<Await>,
    /// `Cell<T, S>` of tokio: a task in memory.
    pub(super) cells: Vec<Offset>,
    /// tokio's function that polls a task of one type: address and entry.
    pub(super) polls: Vec<(u64, Offset)>,
    /// tokio's thread-local variable `CONTEXT`: symbol and type. There are two, for types with and without a destructor; one is used.
    pub(super) contexts: Vec<(&'f str, Offset)>,
    /// Whose code the functions of each crate are.
    pub(super) origins: HashMap<&'f str, Votes>,
    /// The path of a source file of tokio's: its version is in it.
    pub(super) tokio_path: Option<String>,
    /// Whether any type has been seen: there is none where debug information has lines only.
    pub(super) has_types: bool,
}

/// A namespace, or a type or function that has others in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'f> {
    pub(super) parent: Option<ScopeId>,
    pub(super) name: &'f str,
    /// Of the full name.
    pub(super) hash: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ScopeId(pub(super) u32);

/// The variable that holds a future while it is awaited. Its declaration is the line of the await.
#[derive(Debug, Clone, Copy)]
pub(super) struct Await {
    /// The function that it is a variable of.
    pub(super) function: Offset,
    /// Its type: the future.
    pub(super) future: Offset,
    /// Number of the file in its unit.
    pub(super) file: u64,
    /// Line in it.
    pub(super) line: u32,
}

impl Index<'_> {
    /// The type of tokio's `CONTEXT` that has this symbol.
    pub(super) fn context(&self, symbol: &str) -> Option<Offset> {
        // Optimisation across crates may have added to the symbol.
        let found = self
            .contexts
            .iter()
            .find(|(name, _)| symbol.starts_with(name));
        found.map(|(_, of)| *of)
    }

    /// Whether the crate is the user's own.
    pub(super) fn is_app_crate(&self, name: &str) -> bool {
        self.origins.get(name).is_some_and(|votes| votes.is_app())
    }

    pub(super) fn tokio_path(&self) -> Option<&str> {
        self.tokio_path.as_deref()
    }

    pub(super) fn has_types(&self) -> bool {
        self.has_types
    }

    /// Every definition whose full name may be this one (equal hashes).
    pub(super) fn types_named(&self, full_name: &str) -> impl Iterator<Item = Offset> {
        equal(&self.types, hash(HASH_START, full_name))
    }

    /// Every body of a coroutine whose full name may be this one.
    pub(super) fn bodies_named(&self, full_name: &str) -> impl Iterator<Item = Offset> {
        equal(&self.bodies, hash(HASH_START, full_name))
    }

    /// Every function that starts at this address: several, where the linker or the compiler has folded equal code.
    pub(super) fn functions_at(&self, address: u64) -> impl Iterator<Item = Offset> {
        equal(&self.functions, address)
    }

    pub(super) fn awaits(&self) -> &[Await] {
        &self.awaits
    }

    pub(super) fn cells(&self) -> &[Offset] {
        &self.cells
    }

    pub(super) fn polls(&self) -> &[(u64, Offset)] {
        &self.polls
    }

    /// `crate::module`, for the type or function at `offset`; empty for one outside of all.
    pub(super) fn scope_of(&self, offset: Offset) -> String {
        let found = self
            .scope_of
            .binary_search_by_key(&offset, |(offset, _)| *offset);
        let mut names = Vec::new();
        let mut at = found.ok().map(|found| self.scope_of[found].1);
        while let Some(scope) = at.and_then(|id| self.scopes.get(id.0 as usize)) {
            names.push(scope.name);
            at = scope.parent;
        }
        names.reverse();
        names.join("::")
    }
}

/// All values of a sorted list with this key.
fn equal(list: &[(u64, Offset)], key: u64) -> impl Iterator<Item = Offset> {
    let from = list.partition_point(|(of, _)| *of < key);
    list[from..]
        .iter()
        .take_while(move |(of, _)| *of == key)
        .map(|(_, offset)| *offset)
}

/// What hashing begins with.
pub(super) const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: a name can be hashed part by part, scope by scope. Equal hashes are compared by name later.
pub(super) fn hash(so_far: u64, bytes: &str) -> u64 {
    bytes.bytes().fold(so_far, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_is_the_one_whose_symbol_the_linker_has_kept() {
        let index = Index {
            contexts: vec![("tokio::CONTEXT::VAL.1", 10), ("tokio::CONTEXT::VAL.2", 20)],
            ..Index::default()
        };
        assert_eq!(index.context("tokio::CONTEXT::VAL.2"), Some(20));
        assert_eq!(index.context("tokio::CONTEXT::VAL.1.llvm.7"), Some(10));
        assert_eq!(index.context("tokio::CONTEXT::VAL.3"), None);
    }
}

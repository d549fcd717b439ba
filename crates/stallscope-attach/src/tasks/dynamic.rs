//! The type behind a `dyn`: told by the functions in its table.

use std::collections::HashMap;

use super::view::View;
use crate::debug::{FunctionId, Shape, TypeId};

/// Layout of a table of functions of a trait object, in words: destructor, size, alignment, then the trait's methods.
const DESTRUCTOR: u64 = 0;
const SIZE: u64 = 1;
const FIRST_METHOD: u64 = 3;

impl View<'_, '_> {
    /// The type whose functions stand in the table at `vtable`. `None` if that cannot be told: its functions are not known, or all of
    /// them are those of several types whose code is equal and was folded.
    pub(super) fn dyn_type(&self, vtable: u64) -> Option<TypeId> {
        let word = |number: u64| self.memory.u64(vtable.checked_add(8 * number)?).ok();
        let size = word(SIZE)?;
        let methods = self.functions(word(FIRST_METHOD)?).filter_map(|function| {
            let first = self.program.function(function).first_argument?;
            self.receiver(first)
        });
        let destructors = self
            .functions(word(DESTRUCTOR)?)
            .filter_map(|function| self.program.function(function).parameter("T"));
        let methods = self.by_name(methods, size);
        let destructors = self.by_name(destructors, size);
        // What one of them leaves open the other may decide.
        let both = methods
            .iter()
            .filter(|(name, _)| destructors.contains_key(*name))
            .map(|(_, id)| *id);
        only(both)
            .or_else(|| only(methods.values().copied()))
            .or_else(|| only(destructors.values().copied()))
    }

    /// The types of that size, each name once.
    fn by_name(&self, types: impl Iterator<Item = TypeId>, size: u64) -> HashMap<String, TypeId> {
        let types = types.map(|id| self.program.definition(id));
        let named = types.filter_map(|id| {
            let of = self.program.type_of(id);
            (of.size == size).then(|| (of.name.clone(), id))
        });
        named.collect()
    }

    fn functions(&self, address: u64) -> impl Iterator<Item = FunctionId> {
        self.program.functions_at(address.wrapping_sub(self.bias))
    }

    /// `T`, of an argument `self: Pin<&mut T>` or `&mut T`.
    fn receiver(&self, argument: TypeId) -> Option<TypeId> {
        let of = self.program.type_of(self.program.definition(argument));
        match &of.shape {
            Shape::Pointer(to) => *to,
            Shape::Struct(members) => {
                let inner = self.program.type_of(members.first()?.of);
                match inner.shape {
                    Shape::Pointer(to) => to,
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// The one of which there is only one.
fn only(mut types: impl Iterator<Item = TypeId>) -> Option<TypeId> {
    let first = types.next()?;
    types.next().is_none().then_some(first)
}

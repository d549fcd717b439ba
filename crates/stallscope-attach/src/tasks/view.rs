//! A typed look at memory: values, their parts, what they point to.

use std::rc::Rc;

use super::found::Breeds;
use super::ways::Ways;
use crate::debug::{Program, Shape, Type, TypeId};
use crate::memory::Reader;

/// Memory, and the types to read it by.
pub(super) struct View<'v, 'f> {
    pub(super) program: &'v Program<'f>,
    pub(super) memory: &'v Reader<'v>,
    /// By how much the program lies higher than linked.
    pub(super) bias: u64,
    pub(super) breeds: &'v Breeds,
    pub(super) ways: &'v Ways,
}

/// A value of a known type at a known address. Nothing of it has been read yet.
#[derive(Clone)]
pub(super) struct Value {
    pub(super) id: TypeId,
    pub(super) of: Rc<Type>,
    pub(super) at: u64,
}

/// Wrappers lie in wrappers, but not without end.
const MOST_WRAPPERS: usize = 16;

impl View<'_, '_> {
    pub(super) fn value(&self, id: TypeId, at: u64) -> Value {
        let id = self.program.definition(id);
        Value {
            id,
            of: self.program.type_of(id),
            at,
        }
    }

    /// The member of that name.
    pub(super) fn member(&self, of: &Value, name: &str) -> Option<Value> {
        let member = of.of.member(name)?;
        Some(self.value(member.of, of.at.checked_add(member.offset)?))
    }

    /// All members that can be looked at, with their names.
    pub(super) fn members(&self, of: &Value) -> Vec<(String, Value)> {
        let members = of.of.members().iter().filter_map(|member| {
            let at = of.at.checked_add(member.offset)?;
            Some((member.name.clone(), self.value(member.of, at)))
        });
        members.collect()
    }

    /// The value at the end of a way: names of members, and `*` for "what it points to". Wrappers on the way that have one
    /// member of any size are opened where the name is not found: `core.stage.*` works whether or not there is an `UnsafeCell`.
    pub(super) fn find(&self, from: &Value, way: &str) -> Option<Value> {
        let mut at = from.clone();
        for step in way.split('.') {
            at = match step {
                "*" => self.pointed_to(&at)?,
                name => self.member_within(at, name)?,
            };
        }
        Some(at)
    }

    /// A number, wherever wrappers (`AtomicU32`, `NonZero`, `Cell` …) hide it.
    pub(super) fn number(&self, of: &Value) -> Option<u128> {
        let bare = self.unwrap(of.clone());
        match bare.of.shape {
            Shape::Number(_) | Shape::Pointer(_) | Shape::Names(_) => {
                self.memory.uint(bare.at, bare.of.size).ok()
            }
            _ => None,
        }
    }

    /// [`number`](Self::number) at the end of a [way](Self::find).
    pub(super) fn number_at(&self, from: &Value, way: &str) -> Option<u64> {
        let found = self.find(from, way)?;
        u64::try_from(self.number(&found)?).ok()
    }

    /// What a pointer points to, wherever wrappers (`Box`, `NonNull`, `Arc`, `Pin` …) hide it. `None` for null.
    pub(super) fn pointed_to(&self, of: &Value) -> Option<Value> {
        let bare = self.unwrap(of.clone());
        let Shape::Pointer(Some(to)) = bare.of.shape else {
            return None;
        };
        let address = self.memory.u64(bare.at).ok()?;
        (address != 0).then(|| self.value(to, address))
    }

    /// The variant a choice is in: its name, its value of the tag, and its data.
    pub(super) fn active(&self, of: &Value) -> Option<(String, u128, Value)> {
        let Shape::Choice(choice) = &of.of.shape else {
            return None;
        };
        let (tag, size) = match &choice.tag {
            Some(tag) => {
                let size = self.program.type_of(tag.of).size;
                let at = of.at.checked_add(tag.offset)?;
                (self.memory.uint(at, size).ok()?, size)
            }
            None => (0, 0),
        };
        let data = &choice.variant(tag, size)?.data;
        let at = of.at.checked_add(data.offset)?;
        Some((data.name.clone(), tag, self.value(data.of, at)))
    }

    /// Open wrappers: while a struct has one member of any size, that member.
    pub(super) fn unwrap(&self, mut of: Value) -> Value {
        for _ in 0..MOST_WRAPPERS {
            let Some(inner) = self.only_member(&of) else {
                break;
            };
            of = inner;
        }
        of
    }

    fn member_within(&self, mut of: Value, name: &str) -> Option<Value> {
        for _ in 0..MOST_WRAPPERS {
            if let Some(found) = self.member(&of, name) {
                return Some(found);
            }
            of = self.only_member(&of)?;
        }
        None
    }

    /// The member that makes up all of a value: the others, if any, have no size. Of a union, the last.
    fn only_member(&self, of: &Value) -> Option<Value> {
        let mut members = of.of.members().iter().filter(|member| {
            let id = self.program.definition(member.of);
            self.program.type_of(id).size > 0
        });
        let only = members.next()?;
        let more = members.next().is_some();
        if more {
            return None;
        }
        Some(self.value(only.of, of.at.checked_add(only.offset)?))
    }
}

//! Where the elements of a `Vec`, a slice or a `str` lie.

use super::view::{Value, View};
use crate::debug::Shape;

/// No collection in memory is longer than half of the addresses: such a length is stale.
const MOST: u64 = u64::MAX / 2;
const MOST_WRAPPERS: u32 = 8;

impl View<'_, '_> {
    /// Address and length of what a pointer to a slice or `str` points to.
    pub(super) fn slice_parts(&self, of: &Value) -> Option<(u64, u64)> {
        let at = self.member(of, "data_ptr")?;
        let len = self.number_at(of, "length")?;
        (len <= MOST).then_some((self.memory.u64(at.at).ok()?, len))
    }

    /// Address and length of a `Vec`'s elements. `None` also where it says that it has more than it has room for: it was moved.
    pub(super) fn vec_parts(&self, of: &Value) -> Option<(u64, u64)> {
        let len = self.number_at(of, "len")?;
        let buffer = self.member(of, "buf")?;
        // Elements of no size need no room.
        let has_size = of
            .of
            .parameter("T")
            .is_none_or(|element| self.program.type_of(self.program.definition(element)).size > 0);
        if len > MOST
            || (has_size
                && self
                    .number_within(&buffer, "cap")
                    .is_some_and(|cap| len > cap))
        {
            return None;
        }
        Some((self.first_pointer(&buffer, 0)?, len))
    }

    /// The pointer of a buffer, under whatever it is wrapped in.
    fn first_pointer(&self, of: &Value, depth: u32) -> Option<u64> {
        if let Shape::Pointer(_) = of.of.shape {
            return self.memory.u64(of.at).ok();
        }
        if depth > MOST_WRAPPERS {
            return None;
        }
        let members = self.members(of).into_iter();
        members
            .filter(|(name, _)| name != "cap" && name != "alloc")
            .find_map(|(_, member)| self.first_pointer(&member, depth + 1))
    }
}

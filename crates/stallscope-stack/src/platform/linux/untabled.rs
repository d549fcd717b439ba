//! Code without unwind tables, as musl's: how a walk gets out of it.
//!
//! How large its frames are nobody says. But on the stack stands the address behind the call that led into it, from code that has
//! tables, and the call itself can be read.

use framehop::FrameAddress;

use super::arch::{Called, call_before};
use super::calls;
use super::code::Code;
use super::walk::{Path, Walker};
use crate::capture::{RawStack, Registers};
use crate::unwind::Ended;

/// How often a walk may get out of such code, which calls what calls it again: a sort with a comparison that waits.
pub(super) const MOST_TIMES: u8 = 2;

/// Frames of such code that are larger than 32 KiB in all are not left: resolving a name takes 12.
const MOST_WORDS: u64 = 4096;

/// Functions of such code are not longer, as far as is looked.
const LONGEST: u64 = 4096;

/// More words than this look like a way out only where somebody has filled the stack with them.
const MOST_TRIED: usize = 8;

/// The walk out of such code, in which the thread stands, from its caller on; it may get out of such code so often at most. `None` if no way out is found.
///
/// The way out is a call whose function is on the stack: the thread stands in it, or a return address within it lies further in. A call
/// by a register does not say what it called. Not every word that looks like a way out is one: functions that have returned leave
/// theirs. Mostly they lead nowhere, or else into a frame that is still there, and that has called another function meanwhile: the
/// walk counts by which the fewest calls are contradicted, and among those the one that begins nearest to the stack pointer.
pub(super) fn walk(
    walker: &mut Walker,
    stack: &RawStack,
    code: Code<'_>,
    times: u8,
) -> Option<Path> {
    let times = times.checked_sub(1)?;
    let ways: Vec<Way> = ways_out(walker, stack, code, stack.registers.sp)
        .filter(|way| is_within(walker, stack, *way))
        .take(MOST_TRIED)
        .collect();
    let found = ways.into_iter().filter_map(|way| {
        let (mut path, _) = walker.path(&beyond(stack, way)?, code, times);
        if path.ended == Ended::Lost {
            return None;
        }
        let caller = path.addresses.first_mut()?;
        *caller = FrameAddress::from_return_address(way.return_address)?;
        Some((walker.contradicted_calls(&path, code), path))
    });
    let (_, path) = found.min_by_key(|(contradicted, _)| *contradicted)?;
    Some(path)
}

/// Whether a return address into such code is the outermost: nothing on the stack from `sp` on leads out of it, so the thread has begun there.
pub(super) fn is_outermost(
    walker: &Walker,
    stack: &RawStack,
    code: Code<'_>,
    return_address: u64,
    sp: u64,
) -> bool {
    !stack.truncated
        && call_before(code, return_address) != Called::Nothing
        && ways_out(walker, stack, code, sp).next().is_none()
}

/// A word of the stack behind a call from code with tables.
#[derive(Debug, Clone, Copy)]
struct Way {
    slot: u64,
    return_address: u64,
    /// The function without tables that was called, if the call says so.
    called: Option<u64>,
}

fn ways_out<'a>(
    walker: &'a Walker,
    stack: &'a RawStack,
    code: Code<'a>,
    from: u64,
) -> impl Iterator<Item = Way> + 'a {
    words(stack, from).filter_map(move |(slot, word)| {
        let lookup = word.saturating_sub(1);
        if !walker.is_code(lookup) || walker.is_untabled(lookup) {
            return None;
        }
        let call = call_before(code, word);
        let called = calls::target(call, code);
        let is_way = match called {
            Some(called) => walker.is_untabled(called),
            None => call == Called::Unknown,
        };
        is_way.then_some(Way {
            slot,
            return_address: word,
            called,
        })
    })
}

/// Whether the thread may be in the function that was called there, as far as the stack says.
fn is_within(walker: &Walker, stack: &RawStack, way: Way) -> bool {
    let Some(called) = way.called else {
        return true;
    };
    let further_in = words(stack, stack.registers.sp).take_while(|(slot, _)| *slot < way.slot);
    let mut addresses = std::iter::once(stack.registers.pc).chain(further_in.map(|(_, word)| word));
    addresses.any(|address| {
        let into = address.checked_sub(called);
        into.is_some_and(|into| into < LONGEST) && walker.is_untabled(address)
    })
}

/// Each word of the stack from an address on, with its own address, the innermost first.
fn words(stack: &RawStack, from: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
    let slots = (0..MOST_WORDS).map(move |word| from.saturating_add(word * 8));
    slots.map_while(|slot| Some((slot, stack.word(slot)?)))
}

/// The stack as it was before the call, with the thread at that call.
fn beyond(stack: &RawStack, way: Way) -> Option<RawStack> {
    // Within the call: behind it another function may begin.
    at(
        stack,
        way.return_address.checked_sub(1)?,
        way.slot.checked_add(8)?,
    )
}

/// The part of the stack from `sp` on, with the thread at `pc`.
pub(super) fn at(stack: &RawStack, pc: u64, sp: u64) -> Option<RawStack> {
    let skipped = usize::try_from(sp.checked_sub(stack.registers.sp)?).ok()?;
    Some(RawStack {
        tid: stack.tid,
        registers: Registers {
            pc,
            sp,
            fp: None,
            lr: None,
        },
        bytes: stack.bytes.get(skipped..)?.to_vec(),
        truncated: stack.truncated,
        method: stack.method.clone(),
    })
}

//! The walk of a waiting thread, whose frame pointer the kernel does not show: try until one fits.

use super::arch::{self, Start};
use super::calls::Agreement;
use super::code::Code;
use super::walk::{Path, Walker};
use crate::capture::{RawStack, Registers};
use crate::unwind::{Certainty, Ended};

/// Walks from the likeliest start.
///
/// Usually nothing between the system call and the first function that saved the frame pointer needs it. Where one does,
/// its first instructions say how far its frame reaches, and so where the frame pointer must point. Both are exact.
///
/// What remains (a frame of variable size) is tried: the frame pointer points to a `{frame pointer, return address}`
/// record on the stack. Most records lead to the outermost frame and yet are wrong: one further out skips the frames
/// before it, a stale one in an unused part of the stack leads over a function that has returned. What tells the right
/// one is the code: the step for which the frame pointer is needed goes from a function to behind a call of that
/// function. Where the call does not show its target, the step after has a say, and then the record nearest to the
/// stack pointer wins.
pub(super) fn walk(walker: &mut Walker, stack: &RawStack, code: Code<'_>) -> (Path, Certainty) {
    let Registers { pc, sp, .. } = stack.registers;
    let blind = walker.walk_from(Start::unknown(pc, sp), stack, code);
    if blind.ended == Ended::Root {
        return (blind, Certainty::Exact);
    }
    if let Some(path) = by_prologue(walker, stack, code, &blind) {
        return (path, Certainty::Exact);
    }
    let mut best: Option<(Verdict, Path)> = None;
    for start in arch::likely_starts(stack) {
        let path = walker.walk_from(start, stack, code);
        let verdict = Verdict::of(walker, code, &path, blind.addresses.len());
        // Of a stack that is cut none leads to the outermost frame: there only a call that is confirmed counts.
        let leads_out = match path.ended {
            Ended::Root => true,
            Ended::Truncated => verdict.step == Agreement::Confirmed,
            Ended::Lost => false,
        };
        if !leads_out {
            continue;
        }
        if best.as_ref().is_none_or(|(so_far, _)| verdict < *so_far) {
            best = Some((verdict, path));
        }
        if verdict.step == Agreement::Confirmed {
            break;
        }
    }
    let Some((_, mut path)) = best else {
        return (blind, Certainty::Reconstructed);
    };
    // Where the thread stands is known, also when the walk had to start further out (aarch64).
    if path.addresses.first() != blind.addresses.first() {
        path.addresses
            .splice(0..0, blind.addresses.first().copied());
    }
    (path, Certainty::Reconstructed)
}

/// The walk with the frame pointer that follows from the code of the function a blind walk ended in.
fn by_prologue(
    walker: &mut Walker,
    stack: &RawStack,
    code: Code<'_>,
    blind: &Path,
) -> Option<Path> {
    let needs_it = blind.addresses.last()?.address_for_lookup();
    let fp = arch::frame_pointer(code, walker.function_start(needs_it)?, blind.sp)?;
    let path = walker.walk_from(Start::with_frame_pointer(&stack.registers, fp), stack, code);
    let known = blind.addresses.len();
    let leads_on = path.ended != Ended::Lost && path.addresses.len() > known;
    // A call with arguments on the stack makes the frame larger than its beginning says; then this is no return address.
    let is_call = Verdict::of(walker, code, &path, known).step != Agreement::Contradicted;
    (leads_on && is_call).then_some(path)
}

/// What the code says of a guessed walk; the less the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Verdict {
    /// Of the step that needed the frame pointer.
    step: Agreement,
    /// Of the step after.
    next: Agreement,
}

impl Verdict {
    /// `known` frames were found without the frame pointer, so the step out of the last of them needed it.
    fn of(walker: &Walker, code: Code<'_>, path: &Path, known: usize) -> Self {
        let agreement = |index: usize| match path.addresses.get(index..index + 2) {
            Some([inner, outer]) => walker.step(*inner, *outer).agreement(code),
            // There is no such step: nothing speaks against it.
            _ => Agreement::Open,
        };
        let step = known.saturating_sub(1);
        Self {
            step: agreement(step),
            next: agreement(step + 1),
        }
    }
}

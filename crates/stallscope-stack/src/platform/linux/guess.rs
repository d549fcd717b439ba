//! The walk of a waiting thread, whose frame pointer the kernel does not show: try until one fits.

use super::arch;
use super::calls::{self, Step};
use super::walk::{Path, Walker};
use crate::capture::RawStack;
use crate::unwind::{Certainty, Ended};

/// Walks from the likeliest start. Exact if the frame pointer turned out not to be needed.
///
/// A start that does not lead to the outermost frame is wrong. Of those that lead there some may still be wrong: a
/// stale frame record in an unused part of the stack leads over a function that has returned. The code tells them
/// apart: such a function was not called from where it seems to have been. The first start without any such
/// contradiction wins, else the one with the fewest.
pub(super) fn walk(walker: &mut Walker, stack: &RawStack) -> (Path, Certainty) {
    let mut starts = arch::likely_starts(stack);
    let unneeded = starts.next().map(|start| walker.walk_from(start, stack));
    let fallback = match unneeded {
        Some(path) if path.ended != Ended::Lost => return (path, Certainty::Exact),
        Some(path) => path,
        None => Path {
            addresses: Vec::new(),
            ended: Ended::Lost,
        },
    };
    let mut best: Option<(usize, Path)> = None;
    for start in starts {
        let path = walker.walk_from(start, stack);
        if path.ended != Ended::Root {
            continue;
        }
        let against = calls::contradictions(steps(walker, &path));
        if best.as_ref().is_none_or(|(fewest, _)| against < *fewest) {
            best = Some((against, path));
        }
        if against == 0 {
            break;
        }
    }
    let path = best.map_or(fallback, |(_, path)| path);
    (path, Certainty::Reconstructed)
}

fn steps<'p>(walker: &'p Walker, path: &'p Path) -> impl Iterator<Item = Step> + 'p {
    path.addresses.windows(2).filter_map(|pair| {
        let [inner, outer] = pair else { return None };
        let callee = walker.function_start(inner.address_for_lookup());
        Some(Step {
            callee,
            return_address: outer.address(),
        })
    })
}

//! Does a test fail for locks that keep its tasks and threads waiting, and in which words? And what becomes of one that nobody can end?

use std::fmt::Write;
use std::time::Duration;

use super::conflicts::{MOST_PLACES, whose};
use super::seeds;
use crate::locks::{Doing, Sign};
use crate::process;
use crate::sync::trial::{self, Trial};

/// How long a test may take to end when it is known that it does not go on. Longer than any machine needs to run a thread that was woken.
const GRACE: Duration = Duration::from_secs(3);
/// And how long one that cannot be ended is kept while others run beside it.
const GRACE_BESIDE_OTHERS: Duration = Duration::from_secs(30);
/// What a harness ends with when a test has failed.
const FAILED: i32 = 101;

/// Why the test fails; none if it does not.
pub(super) fn complaint(trial: &Trial) -> Option<String> {
    let waits = trial.waits();
    (!waits.is_empty()).then(|| tell(&waits))
}

/// Ends the process if there is a test in it that would run for ever, blocked on its own thread: that is all that can be done to such a test. Those beside
/// it are given time to end.
pub(crate) fn end_if_blocked() {
    let Some((trial, others)) = trial::blocked_for(GRACE) else {
        return;
    };
    if others > 0 && trial::blocked_for(GRACE_BESIDE_OTHERS).is_none() {
        return;
    }
    let mut told = format!(
        "test {} has failed, and cannot be ended, since its own thread is blocked: so the process ends here\n\n{}",
        trial.test(),
        complaint(&trial).unwrap_or_default()
    );
    if let Some(seed) = trial.seed() {
        let _ = write!(told, "\n\n{}", seeds::replay(trial.test(), seed));
    }
    process::warn(&told);
    std::process::exit(FAILED);
}

fn tell(waits: &[Sign]) -> String {
    let mut told = "tasks or threads were kept waiting by locks".to_owned();
    for sign in waits.iter().take(MOST_PLACES) {
        let _ = write!(told, "\n\n{}", sign.sentence());
        let others = sign.others.iter().copied();
        for (doing, side) in std::iter::once((sign.does(), sign.at)).chain(others) {
            let does = match doing {
                Doing::Waits => "waits",
                Doing::Holds => "holds what it took",
            };
            let _ = write!(
                told,
                "\n  {} {does} at {}:{}",
                whose(side.party),
                side.place.file,
                side.place.line
            );
        }
        let _ = write!(
            told,
            "\n  what it means and what to do: {}",
            sign.rule.help()
        );
    }
    if let more @ 1.. = waits.len().saturating_sub(MOST_PLACES) {
        let _ = write!(told, "\n\n{more} more");
    }
    told
}

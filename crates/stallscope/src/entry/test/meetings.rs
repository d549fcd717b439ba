//! Does a test fail for threads that met at bytes it has registered with `watch_memory`, and in which words?

use std::fmt::Write;

use super::conflicts::MOST_PLACES;
use crate::findings::Rule;
use crate::sync::trial::Trial;

/// Why the test fails; none if it does not.
pub(super) fn complaint(trial: &Trial) -> Option<String> {
    let meetings = trial.meetings();
    (!meetings.is_empty()).then(|| tell(&meetings))
}

fn tell(meetings: &[(String, u64)]) -> String {
    let mut told = "threads met at bytes that are watched".to_owned();
    for (sentence, times) in meetings.iter().take(MOST_PLACES) {
        let _ = write!(told, "\n\n{sentence}");
        if *times > 1 {
            let _ = write!(told, "; {times} times");
        }
        let help = Rule::MemoryWatch.help();
        let _ = write!(told, "\n  what it means and what to do: {help}");
    }
    if let more @ 1.. = meetings.len().saturating_sub(MOST_PLACES) {
        let _ = write!(told, "\n\n{more} more places");
    }
    told
}

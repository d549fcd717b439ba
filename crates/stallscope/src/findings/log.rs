//! A finding as a line in the application's own log: an event of `tracing`, target `stallscope`, level WARN.
//!
//! One line for the first stall of a place, one more each time the count has grown tenfold: a flood in the log would hide what it tells.
//! Without a subscriber the event goes nowhere, as all of the application's would.

use super::finding::Finding;

pub(super) fn write(finding: &Finding) {
    let about = finding.rule().about();
    if about.is_info {
        return;
    }
    let (count, longest) = finding.times();
    let ongoing = finding.is_ongoing().then_some(longest);
    tracing::warn!(
        target: "stallscope",
        kind = about.kind,
        rule = about.name,
        count,
        longest_ms = longest / 1_000_000,
        spawned_at = finding.spawned_at(),
        in_span = finding.in_span(),
        "{}",
        finding.sentence(ongoing)
    );
}

//! The figures of a leak in words, for the page of a finding and for its text.

use stallscope_wire::message::{Finding, Leak};

use crate::format::{duration, growth};

/// What to call the task of a finding: of a place that leaks, it is one of many.
pub(crate) fn label_of_task(finding: &Finding) -> &'static str {
    if finding.leak.is_some() {
        "example"
    } else {
        "task"
    }
}

/// Each figure with its label, those that say nothing left out.
pub(crate) fn figures(leak: &Leak) -> Vec<(&'static str, String)> {
    let mut live = vec![leak.live.to_string()];
    if leak.live_at_first != leak.live {
        live.push(format!("{} when it was found", leak.live_at_first));
    }
    let change = growth(leak.growth_per_second);
    if change != "-" {
        live.push(change);
    }
    let mut figures = vec![("live", live.join(", "))];
    if leak.oldest_ns > 0 {
        figures.push(("oldest", duration(leak.oldest_ns)));
    }
    if leak.orphans > 0 {
        let orphans = leak.orphans;
        figures.push((
            "orphans",
            format!("{orphans} outlive the task that spawned them"),
        ));
    }
    if leak.spawned > 0 {
        let Leak { spawned, ended, .. } = leak;
        figures.push(("so far", format!("{spawned} spawned, {ended} ended")));
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_is_told() {
        let one = Leak {
            live: 1,
            live_at_first: 1,
            ..Leak::default()
        };
        assert_eq!(figures(&one), [("live", "1".to_owned())]);
        let many = Leak {
            live: 412,
            live_at_first: 40,
            growth_per_second: 9.0,
            spawned: 512,
            ended: 100,
            oldest_ns: 192_000_000_000,
            orphans: 408,
        };
        let told = figures(&many).into_iter();
        let told: Vec<String> = told
            .map(|(label, words)| format!("{label}: {words}"))
            .collect();
        assert_eq!(
            told,
            [
                "live: 412, 40 when it was found, +9.0/s",
                "oldest: 3m12s",
                "orphans: 408 outlive the task that spawned them",
                "so far: 512 spawned, 100 ended",
            ]
        );
    }
}

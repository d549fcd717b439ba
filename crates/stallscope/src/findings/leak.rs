//! A place that leaks tasks, as a finding.

use stallscope_wire::message::{Leak, Site};

use super::finding::{Occurrence, Place};
use super::rules::Rule;
use super::store::Episode;
use super::{Findings, Tasks, unix_now};
use crate::leaks::Sign;

impl Findings {
    /// A place leaks, leaks on, or does so no more.
    pub(crate) fn leaked(&mut self, sign: &Sign, site: Option<Site>, tasks: &dyn Tasks) {
        let episode = Episode::Leak {
            site: sign.site,
            rule: sign.rule,
        };
        if sign.is_over {
            self.store.over(episode, sign.leak.oldest_ns, unix_now());
            return;
        }
        let place = site.map_or(Place::Nowhere, |site| {
            Place::line(&site.file, site.line, site.column)
        });
        self.found(Occurrence {
            task: Some(tasks.describe(sign.example)),
            certainty: sign.certainty,
            length: sign.leak.oldest_ns,
            leak: Some(sign.leak),
            ..Occurrence::of(episode, sign.rule, place)
        });
    }
}

/// "412 tasks from src/session.rs:88 are alive, 9.0 more each second, the oldest for 192 s: it keeps making tasks that do not end"
pub(super) fn sentence(rule: Rule, place: &Place, leak: &Leak) -> String {
    let from = format!(" from {}", place.text());
    let tasks = match leak.live {
        1 => "1 task".to_owned(),
        count => format!("{count} tasks"),
    };
    let are = if leak.live == 1 { "is" } else { "are" };
    let more = if leak.growth_per_second >= 0.05 {
        format!(", {:.1} more each second", leak.growth_per_second)
    } else {
        String::new()
    };
    let orphans = match leak.orphans {
        0 => String::new(),
        count => format!(", {count} with parents that have ended"),
    };
    let seconds = leak.oldest_ns / 1_000_000_000;
    let did = rule.about().did;
    format!("{tasks}{from} {are} alive{more}, the oldest for {seconds} s{orphans}: the place {did}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_is_told_in_one_sentence() {
        let place = Place::Line {
            function: String::new(),
            file: "src/session.rs".to_owned(),
            line: 88,
            column: 9,
        };
        let leak = Leak {
            live: 412,
            growth_per_second: 9.04,
            oldest_ns: 192_400_000_000,
            orphans: 400,
            ..Leak::default()
        };
        assert_eq!(
            sentence(Rule::Growth, &place, &leak),
            "412 tasks from src/session.rs:88 are alive, 9.0 more each second, the oldest for 192 s, \
             400 with parents that have ended: the place keeps making tasks that do not end"
        );
        let one = Leak {
            live: 1,
            ..Leak::default()
        };
        let told = sentence(Rule::NeverPolled, &place, &one);
        assert!(
            told.starts_with("1 task from src/session.rs:88 is alive, the oldest"),
            "{told}"
        );
    }
}

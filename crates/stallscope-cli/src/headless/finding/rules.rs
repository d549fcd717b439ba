//! The kinds and rules findings can have, and `--fail-on`, which names some of them.

use std::fmt::Write;

use stallscope_wire::message::{Finding, Severity};

/// A kind and its rules.
struct Kind {
    name: &'static str,
    rules: &'static [&'static str],
    /// Rules that tell of the machine and blame no line: always of severity info.
    informs: &'static [&'static str],
}

const KINDS: [Kind; 3] = [
    Kind {
        name: "long-poll",
        rules: &[
            "cpu",
            "sleep",
            "lock",
            "file-io",
            "network-io",
            "pipe-io",
            "dns",
            "child-process",
            "page-fault",
            "block-on",
            "syscall",
            "unknown",
            "blocking-pool",
            "starvation",
        ],
        informs: &["cpu-starved", "process-paused"],
    },
    Kind {
        name: "task-leak",
        rules: &[
            "growth",
            "orphan",
            "unwakeable",
            "never-polled",
            "never-yields",
            "stuck-blocking",
            "alive-at-exit",
        ],
        informs: &[],
    },
    Kind {
        name: "unsynchronized-state",
        rules: &[
            "lost-update",
            "torn-region",
            "guard-across-await",
            "span-across-await",
            "thread-local-across-await",
            "overlapping-access",
            "memory-watch",
            "deadlock",
            "futurelock",
            "convoy",
        ],
        informs: &[],
    },
];

/// For `stallscope report --help`.
pub(crate) fn reference() -> String {
    let mut page = "--fail-on takes a kind, a rule, or both as in long-poll/sleep:\n".to_owned();
    for kind in &KINDS {
        // A `String` takes everything.
        let _written = write!(page, "\n  {}: {}", kind.name, kind.rules.join(", "));
    }
    page
}

/// A finding to fail on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FailOn {
    kind: &'static str,
    /// `None`: every rule of the kind.
    rule: Option<&'static str>,
}

impl FailOn {
    /// Reads `long-poll`, `sleep` or `long-poll/sleep`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (kind, rule) = match text.split_once('/') {
            Some((kind, rule)) => (kind, rule),
            None if KINDS.iter().any(|known| known.name == text) => {
                return FailOn::kind(text).map(|kind| FailOn {
                    kind: kind.name,
                    rule: None,
                });
            }
            None => return FailOn::rule(&KINDS, text).ok_or_else(|| complaint(&KINDS, text)),
        };
        let kind = std::slice::from_ref(FailOn::kind(kind)?);
        FailOn::rule(kind, rule).ok_or_else(|| complaint(kind, rule))
    }

    /// Whether it is such a finding. One of severity info never is: nobody can repair it.
    pub(crate) fn covers(self, finding: &Finding) -> bool {
        finding.severity() != Severity::Info
            && finding.kind == self.kind
            && self.rule.is_none_or(|rule| finding.rule == rule)
    }

    fn kind(name: &str) -> Result<&'static Kind, String> {
        KINDS
            .iter()
            .find(|kind| kind.name == name)
            .ok_or_else(|| format!("no finding is of the kind `{name}`: {}", known_kinds()))
    }

    fn rule(kinds: &'static [Kind], name: &str) -> Option<Self> {
        kinds.iter().find_map(|kind| {
            kind.rules
                .iter()
                .find(|rule| **rule == name)
                .map(|rule| FailOn {
                    kind: kind.name,
                    rule: Some(*rule),
                })
        })
    }
}

fn known_kinds() -> String {
    let names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
    format!("the kinds are {}", names.join(", "))
}

fn complaint(kinds: &[Kind], name: &str) -> String {
    if kinds.iter().any(|kind| kind.informs.contains(&name)) {
        return format!(
            "findings of the rule `{name}` tell of the machine and never fail: leave it out"
        );
    }
    match kinds {
        [kind] => format!(
            "`{}` has no rule `{name}`: its rules are {}",
            kind.name,
            kind.rules.join(", ")
        ),
        _ => format!(
            "`{name}` is neither kind nor rule: {}; `stallscope report --help` names their rules",
            known_kinds()
        ),
    }
}

#[cfg(test)]
mod tests {
    use stallscope_wire::message::{Finding, Severity};

    use super::{FailOn, KINDS, reference};

    fn finding(kind: &str, rule: &str, severity: Severity) -> Finding {
        Finding {
            kind: kind.to_owned(),
            rule: rule.to_owned(),
            severity: severity.into(),
            ..Finding::default()
        }
    }

    #[test]
    fn a_kind_a_rule_or_both_can_be_named() {
        let sleep = finding("long-poll", "sleep", Severity::High);
        let growth = finding("task-leak", "growth", Severity::Warning);
        for named in ["long-poll", "sleep", "long-poll/sleep"] {
            let fail_on = FailOn::parse(named).expect(named);
            assert!(fail_on.covers(&sleep), "{named}");
            assert!(!fail_on.covers(&growth), "{named}");
        }
        let other = FailOn::parse("long-poll/cpu").expect("a rule");
        assert!(!other.covers(&sleep));
    }

    #[test]
    fn what_only_informs_never_fails() {
        let informs = finding("long-poll", "unknown", Severity::Info);
        assert!(!FailOn::parse("long-poll").expect("a kind").covers(&informs));
    }

    #[test]
    fn a_mistake_is_answered_with_what_there_is() {
        let told = |text| FailOn::parse(text).expect_err(text);
        assert_eq!(
            told("longpoll"),
            "`longpoll` is neither kind nor rule: the kinds are long-poll, task-leak, unsynchronized-state; `stallscope \
             report --help` names their rules"
        );
        assert_eq!(
            told("leak/growth"),
            "no finding is of the kind `leak`: the kinds are long-poll, task-leak, unsynchronized-state"
        );
        assert_eq!(
            told("task-leak/sleep"),
            "`task-leak` has no rule `sleep`: its rules are growth, orphan, unwakeable, never-polled, never-yields, \
             stuck-blocking, alive-at-exit"
        );
        for informs in ["cpu-starved", "long-poll/cpu-starved"] {
            assert_eq!(
                told(informs),
                "findings of the rule `cpu-starved` tell of the machine and never fail: leave it out"
            );
        }
    }

    #[test]
    fn a_rule_belongs_to_one_kind_and_the_page_names_it() {
        let rules: Vec<_> = KINDS.iter().flat_map(|kind| kind.rules).collect();
        for kind in &KINDS {
            for rule in kind.rules {
                assert_eq!(
                    rules.iter().filter(|other| **other == rule).count(),
                    1,
                    "{rule}"
                );
                assert!(reference().contains(rule));
            }
        }
    }

    /// Each rule has a section there, titled with its kind and its name.
    #[test]
    fn every_rule_that_is_explained_is_known() {
        let page = include_str!("../../../../../docs/findings.md");
        let explained: Vec<(&str, &str)> = page
            .lines()
            .filter_map(|line| line.strip_prefix("## ")?.split_once(' '))
            .filter(|(kind, _)| KINDS.iter().any(|known| known.name == *kind))
            .collect();
        assert!(!explained.is_empty());
        for (name, rule) in explained {
            let known = KINDS.iter().filter(|kind| kind.name == name).any(|kind| {
                kind.rules
                    .iter()
                    .chain(kind.informs)
                    .any(|known| *known == rule)
            });
            assert!(known, "`## {name} {rule}` cannot be named with --fail-on");
        }
    }
}

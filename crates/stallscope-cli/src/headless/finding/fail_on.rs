//! `--fail-on`: which findings make a report end with status 1.

use stallscope_wire::message::{Finding, Severity};

use crate::rules::{KINDS, Kind};

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
            let rule = kind.blaming().find(|rule| rule.name == name)?;
            Some(FailOn {
                kind: kind.name,
                rule: Some(rule.name),
            })
        })
    }
}

fn known_kinds() -> String {
    let names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
    format!("the kinds are {}", names.join(", "))
}

fn complaint(kinds: &[Kind], name: &str) -> String {
    if kinds.iter().any(|kind| kind.informs(name)) {
        return format!(
            "findings of the rule `{name}` tell of the machine and never fail: leave it out"
        );
    }
    match kinds {
        [kind] => format!(
            "`{}` has no rule `{name}`: its rules are {}",
            kind.name,
            kind.names()
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

    use super::FailOn;

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
}

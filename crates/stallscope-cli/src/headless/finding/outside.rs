//! What a look at the process from outside adds to a finding about tasks that nobody ends: whether anybody still could, and where they hang.
//!
//! Asked for only where there is such a finding, and silent where it is not to be had: most programs are built without types.

use std::collections::HashMap;

use serde::Serialize;
use stallscope_attach::Options;
use stallscope_attach::tasks::Task;
use stallscope_wire::message::{Finding, Findings, TaskKind};
use stallscope_wire::text::source_path;

use crate::attach::{self, Source, words};
use crate::format::printable;
use crate::headless::attach::WaitsJson;

/// The tasks of findings as they were read, by number.
#[derive(Debug, Default)]
pub(in crate::headless) struct Outside(HashMap<u64, Task>);

/// Rules about tasks that should have been ended.
const RULES: [&str; 2] = ["orphan", "growth"];

impl Outside {
    /// Reads the process of that number, if there is a finding that gains by it.
    pub(super) fn read(findings: &Findings, pid: Option<u32>) -> Self {
        let wanted: Vec<u64> = findings.findings.iter().filter_map(wanted).collect();
        let Some(pid) = pid.filter(|_| !wanted.is_empty()) else {
            return Self::default();
        };
        let read = attach::open(Source::Process(pid), |process| {
            Ok(process.tasks(&Options::default()))
        });
        let mut tasks = read.unwrap_or_default();
        tasks.retain(|task| wanted.contains(&task.id));
        Self::of(tasks)
    }

    fn of(tasks: Vec<Task>) -> Self {
        Self(tasks.into_iter().map(|task| (task.id, task)).collect())
    }

    /// The task of a finding, if it was read.
    fn task(&self, finding: &Finding) -> Option<&Task> {
        self.0.get(&wanted(finding)?)
    }

    /// Lines with their labels.
    pub(super) fn facts(&self, finding: &Finding) -> Vec<(&'static str, String)> {
        let Some(task) = self.task(finding) else {
            return Vec::new();
        };
        let prospects = words::prospects(task).join("; ");
        let place = words::suspended_at(task).map(|place| printable(source_path(&place)));
        let facts = [
            ("its fate", (!prospects.is_empty()).then_some(prospects)),
            ("hangs at", place),
            ("waits for", task.waits_for.as_ref().map(words::waits)),
        ];
        let known = facts.into_iter();
        known
            .filter_map(|(what, value)| Some((what, value?)))
            .collect()
    }

    pub(super) fn json(&self, finding: &Finding) -> Option<OutsideJson<'_>> {
        let task = self.task(finding)?;
        Some(OutsideJson {
            detached: task.detached,
            wakers: task.wakers,
            suspended_at: words::suspended_at(task),
            waits_for: task.waits_for.as_ref().map(WaitsJson::from),
        })
    }
}

/// As in `ps --attach --json`, but what is not known is not there.
#[derive(Serialize)]
pub(super) struct OutsideJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    detached: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wakers: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<WaitsJson<'a>>,
}

/// The task of which more would be worth knowing.
fn wanted(finding: &Finding) -> Option<u64> {
    let is_about_tasks = finding.kind == "task-leak" && RULES.contains(&finding.rule.as_str());
    let task = finding.task.as_ref()?;
    (is_about_tasks && finding.ongoing && task.kind() != TaskKind::Root).then_some(task.id)
}

#[cfg(test)]
mod tests {
    use stallscope_wire::message::FindingTask;

    use super::*;
    use crate::attach::words::samples;

    fn finding(rule: &str, task: u64) -> Finding {
        Finding {
            kind: "task-leak".to_owned(),
            rule: rule.to_owned(),
            ongoing: true,
            task: Some(FindingTask {
                id: task,
                ..FindingTask::default()
            }),
            ..Finding::default()
        }
    }

    fn seen() -> Outside {
        let task = Task {
            detached: Some(true),
            ..samples::task(7)
        };
        Outside::of(vec![task])
    }

    #[test]
    fn a_task_that_nobody_can_join_is_told_with_where_it_hangs() {
        let facts = seen().facts(&finding("orphan", 7));
        insta::assert_debug_snapshot!(facts);
        let json = serde_json::to_value(seen().json(&finding("growth", 7))).expect("JSON");
        insta::assert_snapshot!(json);
    }

    #[test]
    fn other_findings_and_tasks_that_were_not_read_have_nothing_added() {
        let is_over = Finding {
            ongoing: false,
            ..finding("orphan", 7)
        };
        for finding in [finding("orphan", 8), finding("never-polled", 7), is_over] {
            assert_eq!(seen().facts(&finding), []);
            assert!(seen().json(&finding).is_none());
        }
    }

    #[test]
    fn what_is_not_known_is_absent() {
        let task = Task {
            detached: None,
            wakers: None,
            suspended_at: None,
            waits_for: None,
            ..samples::task(7)
        };
        let seen = Outside::of(vec![task]);
        assert_eq!(seen.facts(&finding("orphan", 7)), []);
        let json = serde_json::to_value(seen.json(&finding("orphan", 7))).expect("JSON");
        assert_eq!(json, serde_json::json!({}));
    }

    #[test]
    fn a_process_that_cannot_be_read_adds_nothing_and_says_nothing() {
        let findings = |rule| Findings {
            findings: vec![finding(rule, 7)],
            total: 1,
        };
        // This test's own process has no tokio tasks of that number, or no types.
        let read = Outside::read(&findings("orphan"), Some(std::process::id()));
        assert!(read.0.is_empty());
        assert!(Outside::read(&findings("orphan"), None).0.is_empty());
    }
}

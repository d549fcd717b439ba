//! How is a finding said? In one sentence, for a tired person.

use super::finding::{Finding, Place};
use super::rules::{Rule, Subject, last_part};
use super::{conflict, leak, locks};

impl Finding {
    /// `ongoing`: how long the occurrence that goes on has lasted; none if all are over.
    pub(super) fn sentence(&self, ongoing: Option<u64>) -> String {
        if let Some(leak) = &self.leak {
            return leak::sentence(self.rule, &self.place, leak);
        }
        let about = self.rule.about();
        match self.rule {
            Rule::Deadlock | Rule::Futurelock | Rule::Convoy => {
                return locks::sentence(self.rule, &self.place, &self.parties, self.queued);
            }
            _ if about.subject == Subject::State => {
                return conflict::sentence(self.rule, &self.detail, &self.place, &self.parties);
            }
            _ => {}
        }
        if about.subject == Subject::Task {
            let length = millis(ongoing.unwrap_or(self.longest));
            return format!(
                "the task from {} was in one poll for {length}: it {}",
                self.place.text(),
                about.did
            );
        }
        let who = match (about.subject, self.worker) {
            (Subject::Process, _) => "the process".to_owned(),
            (Subject::BlockingPool, _) => "the blocking pool".to_owned(),
            (Subject::Runtime, _) => "a runtime".to_owned(),
            (Subject::Closure, _) => format!("a blocking closure on thread {}", self.tid),
            (_, Some(worker)) => format!("worker {worker}"),
            (_, None) => format!("thread {}", self.tid),
        };
        let (has, length) = match ongoing {
            Some(so_far) => ("has been blocked for", so_far),
            None => ("was blocked for", self.longest),
        };
        let callee = self
            .callee()
            .map(|callee| format!(" in {callee}"))
            .unwrap_or_default();
        let place = match &self.place {
            Place::Line { file, line, .. } if !file.is_empty() => format!(" at {file}:{line}"),
            Place::Line { function, .. } => format!(" in {function}"),
            Place::SpawnedAt(place) => format!(" in the task spawned at {place}"),
            Place::Nowhere => String::new(),
        };
        let detail = if self.detail.is_empty() {
            String::new()
        } else {
            format!(" ({})", self.detail)
        };
        let waits = match about.subject {
            Subject::BlockingPool => "closure",
            _ => "task",
        };
        let behind = match self.queued {
            0 => String::new(),
            1 => format!(", 1 {waits} waiting"),
            count => format!(", {count} {waits}s waiting"),
        };
        if about.is_info {
            return format!("{who} {has} {}: it {}", millis(length), about.did);
        }
        format!(
            "{who} {has} {}{callee}{place}: it {}{detail}{behind}",
            millis(length),
            about.did
        )
    }

    /// The function that the application's line has called.
    fn callee(&self) -> Option<String> {
        let app = self.frames.iter().position(|frame| frame.in_app)?;
        let callee = self.frames.get(app.checked_sub(1)?)?;
        (!callee.function.is_empty() && last_part(&callee.function) != "{closure}")
            .then(|| callee.function.clone())
    }
}

fn millis(nanos: u64) -> String {
    match nanos {
        0..10_000_000 => format!("{:.1} ms", nanos as f64 / 1e6),
        10_000_000..10_000_000_000 => format!("{} ms", nanos / 1_000_000),
        _ => format!("{:.1} s", nanos as f64 / 1e9),
    }
}

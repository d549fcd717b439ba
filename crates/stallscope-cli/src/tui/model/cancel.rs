//! A task that somebody wants to cancel: from the question to what came of it.
//!
//! Nothing is aborted unless the user has said yes to this very task, and the abort of one is asked for on one connection only.

use std::time::{Duration, Instant};

use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{CancelQuery, Cancellation, Site, TaskKind};

use crate::cancel::sentence;
use crate::task::title;

/// How long the end of an aborted task is waited for, as `stallscope cancel` does.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// How often it is asked whether the task is gone.
const EVERY_MS: u32 = 100;

/// What is said where clients may not change anything.
const NOT_ALLOWED: &str =
    "this program can only be looked at: start it with STALLSCOPE_CONTROL=on to allow `cancel`";

/// What is to be cancelled, and how far that is.
#[derive(Clone, Debug)]
pub(crate) struct Cancel {
    /// What was selected when the key was pressed, whatever is selected now.
    pub(crate) subject: Subject,
    stage: Stage,
}

#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) id: u64,
    pub(crate) kind: TaskKind,
    pub(crate) name: String,
    pub(crate) spawned_at: Option<Site>,
}

#[derive(Clone, Debug)]
pub(crate) enum Stage {
    /// Yes or no?
    Asked,
    Sent {
        at: Instant,
        last: Option<Box<Cancellation>>,
    },
    /// What came of it.
    Over(String),
}

impl Subject {
    /// `task 88 "render"`.
    pub(crate) fn title(&self) -> String {
        title(self.kind, self.id, &self.name)
    }
}

impl Cancel {
    /// Whether clients may change what the program does decides whether there is a question at all.
    pub(crate) fn new(subject: Subject, is_allowed: bool) -> Self {
        let stage = if is_allowed {
            Stage::Asked
        } else {
            Stage::Over(NOT_ALLOWED.to_owned())
        };
        Self { subject, stage }
    }

    pub(crate) fn stage(&self) -> &Stage {
        &self.stage
    }

    pub(crate) fn is_asked(&self) -> bool {
        matches!(self.stage, Stage::Asked)
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over(_))
    }

    /// Whether the abort was asked for, and it is not known yet what comes of it.
    pub(crate) fn is_sent(&self) -> bool {
        matches!(self.stage, Stage::Sent { .. })
    }

    /// What to ask the agent for, and how often.
    pub(crate) fn question(&self) -> Option<(u32, Topic)> {
        let task = self.subject.id;
        self.is_sent()
            .then_some((EVERY_MS, Topic::Cancel(CancelQuery { task })))
    }

    /// The user has said yes.
    pub(crate) fn confirm(&mut self, now: Instant) {
        if self.is_asked() {
            self.stage = Stage::Sent {
                at: now,
                last: None,
            };
        }
    }

    /// The agent has told how far it is.
    pub(crate) fn heard(&mut self, told: Cancellation, now: Instant) {
        if let Stage::Sent { at, last } = &mut self.stage {
            if told.alive {
                *last = Some(Box::new(told));
            } else {
                let waited = now.saturating_duration_since(*at);
                self.end(&sentence(&told, waited));
            }
        }
    }

    /// The agent has refused.
    pub(crate) fn refused(&mut self, reason: String) {
        if self.is_sent() {
            self.stage = Stage::Over(reason);
        }
    }

    /// The connection is gone. Over the next one nothing is asked for again: it may be to another process.
    pub(crate) fn lost(&mut self) {
        match self.stage {
            Stage::Asked => {
                self.end("was left alone: the connection is lost");
            }
            Stage::Sent { .. } => {
                self.end("was to be aborted, and the connection is lost: look whether it is gone");
            }
            Stage::Over(_) => {}
        }
    }

    /// When nobody waits for the task's end any longer; `None` if nobody does.
    pub(crate) fn gives_up_at(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Sent { at, .. } => Some(*at + PATIENCE),
            Stage::Asked | Stage::Over(_) => None,
        }
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Instant) {
        let Stage::Sent { at, last } = &self.stage else {
            return;
        };
        let waited = now.saturating_duration_since(*at);
        if waited < PATIENCE {
            return;
        }
        let verdict = match last {
            Some(last) => sentence(last, waited),
            None => "was to be aborted, and the agent does not answer: is the process stopped?"
                .to_owned(),
        };
        self.end(&verdict);
    }

    /// The verdict goes on after the task.
    fn end(&mut self, verdict: &str) {
        let title = self.subject.title();
        self.stage = Stage::Over(format!("{title} {verdict}"));
    }
}

//! What was made of these polls, and of others of the same runtime? A test asks; the agent, which alone has the findings, answers when it knows.
//!
//! Nothing is remembered of single polls until somebody has said that there will be questions.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use stallscope_wire::message;

use super::finding::{Finding, Occurrence};
use super::store::Stall;
use super::{nanos, unix_now};
use crate::runtimes::RuntimeIndex;
use crate::watch::{INBOX, Report};

/// A poll that a question is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PollInQuestion {
    /// The number of its thread's record.
    pub(crate) thread: u16,
    /// Its beginning, in ticks.
    pub(crate) started: u64,
    /// How long it took, as the answer is to tell.
    pub(crate) lasted: Duration,
}

/// What was made of a poll.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Judgement {
    /// The watchdog has not caught it.
    NotSeen,
    /// The application has said that it blocks there.
    Intended,
    /// It, and nothing else, as a finding. That may be one that blames the machine: its severity is `Info`.
    Found(Box<message::Finding>),
}

/// What is known of the polls of a runtime.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Answer {
    /// One for each poll in question.
    pub(crate) judgements: Vec<Judgement>,
    /// What else was found in the polls of the runtime in question.
    pub(crate) others: Vec<message::Finding>,
}

/// Stalls that are remembered. Those of tests that nobody asked about, because they passed, make room for later ones.
const REMEMBERED: usize = 1024;

static WILL_ASK: AtomicBool = AtomicBool::new(false);

/// One question; it travels with the watchdog's reports, so that what was reported before it is judged before it is answered.
pub(crate) struct Question {
    polls: Vec<PollInQuestion>,
    runtime: Option<RuntimeIndex>,
    reply: SyncSender<Answer>,
}

/// From now on, what is found is remembered poll by poll.
pub(crate) fn announce() {
    WILL_ASK.store(true, Ordering::Relaxed);
}

/// What was made of each of these polls, which are over, and of others in this runtime, which has ended. None if the answer takes longer
/// than that, or there is no agent.
pub(crate) fn ask(
    polls: Vec<PollInQuestion>,
    runtime: Option<RuntimeIndex>,
    at_most: Duration,
) -> Option<Answer> {
    let (reply, answer) = sync_channel(1);
    INBOX.put(Report::Asked(Question {
        polls,
        runtime,
        reply,
    }));
    answer.recv_timeout(at_most).ok()
}

/// The stalls that questions may be about, and the questions that wait. Owned by the agent thread.
#[derive(Default)]
pub(super) struct Inquiry {
    stalls: VecDeque<Remembered>,
    waiting: Vec<Question>,
}

struct Remembered {
    stall: Stall,
    runtime: Option<RuntimeIndex>,
    /// As it was judged last; none if it was intended.
    occurrence: Option<Occurrence>,
    /// How long it took, once it is over; without time in which the watchdog could not look.
    lasted: Option<u64>,
}

impl Inquiry {
    /// A stall was judged, for the first time or again: the last judgement knows most of it.
    pub(super) fn judged(
        &mut self,
        stall: Stall,
        runtime: Option<RuntimeIndex>,
        occurrence: Option<&Occurrence>,
    ) {
        if !WILL_ASK.load(Ordering::Relaxed) {
            return;
        }
        let occurrence = occurrence.cloned();
        if let Some(known) = self.find(stall) {
            known.occurrence = occurrence;
            return;
        }
        if self.stalls.len() >= REMEMBERED {
            self.stalls.pop_front();
        }
        self.stalls.push_back(Remembered {
            stall,
            runtime,
            occurrence,
            lasted: None,
        });
    }

    pub(super) fn over(&mut self, stall: Stall, lasted: u64) {
        if let Some(known) = self.find(stall) {
            known.lasted = Some(lasted);
        }
        self.answer();
    }

    pub(super) fn asked(&mut self, question: Question) {
        self.waiting.push(question);
        self.answer();
    }

    /// Answers what can be answered: stalls that were caught must have been told to be over.
    fn answer(&mut self) {
        for question in std::mem::take(&mut self.waiting) {
            match self.answer_to(&question) {
                // Full or gone: nobody waits any more.
                Some(answer) => _ = question.reply.try_send(answer),
                None => self.waiting.push(question),
            }
        }
    }

    /// None if the watchdog has not yet seen that all of them are over: it may have something to add.
    fn answer_to(&mut self, question: &Question) -> Option<Answer> {
        let polls = question.polls.iter();
        let judgements: Option<Vec<Judgement>> =
            polls.map(|poll| self.judgement_of(*poll)).collect();
        let is_other = |known: &&Remembered| {
            question.runtime.is_some()
                && known.runtime == question.runtime
                && !question
                    .polls
                    .iter()
                    .any(|poll| poll.stall() == known.stall)
        };
        let others: Option<Vec<message::Finding>> = self
            .stalls
            .iter()
            .filter(is_other)
            .filter_map(|known| Some((known.occurrence.as_ref()?, known.lasted)))
            .map(|(occurrence, lasted)| Some(finding(occurrence, lasted?)))
            .collect();
        Some(Answer {
            judgements: judgements?,
            others: others?,
        })
    }

    fn judgement_of(&mut self, poll: PollInQuestion) -> Option<Judgement> {
        let Some(known) = self.find(poll.stall()) else {
            return Some(Judgement::NotSeen);
        };
        let Some(occurrence) = &known.occurrence else {
            return Some(Judgement::Intended);
        };
        known.lasted?;
        let finding = finding(occurrence, nanos(poll.lasted));
        Some(Judgement::Found(Box::new(finding)))
    }

    fn find(&mut self, stall: Stall) -> Option<&mut Remembered> {
        self.stalls.iter_mut().rfind(|known| known.stall == stall)
    }
}

impl PollInQuestion {
    fn stall(&self) -> Stall {
        Stall {
            thread: self.thread,
            key: self.started,
        }
    }
}

/// A finding of one occurrence, which took this long.
fn finding(occurrence: &Occurrence, length: u64) -> message::Finding {
    let occurrence = Occurrence {
        length,
        ..occurrence.clone()
    };
    let now = unix_now();
    let mut finding = Finding::new(0, &occurrence, now.saturating_sub(length));
    finding.count = 1;
    finding.grow(occurrence, now);
    finding.to_message(None, now)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, TryRecvError};

    use super::super::finding::Place;
    use super::super::rules::Rule;
    use super::super::store::Episode;
    use super::*;

    const STALL: Stall = Stall {
        thread: 3,
        key: 700,
    };

    fn occurrence(rule: Rule, length: u64) -> Occurrence {
        Occurrence {
            tid: 4711,
            worker: Some(0),
            length,
            ..Occurrence::of(Episode::Stall(STALL), rule, Place::Nowhere)
        }
    }

    fn question(started: u64, runtime: Option<RuntimeIndex>) -> (Question, Receiver<Answer>) {
        let (reply, answer) = sync_channel(1);
        let polls = vec![PollInQuestion {
            thread: 3,
            started,
            lasted: Duration::from_millis(35),
        }];
        let question = Question {
            polls,
            runtime,
            reply,
        };
        (question, answer)
    }

    fn rules(findings: &[message::Finding]) -> Vec<(&str, u64)> {
        findings
            .iter()
            .map(|finding| (finding.rule.as_str(), finding.longest_ns / 1_000_000))
            .collect()
    }

    #[test]
    fn a_poll_that_was_not_caught_is_answered_at_once() {
        let (question, answer) = question(700, None);
        Inquiry::default().asked(question);
        let answer = answer.try_recv().expect("an answer");
        assert_eq!(answer.judgements, [Judgement::NotSeen]);
    }

    #[test]
    fn the_answer_waits_for_the_end_and_tells_the_last_judgement() {
        announce();
        let mut inquiry = Inquiry::default();
        for rule in [Rule::CpuStarved, Rule::Sleep] {
            inquiry.judged(STALL, Some(1), Some(&occurrence(rule, 10_000_000)));
        }
        let (question, answer) = question(700, None);
        inquiry.asked(question);
        assert_eq!(answer.try_recv(), Err(TryRecvError::Empty));
        inquiry.over(STALL, 30_000_000);
        match &answer.try_recv().expect("it is over").judgements[..] {
            [Judgement::Found(finding)] => {
                assert_eq!(rules(std::slice::from_ref(finding)), [("sleep", 35)]);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_intended_needs_no_length() {
        announce();
        let mut inquiry = Inquiry::default();
        inquiry.judged(STALL, Some(1), None);
        let (question, answer) = question(700, Some(1));
        inquiry.asked(question);
        let answer = answer.try_recv().expect("an answer");
        assert_eq!(answer.judgements, [Judgement::Intended]);
        assert_eq!(answer.others, []);
    }

    #[test]
    fn others_of_the_runtime_are_told_too_and_none_of_another() {
        announce();
        let mut inquiry = Inquiry::default();
        for (key, runtime) in [(700, 1), (800, 1), (900, 2)] {
            let stall = Stall { thread: 3, key };
            inquiry.judged(stall, Some(runtime), Some(&occurrence(Rule::Sleep, 1)));
        }
        let (question, answer) = question(700, Some(1));
        inquiry.asked(question);
        inquiry.over(STALL, 30_000_000);
        assert_eq!(answer.try_recv(), Err(TryRecvError::Empty));
        let other = Stall {
            thread: 3,
            key: 800,
        };
        inquiry.over(other, 40_000_000);
        let answer = answer.try_recv().expect("both are over");
        assert_eq!(answer.judgements.len(), 1);
        assert_eq!(rules(&answer.others), [("sleep", 40)]);
    }
}

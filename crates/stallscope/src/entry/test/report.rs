//! Does a test fail for its polls, and in which words? What was measured and what was found, put together.

use std::fmt::Write;
use std::time::Duration;

use stallscope_wire::message::{Certainty, Finding, Frame, Severity};
use stallscope_wire::text;

use super::polls::{LongPoll, Polls, What};
use crate::findings::inquiry::{self, Judgement};

/// How long a failing test waits for what was found: symbols of a large program take seconds to read, once.
const PATIENCE: Duration = Duration::from_secs(30);

/// Places that are told one by one.
const MOST_PLACES: usize = 5;

/// Why the test fails; none if it does not.
pub(super) fn complaint(polls: &Polls) -> Option<String> {
    let (long, limit) = (polls.long(), polls.limit());
    if long.is_empty() && polls.untold().is_none() {
        return None;
    }
    let in_question = long.iter().map(LongPoll::in_question).collect();
    // Without an answer, what was measured has to do.
    let answer = inquiry::ask(in_question, polls.untold(), PATIENCE).unwrap_or_default();
    let judgements = answer
        .judgements
        .into_iter()
        .chain(std::iter::repeat(Judgement::NotSeen));
    let offences: Vec<Offence> = long
        .iter()
        .zip(judgements)
        .filter_map(|(poll, judgement)| Offence::of(poll, &judgement, limit))
        .chain(
            answer
                .others
                .iter()
                .filter_map(|finding| Offence::untold(finding, limit)),
        )
        .collect();
    (!offences.is_empty()).then(|| tell(offences, limit))
}

/// A poll that fails the test.
struct Offence {
    length: Duration,
    /// Two of one place are told as one.
    place: String,
    text: String,
}

impl Offence {
    /// None if it is not certain that the program itself took the time.
    fn of(poll: &LongPoll, judgement: &Judgement, limit: Duration) -> Option<Self> {
        match judgement {
            Judgement::Intended => None,
            Judgement::Found(finding) => Self::found(poll, finding, limit)
                .or_else(|| Self::computed(poll, Some(finding), limit)),
            Judgement::NotSeen => Self::computed(poll, None, limit),
        }
    }

    /// A poll that a finding blames.
    fn found(poll: &LongPoll, finding: &Finding, limit: Duration) -> Option<Self> {
        // A rule that knows nothing is no evidence, but that the thread was not kept from running is.
        let is_certain = finding.rule != "unknown" || poll.computed.is_some();
        if finding.severity() == Severity::Info || !is_certain || poll.held() <= limit {
            return None;
        }
        Some(Self::blamed(finding, poll.lasted, &what(poll)))
    }

    /// A poll that only the watchdog has seen.
    fn untold(finding: &Finding, limit: Duration) -> Option<Self> {
        let length = Duration::from_nanos(finding.longest_ns);
        let is_certain = finding.rule != "unknown" && finding.certainty() == Certainty::Proven;
        (finding.severity() != Severity::Info && is_certain && length > limit)
            .then(|| Self::blamed(finding, length, &task(finding)))
    }

    fn blamed(finding: &Finding, length: Duration, whose: &str) -> Self {
        let mut text = format!("{}\n  in {whose}", finding.message);
        write_stack(&mut text, &finding.stack);
        let _ = write!(text, "\n  what it means and what to do: {}", finding.help);
        let place = match &finding.location {
            Some(line) => format!("{} {}:{}", finding.rule, line.file, line.line),
            None => format!("{} {whose}", finding.rule),
        };
        Offence {
            length,
            place,
            text,
        }
    }

    /// A poll that has computed for longer than it may, whatever else was the matter: it was not caught, or the machine had a part in it.
    fn computed(poll: &LongPoll, seen: Option<&Finding>, limit: Duration) -> Option<Self> {
        let computed = poll.computed.filter(|computed| *computed > limit)?;
        let mut text = format!(
            "a poll of {} took {}, {} of them on a processor",
            what(poll),
            millis(poll.lasted),
            millis(computed)
        );
        match seen {
            Some(finding) => write_stack(&mut text, &finding.stack),
            None => text.push_str("; it ended before its stack was taken"),
        }
        Some(Offence {
            length: poll.lasted,
            place: what(poll),
            text,
        })
    }
}

/// The application's part of a stack, innermost first, out to what tokio has called: what is further out is how the test was started.
fn write_stack(text: &mut String, stack: &[Frame]) {
    let called = |frame: &Frame| matches!(frame.origin.as_str(), "tokio" | "stallscope");
    let end = stack.iter().rposition(called).unwrap_or(stack.len());
    for frame in stack[..end].iter().filter(|frame| frame.in_app) {
        let _ = write!(
            text,
            "\n  at {} ({}:{})",
            frame.function, frame.file, frame.line
        );
    }
}

fn tell(mut offences: Vec<Offence>, limit: Duration) -> String {
    offences.sort_by_key(|offence| std::cmp::Reverse(offence.length));
    let mut places: Vec<(Offence, usize)> = Vec::new();
    for offence in offences {
        match places
            .iter_mut()
            .find(|(known, _)| known.place == offence.place)
        {
            Some((_, times)) => *times += 1,
            None => places.push((offence, 1)),
        }
    }
    let mut told = format!(
        "a poll took longer than the {} that a poll of this test may take",
        millis(limit)
    );
    for (offence, times) in places.iter().take(MOST_PLACES) {
        let _ = write!(told, "\n\n{}", offence.text);
        if *times > 1 {
            let _ = write!(told, "\n  {times} polls; this is the longest");
        }
    }
    if let more @ 1.. = places.len().saturating_sub(MOST_PLACES) {
        let _ = write!(told, "\n\n{more} more places");
    }
    told
}

fn what(poll: &LongPoll) -> String {
    match &poll.what {
        What::Body => "the body of the test".to_owned(),
        What::Task {
            id,
            name,
            spawned_at,
        } => format!(
            "task {id}{}, spawned at {spawned_at}",
            quoted(name.as_deref())
        ),
    }
}

/// The task of a finding, as far as it was known when the finding was made.
fn task(finding: &Finding) -> String {
    match finding.task.as_ref().map(|task| (task, &task.spawned_at)) {
        Some((task, Some(site))) => {
            let name = Some(task.name.as_str()).filter(|name| !name.is_empty());
            format!(
                "task {}{}, spawned at {}",
                task.id,
                quoted(name),
                text::place(site)
            )
        }
        _ => "a task".to_owned(),
    }
}

fn quoted(name: Option<&str>) -> String {
    name.map(|name| format!(" `{name}`")).unwrap_or_default()
}

fn millis(duration: Duration) -> String {
    match duration.as_millis() {
        0..10 => format!("{:.1} ms", duration.as_secs_f64() * 1e3),
        10..10_000 => format!("{} ms", duration.as_millis()),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}

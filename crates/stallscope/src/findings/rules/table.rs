//! Which rules are there, and what is said of each? One table feeds findings, severities, sentences and the test of docs/findings.md.

use stallscope_wire::message::Severity;

/// A rule, as findings, logs and docs/findings.md name it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Rule {
    Cpu,
    Sleep,
    Lock,
    FileIo,
    NetworkIo,
    PipeIo,
    Dns,
    ChildProcess,
    PageFault,
    BlockOn,
    Syscall,
    Unknown,
    BlockingPool,
    Starvation,
    StuckBlocking,
    Growth,
    Orphan,
    NeverPolled,
    NeverYields,
    LostUpdate,
    TornRegion,
    GuardAcrossAwait,
    SpanAcrossAwait,
    ThreadLocalAcrossAwait,
    OverlappingAccess,
    MemoryWatch,
    Deadlock,
    Futurelock,
    Convoy,
    CpuStarved,
    ProcessPaused,
}

/// What is known of a rule. One row each.
pub(crate) struct About {
    pub(crate) rule: Rule,
    pub(crate) kind: &'static str,
    pub(crate) name: &'static str,
    /// Who did it.
    pub(crate) subject: Subject,
    /// What it did, to be read after "it".
    pub(crate) did: &'static str,
    /// No line is to blame.
    pub(crate) is_info: bool,
}

/// Who is told of by a finding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Subject {
    /// A worker, or whatever other thread has polled. A leak names its spawn place instead.
    Worker,
    /// A task, by its spawn place.
    Task,
    /// A closure of a blocking pool.
    Closure,
    BlockingPool,
    Runtime,
    Process,
    /// State that several share: its lines say it all.
    State,
}

/// All rules.
pub(crate) const RULES: &[About] = &[
    blame(Rule::Cpu, "cpu", "computed"),
    blame(Rule::Sleep, "sleep", "slept"),
    blame(Rule::Lock, "lock", "waited for another thread"),
    blame(Rule::FileIo, "file-io", "used a file"),
    blame(Rule::NetworkIo, "network-io", "waited for the network"),
    blame(Rule::PipeIo, "pipe-io", "waited for a pipe"),
    blame(Rule::Dns, "dns", "looked up a host name"),
    blame(
        Rule::ChildProcess,
        "child-process",
        "waited for a child process",
    ),
    blame(
        Rule::PageFault,
        "page-fault",
        "waited for memory to come from the disk",
    ),
    blame(Rule::BlockOn, "block-on", "ran another executor to its end"),
    blame(Rule::Syscall, "syscall", "waited in a system call"),
    blame(
        Rule::Unknown,
        "unknown",
        "did something that could not be seen",
    ),
    About {
        subject: Subject::BlockingPool,
        ..blame(Rule::BlockingPool, "blocking-pool", "had every thread busy")
    },
    About {
        subject: Subject::Runtime,
        ..blame(
            Rule::Starvation,
            "starvation",
            "had tasks ready, and no thread polled them",
        )
    },
    leak(Rule::Growth, "growth", "keeps making tasks that do not end"),
    leak(
        Rule::Orphan,
        "orphan",
        "leaves tasks behind whose parents have ended, and that nobody polls",
    ),
    leak(
        Rule::NeverPolled,
        "never-polled",
        "has made tasks that were never polled, though workers were idle",
    ),
    About {
        subject: Subject::Task,
        ..leak(
            Rule::NeverYields,
            "never-yields",
            "does not come back, holds a worker, and its runtime cannot shut down before it does",
        )
    },
    About {
        subject: Subject::Closure,
        ..leak(
            Rule::StuckBlocking,
            "stuck-blocking",
            "does not return, and its runtime cannot shut down before it does",
        )
    },
    conflict(
        Rule::LostUpdate,
        "lost-update",
        "{at} wrote a value made from an older one than what {other} had written: that write is lost",
    ),
    conflict(
        Rule::TornRegion,
        "torn-region",
        "the region at {at} was dropped before its end, after it had written at {other}",
    ),
    conflict(
        Rule::GuardAcrossAwait,
        "guard-across-await",
        "the guard taken at {at} was held while its task waited: whoever wants the lock blocks a thread",
    ),
    conflict(
        Rule::SpanAcrossAwait,
        "span-across-await",
        "the span made at {at} was left entered while its task waited: what others log is told as part of it",
    ),
    conflict(
        Rule::ThreadLocalAcrossAwait,
        "thread-local-across-await",
        "{at} read what the same task had set at {other} on another thread: it read that thread's own value",
    ),
    conflict(
        Rule::OverlappingAccess,
        "overlapping-access",
        "the access at {at} began while that at {other} was going on, and one of them writes",
    ),
    conflict(
        Rule::MemoryWatch,
        "memory-watch",
        "{at} and {other} were at the same bytes at the same time, on two threads, and one of them writes",
    ),
    conflict(
        Rule::Deadlock,
        "deadlock",
        "{at} waits for a lock whose holder waits, in a circle, at {other}: none of them will go on",
    ),
    conflict(
        Rule::Futurelock,
        "futurelock",
        "{at} was given the lock, but its task polls it no more, so {other} waits",
    ),
    conflict(
        Rule::Convoy,
        "convoy",
        "the lock taken at {at} is held across awaits, and others queue for it at {other}",
    ),
    info(
        Rule::CpuStarved,
        "cpu-starved",
        "got no processor; the machine is overloaded, no line is to blame",
    ),
    About {
        subject: Subject::Process,
        ..info(
            Rule::ProcessPaused,
            "process-paused",
            "stood still as a whole: it was stopped, or got no processor",
        )
    },
];

const fn blame(rule: Rule, name: &'static str, did: &'static str) -> About {
    About {
        rule,
        kind: "long-poll",
        name,
        subject: Subject::Worker,
        did,
        is_info: false,
    }
}

const fn leak(rule: Rule, name: &'static str, did: &'static str) -> About {
    About {
        kind: "task-leak",
        ..blame(rule, name, did)
    }
}

/// `did` is the whole sentence, with `{at}` and `{other}` for the lines.
const fn conflict(rule: Rule, name: &'static str, did: &'static str) -> About {
    About {
        kind: "unsynchronized-state",
        subject: Subject::State,
        ..blame(rule, name, did)
    }
}

const fn info(rule: Rule, name: &'static str, did: &'static str) -> About {
    About {
        is_info: true,
        ..blame(rule, name, did)
    }
}

impl Rule {
    pub(crate) fn about(self) -> &'static About {
        RULES
            .iter()
            .find(|about| about.rule == self)
            .unwrap_or(&RULES[RULES.len() - 1])
    }

    /// Where it is explained.
    pub(crate) fn help(self) -> String {
        let about = self.about();
        format!("docs/findings.md#{}-{}", about.kind, about.name)
    }

    /// Whether it is about a poll, and how long it took.
    pub(crate) fn is_long_poll(self) -> bool {
        self.about().kind == "long-poll"
    }

    /// Of a long poll, from 100 ms on people notice. What loses data or stands still for good is serious at once.
    pub(crate) fn severity(self, length_ns: u64) -> Severity {
        let about = self.about();
        let is_lasting = matches!(
            self,
            Rule::LostUpdate
                | Rule::TornRegion
                | Rule::OverlappingAccess
                | Rule::MemoryWatch
                | Rule::Deadlock
                | Rule::Futurelock
        );
        match (about.is_info, about.kind, length_ns) {
            (true, ..) => Severity::Info,
            (false, "long-poll", 100_000_000..) => Severity::High,
            _ if is_lasting => Severity::High,
            _ => Severity::Warning,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_one_row_and_a_name_of_its_own() {
        for (index, about) in RULES.iter().enumerate() {
            assert!(
                RULES[..index]
                    .iter()
                    .all(|other| other.rule != about.rule && other.name != about.name)
            );
            assert_eq!(about.rule.about().name, about.name);
        }
    }

    #[test]
    fn every_rule_is_explained() {
        let page = include_str!("../../../../../docs/findings.md");
        for about in RULES {
            let heading = format!("\n## {} {}\n", about.kind, about.name);
            assert!(
                page.contains(&heading),
                "docs/findings.md has no section `{}`",
                heading.trim()
            );
        }
    }
}

//! The one table of what a finding can be: kinds, their rules, and each rule in words. It feeds the terminal view,
//! `--fail-on` and `report --help`.

use std::fmt::Write;

/// A kind and its rules.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    rules: &'static [Rule],
}

/// Why something is a finding.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    /// What happened, as half a sentence.
    words: &'static str,
    /// Of a conflict, in a word each: what happened at the line to look at, and at the other.
    sides: (&'static str, &'static str),
    /// Tells of the machine and blames no line: always of severity info.
    pub(crate) informs: bool,
}

/// Where it is not known what either side did.
const UNKNOWN_SIDES: (&str, &str) = ("here", "there");

/// Every kind there is.
pub(crate) static KINDS: [Kind; 3] = [
    Kind {
        name: "long-poll",
        rules: &[
            blames("cpu", "it computed, and never gave the worker back"),
            blames("sleep", "it slept as a thread, not as a task"),
            blames("lock", "it waited for a lock that blocks the thread"),
            blames("file-io", "it read or wrote a file"),
            blames(
                "network-io",
                "it waited for a socket that blocks the thread",
            ),
            blames("pipe-io", "it waited for a pipe"),
            blames("dns", "it looked up a name, which blocks the thread"),
            blames("child-process", "it waited for a child process"),
            blames("page-fault", "it waited for memory to be read in"),
            blames("block-on", "it waited for another future with the thread"),
            blames("syscall", "it waited in a system call"),
            blames("unknown", "what it waited for could not be read"),
            blames(
                "blocking-pool",
                "all threads for blocking work are busy, and more work waits",
            ),
            blames("starvation", "a task was ready and no worker took it"),
            informs("cpu-starved", "others had the processor"),
            informs("process-paused", "the process as a whole stood still"),
        ],
    },
    Kind {
        name: "task-leak",
        rules: &[
            blames("growth", "this place spawns tasks faster than they end"),
            blames(
                "orphan",
                "the tasks that spawned them have ended, and these wait on",
            ),
            blames("unwakeable", "nothing is left that could wake it"),
            blames(
                "never-polled",
                "it was spawned, and no worker ever polled it",
            ),
            blames(
                "never-yields",
                "it does not come back from a poll, and keeps its worker",
            ),
            blames(
                "stuck-blocking",
                "its closure does not return, and will hold up the shutdown",
            ),
            blames(
                "alive-at-exit",
                "it was alive at the end of what should have ended it",
            ),
        ],
    },
    Kind {
        name: "unsynchronized-state",
        rules: &[
            conflicts(
                "lost-update",
                "it wrote over what another task had written since it read",
                ("wrote", "lost"),
            ),
            conflicts(
                "torn-region",
                "it was dropped in the middle of a change",
                ("region", "wrote"),
            ),
            conflicts(
                "guard-across-await",
                "it kept a lock that blocks threads while it was suspended",
                ("guard", "met"),
            ),
            conflicts(
                "span-across-await",
                "it left a span entered while it was suspended",
                ("span", "met"),
            ),
            conflicts(
                "thread-local-across-await",
                "it set a thread's value, and read another thread's",
                ("read", "set"),
            ),
            conflicts(
                "overlapping-access",
                "another access was going on at the same time, and one of the two writes",
                ("began", "went on"),
            ),
            conflicts(
                "memory-watch",
                "another thread touched it in the middle of an access",
                ("touched", "touched"),
            ),
            conflicts(
                "deadlock",
                "each waits for what another of them holds",
                ("waits", "waits"),
            ),
            conflicts(
                "futurelock",
                "the lock is reserved for a future that nobody polls",
                ("reserved", "waits"),
            ),
            conflicts(
                "convoy",
                "it held a lock while it was suspended, and others queued",
                ("holds", "waits"),
            ),
        ],
    },
];

const fn blames(name: &'static str, words: &'static str) -> Rule {
    Rule {
        name,
        words,
        sides: UNKNOWN_SIDES,
        informs: false,
    }
}

const fn conflicts(
    name: &'static str,
    words: &'static str,
    sides: (&'static str, &'static str),
) -> Rule {
    Rule {
        sides,
        ..blames(name, words)
    }
}

const fn informs(name: &'static str, words: &'static str) -> Rule {
    Rule {
        informs: true,
        ..blames(name, words)
    }
}

/// What happened, as half a sentence; `None` for a rule that this version does not know.
pub(crate) fn words(kind: &str, rule: &str) -> Option<&'static str> {
    find(kind, rule).map(|rule| rule.words)
}

/// What happened at the line to look at, and at the other, in a word each.
pub(crate) fn sides(kind: &str, rule: &str) -> (&'static str, &'static str) {
    find(kind, rule).map_or(UNKNOWN_SIDES, |rule| rule.sides)
}

fn find(kind: &str, rule: &str) -> Option<&'static Rule> {
    let kind = KINDS.iter().find(|known| known.name == kind)?;
    kind.rules.iter().find(|known| known.name == rule)
}

/// For `stallscope report --help`.
pub(crate) fn reference() -> String {
    let mut page = "--fail-on takes a kind, a rule, or both as in long-poll/sleep:\n".to_owned();
    for kind in &KINDS {
        // A `String` takes everything.
        let _written = write!(page, "\n  {}: {}", kind.name, kind.names());
    }
    page
}

impl Kind {
    /// The rules that blame a line.
    pub(crate) fn blaming(&self) -> impl Iterator<Item = &'static Rule> + use<> {
        self.rules.iter().filter(|rule| !rule.informs)
    }

    /// Whether a rule of that name only informs.
    pub(crate) fn informs(&self, name: &str) -> bool {
        self.rules
            .iter()
            .any(|rule| rule.informs && rule.name == name)
    }

    /// Those that blame a line, with commas.
    pub(crate) fn names(&self) -> String {
        let names: Vec<_> = self.blaming().map(|rule| rule.name).collect();
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::{KINDS, reference, words};

    #[test]
    fn a_rule_belongs_to_one_kind_and_the_page_names_it() {
        let rules: Vec<_> = KINDS.iter().flat_map(|kind| kind.rules).collect();
        for rule in &rules {
            let same = rules.iter().filter(|other| other.name == rule.name);
            assert_eq!(same.count(), 1, "{}", rule.name);
            assert_eq!(
                reference().contains(&format!(" {}", rule.name)),
                !rule.informs,
                "{}",
                rule.name
            );
        }
    }

    /// They are labels in the listings.
    #[test]
    fn a_side_is_told_in_eight_letters_at_most() {
        for rule in KINDS.iter().flat_map(|kind| kind.rules) {
            let (here, there) = rule.sides;
            for word in [here, there] {
                assert!((1..=8).contains(&word.len()), "{}: {word}", rule.name);
            }
        }
    }

    /// Each rule has a section there, titled with its kind and its name.
    #[test]
    fn every_rule_that_is_explained_has_words() {
        let page = include_str!("../../../docs/findings.md");
        let explained: Vec<(&str, &str)> = page
            .lines()
            .filter_map(|line| line.strip_prefix("## ")?.split_once(' '))
            .filter(|(kind, _)| KINDS.iter().any(|known| known.name == *kind))
            .collect();
        assert!(!explained.is_empty());
        for (kind, rule) in explained {
            assert!(words(kind, rule).is_some(), "`## {kind} {rule}`");
        }
    }
}

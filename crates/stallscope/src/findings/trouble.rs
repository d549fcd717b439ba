//! A runtime in trouble, as a finding: which line of the application keeps its threads?

use stallscope_wire::message::Frame;

use super::finding::{Occurrence, Place};
use super::rules::Rule;
use super::store::Episode;
use super::{Findings, blocking};
use crate::watch::{Trouble, Troubled};

impl Findings {
    pub(super) fn troubled(&mut self, troubled: &Troubled) {
        let sign = &troubled.sign;
        let episode = Episode::Trouble {
            runtime: sign.runtime,
            trouble: sign.trouble,
            since: sign.since,
        };
        if sign.is_over {
            self.store.over(episode, sign.length, super::unix_now());
            return;
        }
        let stacks: Vec<(u32, Vec<Frame>)> = troubled
            .stacks
            .iter()
            .map(|(tid, stack)| (*tid, self.analyst.frames(stack).0))
            .collect();
        let (tid, frames, alike) = most_common(&stacks);
        let are_named = stacks
            .iter()
            .flat_map(|(_, frames)| frames)
            .any(|frame| !frame.function.is_empty());
        // One that is to take the next closure was woken, and has got no processor yet.
        let is_free = |(_, frames): &(u32, Vec<Frame>)| blocking::is_between_closures(frames);
        if sign.trouble == Trouble::FullPool
            && (are_named && alike == 0 || stacks.iter().any(is_free))
        {
            return;
        }
        let (rule, detail) = match sign.trouble {
            Trouble::FullPool => (
                Rule::BlockingPool,
                format!(
                    "{} threads, {alike} of those looked at are here",
                    troubled.threads
                ),
            ),
            Trouble::Starvation => (Rule::Starvation, String::new()),
        };
        let place = Place::of(&frames, None);
        self.found(Occurrence {
            detail,
            frames,
            tid,
            queued: sign.waiting as u64,
            length: sign.length,
            ..Occurrence::of(episode, rule, place)
        });
    }
}

/// Of stacks that stand at a line of the application, one of those at the line where most stand, with how many these are.
fn most_common(stacks: &[(u32, Vec<Frame>)]) -> (u32, Vec<Frame>, usize) {
    let line = |frames: &[Frame]| {
        let frame = frames.iter().find(|frame| frame.in_app)?;
        Some((frame.file.clone(), frame.line))
    };
    let alike = |one: &[Frame]| {
        let same = |(_, other): &&(u32, Vec<Frame>)| line(other) == line(one);
        stacks.iter().filter(same).count()
    };
    let at_a_line = stacks.iter().filter(|(_, frames)| line(frames).is_some());
    let counted = at_a_line.map(|(tid, frames)| (*tid, frames, alike(frames)));
    // The first of several, so that the same trouble stays at the same line.
    let best = counted.reduce(|best, next| if next.2 > best.2 { next } else { best });
    best.map_or((0, Vec::new(), 0), |(tid, frames, alike)| {
        (tid, frames.clone(), alike)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(tid: u32, line: u32) -> (u32, Vec<Frame>) {
        let frame = |in_app, line| Frame {
            in_app,
            file: "src/report.rs".to_owned(),
            line,
            ..Frame::default()
        };
        (tid, vec![frame(false, 1), frame(line > 0, line)])
    }

    #[test]
    fn the_line_where_most_threads_stand_is_told() {
        let stacks = vec![
            stack(1, 0),
            stack(2, 7),
            stack(3, 9),
            stack(4, 9),
            stack(5, 0),
        ];
        let (tid, frames, alike) = most_common(&stacks);
        assert_eq!((tid, frames[1].line, alike), (3, 9, 2));
    }

    #[test]
    fn threads_that_are_nowhere_in_the_application_tell_nothing() {
        assert_eq!(most_common(&[stack(1, 0)]), (0, Vec::new(), 0));
        assert_eq!(most_common(&[]), (0, Vec::new(), 0));
    }
}

//! Two threads that were at the same bytes at the same time, as a finding with the lines of both.

use stallscope_wire::message::{Frame, Location, Party};

use super::conflict;
use super::finding::{Occurrence, Place};
use super::rules::Rule;
use super::store::Episode;
use super::{Findings, unix_now};
use crate::sync::memory::Sight;

/// One of the two.
struct Side {
    place: Place,
    frames: Vec<Frame>,
    tid: u32,
}

impl Findings {
    /// Two threads have met; that is over. The sentence that says so.
    pub(crate) fn met(&mut self, sight: &Sight) -> String {
        self.conflicts += 1;
        let episode = Episode::Event(self.conflicts);
        let meeting = &sight.meeting;
        let [held, came] = [&meeting.held, &meeting.came].map(|touch| {
            let (frames, _) = self.analyst.frames(&touch.stack);
            Side {
                place: Place::of(&frames, None),
                frames,
                tid: touch.stack.tid.number().cast_unsigned(),
            }
        });
        let (at, other) = in_order(held, came);
        let registered = sight.registered;
        let registered = format!("{}:{}", registered.file(), registered.line());
        let parties = vec![Party {
            location: location_of(&other.place),
            tid: other.tid,
            ..Party::default()
        }];
        let sentence = conflict::sentence(Rule::MemoryWatch, &registered, &at.place, &parties);
        self.found(Occurrence {
            detail: registered,
            tid: at.tid,
            frames: at.frames,
            parties,
            ..Occurrence::of(episode, Rule::MemoryWatch, at.place)
        });
        self.store.over(episode, 0, unix_now());
        sentence
    }
}

/// Who is held and who comes is chance, and the same two lines are one finding.
fn in_order(one: Side, other: Side) -> (Side, Side) {
    let key = |side: &Side| match &side.place {
        Place::Line { file, line, .. } => (0, file.clone(), *line),
        _ => (1, String::new(), 0),
    };
    if key(&one) <= key(&other) {
        (one, other)
    } else {
        (other, one)
    }
}

fn location_of(place: &Place) -> Option<Location> {
    let Place::Line {
        function,
        file,
        line,
        column,
    } = place
    else {
        return None;
    };
    Some(Location {
        function: function.clone(),
        file: file.clone(),
        line: *line,
        column: *column,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_lines_are_told_in_one_order_and_a_line_before_none() {
        let side = |line: u32| Side {
            place: match line {
                0 => Place::Nowhere,
                line => Place::line("src/ffi.rs", line, 9),
            },
            frames: Vec::new(),
            tid: line,
        };
        for (one, other, expected) in [(7, 30, 7), (30, 7, 7), (0, 7, 7), (7, 0, 7), (7, 7, 7)] {
            assert_eq!(in_order(side(one), side(other)).0.tid, expected);
        }
    }
}

//! When it happened, as a line of time from the first occurrence that is known to now.

use ratatui::text::{Line, Span};
use stallscope_wire::message::Occurrence;

use crate::tui::model::Page;
use crate::tui::theme::{Role, Theme};
use crate::tui::view::bars::bar;
use crate::tui::view::text::{ago, width};

/// A longer line tells no more.
const WIDEST: usize = 48;

/// Each cell shows the longest occurrence that began in its part of the time. `None` if no occurrence is known, or there is no
/// room.
pub(super) fn line(page: &Page, theme: Theme, columns: usize) -> Option<Line<'static>> {
    let occurrences = &page.finding.occurrences;
    let start = occurrences.iter().map(|one| one.at_unix_ns).min()?;
    let now = page.at_unix_ns.max(start);
    let label = format!("{:<9}{} ", "times", ago(now - start));
    let cells = columns
        .saturating_sub(width(&label) + width(" now"))
        .min(WIDEST);
    if cells < 8 {
        return None;
    }
    Some(Line::from(vec![
        Span::styled(label, theme.style(Role::Dim)),
        Span::styled(bars(occurrences, start, now, cells), theme.style(Role::Bar)),
        Span::styled(" now", theme.style(Role::Dim)),
    ]))
}

/// A bar's height is its share of the longest.
fn bars(occurrences: &[Occurrence], start: u64, now: u64, cells: usize) -> String {
    let span = u128::from(now - start) + 1;
    let mut longest = vec![0_u64; cells];
    for one in occurrences {
        let at = u128::from(one.at_unix_ns.min(now) - start) * cells as u128 / span;
        if let Some(cell) = usize::try_from(at).ok().and_then(|at| longest.get_mut(at)) {
            // One without a duration happened all the same.
            *cell = (*cell).max(one.duration_ns.max(1));
        }
    }
    let most = longest.iter().copied().max().unwrap_or(0);
    let cells = longest.into_iter();
    cells
        .map(|duration| {
            if duration == 0 {
                '·'
            } else {
                bar(duration, most)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(at_unix_ns: u64, duration_ns: u64) -> Occurrence {
        Occurrence {
            at_unix_ns,
            duration_ns,
        }
    }

    #[test]
    fn every_occurrence_is_seen_and_the_longest_is_the_highest() {
        let occurrences = [at(0, 10), at(50, 100), at(99, 50)];
        assert_eq!(bars(&occurrences, 0, 100, 10), "▁···█····▄");
        assert_eq!(bars(&[at(7, 0)], 7, 7, 8), "█·······");
        assert_eq!(bars(&[at(0, 1), at(u64::MAX, 1)], 0, 80, 8), "█······█");
    }
}

//! Which lines of the screen belong to what: parts come in the order of their worth as the screen grows.

use super::Panel;

/// Lines from the top, columns from the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Region {
    pub(crate) x: u16,
    pub(crate) y: u16,
    pub(crate) width: u16,
    pub(crate) height: u16,
}

/// The main view, part by part. A part without lines is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Layout {
    pub(crate) title: Region,
    pub(crate) gauges: Region,
    pub(crate) workers: Region,
    /// What the tier cannot see.
    pub(crate) unseen: Region,
    /// The findings, with heads and the selected one in words where there is room; else one line.
    pub(crate) findings: Region,
    pub(crate) columns: Region,
    pub(crate) tree: Region,
    pub(crate) details: Region,
    /// Filter, mode and messages, or the prompt.
    pub(crate) mode: Region,
    pub(crate) footer: Region,
}

/// What the layout depends on besides the size of the screen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demands {
    /// How many workers there are.
    pub(crate) workers: usize,
    pub(crate) gauges: GaugesKnown,
    pub(crate) findings: Panel,
    pub(crate) unseen: bool,
    pub(crate) mode: bool,
    pub(crate) details: bool,
}

/// How many gauges there are to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GaugesKnown {
    All,
    /// Of a process that is read from outside: a line holds them at any width.
    Few,
}

/// Columns for one worker's gauge.
pub(crate) const WORKER_WIDTH: u16 = 39;

/// Columns that all gauges take in one line.
const GAUGES_WIDTH: u16 = 118;

/// Lines above and below the list of findings: the heads, and the selected one in words.
const FINDING_HEAD: u16 = 1;
pub(crate) const FINDING_WORDS: u16 = 2;

/// With this many columns the details stand beside the tree.
const WIDE: u16 = 110;

/// With this many lines they stand below it; with less they take its place.
const TALL: u16 = 18;

impl Layout {
    pub(crate) fn new(width: u16, height: u16, demands: Demands) -> Self {
        // What is worth a line, and from which height of the screen on.
        let part =
            |wanted: bool, from: u16, lines: u16| if wanted && height >= from { lines } else { 0 };
        let title = part(true, 3, 1);
        // Two lines hold them all where one does not.
        let gauges = part(
            true,
            8,
            if height >= 20 && width < GAUGES_WIDTH && demands.gauges == GaugesKnown::All {
                2
            } else {
                1
            },
        );
        let workers = part(true, 14, worker_lines(width, height, demands.workers));
        let unseen = part(demands.unseen, 18, 1);
        let findings = part(true, 6, finding_lines(height, demands.findings));
        let columns = part(true, 5, 1);
        let mode = part(demands.mode, 2, 1);
        let footer = part(true, 4, 1);

        let mut y = 0;
        let mut next = |lines: u16| {
            let region = Region {
                x: 0,
                y,
                width,
                height: lines,
            };
            y += lines;
            region
        };
        let above = title + gauges + workers + unseen + findings + columns;
        let middle = height.saturating_sub(above + mode + footer);
        let mut layout = Self {
            title: next(title),
            gauges: next(gauges),
            workers: next(workers),
            unseen: next(unseen),
            findings: next(findings),
            columns: next(columns),
            tree: next(middle),
            details: Region::default(),
            mode: next(mode),
            footer: next(footer),
        };
        if demands.details {
            layout.make_room_for_details();
        }
        layout
    }

    /// How many findings there is room for, one in a line.
    pub(crate) fn finding_rows(&self) -> u16 {
        match self.findings.height {
            lines @ 0..=1 => lines,
            lines => lines.saturating_sub(FINDING_HEAD + FINDING_WORDS),
        }
    }

    /// What a page covers: everything between title and mode.
    pub(crate) fn page(&self) -> Region {
        Region {
            y: self.title.height,
            height: self.mode.y - self.title.height,
            ..self.title
        }
    }

    fn make_room_for_details(&mut self) {
        let tree = self.tree;
        if tree.width >= WIDE {
            let width = (tree.width / 3).clamp(40, 60);
            // The details take the line of the column heads, too.
            self.details = Region {
                x: tree.width - width,
                y: self.columns.y,
                width,
                height: tree.height + self.columns.height,
            };
            self.tree.width -= width;
            self.columns.width -= width;
        } else if tree.height >= TALL - 4 {
            let height = (tree.height / 2).min(10);
            self.tree.height -= height;
            self.details = Region {
                y: tree.y + self.tree.height,
                height,
                ..tree
            };
        } else {
            self.details = Region {
                y: self.columns.y,
                height: tree.height + self.columns.height,
                ..tree
            };
            self.tree.height = 0;
            self.columns.height = 0;
        }
    }
}

/// At most a third of the screen; one line where that is too little for more than a single finding.
fn finding_lines(height: u16, panel: Panel) -> u16 {
    let findings = match panel {
        Panel::Hidden => return 0,
        Panel::Unreported | Panel::Clear => return 1,
        Panel::List(findings) => u16::try_from(findings).unwrap_or(u16::MAX),
    };
    let around = FINDING_HEAD + FINDING_WORDS;
    match height / 3 {
        0..5 => 1,
        third => findings.saturating_add(around).min(third),
    }
}

/// At most a sixth of the screen.
fn worker_lines(width: u16, height: u16, workers: usize) -> u16 {
    let per_line = usize::from((width / WORKER_WIDTH).max(1));
    u16::try_from(workers.div_ceil(per_line))
        .unwrap_or(u16::MAX)
        .min(height / 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_demand() -> impl Iterator<Item = Demands> {
        let panels = [
            Panel::Hidden,
            Panel::Clear,
            Panel::List(1),
            Panel::List(3),
            Panel::List(usize::MAX),
        ];
        [0, 1, 2, 64, 5_000].into_iter().flat_map(move |workers| {
            (0..40_usize).map(move |bits| Demands {
                workers,
                gauges: if workers == 0 {
                    GaugesKnown::Few
                } else {
                    GaugesKnown::All
                },
                findings: panels[bits / 8],
                unseen: bits & 1 != 0,
                mode: bits & 2 != 0,
                details: bits & 4 != 0,
            })
        })
    }

    #[test]
    fn parts_fill_the_screen_and_never_overlap() {
        for demands in every_demand() {
            for height in 0..=60 {
                for width in [0, 1, 20, 40, 80, 109, 110, 200] {
                    let layout = Layout::new(width, height, demands);
                    let parts = [
                        layout.title,
                        layout.gauges,
                        layout.workers,
                        layout.unseen,
                        layout.findings,
                        layout.columns,
                        layout.tree,
                        layout.details,
                        layout.mode,
                        layout.footer,
                    ];
                    let cells: u32 = parts
                        .iter()
                        .map(|part| u32::from(part.width) * u32::from(part.height))
                        .sum();
                    assert_eq!(
                        cells,
                        u32::from(width) * u32::from(height),
                        "{width}x{height} {demands:?} {layout:?}"
                    );
                    assert!(
                        parts
                            .iter()
                            .all(|part| part.y + part.height <= height
                                && part.x + part.width <= width)
                    );
                }
            }
        }
    }

    #[test]
    fn the_tree_keeps_most_of_a_small_screen() {
        let demands = Demands {
            workers: 8,
            gauges: GaugesKnown::All,
            findings: Panel::Clear,
            unseen: true,
            mode: false,
            details: false,
        };
        assert_eq!(Layout::new(40, 10, demands).tree.height, 5);
        assert!(Layout::new(80, 24, demands).tree.height >= 13);
        let stalling = Demands {
            findings: Panel::List(50),
            ..demands
        };
        assert_eq!(
            Layout::new(40, 10, stalling).tree.height,
            5,
            "on the smallest screens one line tells the worst"
        );
        assert!(Layout::new(80, 24, stalling).tree.height >= 6);
        assert_eq!(Layout::new(120, 40, stalling).finding_rows(), 10);
    }
}

//! Which lines of the screen belong to what: parts come in the order of their worth as the screen grows.

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
    pub(crate) columns: Region,
    pub(crate) tree: Region,
    pub(crate) details: Region,
    /// Filter, mode and messages, or the prompt.
    pub(crate) mode: Region,
    pub(crate) footer: Region,
}

/// What the layout depends on besides the size of the screen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Demands {
    /// How many workers there are.
    pub(crate) workers: usize,
    pub(crate) unseen: bool,
    pub(crate) mode: bool,
    pub(crate) details: bool,
}

/// Columns for one worker's gauge.
pub(crate) const WORKER_WIDTH: u16 = 39;

/// Columns that all gauges take in one line.
const GAUGES_WIDTH: u16 = 118;

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
            if height >= 20 && width < GAUGES_WIDTH {
                2
            } else {
                1
            },
        );
        let workers = part(true, 14, worker_lines(width, height, demands.workers));
        let unseen = part(demands.unseen, 18, 1);
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
        let above = title + gauges + workers + unseen + columns;
        let middle = height.saturating_sub(above + mode + footer);
        let mut layout = Self {
            title: next(title),
            gauges: next(gauges),
            workers: next(workers),
            unseen: next(unseen),
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
        [0, 1, 2, 64, 5_000].into_iter().flat_map(|workers| {
            (0..8_u8).map(move |bits| Demands {
                workers,
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
            unseen: true,
            mode: false,
            details: false,
        };
        assert_eq!(Layout::new(40, 10, demands).tree.height, 6);
        assert!(Layout::new(80, 24, demands).tree.height >= 14);
    }
}

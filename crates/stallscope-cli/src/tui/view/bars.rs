//! A row of numbers as a row of bars.

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A bar whose height is `value`'s share of `most`.
pub(super) fn bar(value: u64, most: u64) -> char {
    let level = u128::from(value) * LEVELS.len() as u128 / u128::from(most.max(1));
    let level = usize::try_from(level.saturating_sub(1)).unwrap_or(usize::MAX);
    LEVELS[level.min(LEVELS.len() - 1)]
}

/// The latest `points` numbers in `cells` cells, the last at the right end; where there are fewer cells, each shows the largest of its
/// share. `·` is none; what is blank was before the first number.
pub(super) fn sparkline(numbers: &[u32], points: usize, cells: usize) -> String {
    let numbers = &numbers[numbers.len().saturating_sub(points)..];
    let most = numbers.iter().copied().max().unwrap_or(0);
    let before = points - numbers.len();
    let shown = cells.min(points);
    let mut line = " ".repeat(cells - shown);
    for cell in 0..shown {
        let start = (cell * points / shown).saturating_sub(before);
        let end = ((cell + 1) * points / shown).saturating_sub(before);
        line.push(match numbers[start..end].iter().copied().max() {
            None => ' ',
            Some(0) => '·',
            Some(largest) => bar(largest.into(), most.into()),
        });
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_present_is_at_the_right_and_nothing_is_left_out() {
        assert_eq!(sparkline(&[0, 4, 8], 5, 5), "  ·▄█");
        let short_peak = [0, 0, 9, 0, 0, 0];
        assert_eq!(sparkline(&short_peak, 6, 3), "·█·");
        assert_eq!(sparkline(&[1, 2], 2, 4), "  ▄█");
    }

    #[test]
    fn a_young_place_takes_its_share_of_the_time() {
        let half: Vec<u32> = (1..=30).collect();
        assert_eq!(sparkline(&half, 60, 6), "   ▂▅█");
    }

    #[test]
    fn any_numbers_fit_into_any_room() {
        assert_eq!(sparkline(&[], 60, 3), "   ");
        assert_eq!(sparkline(&[1, 2], 60, 0), "");
        assert_eq!(sparkline(&[7, u32::MAX, 1], 2, 2), "█▁");
        assert_eq!(sparkline(&[1], 0, 2), "  ");
    }
}

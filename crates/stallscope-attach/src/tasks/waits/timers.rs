//! How long a timer has left.

use std::time::Duration;

use super::Seen;

impl Seen<'_, '_, '_> {
    /// "6.2 s left". Without a clock to compare with, nothing.
    pub(super) fn timer(&self) -> Option<String> {
        let sleep = self.reach("tokio::time::sleep::Sleep")?;
        // tokio has moved it into the entry of its wheel, and out again.
        let deadline = ["deadline", "entry.deadline"]
            .iter()
            .find_map(|way| self.view.find(&sleep, way))?;
        let seconds = self.view.number_within(&deadline, "tv_sec")?;
        let nanoseconds = self.view.number_within(&deadline, "tv_nsec")?;
        let nanoseconds = u32::try_from(nanoseconds)
            .ok()
            .filter(|part| *part < 1_000_000_000)?;
        left(Duration::new(seconds, nanoseconds), self.outside.now()?)
    }
}

/// `None` for a deadline that no program means.
fn left(deadline: Duration, now: Duration) -> Option<String> {
    /// tokio takes thirty years for "for ever".
    const MOST: Duration = Duration::from_secs(31 * 365 * 86_400);
    match deadline.checked_sub(now) {
        Some(left) if left > MOST => None,
        Some(left) => Some(format!("{} left", in_words(left))),
        None => Some(format!("{} late", in_words(now.saturating_sub(deadline)))),
    }
}

fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..60 => format!("{:.1} s", (duration.as_secs_f64() * 10.0).floor() / 10.0),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_told_from_now() {
        let at = |milliseconds| Duration::from_millis(milliseconds);
        for (deadline, now, told) in [
            (16_250, 10_000, Some("6.2 s left")),
            (10_040, 10_000, Some("40 ms left")),
            (69_990, 10_000, Some("59.9 s left")),
            (135_000, 10_000, Some("2 min 5 s left")),
            (3_661_000, 0, Some("1 h 1 min left")),
            (9_000, 10_500, Some("1.5 s late")),
            (u64::MAX, 0, None),
        ] {
            assert_eq!(
                left(at(deadline), at(now)).as_deref(),
                told,
                "{deadline} {now}"
            );
        }
    }
}

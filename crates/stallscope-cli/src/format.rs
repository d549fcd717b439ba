//! Times and foreign text as people read them.

/// In place of what is not known, for people; scripts read `null`.
pub(crate) const UNKNOWN: &str = "?";

/// A duration in nanoseconds with two or three significant digits: `850ns`, `1.2ms`, `12s`, `3m20s`, `2h05m`, `3d04h`.
pub(crate) fn duration(ns: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000, "µs"), (1_000_000, "ms"), (1_000_000_000, "s")];
    if ns < 1_000 {
        return format!("{ns}ns");
    }
    for (unit, name) in UNITS {
        // Rounded before the unit is chosen: 999.96 µs is 1.0 ms, not 1000 µs.
        let tenths = ns.saturating_add(unit / 20) / (unit / 10);
        if tenths < 100 {
            return format!("{}.{}{name}", tenths / 10, tenths % 10);
        }
        let whole = ns.saturating_add(unit / 2) / unit;
        let next = if name == "s" { 60 } else { 1_000 };
        if whole < next {
            return format!("{whole}{name}");
        }
    }
    let seconds = ns.saturating_add(500_000_000) / 1_000_000_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    if hours == 0 {
        format!("{minutes}m{:02}s", seconds % 60)
    } else if days == 0 {
        format!("{hours}h{:02}m", minutes % 60)
    } else {
        format!("{days}d{:02}h", hours % 24)
    }
}

/// A duration that is zero when there was none.
pub(crate) fn duration_or_none(ns: u64) -> String {
    if ns == 0 {
        "-".to_owned()
    } else {
        duration(ns)
    }
}

/// How fast a count changes, from tasks per second, in the unit that suits: `+9.0/s`, `-3.0/min`, `+1.5/h`; `-` if it does not.
pub(crate) fn growth(per_second: f64) -> String {
    const UNITS: [(f64, &str); 3] = [(1.0, "s"), (60.0, "min"), (3_600.0, "h")];
    if !per_second.is_finite() {
        return UNKNOWN.to_owned();
    }
    for (seconds, unit) in UNITS {
        let rate = per_second * seconds;
        // What would be shown as 0.0 has to be told in the next unit.
        if rate.abs() >= 99.95 {
            return format!("{rate:+.0}/{unit}");
        }
        if rate.abs() >= 0.95 || (unit == "h" && rate.abs() >= 0.05) {
            return format!("{rate:+.1}/{unit}");
        }
    }
    "-".to_owned()
}

/// Events per second: `9.0`, `<0.1`, `1250`; `-` if there was none.
pub(crate) fn rate(per_second: f64) -> String {
    match per_second {
        rate if !rate.is_finite() => UNKNOWN.to_owned(),
        rate if rate <= 0.0 => "-".to_owned(),
        rate if rate < 0.05 => "<0.1".to_owned(),
        rate if rate < 99.95 => format!("{rate:.1}"),
        rate => format!("{rate:.0}"),
    }
}

/// Nanoseconds as the milliseconds of JSON answers.
pub(crate) fn milliseconds(ns: u64) -> f64 {
    ns as f64 / 1e6
}

/// `1 task`, `2 tasks`.
pub(crate) fn counted(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

/// Text from another program, fit for a terminal: control characters, which could move the cursor or worse, are shown as a
/// mark.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{duration, growth, printable, rate};

    #[test]
    fn durations_keep_their_significant_digits() {
        let shown = [
            (0, "0ns"),
            (999, "999ns"),
            (1_000, "1.0µs"),
            (1_240, "1.2µs"),
            (9_949, "9.9µs"),
            (9_950, "10µs"),
            (12_400, "12µs"),
            (999_499, "999µs"),
            (999_500, "1.0ms"),
            (1_234_567, "1.2ms"),
            (341_200_000, "341ms"),
            (1_000_000_000, "1.0s"),
            (59_400_000_000, "59s"),
            (59_500_000_000, "1m00s"),
            (200_000_000_000, "3m20s"),
            (7_500_000_000_000, "2h05m"),
            (273_600_000_000_000, "3d04h"),
            (u64::MAX, "213503d23h"),
            (7_199_600_000_000, "2h00m"),
        ];
        for (ns, text) in shown {
            assert_eq!(duration(ns), text, "{ns} ns");
        }
    }

    #[test]
    fn rates_are_told_in_the_unit_that_shows_them() {
        let shown = [
            (0.0, "-"),
            (9.04, "+9.0/s"),
            (-1_250.4, "-1250/s"),
            (0.5, "+30.0/min"),
            (-0.001, "-3.6/h"),
            (0.000_001, "-"),
            (f64::NAN, "?"),
        ];
        for (per_second, text) in shown {
            assert_eq!(growth(per_second), text, "{per_second}");
        }
        let shown = [
            (0.0, "-"),
            (-1.0, "-"),
            (0.01, "<0.1"),
            (12.34, "12.3"),
            (1_250.4, "1250"),
            (f64::INFINITY, "?"),
        ];
        for (per_second, text) in shown {
            assert_eq!(rate(per_second), text, "{per_second}");
        }
    }

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
    }
}

//! Times as they are typed and as JSON answers give them: `50ms`, `1.5s`, `2026-11-20T21:33:00.123Z`.

use std::time::{Duration, UNIX_EPOCH};

/// A time in nanoseconds; `None` if it has no unit, more digits than can be told apart, or does not fit.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(unit_at);
    let unit: u64 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (number, ""),
    };
    let whole = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    let scale = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let parts = match fraction {
        "" => 0,
        digits => digits.parse::<u64>().ok()?,
    };
    let part = u128::from(parts) * u128::from(unit) / u128::from(scale);
    whole.checked_add(u64::try_from(part).ok()?)
}

/// Of a time that has more than fit, which is 584 years, as many as do.
pub(crate) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds since 1970 as RFC 3339 has it, in UTC, to the millisecond.
pub(crate) fn rfc3339(unix_ns: u64) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_nanos(unix_ns)).to_string()
}

#[cfg(test)]
mod tests {
    use super::{parse, rfc3339};

    #[test]
    fn a_time_has_a_number_and_a_unit() {
        assert_eq!(parse("10s"), Some(10_000_000_000));
        assert_eq!(parse("1.5ms"), Some(1_500_000));
        for none in ["10", "s", "1.s", "-1s", "1 s", "1d", "999999999999h", ""] {
            assert_eq!(parse(none), None, "{none}");
        }
    }

    #[test]
    fn moments_are_given_to_the_millisecond_in_utc() {
        let moments = [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_795_210_380_123_999_999, "2026-11-20T21:33:00.123Z"),
            (1_709_210_096_000_000_000, "2024-02-29T12:34:56.000Z"),
            (u64::MAX, "2554-07-21T23:34:33.709Z"),
        ];
        for (unix_ns, text) in moments {
            assert_eq!(rfc3339(unix_ns), text);
        }
    }
}

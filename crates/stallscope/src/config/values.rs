//! What may be written for a knob, and what does it mean?

use std::net::ToSocketAddrs;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::Listen;

/// From the least to the most that a duration may be.
pub(super) struct Range {
    least: Duration,
    most: Duration,
}

pub(super) const LONG_POLL: Range = Range {
    least: Duration::from_millis(1),
    most: Duration::from_secs(60),
};
/// As far back as the history of a place reaches.
pub(super) const LEAK_WINDOW: Range = Range {
    least: Duration::from_secs(2),
    most: Duration::from_secs(55 * 60),
};
pub(super) const LEAK_GRACE: Range = Range {
    least: Duration::from_secs(1),
    most: Duration::from_secs(24 * 60 * 60),
};
pub(super) const STUCK_BLOCKING: Range = Range {
    least: Duration::from_secs(1),
    most: Duration::from_secs(24 * 60 * 60),
};

impl Range {
    /// As code sets it: what lies outside becomes the least or the most.
    pub(super) fn clamp(&self, duration: Duration) -> Duration {
        duration.clamp(self.least, self.most)
    }

    /// As it is written: `250ms`, `5s`, `2m`, `1h`. What lies outside is refused.
    pub(super) fn set(&self, knob: &mut Duration, value: &str) -> Result<(), String> {
        let duration = duration(value)?;
        if !(self.least..=self.most).contains(&duration) {
            return Err("out of range, so the default holds".to_owned());
        }
        *knob = duration;
        Ok(())
    }
}

fn duration(value: &str) -> Result<Duration, String> {
    let digits = value.len()
        - value
            .trim_start_matches(|digit: char| digit.is_ascii_digit())
            .len();
    let (number, unit) = value.split_at(digits);
    let number: u64 = number
        .parse()
        .map_err(|_| "no duration, so the default holds".to_owned())?;
    match unit.trim() {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number.saturating_mul(60))),
        "h" => Ok(Duration::from_secs(number.saturating_mul(60 * 60))),
        "" => Err("the unit is missing, so the default holds".to_owned()),
        _ => Err("an unknown unit, so the default holds".to_owned()),
    }
}

pub(super) fn switch(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "on" | "1" | "true" | "yes" | "" => Ok(true),
        "off" | "0" | "false" | "no" => Ok(false),
        _ => Err("neither on nor off, so it stays on".to_owned()),
    }
}

/// As [`switch`], for what has to be asked for in so many words.
pub(super) fn permission(value: &str) -> Result<bool, String> {
    match value {
        "" => Ok(false),
        _ => switch(value).map_err(|_| "neither on nor off, so it stays off".to_owned()),
    }
}

/// `17`, or `0..200`.
pub(super) fn seeds(value: &str) -> Result<RangeInclusive<u64>, String> {
    let seed = |text: &str| {
        let seed = text.trim().parse::<u64>();
        seed.map_err(|_| format!("`{text}` is no seed, so those of the tests hold"))
    };
    let Some((first, end)) = value.split_once("..") else {
        let only = seed(value)?;
        return Ok(only..=only);
    };
    let (first, end) = (seed(first)?, seed(end)?);
    match end.checked_sub(1) {
        Some(last) if first <= last => Ok(first..=last),
        _ => Err("no seed lies in it, so those of the tests hold".to_owned()),
    }
}

pub(super) fn listen(value: &str) -> Result<Listen, String> {
    if let Some(path) = value.strip_prefix("unix:") {
        return if path.is_empty() {
            Err("the path is missing".to_owned())
        } else {
            Ok(Listen::Unix(PathBuf::from(path)))
        };
    }
    if let Some(address) = value.strip_prefix("tcp:") {
        let address = address.trim_start_matches("//");
        let mut found = address
            .to_socket_addrs()
            .map_err(|error| format!("no address ({error})"))?;
        return found
            .next()
            .map(Listen::Tcp)
            .ok_or_else(|| "the name has no address".to_owned());
    }
    Err("neither a unix: nor a tcp: address, so the default holds".to_owned())
}

//! Text that fits: shortened, aligned and wrapped to a number of columns.

use stallscope_wire::message::Site;
use stallscope_wire::text::source_path;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::format::{duration, printable};

/// Columns a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text, or its beginning and `…`.
pub(crate) fn clip(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let Some(room) = columns.checked_sub(1) else {
        return String::new();
    };
    let mut used = 0;
    let mut clipped: String = text
        .chars()
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= room
        })
        .collect();
    clipped.push('…');
    clipped
}

/// At the right end of that many columns.
pub(crate) fn right(text: &str, columns: usize) -> String {
    let text = clip(text, columns);
    let pad = columns.saturating_sub(text.width());
    format!("{}{text}", " ".repeat(pad))
}

/// At the left end of that many columns.
pub(crate) fn left(text: &str, columns: usize) -> String {
    let mut text = clip(text, columns);
    let pad = columns.saturating_sub(text.width());
    text.extend(std::iter::repeat_n(' ', pad));
    text
}

/// Lines of at most that many columns, broken at spaces and after the slashes of a path; elsewhere only where a part alone is
/// too long.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    let words = text.split_whitespace();
    let parts = words.flat_map(|word| {
        let parts = word.split_inclusive('/').enumerate();
        parts.map(|(index, part)| (if index == 0 { " " } else { "" }, part))
    });
    for (space, part) in parts {
        if !line.is_empty() && line.width() + space.len() + part.width() > columns {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push_str(space);
        }
        for c in part.chars() {
            if !line.is_empty() && line.width() + c.width().unwrap_or(0) > columns {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// A count in at most five columns: `999`, `1.2k`, `45k`, `1.0M`.
pub(crate) fn count(n: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (1_000, "k"),
        (1_000_000, "M"),
        (1_000_000_000, "G"),
        (1_000_000_000_000, "T"),
    ];
    if n < 1_000 {
        return n.to_string();
    }
    for (unit, name) in UNITS {
        // Rounded before the unit is chosen: 999 999 is 1.0M, not 1000k.
        let tenths = n.saturating_add(unit / 20) / (unit / 10);
        if tenths < 100 {
            return format!("{}.{}{name}", tenths / 10, tenths % 10);
        }
        let whole = n.saturating_add(unit / 2) / unit;
        if whole < 1_000 {
            return format!("{whole}{name}");
        }
    }
    ">999T".to_owned()
}

/// How long something has been over: `12s ago`, `2m10s ago`.
pub(crate) fn ago(ns: u64) -> String {
    match ns / 1_000_000_000 {
        0 => "just now".to_owned(),
        seconds @ 1..60 => format!("{seconds}s ago"),
        seconds => format!("{} ago", duration(seconds.saturating_mul(1_000_000_000))),
    }
}

/// `file:line`, with as many of the path's last parts as fit; a path of a registry crate begins with the crate. `None` if not
/// even the last part fits: a few letters of a path say nothing.
pub(crate) fn place(site: &Site, columns: usize) -> Option<String> {
    place_of(&site.file, site.line, columns)
}

/// The same for a file and a line.
pub(crate) fn place_of(file: &str, line: u32, columns: usize) -> Option<String> {
    let file = printable(source_path(file));
    let mut rest = file.as_str();
    loop {
        let place = format!("{rest}:{line}");
        if place.width() <= columns {
            return Some(place);
        }
        (_, rest) = rest.split_once('/')?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clipped_text_says_so_and_fits_also_with_wide_characters() {
        assert_eq!(clip("accept", 6), "accept");
        assert_eq!(clip("accept", 4), "acc…");
        assert_eq!(clip("日本語", 4), "日…");
        assert_eq!(clip("accept", 0), "");
    }

    #[test]
    fn counts_take_five_columns() {
        let shown = [
            (0, "0"),
            (999, "999"),
            (1_000, "1.0k"),
            (45_678, "46k"),
            (999_999, "1.0M"),
            (u64::MAX, ">999T"),
        ];
        for (n, text) in shown {
            assert_eq!(count(n), text);
        }
    }

    #[test]
    fn a_place_loses_leading_directories_first() {
        let site = Site {
            id: 1,
            file: "demo-apps/web/src/main.rs".to_owned(),
            line: 63,
            column: 9,
        };
        assert_eq!(
            place(&site, 40).as_deref(),
            Some("demo-apps/web/src/main.rs:63")
        );
        assert_eq!(place(&site, 20).as_deref(), Some("web/src/main.rs:63"));
        assert_eq!(place(&site, 12).as_deref(), Some("main.rs:63"));
        assert_eq!(place(&site, 5), None);
        let foreign = Site {
            file: "/home/me/.cargo/registry/src/index-1949cf8c/hyper-1.2.3/src/rt.rs".to_owned(),
            ..site
        };
        assert_eq!(
            place(&foreign, 60).as_deref(),
            Some("hyper-1.2.3/src/rt.rs:63")
        );
    }

    #[test]
    fn words_are_kept_whole_where_they_can_be() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("incomprehensible", 6), ["incomp", "rehens", "ible"]);
        assert_eq!(
            wrap("at demo-apps/web/src/main.rs:63", 14),
            ["at demo-apps/", "web/src/", "main.rs:63"]
        );
        assert_eq!(wrap("", 6), Vec::<String>::new());
        assert_eq!(wrap("ab", 0), ["a", "b"]);
    }
}

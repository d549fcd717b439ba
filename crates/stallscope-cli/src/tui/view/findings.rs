//! The answer above the tree: what is wrong, the worst first, and the selected finding in words.

use ratatui::buffer::Buffer;
use ratatui::text::{Line, Span};
use stallscope_wire::message::{Finding, Severity};

use super::paint;
use super::text::{ago, clip, count, left, place_of, right, width, wrap};
use crate::conflict;
use crate::format::{counted, duration, duration_or_none, printable};
use crate::tui::model::{FINDING_WORDS, Model, Panel, Region, lasts_ns};
use crate::tui::theme::{Role, Theme};

/// Columns, from the left: severity, rule, place, then these from the right.
const SEVERITY: usize = 7;
const RULE: usize = 13;
/// Names of conflicts are longer. On a wide screen there is room for all of each.
const LONG_RULE: usize = 18;
const LONGEST_RULE: usize = 25;
const LONGEST: usize = 7;
const COUNT: usize = 6;
const SEEN: usize = 9;

/// With fewer columns a finding is told in short.
const WIDE: u16 = 72;

/// From here on there is room for everything.
const VERY_WIDE: u16 = 110;

pub(super) fn draw(model: &Model, theme: Theme, buffer: &mut Buffer, region: Region) {
    if region.height == 0 {
        return;
    }
    match model.findings.panel() {
        Panel::Hidden => {}
        Panel::Unreported => sentence(
            "this application's stallscope does not report findings; upgrade it".to_owned(),
            theme.style(Role::Warning),
            buffer,
            region,
        ),
        Panel::Clear => sentence(all_is_well(model), theme.style(Role::On), buffer, region),
        Panel::List(_) if region.height == 1 => draw_rows(model, theme, buffer, region),
        Panel::List(_) => {
            let heads = heads(model, theme, region.width);
            paint::line(buffer, region, 0, &Line::from(heads));
            let rows = Region {
                y: region.y + 1,
                height: region.height - 1,
                ..region
            };
            draw_rows(model, theme, buffer, rows);
            draw_words(model, buffer, region);
        }
    }
}

/// What a severity looks like.
pub(super) fn role(severity: Severity) -> Role {
    match severity {
        Severity::High => Role::High,
        Severity::Warning | Severity::Unknown => Role::Warning,
        Severity::Info => Role::Dim,
    }
}

fn sentence(text: String, style: ratatui::style::Style, buffer: &mut Buffer, region: Region) {
    paint::ends(
        buffer,
        region,
        0,
        vec![Span::styled(text, style)],
        Vec::new(),
    );
}

fn all_is_well(model: &Model) -> String {
    match model.gauges.overview().map(|overview| overview.polls) {
        // Without the hooks tier polls are not counted.
        None | Some(0) => "no findings so far".to_owned(),
        Some(polls) => format!("no findings so far, {} polls watched", count(polls)),
    }
}

fn heads(model: &Model, theme: Theme, columns: u16) -> Vec<Span<'static>> {
    let ongoing = model
        .findings
        .all()
        .iter()
        .filter(|finding| finding.ongoing)
        .count();
    let all = counted(model.findings.total(), "finding").to_uppercase();
    let title = if ongoing > 0 {
        format!("{all}, {ongoing} NOW")
    } else {
        all
    };
    let style = theme.style(Role::ColumnHead);
    if columns < WIDE {
        return vec![Span::styled(title, style)];
    }
    let right_side = LONGEST + COUNT + SEEN + 3;
    let room = usize::from(columns).saturating_sub(right_side);
    vec![Span::styled(
        format!(
            "{} {} {} {}",
            left(&title, room),
            right("LONGEST", LONGEST),
            right("COUNT", COUNT),
            left("SEEN", SEEN)
        ),
        style,
    )]
}

fn draw_rows(model: &Model, theme: Theme, buffer: &mut Buffer, region: Region) {
    let others = model.findings.all().len().saturating_sub(1);
    let selection = Role::selection(model.looks_at_findings());
    for (row, (finding, selected)) in (0..region.height).zip(model.findings.shown()) {
        let spans = if region.height == 1 {
            in_short(model, finding, others, theme, region.width)
        } else if region.width < WIDE {
            in_short(model, finding, 0, theme, region.width)
        } else {
            in_columns(model, finding, theme, region.width)
        };
        paint::line(buffer, region, row, &Line::from(spans));
        if selected {
            paint::restyle(buffer, region, row, theme.style(selection));
        }
    }
}

/// The selected finding's own sentence, below the list.
fn draw_words(model: &Model, buffer: &mut Buffer, region: Region) {
    let Some(finding) = model.findings.selected() else {
        return;
    };
    let columns = usize::from(region.width).saturating_sub(2);
    let mut lines = wrap(&printable(&finding.message), columns);
    let shown = usize::from(FINDING_WORDS);
    if lines.len() > shown {
        let rest = lines.split_off(shown - 1).join(" ");
        lines.push(clip(&rest, columns));
    }
    let at = Region {
        x: region.x + 2,
        y: region.y + region.height.saturating_sub(FINDING_WORDS),
        width: region.width.saturating_sub(2),
        height: FINDING_WORDS,
    };
    for (row, line) in (0..FINDING_WORDS).zip(lines) {
        paint::line(buffer, at, row, &Line::from(line));
    }
}

fn in_columns(model: &Model, finding: &Finding, theme: Theme, columns: u16) -> Vec<Span<'static>> {
    let rule = rule_columns(model, columns);
    let fixed = SEVERITY + rule + LONGEST + COUNT + SEEN + 5;
    let room = usize::from(columns).saturating_sub(fixed);
    let (place, beside) = both_places(finding, room).unwrap_or_else(|| {
        let place = place(finding, room);
        let function = function(finding, room.saturating_sub(width(&place) + 1));
        (place, function)
    });
    let for_beside = room.saturating_sub(width(&place) + 1);
    let severity = finding.severity();
    vec![
        Span::styled(
            left(severity.as_str(), SEVERITY),
            theme.style(role(severity)),
        ),
        Span::raw(format!(" {} ", left(&printable(&finding.rule), rule))),
        Span::raw(format!("{place} ")),
        Span::styled(left(&beside, for_beside), theme.style(Role::Dim)),
        Span::raw(format!(
            " {} {} ",
            right(&longest(finding), LONGEST),
            right(&times(finding), COUNT)
        )),
        seen(model, finding, theme),
    ]
}

/// Severity, place and duration at any width; the rule as far as there is room.
fn in_short(
    model: &Model,
    finding: &Finding,
    others: usize,
    theme: Theme,
    columns: u16,
) -> Vec<Span<'static>> {
    let severity = finding.severity();
    let lasts = match lasts_ns(finding, model.findings.at_unix_ns()) {
        Some(lasts) => format!(" now {}", duration(lasts)),
        None if longest_ns(finding) == 0 => String::new(),
        None => format!(" {}", longest(finding)),
    };
    let times = times(finding);
    let more = if others > 0 {
        format!(" {times} +{others}")
    } else {
        format!(" {times}")
    };
    let word = clip(severity.as_str(), 4);
    let taken = width(&word) + 1 + width(&lasts) + width(&more);
    let room = usize::from(columns).saturating_sub(taken);
    let rule = printable(&finding.rule);
    // The line is worth more than the cause: that is in the message.
    let with_rule = place(finding, room.saturating_sub(width(&rule) + 1));
    let what = if with_rule.is_empty() {
        place(finding, room)
    } else {
        format!("{rule} {with_rule}")
    };
    vec![
        Span::styled(word, theme.style(role(severity))),
        Span::raw(format!(" {}", left(&what, room))),
        Span::styled(
            lasts,
            theme.style(if finding.ongoing {
                role(severity)
            } else {
                Role::Text
            }),
        ),
        Span::raw(more),
    ]
}

/// `file:line` in that many columns; empty if there is no room.
fn place(finding: &Finding, columns: usize) -> String {
    match &finding.location {
        Some(at) => place_of(&at.file, at.line, columns).unwrap_or_default(),
        None => clip(&place_without_line(finding), columns),
    }
}

/// The task, if it has a name: of one that is read from outside, and runs, no line is known.
fn place_without_line(finding: &Finding) -> String {
    let named = finding.task.as_ref().filter(|task| !task.name.is_empty());
    named.map_or_else(
        || "no line of yours".to_owned(),
        |task| format!("in {}", printable(&task.name)),
    )
}

/// The function that is to be changed; empty if there is no room for it.
fn function(finding: &Finding, columns: usize) -> String {
    let location = finding.location.as_ref();
    location
        .map(|location| printable(&location.function))
        .filter(|function| width(function) <= columns)
        .unwrap_or_default()
}

/// Of a conflict its line, and the first that it met. `None` if there is no such line, or no room for both.
fn both_places(finding: &Finding, columns: usize) -> Option<(String, String)> {
    const MET: &str = " ↔ ";
    let sides = conflict::sides(finding);
    let (here, at) = sides.first()?.place()?;
    let (there, line) = conflict::met(finding)?.place()?;
    let room = columns.checked_sub(width(MET))?;
    let (place, other) = if here == there {
        let other = format!(":{line}");
        (place_of(here, at, room.checked_sub(width(&other))?)?, other)
    } else {
        let place = place_of(here, at, room / 2)?;
        let other = place_of(there, line, room - width(&place))?;
        (place, other)
    };
    Some((place, format!("{}{other}", MET.trim_start())))
}

/// As many as the longest rule in the list takes, within reason.
fn rule_columns(model: &Model, columns: u16) -> usize {
    let most = if columns < VERY_WIDE {
        LONG_RULE
    } else {
        LONGEST_RULE
    };
    let rules = model.findings.all().iter();
    let widest = rules.map(|finding| width(&finding.rule)).max();
    widest.unwrap_or(0).clamp(RULE, most)
}

/// How often it happened; of a leak, how many tasks there are.
fn times(finding: &Finding) -> String {
    let times = finding.leak.map_or(finding.count, |leak| leak.live);
    format!("×{}", count(times))
}

/// How long it took at most; of a leak, how long the oldest task has lived.
fn longest(finding: &Finding) -> String {
    duration_or_none(longest_ns(finding))
}

fn longest_ns(finding: &Finding) -> u64 {
    finding
        .leak
        .map_or(finding.longest_ns, |leak| leak.oldest_ns)
}

fn seen(model: &Model, finding: &Finding, theme: Theme) -> Span<'static> {
    let now = model.findings.at_unix_ns();
    if let Some(lasts) = lasts_ns(finding, now) {
        return Span::styled(
            left(&format!("now {}", duration(lasts)), SEEN),
            theme.style(role(finding.severity())),
        );
    }
    let over = now.saturating_sub(finding.last_seen_unix_ns);
    Span::styled(left(&ago(over), SEEN), theme.style(Role::Dim))
}

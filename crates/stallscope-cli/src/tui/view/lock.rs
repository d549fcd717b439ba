//! One lock: who holds it, and who waits for it in which order, each with the line.

use ratatui::text::{Line, Span};
use stallscope_wire::message::{Lock, LockMode, Party};

use super::text::{place_of, wrap};
use crate::format::{counted, duration};
use crate::locks::{contention, kind, line, mode, who};
use crate::tui::model::Model;
use crate::tui::theme::{Role, Theme};

pub(super) fn lines(model: &Model, id: u64, theme: Theme, columns: usize) -> Vec<Line<'static>> {
    let Some(lock) = model.locks.get(id) else {
        return vec![Line::styled("this lock is gone", theme.style(Role::Dim))];
    };
    let mut lines = vec![Line::styled(kind(lock), theme.style(Role::Title))];
    let made_at = format!("made at {}", line(lock.made_at.as_ref()));
    for fact in [made_at, figures(lock)] {
        lines.extend(wrap(&fact, columns).into_iter().map(Line::from));
    }
    lines.push(heading(&held(lock), theme));
    for holder in &lock.holders {
        let mut how = vec![match holder.held_ns {
            0 => "since just now".to_owned(),
            held_ns => format!("for {}", duration(held_ns)),
        }];
        if holder.across_await {
            how.push("across an await".to_owned());
        }
        let side = Side {
            party: holder.party.as_ref(),
            mode: holder.mode(),
            how: how.join(", "),
        };
        lines.extend(side.lines(lock, theme, columns));
    }
    if lock.queue > 0 {
        lines.push(heading(&format!("{} waiting", lock.queue), theme));
    }
    for waiter in &lock.waiters {
        let side = Side {
            party: waiter.party.as_ref(),
            mode: waiter.mode(),
            how: format!("for {}", duration(waiter.waits_ns)),
        };
        lines.extend(side.lines(lock, theme, columns));
    }
    let untold = lock.queue.saturating_sub(lock.waiters.len() as u64);
    if untold > 0 {
        let more = format!("  and {untold} behind them");
        lines.push(Line::styled(more, theme.style(Role::Dim)));
    }
    lines
}

fn figures(lock: &Lock) -> String {
    let taken = counted(lock.acquisitions, "time");
    if lock.contended == 0 {
        return format!("taken {taken}, without a wait so far");
    }
    format!(
        "taken {taken}, {} had to wait: 99 of 100 for less than {}, the longest for {}",
        contention(lock),
        duration(lock.p99_wait_ns),
        duration(lock.longest_wait_ns)
    )
}

fn held(lock: &Lock) -> String {
    match (lock.holders.is_empty(), lock.more_holders) {
        (true, 0) => "free".to_owned(),
        (_, 0) => "held by".to_owned(),
        (_, more) => format!("held by these and {more} more"),
    }
}

fn heading(text: &str, theme: Theme) -> Line<'static> {
    Line::styled(text.to_owned(), theme.style(Role::Key))
}

/// One who holds it or waits.
struct Side<'a> {
    party: Option<&'a Party>,
    mode: LockMode,
    how: String,
}

impl Side<'_> {
    /// Who and how, and below the line, which is too long to stand beside them.
    fn lines(&self, lock: &Lock, theme: Theme, columns: usize) -> Vec<Line<'static>> {
        let Some(party) = self.party else {
            return Vec::new();
        };
        let mode = match mode(lock, self.mode) {
            "" => String::new(),
            mode => format!(" {mode}"),
        };
        let mut lines = vec![Line::from(format!("  {}{mode} {}", who(party), self.how))];
        let at = party.location.as_ref();
        let place = at.and_then(|at| place_of(&at.file, at.line, columns.saturating_sub(4)));
        lines.extend(place.map(|place| {
            let place = Span::styled(place, theme.style(Role::Dim));
            Line::from(vec![Span::raw("    "), place])
        }));
        lines
    }
}

//! What stallscope can see in this process and what not, in the agent's own words.

use ratatui::text::{Line, Span};
use stallscope_wire::message::Level;

use super::text::wrap;
use crate::format::printable;
use crate::tui::model::{Answer, Model};
use crate::tui::theme::{Role, Theme};

pub(super) fn lines(model: &Model, theme: Theme, columns: usize) -> Vec<Line<'static>> {
    let doctor = match &model.doctor {
        Answer::Awaited => return vec![Line::styled("asking…", theme.style(Role::Dim))],
        Answer::Failed(reason) => {
            return wrap(&printable(reason), columns)
                .into_iter()
                .map(Line::from)
                .collect();
        }
        Answer::Here(doctor) => doctor,
    };
    let mut lines = Vec::new();
    for entry in &doctor.entries {
        let role = match entry.level() {
            Level::Warning => Role::Warning,
            Level::Ok => Role::On,
            Level::Info | Level::Unknown => Role::Text,
        };
        lines.push(Line::from(vec![
            Span::styled(entry.level().as_str(), theme.style(role)),
            Span::styled(
                format!(" {}", printable(&entry.topic)),
                theme.style(Role::Title),
            ),
        ]));
        let indented = |text: &str, role: Role| -> Vec<Line<'static>> {
            wrap(&printable(text), columns.saturating_sub(2))
                .into_iter()
                .map(|line| Line::styled(format!("  {line}"), theme.style(role)))
                .collect()
        };
        lines.extend(indented(&entry.message, Role::Text));
        lines.extend(indented(&entry.advice, Role::Key));
    }
    if lines.is_empty() {
        lines.push(Line::from("nothing to report"));
    }
    lines
}

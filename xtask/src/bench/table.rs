//! A report as text for people: Markdown whose source is as readable as its rendering.

use super::budget::{Judged, Verdict};
use super::plan::Unit;
use super::report::{Report, Row};
use super::stats::Summary;

/// Figures and budgets, as the terminal and docs/overhead.md show them.
pub(crate) fn render(report: &Report) -> String {
    let misses = report
        .budgets
        .iter()
        .filter(|judged| judged.verdict == Verdict::Missed)
        .count();
    let unmeasured = report
        .budgets
        .iter()
        .filter(|judged| matches!(judged.verdict, Verdict::NotMeasured(_)))
        .count();
    format!(
        "### Conditions\n\n{}\n### Budgets: {misses} missed, {unmeasured} not measured, of {}\n\n{}\n### Figures\n\n{}",
        conditions(report),
        report.budgets.len(),
        budgets(&report.budgets),
        figures(&report.rows),
    )
}

fn conditions(report: &Report) -> String {
    let machine = &report.machine;
    let packages: Vec<_> = machine
        .packages
        .iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    let size = if report.quick {
        "quick (small numbers: an impression, not a result)"
    } else {
        "full"
    };
    format!(
        "- {} ({} cores, {} GiB), {}\n- {}, {}\n- {}, rounds: {}, {size}\n",
        machine.cpu,
        machine.cores,
        machine.memory_gib,
        machine.system,
        machine.rustc,
        packages.join(", "),
        report.date,
        report.rounds,
    )
}

fn budgets(judged: &[Judged]) -> String {
    let mut table = Table::new(&[
        "budget",
        "limit",
        "figure",
        "added",
        "to stable tokio",
        "verdict",
    ]);
    let mut last = "";
    for judged in judged {
        let added = |value: Option<f64>| match (value, judged.unit) {
            (Some(value), Some(unit)) => unit.signed(value),
            _ => String::new(),
        };
        let repeated = last == judged.budget;
        last = &judged.budget;
        table.row([
            if repeated {
                String::new()
            } else {
                judged.budget.clone()
            },
            if repeated {
                String::new()
            } else {
                judged.limit.clone()
            },
            judged.what.as_ref().unwrap_or(&judged.figure).clone(),
            added(judged.added),
            added(judged.added_to_bare),
            match &judged.verdict {
                Verdict::Within => "within".to_owned(),
                Verdict::Missed => "**missed**".to_owned(),
                Verdict::NotMeasured(why) => format!("not measured: {why}"),
            },
        ]);
    }
    table.render()
}

fn figures(rows: &[Row]) -> String {
    let mut table = Table::new(&[
        "figure",
        "build",
        "median",
        "min–max",
        "added",
        "min–max",
        "ratio, or why there is none",
    ]);
    let mut last = "";
    for row in rows {
        let unit = row.unit;
        let range = |summary: Summary, show: fn(Unit, f64) -> String| {
            format!("{} … {}", show(unit, summary.min), show(unit, summary.max))
        };
        let repeated = last == row.figure;
        last = &row.figure;
        let absent = row.not_run.as_ref().map(|why| format!("not run: {why}"));
        let ratio = row.ratio.map(|ratio| format!("×{ratio:.2}"));
        table.row([
            if repeated {
                String::new()
            } else {
                format!("{} ({})", row.what, unit.name())
            },
            row.mode.label().to_owned(),
            row.absolute
                .map(|all| unit.plain(all.median))
                .unwrap_or_default(),
            row.absolute
                .map(|all| range(all, Unit::plain))
                .unwrap_or_default(),
            row.added
                .map(|all| unit.signed(all.median))
                .unwrap_or_default(),
            row.added
                .map(|all| range(all, Unit::signed))
                .unwrap_or_default(),
            absent.or(ratio).unwrap_or_default(),
        ]);
    }
    table.render()
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Nanos => "ns",
            Self::Micros => "µs",
            Self::Seconds => "s",
            Self::Bytes => "B",
            Self::Megabytes => "MB",
            Self::Percent => "% of a core",
            Self::Crates => "crates",
            Self::Times => "×",
        }
    }

    /// As many decimals as mean something; thousands in groups.
    fn plain(self, value: f64) -> String {
        let decimals = match self {
            Self::Percent => 3,
            Self::Megabytes | Self::Times => 2,
            Self::Nanos | Self::Micros | Self::Seconds if value.abs() < 100.0 => 1,
            Self::Nanos | Self::Micros | Self::Seconds | Self::Bytes | Self::Crates => 0,
        };
        let digits = format!("{:.decimals$}", value.abs());
        let zero = digits.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        let sign = if value < 0.0 && !zero { "−" } else { "" };
        format!("{sign}{}", in_thousands(&digits))
    }

    fn signed(self, value: f64) -> String {
        let plain = self.plain(value);
        if plain.starts_with('−') {
            plain
        } else {
            format!("+{plain}")
        }
    }
}

/// `1234567.8` → `1 234 567.8`, with spaces that do not break.
fn in_thousands(digits: &str) -> String {
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push('\u{a0}');
        }
        grouped.push(digit);
    }
    grouped + fraction
}

/// A Markdown table with aligned columns.
struct Table<const COLUMNS: usize> {
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    fn new(head: &[&str; COLUMNS]) -> Self {
        Self {
            rows: vec![head.map(str::to_owned)],
        }
    }

    fn row(&mut self, cells: [String; COLUMNS]) {
        self.rows.push(cells);
    }

    fn render(&self) -> String {
        let width = |column: usize| {
            self.rows
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: [usize; COLUMNS] = std::array::from_fn(width);
        let line = |cells: &[String; COLUMNS]| {
            let padded: Vec<_> = cells
                .iter()
                .zip(widths)
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            format!("| {} |\n", padded.join(" | "))
        };
        let rule = widths.map(|width| "-".repeat(width));
        let (head, body) = self.rows.split_at(1);
        head.iter().chain([&rule]).chain(body).map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::budget;
    use super::super::machine::Machine;
    use super::super::mode::Mode;
    use super::super::plan::Figure;
    use super::super::report::{Series, rows};
    use super::*;

    #[test]
    fn a_report_reads_as_text() {
        let poll = Figure {
            id: "poll-w1-cpu",
            key: "",
            what: "poll, 1 worker",
            unit: Unit::Nanos,
        };
        let live = Figure {
            id: "live-1m",
            key: "",
            what: "memory per live task",
            unit: Unit::Bytes,
        };
        let series = |mode, samples: &[f64]| Series {
            mode,
            samples: samples.iter().copied().map(Some).collect(),
            not_run: None,
        };
        let mut all = rows(
            &poll,
            &[
                series(Mode::Bare, &[66.0, 65.2, 67.1]),
                series(Mode::BareUnstable, &[67.0, 66.8, 71.3]),
                series(Mode::Hooks, &[75.0, 74.9, 80.0]),
                series(Mode::Console, &[637.2, 641.8, 12_345.6]),
            ],
        );
        let console = Series {
            mode: Mode::Console,
            samples: vec![None; 3],
            not_run: Some("needs about 51 GB, 20 GB are free".to_owned()),
        };
        all.extend(rows(
            &live,
            &[
                series(Mode::BareUnstable, &[447.0]),
                series(Mode::Hooks, &[600.0]),
                console,
            ],
        ));
        let mut budgets = budget::judge(&all);
        budgets.retain(|judged| {
            judged.budget.starts_with("hooks tier, added") || judged.figure == "live-1m"
        });
        let packages = [("tokio", "1.54.1"), ("stallscope", "0.1.0")];
        let report = Report {
            machine: Machine {
                cpu: "Example CPU".to_owned(),
                cores: 2,
                memory_gib: 24,
                system: "Linux 6.18".to_owned(),
                rustc: "rustc 1.95.0".to_owned(),
                packages: packages
                    .map(|(name, version)| (name.to_owned(), version.to_owned()))
                    .into(),
            },
            date: "2026-11-20".to_owned(),
            rounds: 3,
            quick: false,
            rows: all,
            budgets,
        };
        insta::assert_snapshot!(render(&report));
    }

    #[test]
    fn numbers_keep_the_decimals_that_mean_something() {
        let plain = |unit: Unit, value| unit.plain(value).replace('\u{a0}', " ");
        assert_eq!(plain(Unit::Nanos, 63.27), "63.3");
        assert_eq!(plain(Unit::Nanos, 58_704.4), "58 704");
        assert_eq!(plain(Unit::Micros, 0.47), "0.5");
        assert_eq!(plain(Unit::Percent, 0.0127), "0.013");
        assert_eq!(plain(Unit::Bytes, -1_234_567.8), "−1 234 568");
        assert_eq!(plain(Unit::Megabytes, -0.001), "0.00");
    }
}

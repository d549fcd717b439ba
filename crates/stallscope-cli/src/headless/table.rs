//! Aligned columns for people: as wide as their widest cell, with a title.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

/// A column of rows of type `R`.
pub(super) struct Column<R> {
    title: &'static str,
    align: Align,
    cell: fn(&R) -> String,
}

enum Align {
    Left,
    Right,
}

impl<R> Column<R> {
    /// Text.
    pub(super) const fn left(title: &'static str, cell: fn(&R) -> String) -> Self {
        Column {
            title,
            align: Align::Left,
            cell,
        }
    }

    /// Numbers and times.
    pub(super) const fn right(title: &'static str, cell: fn(&R) -> String) -> Self {
        Column {
            title,
            align: Align::Right,
            cell,
        }
    }
}

/// Writes titles and rows. Cells are made twice, once to measure and once to write: a million rows are never held as text.
pub(super) fn write<R>(out: &mut impl Write, columns: &[Column<R>], rows: &[R]) -> io::Result<()> {
    let widths: Vec<usize> = columns
        .iter()
        .map(|column| {
            rows.iter()
                .map(|row| (column.cell)(row).width())
                .fold(column.title.width(), usize::max)
        })
        .collect();
    write_line(out, columns, &widths, |column| column.title.to_owned())?;
    for row in rows {
        write_line(out, columns, &widths, |column| (column.cell)(row))?;
    }
    Ok(())
}

fn write_line<R>(
    out: &mut impl Write,
    columns: &[Column<R>],
    widths: &[usize],
    cell: impl Fn(&Column<R>) -> String,
) -> io::Result<()> {
    let mut line = String::new();
    for (column, width) in columns.iter().zip(widths) {
        let text = cell(column);
        let padding = " ".repeat(width.saturating_sub(text.width()));
        match column.align {
            Align::Left => line.extend([text.as_str(), &padding, "  "]),
            Align::Right => line.extend([&padding, text.as_str(), "  "]),
        }
    }
    writeln!(out, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::{Column, write};

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_on_the_screen() {
        let columns: [Column<(&str, u64)>; 2] = [
            Column::left("NAME", |row| row.0.to_owned()),
            Column::right("POLLS", |row| row.1.to_string()),
        ];
        let mut out = Vec::new();
        write(&mut out, &columns, &[("データ", 7), ("a", 1_234_567)]).expect("memory");
        insta::assert_snapshot!(String::from_utf8(out).expect("text"), @"
        NAME      POLLS
        データ        7
        a       1234567
        ");
    }
}

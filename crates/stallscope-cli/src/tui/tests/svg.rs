//! A screen as a picture: text that stays sharp at any size, in the colours of a dark terminal.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use ratatui::text::Span;

/// Pixels of a character cell.
const WIDTH: u32 = 8;
const HEIGHT: u32 = 17;
const MARGIN: u32 = 10;

const FOREGROUND: &str = "#d6d9e0";
const BACKGROUND: &str = "#16181d";

/// How a run of cells looks.
#[derive(PartialEq)]
struct Look {
    foreground: &'static str,
    background: &'static str,
    bold: bool,
    dim: bool,
}

pub(super) fn render(buffer: &Buffer) -> String {
    let width = u32::from(buffer.area.width) * WIDTH + 2 * MARGIN;
    let height = u32::from(buffer.area.height) * HEIGHT + 2 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{BACKGROUND}\"/>\n"
    );
    for y in 0..buffer.area.height {
        let mut x = 0;
        while x < buffer.area.width {
            let look = look(&buffer[(x, y)]);
            let start = x;
            let mut text = String::new();
            while x < buffer.area.width && self::look(&buffer[(x, y)]) == look {
                text.push_str(buffer[(x, y)].symbol());
                x += 1;
            }
            run(&mut svg, &look, &text, (start, x, y));
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Cells `from..to` of line `y`.
fn run(svg: &mut String, look: &Look, text: &str, (from, to, y): (u16, u16, u16)) {
    let x = u32::from(from) * WIDTH + MARGIN;
    let top = u32::from(y) * HEIGHT + MARGIN;
    let width = u32::from(to - from) * WIDTH;
    if look.background != BACKGROUND {
        write(
            svg,
            format_args!(
                "<rect x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{HEIGHT}\" fill=\"{}\"/>\n",
                look.background
            ),
        );
    }
    let weight = if look.bold {
        " font-weight=\"bold\""
    } else {
        ""
    };
    let opacity = if look.dim { " opacity=\"0.6\"" } else { "" };
    // Word groups are placed one by one, and their length is given: another font then still keeps the columns.
    for (column, words) in word_groups(text) {
        let x = x + column * WIDTH;
        let length = Span::raw(words).width() as u32 * WIDTH;
        let y = top + HEIGHT - 4;
        let (fill, words) = (look.foreground, escape(words));
        write(
            svg,
            format_args!(
                "<text x=\"{x}\" y=\"{y}\" textLength=\"{length}\" fill=\"{fill}\"{weight}{opacity}>{words}</text>\n"
            ),
        );
    }
}

/// Words that single spaces join, each with its column in the text.
fn word_groups(text: &str) -> impl Iterator<Item = (u32, &str)> {
    let mut column = 0;
    text.split("  ").filter_map(move |part| {
        let words = part.trim_matches(' ');
        let indent = part.len() - part.trim_start_matches(' ').len();
        let start = column + indent;
        column += Span::raw(part).width() + 2;
        (!words.is_empty()).then_some((start as u32, words))
    })
}

fn look(cell: &Cell) -> Look {
    let (foreground, background) = (colour(cell.fg, FOREGROUND), colour(cell.bg, BACKGROUND));
    let reversed = cell.modifier.contains(Modifier::REVERSED);
    Look {
        foreground: if reversed { background } else { foreground },
        background: if reversed { foreground } else { background },
        bold: cell.modifier.contains(Modifier::BOLD),
        dim: cell.modifier.contains(Modifier::DIM),
    }
}

fn colour(colour: Color, default: &'static str) -> &'static str {
    match colour {
        Color::Black => "#16181d",
        Color::DarkGray => "#7f8694",
        Color::Cyan => "#5cc8d6",
        Color::Green => "#8fd18b",
        Color::Blue => "#7aa2f7",
        Color::Yellow => "#f0c264",
        Color::Red => "#f07178",
        _ => default,
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn write(svg: &mut String, text: std::fmt::Arguments<'_>) {
    svg.write_fmt(text).expect("a string takes everything");
}

//! Pictures of the view's screens as SVG, from a recording among the fixtures:
//!
//! `cargo run --example screens`, which writes `assets/screens/*.svg`
//!
//! The view is the real one, driven by keys; only the terminal is in memory.

#![expect(clippy::unwrap_used, reason = "a picture that cannot be made is none")]

#[expect(dead_code, reason = "tests press keys in more ways")]
#[path = "../../tests/tui/view.rs"]
mod view;

use std::{fmt::Write as _, fs, path::Path};

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};
use skbtrail::tui::theme::{Palette, Theme};

/// Pictures, and the keys that lead there.
const SCREENS: [(&str, &str); 5] =
    [("packets", "gD"), ("path", "gD<enter>"), ("paths", "2jm"), ("functions", "3"), ("drops", "4")];
const SIZE: (u16, u16) = (132, 34);
/// Of a letter.
const WIDTH: f32 = 8.0;
const HEIGHT: f32 = 17.0;
const BACKGROUND: &str = "#16191d";
const FOREGROUND: &str = "#d4d7dc";

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/screens");
    fs::create_dir_all(&folder).unwrap();
    for (name, keys) in SCREENS {
        view::themed(&[view::fixture("6.12-path.pcapng")], SIZE, &Theme::new(Palette::Dark, false), |view| {
            view.press(keys);
            fs::write(folder.join(format!("{name}.svg")), svg(view.buffer())).unwrap();
        });
    }
}

/// Each run of letters that look alike is a piece of text, and a rectangle where it has a background.
fn svg(buffer: &Buffer) -> String {
    let (width, height) = (f32::from(buffer.area.width) * WIDTH, f32::from(buffer.area.height) * HEIGHT);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{BACKGROUND}\"/>\n"
    );
    for row in 0..buffer.area.height {
        let mut column = 0;
        while column < buffer.area.width {
            let first = &buffer[(column, row)];
            let alike = |cell: &Cell| (cell.fg, cell.bg, cell.modifier) == (first.fg, first.bg, first.modifier);
            let end = (column..buffer.area.width).find(|at| !alike(&buffer[(*at, row)])).unwrap_or(buffer.area.width);
            let text: String = (column..end).map(|at| buffer[(at, row)].symbol()).collect();
            run(&mut out, (column, row), end - column, first, &text);
            column = end;
        }
    }
    out.push_str("</svg>\n");
    out
}

fn run(out: &mut String, (column, row): (u16, u16), letters: u16, cell: &Cell, text: &str) {
    let (x, y) = (f32::from(column) * WIDTH, f32::from(row) * HEIGHT);
    let width = f32::from(letters) * WIDTH;
    let (mut front, mut back) = (colour(cell.fg), colour(cell.bg));
    if cell.modifier.contains(Modifier::REVERSED) {
        (front, back) = (back.or(Some(BACKGROUND.to_owned())), front.or(Some(FOREGROUND.to_owned())));
    }
    if let Some(back) = back {
        let _ = writeln!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{HEIGHT}\" fill=\"{back}\"/>");
    }
    if text.trim().is_empty() {
        return;
    }
    let weight = if cell.modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
    let faint = if cell.modifier.contains(Modifier::DIM) { " opacity=\"0.6\"" } else { "" };
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        out,
        "<text x=\"{x}\" y=\"{}\" textLength=\"{width}\" xml:space=\"preserve\" fill=\"{}\"{weight}{faint}>{text}</text>",
        y + HEIGHT - 4.0,
        front.unwrap_or_else(|| FOREGROUND.to_owned()),
    );
}

/// The 256 colours of terminals; `None` for the terminal's own.
fn colour(colour: Color) -> Option<String> {
    let Color::Indexed(number) = colour else { return None };
    let channel = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    let (red, green, blue) = match number {
        16..=231 => {
            let cube = number - 16;
            (channel(cube / 36), channel(cube / 6 % 6), channel(cube % 6))
        }
        232..=255 => {
            let grey = 8 + 10 * (number - 232);
            (grey, grey, grey)
        }
        _ => return None,
    };
    Some(format!("#{red:02x}{green:02x}{blue:02x}"))
}

//! Pictures of the view's screens as SVG, from a recording among the fixtures and rows of a machine: the view is the real one, driven
//! by keys; only the terminal is in memory.
//!
//! They stand in `assets/screens`; `cargo run --example screens` writes them.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::mpsc::sync_channel,
    time::Duration,
};

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};
use skbtrail::{
    tui::{
        engine::{Batch, Status},
        message::Message,
        node::{Node, Page, Part, Told},
        state::Mode,
        theme::{Palette, Theme},
    },
    view::Table,
};

use super::{
    machine,
    view::{View, fixture, themed},
};

/// Pictures, and the keys that lead there.
const SCREENS: [(&str, &str); 7] = [
    ("packets", "gD"),
    ("path", "gD<enter>"),
    ("paths", "2jm"),
    ("difference", "2mjjd"),
    ("functions", "3"),
    ("drops", "4"),
    ("system", "9"),
];
/// What the thread of the machine finds.
type Found = fn() -> Vec<Table>;
/// Tabs of the machine: the keys, and what its thread finds.
const MACHINE: [(&str, &str, Part, Found); 4] = [
    ("net", "5", Part::Net, machine::network),
    ("programs", "6", Part::Programs, machine::programs),
    ("maps", "7", Part::Maps, machine::maps),
    ("dataplane", "8j<enter>", Part::Entries(320), machine::addresses),
];
const SIZE: (u16, u16) = (132, 34);
/// Of a letter.
const WIDTH: f32 = 8.0;
const HEIGHT: f32 = 17.0;
const BACKGROUND: &str = "#16191d";
const FOREGROUND: &str = "#d4d7dc";

/// The file of a picture.
pub(super) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/screens").join(name).with_extension("svg")
}

/// All pictures by their names.
pub(super) fn all() -> Vec<(&'static str, String)> {
    let mut pictures = Vec::new();
    let theme = Theme::new(Palette::Dark, false);
    let mut draw = |name, prepare: &dyn Fn(&mut View<'_>)| {
        themed(&[fixture("6.12-path.pcapng")], SIZE, &theme, |view| {
            prepare(view);
            pictures.push((name, svg(view.buffer())));
        });
    };
    for (name, keys) in SCREENS {
        draw(name, &|view| {
            view.press(keys);
        });
    }
    for (name, keys, part, tables) in MACHINE {
        draw(name, &|view| {
            let (questions, _asked) = sync_channel(8);
            view.app.state.mode = Mode::Live { held: None };
            let status = Status { attached: 1602, rates: (2_140, 18), cost: Some(0.008), ..Status::default() };
            view.app.handle(Message::News(Box::new(Batch::news(Some(status), Vec::new()))));
            view.app.state.node = Some(Node::new(questions));
            for (part, tables) in [(Part::Dataplane, machine::dataplane()), (part, tables())] {
                let page = Ok(Page { tables, notes: Vec::new() });
                view.app.handle(Message::Node(Box::new(Told { part, page, took: Duration::from_millis(13) })));
            }
            view.press(keys);
        });
    }
    pictures
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

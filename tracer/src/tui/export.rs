//! What is written to files from the view: packets, and the rows of lists. The bytes are made here; whoever writes them is a
//! thread of its own.

use std::path::Path;

use super::{
    engine::Packet,
    state::{Of, State},
    store::{event, sight},
    widget::{Field, Sheet},
};
use crate::{
    model::EventKind,
    record::{Start, writer::Plain},
    view::{Style, Table, journey, table},
};

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A capture that Wireshark reads.
    Capture,
    /// JSON lines.
    Json,
    /// What people read.
    Text,
}

impl Format {
    /// By the ending of a name, or what is wrong with that.
    pub fn of(name: &str) -> Result<Self, String> {
        match Path::new(name.trim()).extension().and_then(|ending| ending.to_str()) {
            Some("pcapng") => Ok(Self::Capture),
            Some("json" | "jsonl") => Ok(Self::Json),
            Some("txt") => Ok(Self::Text),
            _ => Err("the name must end in .pcapng, .json or .txt".to_owned()),
        }
    }
}

/// Rows are no packets.
pub(super) const NO_PACKETS: &str = "rows are no packets: a name that ends in .json or .txt writes them";

/// A packet: its path, or its frames where they were new.
pub(super) fn packet(state: &State<'_>, of: Of, packet: &Packet, format: Format) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    match format {
        Format::Text => state.story_of(of, packet, |story| journey::text(story, Style::Plain, &mut out)),
        Format::Json => state.story_of(of, packet, |story| journey::json(story, &mut out)),
        Format::Capture => capture(state, of, packet, &mut out)?,
    }
    Ok(out)
}

fn capture(state: &State<'_>, of: Of, packet: &Packet, out: &mut Vec<u8>) -> Result<(), String> {
    let naming = state.known.names.naming(state.store_of(of).probes());
    let start = Start {
        clock_offset: state.known.clock.offset(),
        application: concat!("skbtrail ", env!("CARGO_PKG_VERSION")).to_owned(),
        ..Start::default()
    };
    let mut plain = Plain::new(&start, out);
    let (mut frames, mut before) = (0, None);
    for hop in &packet.journey.hops {
        let Some(sight) = sight(packet, hop) else { continue };
        let known = before.replace((sight.time, sight.branch)) == Some((sight.time, sight.branch));
        let mut event = event(packet, hop, state.store_of(of).tables());
        event.details.clone_from(&sight.details);
        if (!known || hop.kind == EventKind::Drop) && Plain::has_bytes(&event) {
            plain.add(&event, &naming);
            frames += 1;
        }
    }
    plain.end(out);
    if frames > 0 { Ok(()) } else { Err("no byte of this packet was read, so there is no frame to write".to_owned()) }
}

/// The rows of a list as they stand.
pub(super) fn sheet(sheet: &Sheet, format: Format) -> Result<Vec<u8>, String> {
    let mut out = String::new();
    match format {
        Format::Capture => return Err(NO_PACKETS.to_owned()),
        Format::Text => sheet_text(sheet, &mut out),
        Format::Json => sheet_json(sheet, &mut out),
    }
    Ok(out.into_bytes())
}

fn sheet_text(sheet: &Sheet, out: &mut String) {
    let mut rows: Vec<Vec<&str>> = vec![sheet.titles().collect()];
    rows.extend(sheet.lines().iter().map(|line| line.fields.iter().map(|field| field.cell.text.as_str()).collect()));
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|text| text.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    for row in &rows {
        let start = out.len();
        for (text, width) in row.iter().zip(&widths) {
            out.push_str(text);
            out.extend(std::iter::repeat_n(' ', width + 2 - text.chars().count()));
        }
        out.truncate(start + out[start..].trim_end().len());
        out.push('\n');
    }
}

fn sheet_json(sheet: &Sheet, out: &mut String) {
    let keys: Vec<String> = sheet.titles().map(|title| title.to_lowercase().replace([' ', '/'], "_")).collect();
    for line in sheet.lines() {
        let pairs = keys.iter().zip(&line.fields).filter(|(_, field)| !field.cell.text.is_empty());
        let object: serde_json::Map<_, _> = pairs.map(|(key, field)| (key.clone(), json(field))).collect();
        out.push_str(&serde_json::Value::from(object).to_string());
        out.push('\n');
    }
}

/// What a view shows has been escaped.
fn json(field: &Field) -> serde_json::Value {
    match field.order {
        Some(number) if number.fract() == 0.0 && number >= 0.0 => (number as u64).into(),
        Some(number) => number.into(),
        None => field.cell.text.as_str().into(),
    }
}

/// Tables of inspection, as the commands print them.
pub(super) fn tables(tables: &[Table], format: Format) -> Result<Vec<u8>, String> {
    let mut out = String::new();
    for one in tables {
        match format {
            Format::Capture => return Err(NO_PACKETS.to_owned()),
            Format::Text => table::text(one, Style::Plain, None, &mut out),
            Format::Json => table::json(one, &mut out),
        }
    }
    Ok(out.into_bytes())
}

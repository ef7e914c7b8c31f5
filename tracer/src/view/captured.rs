//! Packets of a capture, one line each, as text or as JSON: number, time, interface, length and what the headers say.

use super::columns::tuple;
use super::{Clock, Object, escape, flow, number};
use crate::record::capture::{LinkType, Packet};

/// Version of the JSON objects; `assets/output-json.md` describes them.
const VERSION: u64 = 1;
/// Letters of columns, so that most lines are aligned.
const NUMBER: usize = 6;
const DATE_TIME: usize = 26;
const INTERFACE: usize = 8;
const LENGTH: usize = 5;

/// Appends a line of text.
pub fn text(packet: &Packet<'_>, clock: &Clock, out: &mut String) {
    right(NUMBER, out, |out| number::decimal(packet.number, out));
    out.push_str("  ");
    left(DATE_TIME, out, |out| match packet.time {
        Some(time) => clock.date_time(time, out),
        None => out.push('-'),
    });
    out.push_str("  ");
    left(INTERFACE, out, |out| match &packet.interface.name {
        Some(name) => escape(name, out),
        None => number::decimal(packet.interface.index, out),
    });
    out.push_str("  ");
    right(LENGTH, out, |out| number::decimal(packet.length, out));
    out.push_str("  ");
    summary(packet, out);
    for comment in &packet.comments {
        out.push_str("  # ");
        escape(comment, out);
    }
    out.push('\n');
}

/// Appends an object, and the end of the line.
pub fn json(packet: &Packet<'_>, clock: &Clock, out: &mut String) {
    let interface = packet.interface;
    let mut object = Object::begin(out);
    object.number("v", VERSION);
    object.text("type", |out| out.push_str("packet"));
    object.number("number", packet.number);
    if let Some(time) = packet.time {
        object.text("wall", |out| clock.rfc3339(time, out));
    }
    object.number("section", interface.section);
    object.number("interface", interface.index);
    if let Some(name) = &interface.name {
        object.foreign("ifname", name);
    }
    object.number("link_type", interface.link.0);
    object.number("len", packet.length);
    object.number("caplen", packet.bytes.len() as u64);
    let (headers, vlan) = packet.headers();
    if headers.protocol != 0 {
        object.number("proto", headers.protocol);
    }
    tuple::write_json(&headers, vlan, &mut object);
    if !packet.comments.is_empty() {
        object.list("comments", &packet.comments, |comment, out| escape(comment, out));
    }
    object.end();
    out.push('\n');
}

/// Appends what became of a whole capture as an object, and the end of the line.
pub fn json_totals(totals: &Totals, out: &mut String) {
    let mut object = Object::begin(out);
    object.number("v", VERSION);
    object.text("type", |out| out.push_str("totals"));
    object.number("read", totals.read);
    object.number("matched", totals.matched);
    object.number("undecidable", totals.undecidable);
    object.list("reasons", &totals.reasons, |text, out| out.push_str(text));
    object.list("warnings", &totals.warnings, |text, out| out.push_str(text));
    object.end();
    out.push('\n');
}

/// What became of the packets of a capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Packets that were read.
    pub read: u64,
    /// Of them, those that match.
    pub matched: u64,
    /// Of them, those that could not be judged.
    pub undecidable: u64,
    /// Why they could not, each with its number of packets.
    pub reasons: Vec<String>,
    /// What of the file could not be read.
    pub warnings: Vec<String>,
}

/// Who talks to whom; where no address tells it, what the packet is.
fn summary(packet: &Packet<'_>, out: &mut String) {
    let (headers, vlan) = packet.headers();
    let start = out.len();
    tuple::write_text(&headers, vlan, true, out);
    if headers.flow().is_some() || headers.arp().is_some() {
        return;
    }
    if out.len() > start {
        out.push(' ');
    }
    if let (LinkType::ETHERNET, Some((destination, rest))) = (packet.interface.link, packet.bytes.split_first_chunk())
        && let Some(source) = rest.first_chunk()
    {
        flow::write_mac(*source, out);
        out.push_str("->");
        flow::write_mac(*destination, out);
    }
    out.push('(');
    match headers.protocol {
        0 => out.push_str("not known"),
        protocol if protocol < LEAST_ETHERTYPE => out.push_str("802.2"),
        protocol => {
            out.push_str("0x");
            number::hex(u64::from(protocol), 4, out);
        }
    }
    out.push(')');
}

/// Smaller numbers are lengths.
const LEAST_ETHERTYPE: u16 = 0x0600;

fn left(width: usize, out: &mut String, write: impl FnOnce(&mut String)) {
    let start = out.len();
    write(out);
    let letters = out[start..].chars().count();
    out.extend(std::iter::repeat_n(' ', width.saturating_sub(letters)));
}

fn right(width: usize, out: &mut String, write: impl FnOnce(&mut String)) {
    let mut text = String::new();
    write(&mut text);
    out.extend(std::iter::repeat_n(' ', width.saturating_sub(text.len())));
    out.push_str(&text);
}

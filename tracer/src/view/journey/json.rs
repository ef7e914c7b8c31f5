//! The JSON object, on a line of its own (`assets/output-json.md`).

use super::{
    super::{
        Object, columns, escape, facts,
        json::{VERSION, kind},
        phrase::append,
        returned,
    },
    Story, Words,
    words::{self, word},
};
use crate::{
    inspect::Facts,
    model::{ChangeKind, EventKind},
    track::{Changed, Device, Hop, Identity, Journey, State, Strand, Verdict},
};

/// Appends the line.
pub fn json(story: &Story<'_>, out: &mut Vec<u8>) {
    let mut line = String::new();
    let mut object = Object::begin(&mut line);
    let words = Words { tables: story.tables, context: story.context };
    object.number("v", VERSION);
    object.text("type", |out| out.push_str("journey"));
    head(story, &mut object);
    object.object("verdict", |inner| verdict(&words, story.journey, story.journey.verdict(), inner));
    if story.journey.strands.len() > 1 {
        object.objects("branches", &story.journey.strands, |strand, inner| {
            branch(&words, story.journey, strand, inner);
        });
    }
    let changes = story.journey.changes();
    if !changes.is_empty() {
        object.objects("changes", &changes, |(hop, changed), inner| change(*hop, changed, inner));
    }
    let gaps = story.journey.gaps();
    object.objects("hops", story.journey.hops.iter().zip(gaps), |(hop, gap), inner| {
        write_hop(&words, story.journey, hop, gap, inner);
    });
    object.end();
    line.push('\n');
    out.extend_from_slice(line.as_bytes());
}

fn head(story: &Story<'_>, object: &mut Object<'_>) {
    let journey = story.journey;
    object.number("journey", journey.number());
    if let Identity::Address { skb, .. } = journey.identity {
        object.truth("by_address", true);
        object.text("skb", |out| append(format_args!("{skb:#x}"), out));
    }
    object.number("time_ns", journey.start());
    if let Some(clock) = story.context.clock {
        object.text("wall", |out| clock.rfc3339(journey.start(), out));
    }
    object.number("took_ns", journey.took());
    object.text("state", |out| {
        out.push_str(match journey.state {
            State::Open => "open",
            State::Ended => "ended",
            State::Idle => "idle",
            State::Evicted => "evicted",
        });
    });
    if journey.is_headless() {
        object.truth("headless", true);
    }
    if journey.left_out > 0 {
        object.number("left_out", journey.left_out);
    }
    match journey.title() {
        Some(look) if let Some(flow) = &look.flow => {
            object.object("tuple", |inner| columns::write_tuple(flow, look.from_socket, inner));
        }
        Some(look) if let Some(arp) = &look.arp => object.object("arp", |inner| columns::write_arp(arp, inner)),
        _ => {}
    }
    if let Some(known) = story.context.facts {
        object.object("context", |inner| context(story, known, inner));
    }
}

/// What is known of the addresses, and the programs at each device that it was at.
fn context(story: &Story<'_>, known: &dyn Facts, object: &mut Object<'_>) {
    if let Some(flow) = story.journey.title().and_then(|look| look.flow.as_ref()) {
        facts::ends_json(known, flow, object);
    }
    let mut devices: Vec<&Device> = Vec::new();
    for device in story.journey.hops.iter().filter_map(|hop| story.tables.device_of(hop.device)) {
        if !devices.contains(&device) {
            devices.push(device);
        }
    }
    object.objects("devices", devices, |device, inner| {
        if let Some(netns) = device.netns {
            inner.number("netns", netns);
        }
        inner.number("ifindex", device.ifindex);
        inner.foreign("ifname", device.name.bytes());
        facts::programs_json(&known.programs(device.netns, device.ifindex), inner);
    });
}

fn verdict(words: &Words<'_>, journey: &Journey, verdict: Verdict, object: &mut Object<'_>) {
    object.text("what", |out| out.push_str(&word(verdict).replace(' ', "-")));
    let hop = verdict.hop();
    if let Some(hop) = hop {
        object.number("hop", hop as u64);
    }
    match verdict {
        Verdict::Dropped { .. } => {
            if let Some(hop) = hop.and_then(|hop| journey.hops.get(hop)) {
                reason(words, hop, object);
            }
        }
        Verdict::Delivered { to, reader, .. } => {
            object.text("to", |out| out.push_str(to));
            if let Some((task, pid)) = reader {
                object.number("pid", pid);
                if let Some(comm) = words.tables.task_of(task) {
                    object.foreign("comm", comm.bytes());
                }
            }
        }
        Verdict::Sent { device, .. } => {
            if let Some(device) = words.tables.device_of(device) {
                object.number("ifindex", device.ifindex);
                object.foreign("ifname", device.name.bytes());
            }
        }
        Verdict::Merged { into } => object.number("into", into),
        Verdict::Consumed { .. } | Verdict::LastSeen { .. } | Verdict::Unknown => {}
    }
}

fn reason(words: &Words<'_>, hop: &Hop, object: &mut Object<'_>) {
    if let Some(code) = hop.reason() {
        object.text("reason", |out| words.context.write_reason(code, out));
        object.number("code", code);
    }
    if let Some(place) = hop.drop_place() {
        object.text("place", |out| words.context.write_place(place, out));
    }
}

fn branch(words: &Words<'_>, journey: &Journey, strand: &Strand, object: &mut Object<'_>) {
    object.number("branch", strand.number);
    if let Some(parent) = strand.parent {
        object.number("parent", parent);
    }
    if let Some((time, how)) = strand.began {
        object.text("how", |out| {
            out.push_str(match how {
                ChangeKind::Copied => "copied",
                ChangeKind::Fragment => "fragment",
                ChangeKind::Split => "split",
                ChangeKind::Merged => "merged",
                ChangeKind::Stack | ChangeKind::Ended => "stack",
            });
        });
        object.number("began_ns", time);
    }
    if let Some(time) = strand.ended {
        object.number("ended_ns", time);
    }
    object.object("verdict", |inner| verdict(words, journey, strand.verdict, inner));
}

fn change(hop: usize, changed: &Changed, object: &mut Object<'_>) {
    let (_, (before, after)) = words::changed_words(changed);
    object.number("hop", hop as u64);
    object.text("what", |out| {
        out.push_str(match changed {
            Changed::Source(..) => "source",
            Changed::Destination(..) => "destination",
            Changed::Wrapped(_) => "wrapped",
            Changed::Unwrapped(_) => "unwrapped",
            Changed::Replaced(_) => "replaced",
            Changed::Mark(..) => "mark",
            Changed::Vlan(..) => "vlan",
        });
    });
    if !before.is_empty() {
        object.text("before", |out| out.push_str(&before));
    }
    object.text("after", |out| out.push_str(&after));
}

fn write_hop(words: &Words<'_>, journey: &Journey, hop: &Hop, gap: Option<u64>, object: &mut Object<'_>) {
    object.text("type", |out| out.push_str(kind(hop.kind)));
    object.number("time_ns", hop.time);
    if let Some(gap) = gap {
        object.number("gap_ns", gap);
    }
    if journey.strands.len() > 1 {
        object.number("branch", hop.branch);
    }
    object.number("cpu", hop.cpu);
    object.number("pid", hop.pid);
    if let Some(comm) = words.tables.task_of(hop.task) {
        object.foreign("comm", comm.bytes());
    }
    object.text("func", |out| words.context.write_probe(hop.probe, out));
    if let Some(module) = words.context.module(hop.probe) {
        let program = matches!(hop.kind, EventKind::Tc | EventKind::Xdp);
        object.text(if program { "attach" } else { "module" }, |out| escape(module.as_bytes(), out));
    }
    if let Some(netns) = words.tables.netns_of(hop.netns) {
        object.number("netns", netns);
    }
    if let Some(device) = words.tables.device_of(hop.device) {
        object.number("ifindex", device.ifindex);
        object.foreign("ifname", device.name.bytes());
    }
    object.number("len", hop.len);
    if hop.reason().is_some() || hop.drop_place().is_some() {
        object.object("drop", |inner| reason(words, hop, inner));
    }
    if let Some(value) = hop.returned() {
        object.text("returned", |out| returned::write(hop.kind, value, out));
    }
}

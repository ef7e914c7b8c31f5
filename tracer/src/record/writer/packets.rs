//! Packet blocks for other tools: the packets of a frame as Wireshark shows them.

use std::fmt::Write as _;

use super::{
    Naming,
    interfaces::{Interfaces, plain},
    link,
    shown::{Shown, Why},
};
use crate::{
    model::{Change, ChangeKind, Event},
    record::format::pcapng,
};

/// `skb->pkt_type` (include/uapi/linux/if_packet.h), as far as it tells a direction.
mod packet_type {
    pub(super) const BROADCAST: u8 = 1;
    pub(super) const MULTICAST: u8 = 2;
    pub(super) const OTHER_HOST: u8 = 3;
    pub(super) const OUTGOING: u8 = 4;
}

/// The packet blocks of a frame in the making, and what earlier ones have shown.
pub(super) struct Packets {
    clock_offset: i64,
    shown: Shown,
    interfaces: Interfaces,
    /// Descriptions of interfaces that no frame has brought yet.
    described: Vec<u8>,
    blocks: Vec<u8>,
    /// Time, and place in `blocks`.
    order: Vec<(u64, usize)>,
    sorted: Vec<u8>,
    bytes: Vec<u8>,
    comment: String,
}

impl Packets {
    pub(super) fn new(clock_offset: i64, interfaces: Interfaces) -> Self {
        Self {
            clock_offset,
            shown: Shown::default(),
            interfaces,
            described: Vec::new(),
            blocks: Vec::new(),
            order: Vec::new(),
            sorted: Vec::new(),
            bytes: Vec::new(),
            comment: String::new(),
        }
    }

    pub(super) fn change(&mut self, change: &Change) {
        if change.kind == ChangeKind::Ended {
            self.shown.ended(change.skb, change.branch);
        }
    }

    /// Makes a block of the hop, if it shows something new.
    pub(super) fn hit(&mut self, event: &Event, naming: &Naming<'_>) {
        if let Some(why) = self.shown.judge(event) {
            self.show(event, why, naming);
        }
    }

    /// Makes a block of the hop.
    pub(super) fn show(&mut self, event: &Event, why: Why, naming: &Naming<'_>) {
        let shape = link::bytes(event, &mut self.bytes);
        let (link, original_len) = shape.map_or((link::NOTHING, event.len), |shape| (shape.link, shape.original_len));
        comment(why, event, naming, &mut self.comment);
        let packet = pcapng::Packet {
            interface: self.interfaces.number(event, link, naming.namespaces, &mut self.described),
            time: event.time.saturating_add_signed(self.clock_offset),
            bytes: &self.bytes,
            original_len,
            flags: direction(event.packet_type),
            id: event.branch.map(|branch| branch.journey.0),
            queue: u32::from(event.cpu),
            comment: &self.comment,
        };
        self.order.push((event.time, self.blocks.len()));
        pcapng::packet(&packet, &mut self.blocks);
    }

    /// Appends the descriptions of interfaces that the packets need.
    pub(super) fn interfaces(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.described);
    }

    /// The blocks by time, since CPUs report past each other; afterwards there are none.
    pub(super) fn take(&mut self) -> &[u8] {
        self.sorted.clear();
        if self.order.is_sorted_by_key(|(time, _)| *time) {
            std::mem::swap(&mut self.sorted, &mut self.blocks);
        } else {
            self.order.sort_by_key(|(time, _)| *time);
            for (_, place) in &self.order {
                let block = &self.blocks[*place..];
                let len = pcapng::head(block).map_or(0, |(_, len)| len as usize);
                self.sorted.extend_from_slice(&block[..len]);
            }
        }
        self.blocks.clear();
        self.order.clear();
        &self.sorted
    }

    pub(super) fn forget(&mut self) {
        self.shown.clear();
    }

    /// Appends the statistics of all interfaces. What the whole run lost stands at the first: it is lost before its interface
    /// is known.
    pub(super) fn statistics(&self, time: u64, lost: Option<u64>, out: &mut Vec<u8>) {
        let time = time.saturating_add_signed(self.clock_offset);
        for (number, packets) in self.interfaces.packets().iter().enumerate() {
            let (lost, comment) = match (number, lost) {
                (0, Some(lost)) => (Some(lost), "dropped: hits lost in the whole recording, at whatever interface"),
                _ => (None, ""),
            };
            pcapng::statistics(number as u32, time, *packets, lost, comment, out);
        }
    }
}

/// `epb_flags`: direction in the lowest two bits, kind of reception in the three above. A packet of type "host" is that on
/// either way, so nothing is said of it.
fn direction(packet_type: u8) -> u32 {
    const INBOUND: u32 = 1;
    const OUTBOUND: u32 = 2;
    let reception = |kind: u32| INBOUND | kind << 2;
    match packet_type {
        packet_type::MULTICAST => reception(2),
        packet_type::BROADCAST => reception(3),
        packet_type::OTHER_HOST => reception(4),
        packet_type::OUTGOING => OUTBOUND,
        _ => 0,
    }
}

fn comment(why: Why, event: &Event, naming: &Naming<'_>, out: &mut String) {
    out.clear();
    let probe = naming.probes.get(event.probe.0 as usize).map_or("?", |probe| probe.name.as_str());
    match why {
        Why::First => out.push_str(probe),
        Why::Changed => {
            out.push_str(probe);
            out.push_str(" (headers changed)");
        }
        Why::Dropped => dropped(probe, event, naming, out),
    }
    if out.contains(char::is_control) {
        *out = plain(out);
    }
}

/// `dropped in skb:kfree_skb at nft_do_chain+0x1c2: NETFILTER_DROP`. Writing to a string cannot fail.
fn dropped(probe: &str, event: &Event, naming: &Naming<'_>, out: &mut String) {
    let _ = write!(out, "dropped in {probe}");
    if let Some(place) = event.caller {
        let _ = match naming.symbols.resolve(place) {
            Some(symbol) => write!(out, " at {}+{:#x}", symbol.name, symbol.offset),
            None => write!(out, " at {place:#x}"),
        };
    }
    if let Some(reason) = event.reason {
        let _ = match naming.reasons.get(&reason) {
            Some(name) => write!(out, ": {name}"),
            None => write!(out, ": reason {reason}"),
        };
    }
}

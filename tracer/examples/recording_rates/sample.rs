//! Packets that pass sixty functions each, 48 at a time, as a flood of pings does.

use std::collections::HashMap;

use skbtrail::{
    model::{Branch, Event, EventKind, Headers, JourneyId, Name, Origin, Probe, ProbeId},
    record::Naming,
    symbol::{Symbol, Symbols},
};

/// From hit to hit, nanoseconds.
pub(crate) const STEP: u64 = 317;

/// What names the numbers in events.
pub(crate) struct Names {
    probes: Vec<Probe>,
    reasons: HashMap<u32, String>,
    namespaces: HashMap<u32, String>,
}

struct AnySymbol;

impl Symbols for AnySymbol {
    fn resolve(&self, address: u64) -> Option<Symbol<'_>> {
        Some(Symbol { name: "some_function", module: None, offset: address & 0xff })
    }
}

impl Names {
    pub(crate) fn new() -> Self {
        let names = (0..400).map(|number| format!("function_{number}")).chain(["kfree_skbmem".to_owned()]);
        let probe = |(name, address)| Probe { name, module: None, address, takes_reason: false };
        Self { probes: names.zip(0..).map(probe).collect(), reasons: HashMap::new(), namespaces: HashMap::new() }
    }

    pub(crate) fn naming(&self) -> Naming<'_> {
        let Self { probes, reasons, namespaces } = self;
        Naming { probes, reasons, namespaces, symbols: &AnySymbol }
    }
}

/// The hit of this number.
pub(crate) fn event(number: u64) -> Event {
    let (group, within) = (number / 2880, number % 2880);
    let (packet, hop) = (group * 48 + within % 48, within / 48);
    let mut bytes = [0; 80];
    bytes[..20].copy_from_slice(&[0x45, 0, 0, 84, 0, 0, 0x40, 0, 64, 1, 0, 0, 10, 77, 0, 1, 10, 77, 0, 2]);
    bytes[20..28].copy_from_slice(&[8, 0, 0x12, 0x34, 0, 7, (packet >> 8) as u8, packet as u8]);
    for (place, byte) in bytes[28..].iter_mut().enumerate() {
        *byte = place as u8;
    }
    // Forwarded half way, so the time to live changes once.
    bytes[8] = if hop > 30 { 63 } else { 64 };
    Event {
        time: 5_000_000_000 + number * STEP + (number * number) % 97,
        kind: EventKind::Call,
        // The last one gives the packet's memory back.
        probe: ProbeId(if hop == 59 { 400 } else { (hop * 37 % 400) as u32 }),
        skb: 0xffff_8881_0000_0000 + 0x100 * (packet % 512),
        caller: Some(0xffff_ffff_8100_0000 + hop * 4097),
        branch: Some(Branch { journey: JourneyId(packet + 1), number: packet as u32 + 1, parent: None }),
        first: hop == 0,
        by_stack: false,
        generation: 1,
        reason: None,
        returned: None,
        cpu: (packet % 2) as u16,
        pid: 1592,
        comm: Name(*b"ping\0\0\0\0\0\0\0\0\0\0\0\0"),
        netns: Some(4_026_531_840 + (hop / 30) as u32),
        ifindex: (hop > 2).then_some(3 + (hop / 30) as u32),
        ifname: Name(*b"va\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        mtu: Some(1500),
        mark: 0,
        len: 84,
        protocol: 0x0800,
        packet_type: 0,
        vlan: None,
        headers: Headers { origin: Origin::Packet, bytes, len: 80, protocol: 0x0800 },
        details: None,
    }
}
